// 4 lanes of f32, and 16-bit elements widened to them.
//
// f16 has its conversions: one operation each way (FPCR.AHP, which would make it another format, is 0 in the library's
// environment). bf16 is the upper half of an f32: widening shifts it up, rounding is integer arithmetic.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "../formats.hpp"
#include "../inline.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE float widen(float value) { return value; }
RECTIFY_INLINE float widen(Half value) { return __builtin_bit_cast(float16_t, value.bits); }
RECTIFY_INLINE float widen(Bfloat value) { return __builtin_bit_cast(float, uint32_t{value.bits} << 16); }

// `count` < 8 elements of 16 bits, the others 0. Calls and not inline: they are much of a 16-bit kernel's code, and run at
// its ends.
[[gnu::noinline, maybe_unused]] uint16x8_t load_words(const void* p, size_t count) {
  const char* at = static_cast<const char*>(p);
  uint64_t rest = 0, four = 0;
  if (count & 4) {
    __builtin_memcpy(&four, at, 8);
    at += 8;
  }
  if (count & 2) __builtin_memcpy(&rest, at, 4);
  if (count & 1) {
    uint16_t last;
    __builtin_memcpy(&last, at + (count & 2) * 2, 2);
    rest |= uint64_t{last} << (count & 2) * 16;
  }
  return count & 4 ? vcombine_u16(vcreate_u16(four), vcreate_u16(rest)) : vcombine_u16(vcreate_u16(rest), vcreate_u16(0));
}
[[gnu::noinline, maybe_unused]] void store_words(void* p, uint16x8_t a, size_t count) {
  char* at = static_cast<char*>(p);
  uint64_t rest = vgetq_lane_u64(vreinterpretq_u64_u16(a), 0);
  if (count & 4) {
    __builtin_memcpy(at, &rest, 8);
    at += 8;
    rest = vgetq_lane_u64(vreinterpretq_u64_u16(a), 1);
  }
  if (count & 2) {
    __builtin_memcpy(at, &rest, 4);
    at += 4;
    rest >>= 32;
  }
  if (count & 1) __builtin_memcpy(at, &rest, 2);
}

RECTIFY_INLINE float32x4_t widened(uint16x4_t words, Half) { return vcvt_f32_f16(vreinterpret_f16_u16(words)); }
RECTIFY_INLINE float32x4_t widened(uint16x4_t words, Bfloat) { return vreinterpretq_f32_u32(vshll_n_u16(words, 16)); }

// The nearest, ties to even.
RECTIFY_INLINE uint16x4_t narrowed(float32x4_t v, Half) { return vreinterpret_u16_f16(vcvt_f16_f32(v)); }
// Adds what carries into the upper half where it is to be rounded up: 0x7FFF, and one more where the upper half is odd, by
// taking away a mask, which is -1. A NaN stays one unless its payload is about all ones: see without_payload().
RECTIFY_INLINE uint16x4_t narrowed(float32x4_t v, Bfloat) {
  const uint32x4_t bits = vreinterpretq_u32_f32(v), odd = vtstq_u32(bits, vdupq_n_u32(0x10000));
  return vaddhn_u32(vsubq_u32(bits, odd), vdupq_n_u32(0x7FFF));
}

RECTIFY_INLINE uint32x4_t lane_bits() {
  alignas(16) static constexpr uint32_t bits[4] = {1, 2, 4, 8};
  return vld1q_u32(bits);
}

struct Mask32 {
  uint32x4_t v;  // all ones or all zeros per lane
};

struct U32 {
  uint32x4_t v;
  static RECTIFY_INLINE U32 broadcast(uint32_t bits) { return {vdupq_n_u32(bits)}; }
};

struct F32 {
  float32x4_t v;
  using Scalar = float;
  using Bits = U32;
  static constexpr size_t lanes = 4, registers = 1, vector_registers = 32;
  static constexpr size_t in_steps = 0;  // not measured
  static constexpr bool permutes = false;

  static RECTIFY_INLINE F32 broadcast(float value) { return {vdupq_n_f32(value)}; }
  // With 32 registers a constant is in one.
  static RECTIFY_INLINE F32 in_register(float value) { return broadcast(value); }
  template <const float& value>
  static RECTIFY_INLINE F32 in_memory() {
    return broadcast(value);
  }

  static RECTIFY_INLINE F32 load(const float* p) { return {vld1q_f32(p)}; }
  template <class Element>
  static RECTIFY_INLINE F32 load(const Element* p) {
    return {widened(vld1_u16(&p->bits), Element())};
  }

  // No operation but a load takes an operand from memory.
  template <class Element>
  static RECTIFY_INLINE F32 load_once(const Element* p) {
    return load(p);
  }

