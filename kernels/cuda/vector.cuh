// The vocabulary on CUDA: one lane, since a thread is one. Each operation is the intrinsic that rounds once and that no
// compiler contracts; comparisons are false for NaN. What the other vector.hpp offer for memory stands in conversions.cuh
// and elements.cuh.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"
#include "launch.cuh"

namespace rectify {
namespace {

struct Mask {
  bool v;
};

struct U32 {
  uint32_t v;
  static RECTIFY_INLINE U32 broadcast(uint32_t bits) { return {bits}; }
};
struct F32 {
  float v;
  using Scalar = float;
  using Bits = U32;
  static RECTIFY_INLINE F32 broadcast(float value) { return {value}; }
  // The compiler knows best where a constant is.
  static RECTIFY_INLINE F32 in_register(float value) { return broadcast(value); }
  template <const float& value>
  static RECTIFY_INLINE F32 in_memory() {
    return broadcast(value);
  }
};

struct U64 {
  uint64_t v;
  static RECTIFY_INLINE U64 broadcast(uint64_t bits) { return {bits}; }
};
struct F64 {
  double v;
  using Scalar = double;
  using Bits = U64;
  static RECTIFY_INLINE F64 broadcast(double value) { return {value}; }
  static RECTIFY_INLINE F64 in_register(double value) { return broadcast(value); }
  template <const double& value>
  static RECTIFY_INLINE F64 in_memory() {
    return broadcast(value);
  }
};

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {__fadd_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {__fsub_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {__fmul_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 operator/(F32 a, F32 b) { return {__fdiv_rn(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {__fmaf_rn(a.v, b.v, c.v)}; }

RECTIFY_INLINE F64 operator+(F64 a, F64 b) { return {__dadd_rn(a.v, b.v)}; }
RECTIFY_INLINE F64 operator-(F64 a, F64 b) { return {__dsub_rn(a.v, b.v)}; }
RECTIFY_INLINE F64 operator*(F64 a, F64 b) { return {__dmul_rn(a.v, b.v)}; }
RECTIFY_INLINE F64 operator/(F64 a, F64 b) { return {__ddiv_rn(a.v, b.v)}; }
RECTIFY_INLINE F64 fma(F64 a, F64 b, F64 c) { return {__fma_rn(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), in f64 2^(n + 54),
// normal for every n that occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) { return fma(scale, p, scale) * F32::broadcast(0x1p-24f); }
RECTIFY_INLINE F64 scale_one_plus(F64 p, F64, F64 scale) { return fma(scale, p, scale) * F64::broadcast(0x1p-54); }

// ---- compare and select: false for NaN ----

template <class V, class = typename V::Scalar>
RECTIFY_INLINE Mask below_zero(V a) {
  return {a.v < 0};
}
template <class V, class = typename V::Scalar>
RECTIFY_INLINE Mask zero_or_below(V a) {
  return {a.v <= 0};
}
template <class V>
RECTIFY_INLINE V select(Mask mask, V a, V b) {
  return mask.v ? a : b;
}
// a > b ? a : b, in every detail. fmaxf would take -0 for less than +0, and a number rather than a NaN.
template <class V>
RECTIFY_INLINE V greater_or_second(V a, V b) {
  return {a.v > b.v ? a.v : b.v};
}
template <class V>
RECTIFY_INLINE V zero_where(Mask mask, V a) {
  return mask.v ? V{} : a;
}

// sum + a*b in one rounding where the mask is set; elsewhere sum.
template <class V>
RECTIFY_INLINE V fma_where(Mask mask, V a, V b, V sum) {
  return select(mask, fma(a, b, sum), sum);
}

// ---- bits ----

RECTIFY_INLINE U32 as_bits(F32 a) { return {__float_as_uint(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {__uint_as_float(a.v)}; }
RECTIFY_INLINE U64 as_bits(F64 a) { return {static_cast<uint64_t>(__double_as_longlong(a.v))}; }
RECTIFY_INLINE F64 as_float(U64 a) { return {__longlong_as_double(static_cast<long long>(a.v))}; }

RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return static_cast<int32_t>(a.v) < static_cast<int32_t>(b.v) ? a : b; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return a.v < b.v ? a : b; }
// Of the two 32-bit halves, each by itself, as on every instruction set.
RECTIFY_INLINE U32 high_half(U64 a) { return {static_cast<uint32_t>(a.v >> 32)}; }
RECTIFY_INLINE U32 low_half(U64 a) { return {static_cast<uint32_t>(a.v)}; }
RECTIFY_INLINE U64 of_halves(U32 high, U32 low) { return {uint64_t{high.v} << 32 | low.v}; }
RECTIFY_INLINE U64 min_signed(U64 a, U64 b) {
  return of_halves(min_signed(high_half(a), high_half(b)), min_signed(low_half(a), low_half(b)));
}
RECTIFY_INLINE U64 min_unsigned(U64 a, U64 b) {
  return of_halves(min_unsigned(high_half(a), high_half(b)), min_unsigned(low_half(a), low_half(b)));
}

template <int count, class U>
RECTIFY_INLINE U shift_left(U a) {
  return {a.v << count};
}

}  // namespace
}  // namespace rectify
