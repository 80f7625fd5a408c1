// 4 lanes of f64.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE double widen(double value) { return value; }

RECTIFY_INLINE __m256i first_long_lanes(size_t count) {
  alignas(64) static constexpr int64_t window[8] = {-1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window + 4 - count));
}

struct Mask64 {
  __m256d v;  // all ones or all zeros per lane
};

struct U64 {
  __m256i v;
  static RECTIFY_INLINE U64 broadcast(uint64_t bits) { return {_mm256_set1_epi64x(static_cast<int64_t>(bits))}; }
};

struct F64 {
  __m256d v;
  using Scalar = double;
  using Bits = U64;
  static constexpr size_t lanes = 4, registers = 1, vector_registers = 16;
  static constexpr size_t in_steps = 4;
  static constexpr bool permutes = false;

  static RECTIFY_INLINE F64 broadcast(double value) { return {_mm256_set1_pd(value)}; }
  static RECTIFY_INLINE F64 in_register(double value) {
    F64 a = broadcast(value);
    __asm__("" : "+x"(a.v));
    return a;
  }
  template <const double& value>
  static RECTIFY_INLINE F64 in_memory() {
    alignas(32) static constexpr double values[4] = {value, value, value, value};
    const double* p = values;
    __asm__("" : "+r"(p));
    return {_mm256_load_pd(p)};
  }
  static RECTIFY_INLINE F64 load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static RECTIFY_INLINE F64 load_once(const double* p) {
    F64 a = load(p);
    __asm__("" : "+x"(a.v));
    return a;
  }
  static RECTIFY_INLINE F64 load_partial(const double* p, size_t count) {
    return {_mm256_maskload_pd(p, first_long_lanes(count))};
  }
  static RECTIFY_INLINE Mask64 first(size_t count) { return {_mm256_castsi256_pd(first_long_lanes(count))}; }
  static RECTIFY_INLINE Mask64 mask_of(uint64_t word, size_t begin) {
    const __m256i bits = _mm256_setr_epi64x(1, 2, 4, 8), words = _mm256_set1_epi64x(static_cast<int64_t>(word >> begin));
    return {_mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(words, bits), bits))};
  }
};

// ---- memory ----

RECTIFY_INLINE void store(double* p, F64 a) { _mm256_storeu_pd(p, a.v); }
RECTIFY_INLINE void store_partial(double* p, F64 a, size_t count) {
  __m128d rest = _mm256_castpd256_pd128(a.v);
  if (count & 2) {
    _mm_storeu_pd(p, rest);
    p += 2;
    rest = _mm256_extractf128_pd(a.v, 1);
  }
  if (count & 1) _mm_store_sd(p, rest);
}
RECTIFY_INLINE void stream(double* p, F64 a) { _mm256_stream_pd(p, a.v); }

// v[i][j] becomes v[j][i]: two rounds of 4 shuffles.
RECTIFY_INLINE void transpose(F64 (&v)[4]) {
  const __m256d low0 = _mm256_unpacklo_pd(v[0].v, v[1].v), high0 = _mm256_unpackhi_pd(v[0].v, v[1].v);
  const __m256d low2 = _mm256_unpacklo_pd(v[2].v, v[3].v), high2 = _mm256_unpackhi_pd(v[2].v, v[3].v);
  v[0].v = _mm256_permute2f128_pd(low0, low2, 0x20);
  v[1].v = _mm256_permute2f128_pd(high0, high2, 0x20);
  v[2].v = _mm256_permute2f128_pd(low0, low2, 0x31);
  v[3].v = _mm256_permute2f128_pd(high0, high2, 0x31);
}

// Lane j is the sum of v[j]'s lanes, folded by halves. A step brings the lower halves of two vectors into one, and the
// upper ones into another, and adds: 6 shuffles, where transposing takes 8.
RECTIFY_INLINE F64 fold_across(const F64 (&v)[4]) {
  const auto halves = [](F64 a, F64 b) RECTIFY_LAMBDA {
    return _mm256_add_pd(_mm256_permute2f128_pd(a.v, b.v, 0x20), _mm256_permute2f128_pd(a.v, b.v, 0x31));
  };
  const __m256d even = halves(v[0], v[2]), odd = halves(v[1], v[3]);
  return {_mm256_add_pd(_mm256_unpacklo_pd(even, odd), _mm256_unpackhi_pd(even, odd))};
}

// The sum of the lanes, folded by halves.
RECTIFY_INLINE double fold_lanes(F64 a) {
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F64 operator+(F64 a, F64 b) { return {_mm256_add_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator-(F64 a, F64 b) { return {_mm256_sub_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator*(F64 a, F64 b) { return {_mm256_mul_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator/(F64 a, F64 b) { return {_mm256_div_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 fma(F64 a, F64 b, F64 c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }

// As in f32; `scale` is 2^(n + 54).
RECTIFY_INLINE F64 scale_one_plus(F64 p, F64, F64 scale) {
  static constexpr double down = 0x1p-54;
  return fma(scale, p, scale) * F64::in_memory<down>();
}

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask64 below_zero(F64 a) { return {_mm256_cmp_pd(a.v, _mm256_setzero_pd(), _CMP_LT_OQ)}; }
RECTIFY_INLINE Mask64 zero_or_below(F64 a) { return {_mm256_cmp_pd(a.v, _mm256_setzero_pd(), _CMP_LE_OQ)}; }
RECTIFY_INLINE F64 select(Mask64 mask, F64 a, F64 b) { return {_mm256_blendv_pd(b.v, a.v, mask.v)}; }
RECTIFY_INLINE F64 zero_where(Mask64 mask, F64 a) { return {_mm256_andnot_pd(mask.v, a.v)}; }
RECTIFY_INLINE F64 greater_or_second(F64 a, F64 b) { return {_mm256_max_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 fma_where(Mask64 mask, F64 a, F64 b, F64 sum) {
  return {_mm256_fmadd_pd(_mm256_and_pd(a.v, mask.v), _mm256_and_pd(b.v, mask.v), sum.v)};
}

RECTIFY_INLINE uint32_t bits_of(Mask64 mask) { return static_cast<uint32_t>(_mm256_movemask_pd(mask.v)); }

// ---- bits ----

RECTIFY_INLINE U64 as_bits(F64 a) { return {_mm256_castpd_si256(a.v)}; }
RECTIFY_INLINE F64 as_float(U64 a) { return {_mm256_castsi256_pd(a.v)}; }
// Of the two 32-bit halves, each by itself: there is no 64-bit minimum before AVX-512.
RECTIFY_INLINE U64 min_signed(U64 a, U64 b) { return {_mm256_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U64 min_unsigned(U64 a, U64 b) { return {_mm256_min_epu32(a.v, b.v)}; }
RECTIFY_INLINE U64 operator+(U64 a, U64 b) { return {_mm256_add_epi64(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U64 shift_left(U64 a) {
  return {_mm256_slli_epi64(a.v, count)};
}

}  // namespace
}  // namespace rectify
