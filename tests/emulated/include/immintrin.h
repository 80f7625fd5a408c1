// Stands for <immintrin.h> when AVX-512 sources are built for a CPU without AVX-512: each intrinsic that kernels/avx512/
// uses is SIMDe's, which computes it with AVX2 and FMA, or one of those below, and the sources stay as they are. An
// intrinsic missing here fails to compile, since the target lacks the instruction.
#pragma once

#include_next <immintrin.h>

#include <math.h>
#include <simde/x86/avx512.h>
#include <string.h>

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__) || defined(__AVX512F__)
#error "for -mavx2 -mfma -mf16c alone: SIMDe's 512-bit fma is exact only where the 256-bit one is an instruction"
#endif

#define __m512 simde__m512
#define __m512d simde__m512d
#define __m512i simde__m512i

#define _mm512_add_epi16 simde_mm512_add_epi16
#define _mm512_add_epi32 simde_mm512_add_epi32
#define _mm512_add_epi64 simde_mm512_add_epi64
#define _mm512_add_pd simde_mm512_add_pd
#define _mm512_add_ps simde_mm512_add_ps
#define _mm512_and_si512 simde_mm512_and_si512
#define _mm512_andnot_si512 simde_mm512_andnot_si512
#define _mm512_castpd512_pd256 simde_mm512_castpd512_pd256
#define _mm512_castpd_si512 simde_mm512_castpd_si512
#define _mm512_castps512_ps256 simde_mm512_castps512_ps256
#define _mm512_castps_si512 simde_mm512_castps_si512
#define _mm512_castsi256_si512 simde_mm512_castsi256_si512
#define _mm512_castsi512_pd simde_mm512_castsi512_pd
#define _mm512_castsi512_ps simde_mm512_castsi512_ps
#define _mm512_castsi512_si256 simde_mm512_castsi512_si256
#define _mm512_div_pd simde_mm512_div_pd
#define _mm512_div_ps simde_mm512_div_ps
#define _mm512_extractf32x8_ps(a, half) _mm256_castpd_ps(simde_mm512_extractf64x4_pd(simde_mm512_castps_pd(a), half))
#define _mm512_extractf64x4_pd simde_mm512_extractf64x4_pd
#define _mm512_extracti64x4_epi64 simde_mm512_extracti64x4_epi64
#define _mm512_fmadd_pd simde_mm512_fmadd_pd
#define _mm512_fmadd_ps simde_mm512_fmadd_ps
#define _mm512_inserti64x4 simde_mm512_inserti64x4
#define _mm512_loadu_pd simde_mm512_loadu_pd
#define _mm512_loadu_ps simde_mm512_loadu_ps
#define _mm512_loadu_si512 simde_mm512_loadu_si512
#define _mm512_min_epi32 simde_mm512_min_epi32
#define _mm512_min_epu32 simde_mm512_min_epu32
#define _mm512_mul_pd simde_mm512_mul_pd
#define _mm512_mul_ps simde_mm512_mul_ps
#define _mm512_set1_epi16 simde_mm512_set1_epi16
#define _mm512_set1_epi32 simde_mm512_set1_epi32
#define _mm512_set1_epi64 simde_mm512_set1_epi64
#define _mm512_set1_pd simde_mm512_set1_pd
#define _mm512_set1_ps simde_mm512_set1_ps
#define _mm512_setr_epi32 simde_mm512_setr_epi32
#define _mm512_setzero_pd simde_mm512_setzero_pd
#define _mm512_setzero_ps simde_mm512_setzero_ps
#define _mm512_slli_epi32 simde_mm512_slli_epi32
#define _mm512_slli_epi64 simde_mm512_slli_epi64
#define _mm512_srli_epi16 simde_mm512_srli_epi16
#define _mm512_srli_epi32 simde_mm512_srli_epi32
#define _mm512_storeu_pd simde_mm512_storeu_pd
#define _mm512_storeu_ps simde_mm512_storeu_ps
#define _mm512_storeu_si512 simde_mm512_storeu_si512
#define _mm512_sub_epi16 simde_mm512_sub_epi16
#define _mm512_sub_pd simde_mm512_sub_pd
#define _mm512_sub_ps simde_mm512_sub_ps
#define _mm512_subs_epu16 simde_mm512_subs_epu16
#define _mm512_unpackhi_pd simde_mm512_unpackhi_pd
#define _mm512_unpackhi_ps simde_mm512_unpackhi_ps
#define _mm512_unpacklo_pd simde_mm512_unpacklo_pd
#define _mm512_unpacklo_ps simde_mm512_unpacklo_ps

// ---- What SIMDe has not, or has otherwise than the instruction, or at great length (masks): lane by lane ----

// Calls: inline they would make the compiler's work, and the objects, many times as large.
#define EMULATED __attribute__((noinline)) static

