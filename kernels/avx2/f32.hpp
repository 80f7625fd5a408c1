// 8 lanes of f32, and 16-bit elements widened to them.
//
// f16 has its conversions (F16C: 2 operations each way on Zen 3, one of them on a multiply pipe). bf16 is the upper half of
// an f32: widening shifts it up, rounding is integer arithmetic.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "../formats.hpp"
#include "../inline.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE float widen(float value) { return value; }
RECTIFY_INLINE float widen(Half value) { return _cvtsh_ss(value.bits); }
RECTIFY_INLINE float widen(Bfloat value) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int32_t>(value.bits) << 16)));
}

RECTIFY_INLINE __m256i first_lanes(size_t count) {
  alignas(64) static constexpr int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(window + 8 - count));
}

// `count` < 8 elements of 16 bits, the others 0. Calls and not inline: they are a third of a 16-bit kernel's code, and run
// at its ends.
[[gnu::noinline, maybe_unused]] __m128i load_words(const void* p, size_t count) {
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
  return count & 4 ? _mm_set_epi64x(static_cast<int64_t>(rest), static_cast<int64_t>(four))
                   : _mm_cvtsi64_si128(static_cast<int64_t>(rest));
}
[[gnu::noinline, maybe_unused]] void store_words(void* p, __m128i a, size_t count) {
  char* at = static_cast<char*>(p);
  uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(a));
  if (count & 4) {
    __builtin_memcpy(at, &rest, 8);
    at += 8;
    rest = static_cast<uint64_t>(_mm_extract_epi64(a, 1));
  }
  if (count & 2) {
    __builtin_memcpy(at, &rest, 4);
    at += 4;
    rest >>= 32;
  }
  if (count & 1) __builtin_memcpy(at, &rest, 2);
}

RECTIFY_INLINE __m256 widened(__m128i words, Half) { return _mm256_cvtph_ps(words); }
RECTIFY_INLINE __m256 widened(__m128i words, Bfloat) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16));
}

// The nearest, ties to even.
RECTIFY_INLINE __m128i narrowed(__m256 v, Half) { return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }
// Adds what carries into the upper half where it is to be rounded up. A NaN stays one unless its payload is about all ones:
// see without_payload().
RECTIFY_INLINE __m256i rounded_bits(__m256 v) {
  const __m256i bits = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd);
}
RECTIFY_INLINE __m128i narrowed(__m256 v, Bfloat) {
  const __m256i upper = _mm256_setr_epi8(2, 3, 6, 7, 10, 11, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                         2, 3, 6, 7, 10, 11, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1);
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_shuffle_epi8(rounded_bits(v), upper), 0x08));
}

// Lane j has bit (first + j) % 32.
RECTIFY_INLINE __m256i lane_bits(size_t first) {
  alignas(64) static constexpr auto bits = [] {
    struct {
      uint32_t of[32];
    } table = {};
    for (size_t i = 0; i < 32; ++i) table.of[i] = uint32_t{1} << i;
    return table;
  }();
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(bits.of + first % 32));
}

struct Mask32 {
  __m256 v;  // all ones or all zeros per lane
};

struct U32 {
  __m256i v;
  static RECTIFY_INLINE U32 broadcast(uint32_t bits) { return {_mm256_set1_epi32(static_cast<int32_t>(bits))}; }
};

struct F32 {
  __m256 v;
  using Scalar = float;
  using Bits = U32;
  static constexpr size_t lanes = 8, registers = 1, vector_registers = 16;
  static constexpr size_t in_steps = 4;  // vectors in each step of a lengthy formula: loops/map_in_steps.hpp
  static constexpr bool permutes = true;

  static RECTIFY_INLINE F32 broadcast(float value) { return {_mm256_set1_ps(value)}; }

  // A constant as it is: of t - c the compiler would make t + -c, and keep c and -c.
  static RECTIFY_INLINE F32 in_register(float value) {
    F32 a = broadcast(value);
    __asm__("" : "+x"(a.v));
    return a;
  }
  // A constant that each use takes from memory, as an operand. The compiler, which is not to know what is there, would keep
  // it in a register and, having few, spill what is computed: on Zen 3 a store takes the place of two fused multiply-adds,
  // a load that of nothing as long as there are not more than two a cycle.
  template <const float& value>
  static RECTIFY_INLINE F32 in_memory() {
    alignas(32) static constexpr float values[8] = {value, value, value, value, value, value, value, value};
    const float* p = values;
    __asm__("" : "+r"(p));
    return {_mm256_load_ps(p)};
  }

  static RECTIFY_INLINE F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  template <class Element>
  static RECTIFY_INLINE F32 load(const Element* p) {
    return {widened(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), Element())};
  }

  // The compiler would fold a load into each of the operations that use it. Zen 3, in L1: PReLU's gradient 0.225 to 0.173
  // cycles an element. ELU's value is 5 % slower for it: it has no register to spare.
  template <class Element>
  static RECTIFY_INLINE F32 load_once(const Element* p) {
    F32 a = load(p);
    __asm__("" : "+x"(a.v));
    return a;
  }

  // The first `count` < 8 lanes; memory past them is not touched. Other lanes load as +0.
  static RECTIFY_INLINE F32 load_partial(const float* p, size_t count) {
    return {_mm256_maskload_ps(p, first_lanes(count))};
  }
  template <class Element>
  static RECTIFY_INLINE F32 load_partial(const Element* p, size_t count) {
    return {widened(load_words(p, count), Element())};
  }

  // The first `count` <= 8 lanes.
  static RECTIFY_INLINE Mask32 first(size_t count) { return {_mm256_castsi256_ps(first_lanes(count))}; }
  // Bits `begin`, a multiple of the lanes, and following of a word: one a lane.
  static RECTIFY_INLINE Mask32 mask_of(uint64_t word, size_t begin) {
    const __m256i bits = lane_bits(begin), half = _mm256_set1_epi32(static_cast<int32_t>(word >> (begin & 32)));
    return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(half, bits), bits))};
  }
};

