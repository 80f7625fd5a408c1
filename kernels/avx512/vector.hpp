// The vocabulary on AVX-512 (F, BW, DQ, VL): 16 lanes of f32.
//
// Zen 4 runs a 512-bit operation as one that occupies its 256-bit pipe for two cycles: fma, mul, compare-into-mask on two
// pipes, i.e. one a cycle; add on two others; mask-blends, logic and integer operations on all four. Intel cores have two
// 512-bit ports for everything. Partial loads and stores are masked and cost little more than whole ones on both.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"

namespace rectify {
namespace {

struct F32 {
  __m512 v;
  static constexpr size_t lanes = 16;
};
struct U32 {
  __m512i v;
};
struct Mask32 {
  __mmask16 v;
};

// ---- memory ----

RECTIFY_INLINE __mmask16 first_lanes(size_t count) { return static_cast<__mmask16>((1u << count) - 1); }

RECTIFY_INLINE F32 broadcast(float value) { return {_mm512_set1_ps(value)}; }
RECTIFY_INLINE F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
// The compiler would fold a load into each of the operations that use it; on Zen 4 loads are scarcer than registers.
RECTIFY_INLINE F32 load_once(const float* p) {
  __m512 v = _mm512_loadu_ps(p);
#if defined(__AVX512F__)
  __asm__("" : "+v"(v));
#endif
  return {v};
}
RECTIFY_INLINE void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }

// The first `count` < 16 lanes; memory past them is not touched. Other lanes load as +0.
RECTIFY_INLINE F32 load_partial(const float* p, size_t count) { return {_mm512_maskz_loadu_ps(first_lanes(count), p)}; }
RECTIFY_INLINE void store_partial(float* p, F32 a, size_t count) { _mm512_mask_storeu_ps(p, first_lanes(count), a.v); }

// v[i][j] becomes v[j][i]: four rounds of 16 shuffles.
RECTIFY_INLINE void transpose(F32 (&v)[16]) {
  __m512 pair[16], quad[16], half[16];
#pragma GCC unroll 8
  for (size_t i = 0; i < 16; i += 2) {
    pair[i] = _mm512_unpacklo_ps(v[i].v, v[i + 1].v);
    pair[i + 1] = _mm512_unpackhi_ps(v[i].v, v[i + 1].v);
  }
  // quad[i + j] holds column j of rows i to i+3 in its 128-bit lane 0, column 4 + j in lane 1, and so on.
#pragma GCC unroll 4
  for (size_t i = 0; i < 16; i += 4) {
    quad[i] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm512_shuffle_ps(pair[i], pair[i + 2], 0xEE);
    quad[i + 2] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm512_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE);
  }
  // half[8 * k + j] and half[8 * k + j + 4]: columns j and 8 + j, or 4 + j and 12 + j, of rows 8 * k to 8 * k + 7.
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) {
    half[j] = _mm512_shuffle_f32x4(quad[j], quad[4 + j], 0x88);
    half[4 + j] = _mm512_shuffle_f32x4(quad[j], quad[4 + j], 0xDD);
    half[8 + j] = _mm512_shuffle_f32x4(quad[8 + j], quad[12 + j], 0x88);
    half[12 + j] = _mm512_shuffle_f32x4(quad[8 + j], quad[12 + j], 0xDD);
  }
#pragma GCC unroll 8
  for (size_t j = 0; j < 8; ++j) {
    v[j].v = _mm512_shuffle_f32x4(half[j], half[8 + j], 0x88);
    v[8 + j].v = _mm512_shuffle_f32x4(half[j], half[8 + j], 0xDD);
  }
}

// Past the caches; p is a multiple of the vector. Ordered before later stores by stream_fence() alone.
RECTIFY_INLINE void stream(float* p, F32 a) { _mm512_stream_ps(p, a.v); }
RECTIFY_INLINE void stream_fence() { _mm_sfence(); }

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), for those who have to
// multiply twice.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32 n, F32) {
  return {_mm512_scalef_ps(_mm512_add_ps(p.v, _mm512_set1_ps(1)), n.v)};
}

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 less(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
RECTIFY_INLINE Mask32 less_equal(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
// The first `count` <= 16 lanes.
RECTIFY_INLINE Mask32 first(size_t count) { return {first_lanes(count)}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {_mm512_mask_blend_ps(mask.v, b.v, a.v)}; }
// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. That is what
// max_ps computes.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) { return {_mm512_maskz_mov_ps(static_cast<__mmask16>(~mask.v), a.v)}; }

// sum + a*b in one rounding where the mask is set; elsewhere sum.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {_mm512_mask3_fmadd_ps(a.v, b.v, sum.v, mask.v)};
}

// ---- bits ----

RECTIFY_INLINE U32 broadcast_bits(uint32_t bits) { return {_mm512_set1_epi32(static_cast<int32_t>(bits))}; }
RECTIFY_INLINE U32 as_bits(F32 a) { return {_mm512_castps_si512(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {_mm512_castsi512_ps(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return {_mm512_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {_mm512_min_epu32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {_mm512_slli_epi32(a.v, count)};
}

}  // namespace
}  // namespace rectify