// A vector as an array.
template <class Lane_, class Vector_>
struct Lanes {
  using Lane = Lane_;
  using Vector = Vector_;
  static constexpr int count = sizeof(Vector) / sizeof(Lane);

  Lane lane[count];

  static inline __attribute__((always_inline)) Lanes of(Vector v) {
    Lanes lanes;
    memcpy(lanes.lane, &v, sizeof v);
    return lanes;
  }
  // lane i is f(i).
  template <class F>
  static inline __attribute__((always_inline)) Vector make(F f) {
    Lanes lanes;
    for (int i = 0; i < count; ++i) lanes.lane[i] = static_cast<Lane>(f(i));
    Vector v;
    memcpy(&v, lanes.lane, sizeof v);
    return v;
  }
  // Bit i is f(i).
  template <class F>
  static inline __attribute__((always_inline)) uint64_t mask(F f) {
    uint64_t bits = 0;
    for (int i = 0; i < count; ++i) bits |= uint64_t{f(i) ? 1u : 0u} << i;
    return bits;
  }
};
using Floats = Lanes<float, simde__m512>;
using Doubles = Lanes<double, simde__m512d>;
using Words = Lanes<uint16_t, simde__m512i>;
using HalfWords = Lanes<uint16_t, __m256i>;  // of half a register
using Integers = Lanes<uint32_t, simde__m512i>;
using LongIntegers = Lanes<uint64_t, simde__m512i>;
using Bytes = Lanes<uint8_t, __m128i>;  // of a quarter

// Masked accesses touch the lanes of the mask alone.
template <class L>
EMULATED typename L::Vector emulated_maskz_loadu(uint64_t mask, const void* p) {
  return L::make([=](int i) {
    typename L::Lane lane = 0;
    if (mask >> i & 1) memcpy(&lane, static_cast<const char*>(p) + i * sizeof lane, sizeof lane);
    return lane;
  });
}
#define _mm512_maskz_loadu_ps emulated_maskz_loadu<Floats>
#define _mm512_maskz_loadu_pd emulated_maskz_loadu<Doubles>
#define _mm512_maskz_loadu_epi16 emulated_maskz_loadu<Words>
#define _mm256_maskz_loadu_epi16 emulated_maskz_loadu<HalfWords>

template <class L>
EMULATED void emulated_mask_storeu(void* p, uint64_t mask, typename L::Vector a) {
  const L from = L::of(a);
  for (int i = 0; i < L::count; ++i) {
    if (mask >> i & 1) memcpy(static_cast<char*>(p) + i * sizeof from.lane[i], &from.lane[i], sizeof from.lane[i]);
  }
}
#define _mm512_mask_storeu_ps emulated_mask_storeu<Floats>
#define _mm512_mask_storeu_pd emulated_mask_storeu<Doubles>
#define _mm512_mask_storeu_epi16 emulated_mask_storeu<Words>
#define _mm256_mask_storeu_epi16 emulated_mask_storeu<HalfWords>

// Bit by bit: b where the mask is set, else a.
template <class L>
EMULATED typename L::Vector emulated_blend(uint64_t mask, typename L::Vector a, typename L::Vector b) {
  const L clear = L::of(a), set = L::of(b);
  return L::make([&](int i) { return mask >> i & 1 ? set.lane[i] : clear.lane[i]; });
}
#define _mm512_mask_blend_ps emulated_blend<Floats>
#define _mm512_mask_blend_pd emulated_blend<Doubles>
#define _mm512_mask_mov_epi16(a, mask, b) emulated_blend<Words>(mask, a, b)
#define _mm512_maskz_mov_ps(mask, a) emulated_blend<Floats>(mask, simde_mm512_setzero_ps(), a)
#define _mm512_maskz_mov_pd(mask, a) emulated_blend<Doubles>(mask, simde_mm512_setzero_pd(), a)
#define _mm512_maskz_mov_epi16(mask, a) emulated_blend<Words>(mask, simde_mm512_setzero_si512(), a)

