// The vocabulary on AVX2 + FMA: 8 lanes of f32.
//
// Zen 3 and Zen 4 run fma, mul, blendv on two pipes (FP0, FP1) and add on two others; logic and integer operations run on
// all four. Loads: two 32-byte a cycle; stores: one. A masked store is microcoded on AMD (Zen 3: tens of cycles), so a
// partial store is made of a 16-, an 8- and a 4-byte one. Comparisons yield a vector mask, so selecting against +0 is one
// `and`.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"

namespace rectify {
namespace {

struct F32 {
  __m256 v;
  static constexpr size_t lanes = 8;
};
struct U32 {
  __m256i v;
};
struct Mask32 {
  __m256 v;  // all ones or all zeros per lane
};

// ---- memory ----

RECTIFY_INLINE __m256i first_lanes(size_t count) {
  alignas(64) static constexpr int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window + 8 - count));
}

RECTIFY_INLINE F32 broadcast(float value) { return {_mm256_set1_ps(value)}; }
RECTIFY_INLINE F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
// The compiler would fold a load into each of the operations that use it. Zen 3, in L1: PReLU's gradient 0.225 to 0.173
// cycles an element. ELU's value is 5 % slower for it: it has no register to spare.
RECTIFY_INLINE F32 load_once(const float* p) {
  __m256 v = _mm256_loadu_ps(p);
  __asm__("" : "+x"(v));
  return {v};
}
RECTIFY_INLINE void store(float* p, F32 a) { _mm256_storeu_ps(p, a.v); }

// The first `count` < 8 lanes; memory past them is not touched. Other lanes load as +0.
RECTIFY_INLINE F32 load_partial(const float* p, size_t count) { return {_mm256_maskload_ps(p, first_lanes(count))}; }
RECTIFY_INLINE void store_partial(float* p, F32 a, size_t count) {
  __m128 rest = _mm256_castps256_ps128(a.v);
  if (count & 4) {
    _mm_storeu_ps(p, rest);
    p += 4;
    rest = _mm256_extractf128_ps(a.v, 1);
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    p += 2;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (count & 1) _mm_store_ss(p, rest);
}

// v[i][j] becomes v[j][i]: three rounds of 8 shuffles.
RECTIFY_INLINE void transpose(F32 (&v)[8]) {
  __m256 pair[8], quad[8];
#pragma GCC unroll 4
  for (size_t i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps(v[i].v, v[i + 1].v);
    pair[i + 1] = _mm256_unpackhi_ps(v[i].v, v[i + 1].v);
  }
#pragma GCC unroll 2
  for (size_t i = 0; i < 8; i += 4) {
    quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xEE);
    quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    v[i].v = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20);
    v[i + 4].v = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31);
  }
}

// Past the caches; p is a multiple of the vector. Ordered before later stores by stream_fence() alone.
RECTIFY_INLINE void stream(float* p, F32 a) { _mm256_stream_ps(p, a.v); }
RECTIFY_INLINE void stream_fence() { _mm_sfence(); }

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), normal for every n that
// occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) { return fma(scale, p, scale) * broadcast(0x1p-24f); }

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 less(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
RECTIFY_INLINE Mask32 less_equal(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
// The first `count` <= 8 lanes.
RECTIFY_INLINE Mask32 first(size_t count) { return {_mm256_castsi256_ps(first_lanes(count))}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {_mm256_blendv_ps(b.v, a.v, mask.v)}; }
// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. That is what
// max_ps computes.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) { return {_mm256_andnot_ps(mask.v, a.v)}; }

// sum + a*b in one rounding where the mask is set; elsewhere sum, up to the sign of a zero. Both factors are masked, so
// that no infinity or NaN of a lane outside the sum can enter.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {_mm256_fmadd_ps(_mm256_and_ps(a.v, mask.v), _mm256_and_ps(b.v, mask.v), sum.v)};
}

// ---- bits ----

RECTIFY_INLINE U32 broadcast_bits(uint32_t bits) { return {_mm256_set1_epi32(static_cast<int32_t>(bits))}; }
RECTIFY_INLINE U32 as_bits(F32 a) { return {_mm256_castps_si256(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {_mm256_castsi256_ps(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return {_mm256_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {_mm256_min_epu32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {_mm256_slli_epi32(a.v, count)};
}

}  // namespace
}  // namespace rectify
