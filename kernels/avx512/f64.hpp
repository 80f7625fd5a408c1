// 8 lanes of f64.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../inline.hpp"
#include "rounding.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE double widen(double value) { return value; }

RECTIFY_INLINE __mmask8 first_long_lanes(size_t count) { return static_cast<__mmask8>((1u << count) - 1); }

struct Mask64 {
  __mmask8 v;
};

struct U64 {
  __m512i v;
  static RECTIFY_INLINE U64 broadcast(uint64_t bits) { return {_mm512_set1_epi64(static_cast<int64_t>(bits))}; }
};

struct F64 {
  __m512d v;
  using Scalar = double;
  using Bits = U64;
  static constexpr size_t lanes = 8, registers = 1, vector_registers = 32;
  static constexpr size_t in_steps = 1;  // two would spill: its polynomial has twice the constants
  static constexpr bool permutes = true;

  static RECTIFY_INLINE F64 broadcast(double value) { return {_mm512_set1_pd(value)}; }
  // With 32 registers a constant is in one.
  static RECTIFY_INLINE F64 in_register(double value) { return broadcast(value); }
  template <const double& value>
  static RECTIFY_INLINE F64 in_memory() {
    return broadcast(value);
  }
  static RECTIFY_INLINE F64 load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static RECTIFY_INLINE F64 load_once(const double* p) {
    F64 a = load(p);
#if defined(__AVX512F__)
    __asm__("" : "+v"(a.v));
#endif
    return a;
  }
  static RECTIFY_INLINE F64 load_partial(const double* p, size_t count) {
    return {_mm512_maskz_loadu_pd(first_long_lanes(count), p)};
  }
  static RECTIFY_INLINE Mask64 first(size_t count) { return {first_long_lanes(count)}; }
  static RECTIFY_INLINE Mask64 mask_of(uint64_t word, size_t begin) { return {static_cast<__mmask8>(word >> begin)}; }
};

// ---- memory ----

RECTIFY_INLINE void store(double* p, F64 a) { _mm512_storeu_pd(p, a.v); }
RECTIFY_INLINE void store_partial(double* p, F64 a, size_t count) {
  _mm512_mask_storeu_pd(p, first_long_lanes(count), a.v);
}
RECTIFY_INLINE void stream(double* p, F64 a) { _mm512_stream_pd(p, a.v); }

// v[i][j] becomes v[j][i]: three rounds of 8 shuffles.
RECTIFY_INLINE void transpose(F64 (&v)[8]) {
  __m512d pair[8], quad[8];
#pragma GCC unroll 4
  for (size_t i = 0; i < 8; i += 2) {
    pair[i] = _mm512_unpacklo_pd(v[i].v, v[i + 1].v);
    pair[i + 1] = _mm512_unpackhi_pd(v[i].v, v[i + 1].v);
  }
  // pair[i + j] holds columns j, 2 + j, 4 + j, 6 + j of rows i and i + 1; quad[4 * k + j] columns j and 4 + j, and
  // quad[4 * k + 2 + j] columns 2 + j and 6 + j, of rows 4 * k to 4 * k + 3.
#pragma GCC unroll 2
  for (size_t i = 0; i < 8; i += 4) {
#pragma GCC unroll 2
    for (size_t j = 0; j < 2; ++j) {
      quad[i + j] = _mm512_shuffle_f64x2(pair[i + j], pair[i + 2 + j], 0x88);
      quad[i + 2 + j] = _mm512_shuffle_f64x2(pair[i + j], pair[i + 2 + j], 0xDD);
    }
  }
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) {
    v[j].v = _mm512_shuffle_f64x2(quad[j], quad[4 + j], 0x88);
    v[4 + j].v = _mm512_shuffle_f64x2(quad[j], quad[4 + j], 0xDD);
  }
}

// Lane j is the sum of v[j]'s lanes, folded by halves. A step brings the lower halves of two vectors into one, and the
// upper ones into another, and adds: 14 shuffles, where transposing takes 24.
RECTIFY_INLINE F64 fold_across(const F64 (&v)[8]) {
  const auto halves = [](F64 a, F64 b) RECTIFY_LAMBDA {
    return _mm512_add_pd(_mm512_shuffle_f64x2(a.v, b.v, 0x44), _mm512_shuffle_f64x2(a.v, b.v, 0xEE));
  };
  __m512d quarter[2];
#pragma GCC unroll 2
  for (size_t i = 0; i < 2; ++i) {  // a 128-bit lane each of v[i], v[2 + i], v[4 + i], v[6 + i]
    const __m512d low = halves(v[i], v[2 + i]), high = halves(v[4 + i], v[6 + i]);
    quarter[i] = _mm512_add_pd(_mm512_shuffle_f64x2(low, high, 0x88), _mm512_shuffle_f64x2(low, high, 0xDD));
  }
  return {_mm512_add_pd(_mm512_unpacklo_pd(quarter[0], quarter[1]), _mm512_unpackhi_pd(quarter[0], quarter[1]))};
}

