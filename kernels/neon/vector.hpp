// The vocabulary on NEON (armv8-a): 4 lanes of f32.
//
// Neoverse N1 and V1 run fma, mul and add alike on their two (four) vector pipes; loads and stores are two 16-byte ones a
// cycle (N1: one store). There are no masked accesses: a partial one is made of an 8- and a 4-byte one. There is no
// streaming vector store in the intrinsics; an ordinary one stands for it.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"

namespace rectify {
namespace {

struct F32 {
  float32x4_t v;
  static constexpr size_t lanes = 4;
};
struct U32 {
  uint32x4_t v;
};
struct Mask32 {
  uint32x4_t v;  // all ones or all zeros per lane
};

// ---- memory ----

RECTIFY_INLINE F32 broadcast(float value) { return {vdupq_n_f32(value)}; }
RECTIFY_INLINE F32 load(const float* p) { return {vld1q_f32(p)}; }
RECTIFY_INLINE F32 load_once(const float* p) { return load(p); }
RECTIFY_INLINE void store(float* p, F32 a) { vst1q_f32(p, a.v); }

// The first `count` < 4 lanes; memory past them is not touched. Other lanes load as +0.
RECTIFY_INLINE F32 load_partial(const float* p, size_t count) {
  float32x2_t low = vdup_n_f32(0), high = vdup_n_f32(0);
  if (count & 2) {
    low = vld1_f32(p);
    if (count & 1) high = vld1_lane_f32(p + 2, high, 0);
  } else if (count & 1) {
    low = vld1_lane_f32(p, low, 0);
  }
  return {vcombine_f32(low, high)};
}
RECTIFY_INLINE void store_partial(float* p, F32 a, size_t count) {
  float32x2_t rest = vget_low_f32(a.v);
  if (count & 2) {
    vst1_f32(p, rest);
    p += 2;
    rest = vget_high_f32(a.v);
  }
  if (count & 1) vst1_lane_f32(p, rest, 0);
}

// v[i][j] becomes v[j][i]: two rounds of 4 shuffles.
RECTIFY_INLINE void transpose(F32 (&v)[4]) {
  const float32x4x2_t low = vzipq_f32(v[0].v, v[2].v), high = vzipq_f32(v[1].v, v[3].v);
  const float32x4x2_t first = vzipq_f32(low.val[0], high.val[0]), second = vzipq_f32(low.val[1], high.val[1]);
  v[0].v = first.val[0];
  v[1].v = first.val[1];
  v[2].v = second.val[0];
  v[3].v = second.val[1];
}

RECTIFY_INLINE void stream(float* p, F32 a) { store(p, a); }
RECTIFY_INLINE void stream_fence() {}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), normal for every n that
// occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) { return fma(scale, p, scale) * broadcast(0x1p-24f); }

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 less(F32 a, F32 b) { return {vcltq_f32(a.v, b.v)}; }
RECTIFY_INLINE Mask32 less_equal(F32 a, F32 b) { return {vcleq_f32(a.v, b.v)}; }
// The first `count` <= 4 lanes.
RECTIFY_INLINE Mask32 first(size_t count) {
  alignas(16) static constexpr uint32_t window[8] = {~0u, ~0u, ~0u, ~0u};
  return {vld1q_u32(window + 4 - count)};
}
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {vbslq_f32(mask.v, a.v, b.v)}; }

// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. NEON's own
// maximum would differ.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return select(less(b, a), a, b); }

RECTIFY_INLINE float32x4_t keep_where(Mask32 mask, F32 a) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.v), mask.v));
}
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) {
  return {vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a.v), mask.v))};
}

// sum + a*b in one rounding where the mask is set; elsewhere sum, up to the sign of a zero. Both factors are masked, so
// that no infinity or NaN of a lane outside the sum can enter.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {vfmaq_f32(sum.v, keep_where(mask, a), keep_where(mask, b))};
}

// ---- bits ----

RECTIFY_INLINE U32 broadcast_bits(uint32_t bits) { return {vdupq_n_u32(bits)}; }
RECTIFY_INLINE U32 as_bits(F32 a) { return {vreinterpretq_u32_f32(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {vreinterpretq_f32_u32(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) {
  return {vreinterpretq_u32_s32(vminq_s32(vreinterpretq_s32_u32(a.v), vreinterpretq_s32_u32(b.v)))};
}
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {vminq_u32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {vshlq_n_u32(a.v, count)};
}

}  // namespace
}  // namespace rectify
