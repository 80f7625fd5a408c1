// The vocabulary on CUDA: one lane, since a thread is one. Each operation is the intrinsic that rounds once and that no
// compiler contracts; comparisons are false for NaN. What the other vector.hpp offer for whole vectors of memory stands in
// elements.cuh.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"
#include "launch.cuh"

namespace rectify {
namespace {

struct F32 {
  float v;
  static constexpr size_t lanes = 1;
};
struct U32 {
  uint32_t v;
};
struct Mask32 {
  bool v;
};

RECTIFY_INLINE F32 broadcast(float value) { return {value}; }

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {__fadd_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {__fsub_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {__fmul_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {__fmaf_rn(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), normal for every n that
// occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) { return fma(scale, p, scale) * broadcast(0x1p-24f); }

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 less(F32 a, F32 b) { return {a.v < b.v}; }
RECTIFY_INLINE Mask32 less_equal(F32 a, F32 b) { return {a.v <= b.v}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {mask.v ? a.v : b.v}; }
// a > b ? a : b, in every detail. fmaxf would take -0 for less than +0, and a number rather than a NaN.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {a.v > b.v ? a.v : b.v}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) { return {mask.v ? 0.0f : a.v}; }

// sum + a*b in one rounding where the mask is set; elsewhere sum.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) { return {mask.v ? __fmaf_rn(a.v, b.v, sum.v) : sum.v}; }

// ---- bits ----

RECTIFY_INLINE U32 broadcast_bits(uint32_t bits) { return {bits}; }
RECTIFY_INLINE U32 as_bits(F32 a) { return {__float_as_uint(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {__uint_as_float(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return static_cast<int32_t>(a.v) < static_cast<int32_t>(b.v) ? a : b; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return a.v < b.v ? a : b; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {a.v << count};
}

}  // namespace
}  // namespace rectify
