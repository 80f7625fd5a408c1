// 16 lanes of f32, and 16-bit elements widened to them.
//
// f16 has its conversions. bf16 is the upper half of an f32: widening shifts it up, rounding is integer arithmetic. The
// instruction of AVX512_BF16 would be slower: tests/vocabulary/bfloat_instruction_test.cpp.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../formats.hpp"
#include "../inline.hpp"
#include "rounding.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE float widen(float value) { return value; }
RECTIFY_INLINE float widen(Half value) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int32_t>(value.bits))));
}
RECTIFY_INLINE float widen(Bfloat value) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int32_t>(value.bits) << 16)));
}

RECTIFY_INLINE __mmask16 first_lanes(size_t count) { return static_cast<__mmask16>((1u << count) - 1); }

RECTIFY_INLINE __m512 widened(__m256i words, Half) { return _mm512_cvtph_ps(words); }
RECTIFY_INLINE __m512 widened(__m256i words, Bfloat) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
}

// The nearest, ties to even. All lanes by name: without a mask g++ 12 warns of its own conversion of -1 to one.
RECTIFY_INLINE __m256i narrowed(__m512 v, Half) {
  return _mm512_maskz_cvtps_ph(0xFFFF, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// Adds what carries into the upper half where it is to be rounded up. A NaN stays one unless its payload is about all ones:
// see without_payload().
RECTIFY_INLINE __m256i narrowed(__m512 v, Bfloat) {
  const __m512i bits = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
}

struct Mask32 {
  __mmask16 v;
};

struct U32 {
  __m512i v;
  static RECTIFY_INLINE U32 broadcast(uint32_t bits) { return {_mm512_set1_epi32(static_cast<int32_t>(bits))}; }
};

struct F32 {
  __m512 v;
  using Scalar = float;
  using Bits = U32;
  static constexpr size_t lanes = 16, registers = 1, vector_registers = 32;
  static constexpr size_t in_steps = 2;  // vectors in each step of a lengthy formula: loops/map_in_steps.hpp
  static constexpr bool permutes = true;

  static RECTIFY_INLINE F32 broadcast(float value) { return {_mm512_set1_ps(value)}; }
  // With 32 registers a constant is in one.
  static RECTIFY_INLINE F32 in_register(float value) { return broadcast(value); }
  template <const float& value>
  static RECTIFY_INLINE F32 in_memory() {
    return broadcast(value);
  }

  static RECTIFY_INLINE F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  template <class Element>
  static RECTIFY_INLINE F32 load(const Element* p) {
    return {widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), Element())};
  }

  // The compiler would fold a load into each of the operations that use it; on Zen 4 loads are scarcer than registers.
  template <class Element>
  static RECTIFY_INLINE F32 load_once(const Element* p) {
    F32 a = load(p);
#if defined(__AVX512F__)
    __asm__("" : "+v"(a.v));
#endif
    return a;
  }

  // The first `count` < 16 lanes; memory past them is not touched. Other lanes load as +0.
  static RECTIFY_INLINE F32 load_partial(const float* p, size_t count) {
    return {_mm512_maskz_loadu_ps(first_lanes(count), p)};
  }
  template <class Element>
  static RECTIFY_INLINE F32 load_partial(const Element* p, size_t count) {
    return {widened(_mm256_maskz_loadu_epi16(first_lanes(count), p), Element())};
  }

  // The first `count` <= 16 lanes.
  static RECTIFY_INLINE Mask32 first(size_t count) { return {first_lanes(count)}; }
  // Bits `begin`, a multiple of the lanes, and following of a word: one a lane.
  static RECTIFY_INLINE Mask32 mask_of(uint64_t word, size_t begin) { return {static_cast<__mmask16>(word >> begin)}; }
};

// ---- memory ----

RECTIFY_INLINE void store(float* p, F32 a) { _mm512_storeu_ps(p, a.v); }
template <class Element>
RECTIFY_INLINE void store(Element* p, F32 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrowed(a.v, Element()));
}

RECTIFY_INLINE void store_partial(float* p, F32 a, size_t count) { _mm512_mask_storeu_ps(p, first_lanes(count), a.v); }
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, F32 a, size_t count) {
  _mm256_mask_storeu_epi16(p, first_lanes(count), narrowed(a.v, Element()));
}

// Past the caches; p is a multiple of what is stored. Ordered before later stores by a fence alone.
RECTIFY_INLINE void stream(float* p, F32 a) { _mm512_stream_ps(p, a.v); }
template <class Element>
RECTIFY_INLINE void stream(Element* p, F32 a) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), narrowed(a.v, Element()));
}

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