// The sum of the lanes, folded by halves.
RECTIFY_INLINE double fold_lanes(F64 a) {
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// As in f32.
RECTIFY_INLINE F64 permuted(F64 a, const uint8_t* index) {
  return {_mm512_permutexvar_pd(_mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(index))), a.v)};
}
RECTIFY_INLINE void store_index(uint8_t* index, F64 a) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(index), _mm512_cvtepi64_epi8(_mm512_castpd_si512(a.v)));
}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F64 operator+(F64 a, F64 b) { return {_mm512_add_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator-(F64 a, F64 b) { return {_mm512_sub_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator*(F64 a, F64 b) { return {_mm512_mul_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 operator/(F64 a, F64 b) { return {_mm512_div_pd(a.v, b.v)}; }
RECTIFY_INLINE F64 quiet_sum(F64 a, F64 b) { return {_mm512_maskz_add_round_pd(0xFF, a.v, b.v, nearest)}; }
RECTIFY_INLINE F64 quiet_product(F64 a, F64 b) { return {_mm512_maskz_mul_round_pd(0xFF, a.v, b.v, nearest)}; }
RECTIFY_INLINE F64 fma(F64 a, F64 b, F64 c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }

// As in f32; `scale` is 2^(n + 54).
RECTIFY_INLINE F64 scale_one_plus(F64 p, F64 n, F64) {
  return {_mm512_scalef_pd(_mm512_add_pd(p.v, _mm512_set1_pd(1)), n.v)};
}

// ---- compare and select: false for NaN ----

template <int predicate>
struct Comparison64 {
  __m512d a;
  template <int wanted>
  RECTIFY_INLINE __mmask8 made() const {
    return _mm512_cmp_round_pd_mask(a, _mm512_setzero_pd(), wanted, quiet);
  }
  RECTIFY_INLINE operator Mask64() const { return {made<predicate>()}; }
};
RECTIFY_INLINE Comparison64<_CMP_LT_OQ> below_zero(F64 a) { return {a.v}; }
RECTIFY_INLINE Comparison64<_CMP_LE_OQ> zero_or_below(F64 a) { return {a.v}; }
RECTIFY_INLINE F64 select(Mask64 mask, F64 a, F64 b) { return {_mm512_mask_blend_pd(mask.v, b.v, a.v)}; }
RECTIFY_INLINE F64 zero_where(Mask64 mask, F64 a) { return {_mm512_maskz_mov_pd(static_cast<__mmask8>(~mask.v), a.v)}; }
template <int predicate>
RECTIFY_INLINE F64 zero_where(Comparison64<predicate> holds, F64 a) {
  return {_mm512_maskz_mov_pd(holds.template made<opposite(predicate)>(), a.v)};
}
RECTIFY_INLINE F64 greater_or_second(F64 a, F64 b) { return {_mm512_maskz_max_round_pd(0xFF, a.v, b.v, quiet)}; }
RECTIFY_INLINE F64 fma_where(Mask64 mask, F64 a, F64 b, F64 sum) {
  return {_mm512_mask3_fmadd_pd(a.v, b.v, sum.v, mask.v)};
}

RECTIFY_INLINE uint32_t bits_of(Mask64 mask) { return mask.v; }

// ---- bits ----

RECTIFY_INLINE U64 as_bits(F64 a) { return {_mm512_castpd_si512(a.v)}; }
RECTIFY_INLINE F64 as_float(U64 a) { return {_mm512_castsi512_pd(a.v)}; }
// Of the two 32-bit halves, each by itself, as on every instruction set.
RECTIFY_INLINE U64 min_signed(U64 a, U64 b) { return {_mm512_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U64 min_unsigned(U64 a, U64 b) { return {_mm512_min_epu32(a.v, b.v)}; }
RECTIFY_INLINE U64 operator+(U64 a, U64 b) { return {_mm512_add_epi64(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U64 shift_left(U64 a) {
  return {_mm512_slli_epi64(a.v, count)};
}

}  // namespace
}  // namespace rectify