// ---- memory ----

RECTIFY_INLINE void store(float* p, F32 a) { _mm256_storeu_ps(p, a.v); }
template <class Element>
RECTIFY_INLINE void store(Element* p, F32 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrowed(a.v, Element()));
}

// A masked store is microcoded on AMD (Zen 3: tens of cycles): a partial one is made of a 16-, an 8- and a 4-byte one.
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
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, F32 a, size_t count) {
  store_words(p, narrowed(a.v, Element()), count);
}

// Past the caches; p is a multiple of what is stored. Ordered before later stores by a fence alone.
RECTIFY_INLINE void stream(float* p, F32 a) { _mm256_stream_ps(p, a.v); }
template <class Element>
RECTIFY_INLINE void stream(Element* p, F32 a) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), narrowed(a.v, Element()));
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

// Lane j is the sum of v[j]'s lanes, folded by halves. A step brings the lower halves of two vectors into one, and the
// upper ones into another, and adds: 14 shuffles, where transposing takes 24.
RECTIFY_INLINE F32 fold_across(const F32 (&v)[8]) {
  __m256 half[4], quarter[2];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const __m256 a = v[i].v, b = v[4 + i].v;
    half[i] = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
#pragma GCC unroll 2
  for (size_t i = 0; i < 2; ++i) {
    const __m256 a = half[2 * i], b = half[2 * i + 1];
    quarter[i] = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
  }
  return {_mm256_add_ps(_mm256_shuffle_ps(quarter[0], quarter[1], 0x88), _mm256_shuffle_ps(quarter[0], quarter[1], 0xDD))};
}

// The sum of the lanes, folded by halves.
RECTIFY_INLINE float fold_lanes(F32 a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Lane j is a's lane index[j].
RECTIFY_INLINE F32 permuted(F32 a, const uint8_t* index) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(index));
  return {_mm256_permutevar8x32_ps(a.v, _mm256_cvtepu8_epi32(bytes))};
}
// The lowest eight bits of each lane, as indices.
RECTIFY_INLINE void store_index(uint8_t* index, F32 a) {
  const __m256i numbers = _mm256_and_si256(_mm256_castps_si256(a.v), _mm256_set1_epi32(0xFF));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(index), _mm_packus_epi16(words, words));
}

// ---- arithmetic: each correctly rounded ----

RECTIFY_INLINE F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
RECTIFY_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

// (1 + p)*2^n, rounded as 1 + p, and once more where the result is denormal. `scale` is 2^(n + 24), normal for every n that
// occurs.
RECTIFY_INLINE F32 scale_one_plus(F32 p, F32, F32 scale) {
  static constexpr float down = 0x1p-24f;
  return fma(scale, p, scale) * F32::in_memory<down>();
}

// ---- compare and select: false for NaN ----

RECTIFY_INLINE Mask32 below_zero(F32 a) { return {_mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_LT_OQ)}; }
RECTIFY_INLINE Mask32 zero_or_below(F32 a) { return {_mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_LE_OQ)}; }
RECTIFY_INLINE F32 select(Mask32 mask, F32 a, F32 b) { return {_mm256_blendv_ps(b.v, a.v, mask.v)}; }
RECTIFY_INLINE F32 zero_where(Mask32 mask, F32 a) { return {_mm256_andnot_ps(mask.v, a.v)}; }
// a > b ? a : b, in every detail: b where they compare equal, zeros of either sign included, or not at all. That is what
// max_ps computes.
RECTIFY_INLINE F32 greater_or_second(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }

// A NaN becomes one whose lower half is zeros, as every widened one's is.
RECTIFY_INLINE F32 without_payload(F32 a) {
  const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
  return {_mm256_blendv_ps(a.v, nan, _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q))};
}

// sum + a*b in one rounding where the mask is set; elsewhere sum, up to the sign of a zero. Both factors are masked, so
// that no infinity or NaN of a lane outside the sum can enter.
RECTIFY_INLINE F32 fma_where(Mask32 mask, F32 a, F32 b, F32 sum) {
  return {_mm256_fmadd_ps(_mm256_and_ps(a.v, mask.v), _mm256_and_ps(b.v, mask.v), sum.v)};
}

RECTIFY_INLINE uint32_t bits_of(Mask32 mask) { return static_cast<uint32_t>(_mm256_movemask_ps(mask.v)); }

// ---- bits ----

RECTIFY_INLINE U32 as_bits(F32 a) { return {_mm256_castps_si256(a.v)}; }
RECTIFY_INLINE F32 as_float(U32 a) { return {_mm256_castsi256_ps(a.v)}; }
RECTIFY_INLINE U32 min_signed(U32 a, U32 b) { return {_mm256_min_epi32(a.v, b.v)}; }
RECTIFY_INLINE U32 min_unsigned(U32 a, U32 b) { return {_mm256_min_epu32(a.v, b.v)}; }
RECTIFY_INLINE U32 operator+(U32 a, U32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
template <int count>
RECTIFY_INLINE U32 shift_left(U32 a) {
  return {_mm256_slli_epi32(a.v, count)};
}

}  // namespace
}  // namespace rectify