template <class L, int compare>
EMULATED uint64_t emulated_cmp(typename L::Vector a, typename L::Vector b) {
  static_assert(compare == _CMP_LT_OQ || compare == _CMP_LE_OQ || compare == _CMP_GT_OQ || compare == _CMP_UNORD_Q ||
                compare == _CMP_NLT_UQ || compare == _CMP_NLE_UQ);
  const L first = L::of(a), second = L::of(b);
  return L::mask([&](int i) {
    const auto x = first.lane[i], y = second.lane[i];
    return compare == _CMP_LT_OQ    ? x < y
           : compare == _CMP_LE_OQ  ? x <= y
           : compare == _CMP_GT_OQ  ? x > y
           : compare == _CMP_NLT_UQ ? !(x < y)
           : compare == _CMP_NLE_UQ ? !(x <= y)
                                    : x != x || y != y;
  });
}
// Whatever an instruction says of rounding and exceptions: the environment's.
#define _mm512_cmp_round_ps_mask(a, b, compare, quiet) static_cast<__mmask16>(emulated_cmp<Floats, compare>(a, b))
#define _mm512_cmp_round_pd_mask(a, b, compare, quiet) static_cast<__mmask8>(emulated_cmp<Doubles, compare>(a, b))
#define _mm512_add_round_ps(a, b, nearest) simde_mm512_add_ps(a, b)
#define _mm512_mul_round_ps(a, b, nearest) simde_mm512_mul_ps(a, b)
#define _mm512_maskz_add_round_pd(all, a, b, nearest) simde_mm512_add_pd(a, b)
#define _mm512_maskz_mul_round_pd(all, a, b, nearest) simde_mm512_mul_pd(a, b)

EMULATED __mmask16 emulated_test_epi32_mask(simde__m512i a, simde__m512i b) {
  const Integers first = Integers::of(a), second = Integers::of(b);
  return static_cast<__mmask16>(Integers::mask([&](int i) { return (first.lane[i] & second.lane[i]) != 0; }));
}
#define _mm512_test_epi32_mask emulated_test_epi32_mask

// Streaming stores fault off their alignment.
template <class Vector>
EMULATED void emulated_stream(void* p, Vector a) {
  if (reinterpret_cast<uintptr_t>(p) % 64 != 0) __builtin_trap();
  memcpy(p, &a, sizeof a);
}
#define _mm512_stream_ps emulated_stream<simde__m512>
#define _mm512_stream_pd emulated_stream<simde__m512d>
#define _mm512_stream_si512 emulated_stream<simde__m512i>

// The fma that keeps its addend.
EMULATED simde__m512 emulated_mask3_fmadd_ps(simde__m512 a, simde__m512 b, simde__m512 c, __mmask16 mask) {
  return emulated_blend<Floats>(mask, c, simde_mm512_fmadd_ps(a, b, c));
}
EMULATED simde__m512d emulated_mask3_fmadd_pd(simde__m512d a, simde__m512d b, simde__m512d c, __mmask8 mask) {
  return emulated_blend<Doubles>(mask, c, simde_mm512_fmadd_pd(a, b, c));
}
#define _mm512_mask3_fmadd_ps emulated_mask3_fmadd_ps
#define _mm512_mask3_fmadd_pd emulated_mask3_fmadd_pd

// SIMDe's maximum leaves NaN and zeros to the compiler; the instruction is exactly this.
EMULATED simde__m512 emulated_max_ps(simde__m512 a, simde__m512 b) {
  return emulated_blend<Floats>(emulated_cmp<Floats, _CMP_GT_OQ>(a, b), b, a);
}
EMULATED simde__m512d emulated_max_pd(simde__m512d a, simde__m512d b) {
  return emulated_blend<Doubles>(emulated_cmp<Doubles, _CMP_GT_OQ>(a, b), b, a);
}
#define _mm512_max_round_ps(a, b, quiet) emulated_max_ps(a, b)
#define _mm512_maskz_max_round_pd(all, a, b, quiet) emulated_max_pd(a, b)

// a * 2^floor(n); SIMDe flushes the smallest results.
EMULATED simde__m512 emulated_scalef_ps(simde__m512 a, simde__m512 n) {
  const Floats from = Floats::of(a), power = Floats::of(n);
  return Floats::make(
      [&](int i) { return scalbnf(from.lane[i], static_cast<int>(fmaxf(-400, fminf(floorf(power.lane[i]), 400)))); });
}
EMULATED simde__m512d emulated_scalef_pd(simde__m512d a, simde__m512d n) {
  const Doubles from = Doubles::of(a), power = Doubles::of(n);
  return Doubles::make(
      [&](int i) { return scalbn(from.lane[i], static_cast<int>(fmax(-3000, fmin(floor(power.lane[i]), 3000)))); });
}
#define _mm512_scalef_ps emulated_scalef_ps
#define _mm512_scalef_pd emulated_scalef_pd

EMULATED simde__m512 emulated_shuffle_ps(simde__m512 a, simde__m512 b, int order) {
  const Floats from[2] = {Floats::of(a), Floats::of(b)};
  return Floats::make([&](int i) { return from[i / 2 % 2].lane[i / 4 * 4 + (order >> i % 4 * 2 & 3)]; });
}
#define _mm512_shuffle_ps emulated_shuffle_ps