// Lane j is the sum of v[j]'s lanes, folded by halves. A step brings the lower halves of two vectors into one, and the
// upper ones into another, and adds: 30 shuffles, where transposing takes 64.
RECTIFY_INLINE F32 fold_across(const F32 (&v)[16]) {
  const auto halves = [](F32 a, F32 b) RECTIFY_LAMBDA {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0x44), _mm512_shuffle_f32x4(a.v, b.v, 0xEE));
  };
  __m512 quarter[4], eighth[2];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {  // a 128-bit lane each of v[i], v[4 + i], v[8 + i], v[12 + i]
    const __m512 low = halves(v[i], v[4 + i]), high = halves(v[8 + i], v[12 + i]);
    quarter[i] = _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xDD));
  }
#pragma GCC unroll 2
  for (size_t i = 0; i < 2; ++i) {
    const __m512 a = quarter[2 * i], b = quarter[2 * i + 1];
    eighth[i] = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
  }
  return {_mm512_add_ps(_mm512_shuffle_ps(eighth[0], eighth[1], 0x88), _mm512_shuffle_ps(eighth[0], eighth[1], 0xDD))};
}

// The sum of the lanes, folded by halves.
RECTIFY_INLINE float fold_lanes(F32 a) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Lane j is a's lane index[j].
RECTIFY_INLINE F32 permuted(F32 a, const uint8_t* index) {
  return {_mm512_permutexvar_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(index))), a.v)};
}
// The lowest eight bits of each lane, as indices.
RECTIFY_INLINE void store_index(uint8_t* index, F32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(index), _mm512_cvtepi32_epi8(_mm512_castps_si512(a.v)));
}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 quiet_sum(F32 a, F32 b) { return {_mm512_add_round_ps(a.v, b.v, nearest)}; }
RECTIFY_INLINE F32 quiet_product(F32 a, F32 b) { return {_mm512_mul_round_ps(a.v, b.v, nearest)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), for those who have to
// multiply twice.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32 n, F32) {
  return {_mm512_scalef_ps(_mm512_add_ps(p.v, _mm512_set1_ps(1)), n.v)};
}

// ---- compare and select: false for NaN ----

// With zero, still to be made: a zero where it holds is made by the opposite.
template <int predicate>
struct Comparison32 {
  __m512 a;
  template <int wanted>
  RECTIFY_INLINE __mmask16 made() const {
    return _mm512_cmp_round_ps_mask(a, _mm512_setzero_ps(), wanted, quiet);
  }
  RECTIFY_INLINE operator Mask32() const { return {made<predicate>()}; }
};
RECTIFY_INLINE Comparison32<_CMP_LT_OQ> below_zero(F32 a) { return {a.v}; }
RECTIFY_INLINE Comparison32<_CMP_LE_OQ> zero_or_below(F32 a) { return {a.v}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {_mm512_mask_blend_ps(mask.v, b.v, a.v)}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) { return {_mm512_maskz_mov_ps(static_cast<__mmask16>(~mask.v), a.v)}; }
template <int predicate>
RECTIFY_INLINE F32 zero_where(Comparison32<predicate> holds, F32 a) {
  return {_mm512_maskz_mov_ps(holds.template made<opposite(predicate)>(), a.v)};
}
// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. That is what
// max_ps computes.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {_mm512_max_round_ps(a.v, b.v, quiet)}; }

// A NaN becomes one whose lower half is zeros, as every widened one's is.
RECTIFY_INLINE F32 without_payload(F32 a) {
  const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7FC00000));
  return {_mm512_mask_blend_ps(_mm512_cmp_round_ps_mask(a.v, a.v, _CMP_UNORD_Q, quiet), a.v, nan)};
}

// sum + a*b in one rounding where the mask is set; elsewhere sum.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {_mm512_mask3_fmadd_ps(a.v, b.v, sum.v, mask.v)};
}

RECTIFY_INLINE uint32_t bits_of(Mask32 mask) { return mask.v; }

// ---- bits ----

RECTIFY_INLINE U32 as_bits(F32 a) { return {_mm512_castps_si512(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {_mm512_castsi512_ps(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return {_mm512_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {_mm512_min_epu32(a.v, b.v)}; }
RECTIFY_INLINE U32 operator+(U32 a, U32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {_mm512_slli_epi32(a.v, count)};
}

}  // namespace
}  // namespace rectify
