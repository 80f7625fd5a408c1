// 2 lanes of f64.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE double widen(double value) { return value; }

RECTIFY_INLINE uint64x2_t long_lane_bits() { return vcombine_u64(vcreate_u64(1), vcreate_u64(2)); }

struct Mask64 {
  uint64x2_t v;  // all ones or all zeros per lane
};

struct U64 {
  uint64x2_t v;
  static RECTIFY_INLINE U64 broadcast(uint64_t bits) { return {vdupq_n_u64(bits)}; }
};

struct F64 {
  float64x2_t v;
  using Scalar = double;
  using Bits = U64;
  static constexpr size_t lanes = 2, registers = 1, vector_registers = 32;
  static constexpr size_t in_steps = 0;
  static constexpr bool permutes = false;

  static RECTIFY_INLINE F64 broadcast(double value) { return {vdupq_n_f64(value)}; }
  // With 32 registers a constant is in one.
  static RECTIFY_INLINE F64 in_register(double value) { return broadcast(value); }
  template <const double& value>
  static RECTIFY_INLINE F64 in_memory() {
    return broadcast(value);
  }
  static RECTIFY_INLINE F64 load(const double* p) { return {vld1q_f64(p)}; }
  static RECTIFY_INLINE F64 load_once(const double* p) { return load(p); }
  static RECTIFY_INLINE F64 load_partial(const double* p, size_t count) {
    const float64x1_t zero = vdup_n_f64(0);
    return {vcombine_f64(count == 0 ? zero : vld1_f64(p), zero)};
  }
  static RECTIFY_INLINE Mask64 first(size_t count) {
    alignas(16) static constexpr uint64_t window[4] = {~uint64_t{0}, ~uint64_t{0}};
    return {vld1q_u64(window + 2 - count)};
  }
  static RECTIFY_INLINE Mask64 mask_of(uint64_t word, size_t begin) {
    return {vtstq_u64(vdupq_n_u64(word >> begin), long_lane_bits())};
  }
};

// ---- memory ----

RECTIFY_INLINE void store(double* p, F64 a) { vst1q_f64(p, a.v); }
RECTIFY_INLINE void store_partial(double* p, F64 a, size_t count) {
  if (count != 0) vst1_f64(p, vget_low_f64(a.v));
}
RECTIFY_INLINE void stream(double* p, F64 a) { store(p, a); }

// v[i][j] becomes v[j][i].
RECTIFY_INLINE void transpose(F64 (&v)[2]) {
  const float64x2_t first = vzip1q_f64(v[0].v, v[1].v), second = vzip2q_f64(v[0].v, v[1].v);
  v[0].v = first;
  v[1].v = second;
}

// Lane j is the sum of v[j]'s lanes.
RECTIFY_INLINE F64 fold_across(const F64 (&v)[2]) {
  return {vaddq_f64(vzip1q_f64(v[0].v, v[1].v), vzip2q_f64(v[0].v, v[1].v))};
}

// The sum of the lanes.
RECTIFY_INLINE double fold_lanes(F64 a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F64 operator+(F64 a, F64 b) { return {vaddq_f64(a.v, b.v)}; }
RECTIFY_INLINE F64 operator-(F64 a, F64 b) { return {vsubq_f64(a.v, b.v)}; }
RECTIFY_INLINE F64 operator*(F64 a, F64 b) { return {vmulq_f64(a.v, b.v)}; }
RECTIFY_INLINE F64 operator/(F64 a, F64 b) { return {vdivq_f64(a.v, b.v)}; }
RECTIFY_INLINE F64 fma(F64 a, F64 b, F64 c) { return {vfmaq_f64(c.v, a.v, b.v)}; }

// As in f32; `scale` is 2^(n + 54).
RECTIFY_INLINE F64 scale_one_plus(F64 p, F64, F64 scale) { return fma(scale, p, scale) * F64::broadcast(0x1p-54); }

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask64 below_zero(F64 a) { return {vcltzq_f64(a.v)}; }
RECTIFY_INLINE Mask64 zero_or_below(F64 a) { return {vclezq_f64(a.v)}; }
RECTIFY_INLINE F64 select(Mask64 mask, F64 a, F64 b) { return {vbslq_f64(mask.v, a.v, b.v)}; }
RECTIFY_INLINE F64 zero_where(Mask64 mask, F64 a) {
  return {vreinterpretq_f64_u64(vbicq_u64(vreinterpretq_u64_f64(a.v), mask.v))};
}
RECTIFY_INLINE float64x2_t keep_where(Mask64 mask, F64 a) {
  return vreinterpretq_f64_u64(vandq_u64(vreinterpretq_u64_f64(a.v), mask.v));
}
RECTIFY_INLINE F64 greater_or_second(F64 a, F64 b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
RECTIFY_INLINE F64 fma_where(Mask64 mask, F64 a, F64 b, F64 sum) {
  return {vfmaq_f64(sum.v, keep_where(mask, a), keep_where(mask, b))};
}

RECTIFY_INLINE uint32_t bits_of(Mask64 mask) {
  return static_cast<uint32_t>(vaddvq_u64(vandq_u64(mask.v, long_lane_bits())));
}

// ---- bits ----

RECTIFY_INLINE U64 as_bits(F64 a) { return {vreinterpretq_u64_f64(a.v)}; }
RECTIFY_INLINE F64 as_float(U64 a) { return {vreinterpretq_f64_u64(a.v)}; }
// Of the two 32-bit halves, each by itself: there is no 64-bit minimum.
RECTIFY_INLINE U64 min_signed(U64 a, U64 b) {
  return {vreinterpretq_u64_s32(vminq_s32(vreinterpretq_s32_u64(a.v), vreinterpretq_s32_u64(b.v)))};
}
RECTIFY_INLINE U64 min_unsigned(U64 a, U64 b) {
  return {vreinterpretq_u64_u32(vminq_u32(vreinterpretq_u32_u64(a.v), vreinterpretq_u32_u64(b.v)))};
}
RECTIFY_INLINE U64 operator+(U64 a, U64 b) { return {vaddq_u64(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U64 shift_left(U64 a) {
  return {vshlq_n_u64(a.v, count)};
}

}  // namespace
}  // namespace rectify