// In lanes of 128 bits: two of a, two of b.
template <class L>
EMULATED typename L::Vector emulated_shuffle_128(typename L::Vector a, typename L::Vector b, int order) {
  const L from[2] = {L::of(a), L::of(b)};
  constexpr int lanes = L::count / 4;
  return L::make([&](int i) { return from[i / lanes / 2].lane[(order >> i / lanes * 2 & 3) * lanes + i % lanes]; });
}
#define _mm512_shuffle_f32x4 emulated_shuffle_128<Floats>
#define _mm512_shuffle_f64x2 emulated_shuffle_128<Doubles>

// An index counts through a, then b.
EMULATED simde__m512 emulated_permutex2var_ps(simde__m512 a, simde__m512i index, simde__m512 b) {
  const Floats from[2] = {Floats::of(a), Floats::of(b)};
  const Integers at = Integers::of(index);
  return Floats::make([&](int i) { return from[at.lane[i] / 16 % 2].lane[at.lane[i] % 16]; });
}
#define _mm512_permutex2var_ps emulated_permutex2var_ps

EMULATED simde__m512 emulated_permutexvar_ps(simde__m512i index, simde__m512 a) {
  return emulated_permutex2var_ps(a, index, a);
}
EMULATED simde__m512d emulated_permutexvar_pd(simde__m512i index, simde__m512d a) {
  const Doubles from = Doubles::of(a);
  const LongIntegers at = LongIntegers::of(index);
  return Doubles::make([&](int i) { return from.lane[at.lane[i] % 8]; });
}
#define _mm512_permutexvar_ps emulated_permutexvar_ps
#define _mm512_permutexvar_pd emulated_permutexvar_pd

template <class L>
EMULATED simde__m512i emulated_cvtepu8(__m128i a) {
  const Bytes from = Bytes::of(a);
  return L::make([&](int i) { return from.lane[i]; });
}
#define _mm512_cvtepu8_epi32 emulated_cvtepu8<Integers>
#define _mm512_cvtepu8_epi64 emulated_cvtepu8<LongIntegers>

// ---- 16-bit elements ----

EMULATED simde__m512i emulated_cvtepu16_epi32(__m256i a) {
  const HalfWords from = HalfWords::of(a);
  return Integers::make([&](int i) { return from.lane[i]; });
}
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32

EMULATED __m256i emulated_cvtepi32_epi16(simde__m512i a) {  // the lower halves
  const Integers from = Integers::of(a);
  return HalfWords::make([&](int i) { return from.lane[i]; });
}
#define _mm512_cvtepi32_epi16 emulated_cvtepi32_epi16

EMULATED __m128i emulated_cvtepi32_epi8(simde__m512i a) {  // the lowest bytes
  const Integers from = Integers::of(a);
  return Bytes::make([&](int i) { return static_cast<uint8_t>(from.lane[i]); });
}
EMULATED __m128i emulated_cvtepi64_epi8(simde__m512i a) {
  const LongIntegers from = LongIntegers::of(a);
  return Bytes::make([&](int i) { return i < 8 ? static_cast<uint8_t>(from.lane[i]) : uint8_t{0}; });
}
#define _mm512_cvtepi32_epi8 emulated_cvtepi32_epi8
#define _mm512_cvtepi64_epi8 emulated_cvtepi64_epi8

// By halves: F16C has them.
EMULATED simde__m512 emulated_cvtph_ps(__m256i a) {
  const __m256 halves[2] = {_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1))};
  simde__m512 v;
  memcpy(&v, halves, sizeof v);
  return v;
}
#define _mm512_cvtph_ps emulated_cvtph_ps

template <int mask, int rounding>
EMULATED __m256i emulated_maskz_cvtps_ph(simde__m512 a) {
  static_assert(mask == 0xFFFF);
  __m256 halves[2];
  memcpy(halves, &a, sizeof a);
  return _mm256_set_m128i(_mm256_cvtps_ph(halves[1], rounding), _mm256_cvtps_ph(halves[0], rounding));
}
// Without the bit of the rounding that masks exceptions.
#define _mm512_maskz_cvtps_ph(mask, a, rounding) emulated_maskz_cvtps_ph<mask, (rounding)&7>(a)

template <int compare>
EMULATED __mmask32 emulated_cmp_epu16_mask(simde__m512i a, simde__m512i b) {
  static_assert(compare == _MM_CMPINT_LE);
  const Words first = Words::of(a), second = Words::of(b);
  return static_cast<__mmask32>(Words::mask([&](int i) { return first.lane[i] <= second.lane[i]; }));
}
#define _mm512_cmp_epu16_mask(a, b, compare) emulated_cmp_epu16_mask<compare>(a, b)

EMULATED __mmask32 emulated_testn_epi16_mask(simde__m512i a, simde__m512i b) {
  const Words first = Words::of(a), second = Words::of(b);
  return static_cast<__mmask32>(Words::mask([&](int i) { return (first.lane[i] & second.lane[i]) == 0; }));
}
#define _mm512_testn_epi16_mask emulated_testn_epi16_mask