  // The first `count` < 4 lanes; memory past them is not touched. Other lanes load as +0.
  static RECTIFY_INLINE F32 load_partial(const float* p, size_t count) {
    float32x2_t low = vdup_n_f32(0), high = vdup_n_f32(0);
    if (count & 2) {
      low = vld1_f32(p);
      if (count & 1) high = vld1_lane_f32(p + 2, high, 0);
    } else if (count & 1) {
      low = vld1_lane_f32(p, low, 0);
    }
    return {vcombine_f32(low, high)};
  }
  template <class Element>
  static RECTIFY_INLINE F32 load_partial(const Element* p, size_t count) {
    return {widened(vget_low_u16(load_words(p, count)), Element())};
  }

  // The first `count` <= 4 lanes.
  static RECTIFY_INLINE Mask32 first(size_t count) {
    alignas(16) static constexpr uint32_t window[8] = {~0u, ~0u, ~0u, ~0u};
    return {vld1q_u32(window + 4 - count)};
  }
  // Bits `begin`, a multiple of the lanes, and following of a word: one a lane.
  static RECTIFY_INLINE Mask32 mask_of(uint64_t word, size_t begin) {
    return {vtstq_u32(vdupq_n_u32(static_cast<uint32_t>(word >> begin)), lane_bits())};
  }
};

// ---- memory ----

RECTIFY_INLINE void store(float* p, F32 a) { vst1q_f32(p, a.v); }
template <class Element>
RECTIFY_INLINE void store(Element* p, F32 a) {
  vst1_u16(&p->bits, narrowed(a.v, Element()));
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
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, F32 a, size_t count) {
  store_words(p, vcombine_u16(narrowed(a.v, Element()), vcreate_u16(0)), count);
}

// There is no streaming vector store in the intrinsics; an ordinary one stands for it.
template <class Element>
RECTIFY_INLINE void stream(Element* p, F32 a) {
  store(p, a);
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

// Lane j is the sum of v[j]'s lanes, folded by halves. A step brings the lower halves of two vectors into one, and the
// upper ones into another, and adds: 6 shuffles, where transposing takes 8.
RECTIFY_INLINE F32 fold_across(const F32 (&v)[4]) {
  const auto halves = [](F32 a, F32 b) RECTIFY_LAMBDA {
    return vaddq_f32(vcombine_f32(vget_low_f32(a.v), vget_low_f32(b.v)),
                     vcombine_f32(vget_high_f32(a.v), vget_high_f32(b.v)));
  };
  const float32x4_t low = halves(v[0], v[1]), high = halves(v[2], v[3]);
  return {vaddq_f32(vuzp1q_f32(low, high), vuzp2q_f32(low, high))};
}

// The sum of the lanes, folded by halves.
RECTIFY_INLINE float fold_lanes(F32 a) {
  const float32x2_t two = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 operator/(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), normal for every n that
// occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) { return fma(scale, p, scale) * F32::broadcast(0x1p-24f); }

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 below_zero(F32 a) { return {vcltzq_f32(a.v)}; }
RECTIFY_INLINE Mask32 zero_or_below(F32 a) { return {vclezq_f32(a.v)}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {vbslq_f32(mask.v, a.v, b.v)}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) {
  return {vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a.v), mask.v))};
}
RECTIFY_INLINE float32x4_t keep_where(Mask32 mask, F32 a) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.v), mask.v));
}
// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. NEON's own
// maximum would differ.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }

// A NaN becomes one whose lower half is zeros, as every widened one's is.
RECTIFY_INLINE F32 without_payload(F32 a) {
  const float32x4_t nan = vreinterpretq_f32_u32(vdupq_n_u32(0x7FC00000));
  return {vbslq_f32(vceqq_f32(a.v, a.v), a.v, nan)};
}

// sum + a*b in one rounding where the mask is set; elsewhere sum, up to the sign of a zero. Both factors are masked, so
// that no infinity or NaN of a lane outside the sum can enter.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {vfmaq_f32(sum.v, keep_where(mask, a), keep_where(mask, b))};
}

RECTIFY_INLINE uint32_t bits_of(Mask32 mask) { return vaddvq_u32(vandq_u32(mask.v, lane_bits())); }

// ---- bits ----

RECTIFY_INLINE U32 as_bits(F32 a) { return {vreinterpretq_u32_f32(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {vreinterpretq_f32_u32(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) {
  return {vreinterpretq_u32_s32(vminq_s32(vreinterpretq_s32_u32(a.v), vreinterpretq_s32_u32(b.v)))};
}
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {vminq_u32(a.v, b.v)}; }
RECTIFY_INLINE U32 operator+(U32 a, U32 b) { return {vaddq_u32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {vshlq_n_u32(a.v, count)};
}

}  // namespace
}  // namespace rectify
