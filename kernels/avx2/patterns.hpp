// 16 lanes of 16-bit elements as they are, for what needs no arithmetic: a whole register a load, no conversion.
#pragma once

#include "../pair.hpp"
#include "f32.hpp"

namespace rectify {
namespace {

struct Mask16 {
  __m256i v;  // all ones or all zeros per lane
};

template <class Element>
struct Patterns {
  __m256i v;
  static constexpr size_t lanes = 16, registers = 1, vector_registers = 16;

  static RECTIFY_INLINE Patterns load(const Element* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  static RECTIFY_INLINE Patterns load_once(const Element* p) {
    Patterns a = load(p);
    __asm__("" : "+x"(a.v));
    return a;
  }
  static RECTIFY_INLINE Patterns load_partial(const Element* p, size_t count) {
    if (count < 8) return {_mm256_zextsi128_si256(load_words(p, count))};
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), high = load_words(p + 8, count - 8);
    return {_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1)};
  }
  // A byte of the word for each half of the vector.
  static RECTIFY_INLINE Mask16 mask_of(uint64_t word, size_t begin) {
    const char byte = static_cast<char>(begin / 8);
    const __m256i bytes = _mm256_set_m128i(_mm_set1_epi8(static_cast<char>(byte + 1)), _mm_set1_epi8(byte));
    const __m256i bits = _mm256_broadcastsi128_si256(_mm_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128));
    const __m256i words = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<int64_t>(word)), bytes);
    return {_mm256_cmpeq_epi16(_mm256_and_si256(words, bits), bits)};
  }
};

template <class Element>
RECTIFY_INLINE void store(Element* p, Patterns<Element> a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, Patterns<Element> a, size_t count) {
  __m128i rest = _mm256_castsi256_si128(a.v);
  if (count & 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), rest);
    p += 8;
    rest = _mm256_extracti128_si256(a.v, 1);
  }
  store_words(p, rest, count & 7);
}
template <class Element>
RECTIFY_INLINE void stream(Element* p, Patterns<Element> a) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), a.v);
}

// From the pattern after -0 to that of -infinity; beyond are NaN. Taking one away puts -0 behind all others.
template <class Element>
RECTIFY_INLINE Mask16 below_zero(Patterns<Element> a) {
  const __m256i infinity = _mm256_set1_epi16(static_cast<int16_t>(0x8000 | Element::infinity));
  return {_mm256_cmpgt_epi16(infinity, _mm256_sub_epi16(a.v, _mm256_set1_epi16(1)))};
}
template <class Element>
RECTIFY_INLINE Mask16 zero_or_below(Patterns<Element> a) {
  const __m256i beyond = _mm256_set1_epi16(static_cast<int16_t>((0x8000 | Element::infinity) + 1));
  return {_mm256_or_si256(_mm256_cmpgt_epi16(beyond, a.v), _mm256_cmpeq_epi16(a.v, _mm256_setzero_si256()))};
}
RECTIFY_INLINE uint32_t bits_of(Mask16 mask) {
  const uint32_t bytes = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_packs_epi16(mask.v, _mm256_setzero_si256())));
  return (bytes | bytes >> 8) & 0xFFFF;
}
template <class Element>
RECTIFY_INLINE Patterns<Element> select(Mask16 mask, Patterns<Element> a, Patterns<Element> b) {
  return {_mm256_blendv_epi8(b.v, a.v, mask.v)};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> zero_where(Mask16 mask, Patterns<Element> a) {
  return {_mm256_andnot_si256(mask.v, a.v)};
}

// What they are computed in: their lower and their upper half.
template <class Element>
RECTIFY_INLINE Pair<F32> widened(Patterns<Element> a) {
  return {{widened(_mm256_castsi256_si128(a.v), Element())}, {widened(_mm256_extracti128_si256(a.v, 1), Element())}};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> narrowed(Pair<F32> a, Element) {
  return {_mm256_set_m128i(narrowed(a.odd.v, Element()), narrowed(a.even.v, Element()))};
}
// A product of elements that may also be passed through as they are.
template <class Element>
RECTIFY_INLINE Patterns<Element> operator*(Pair<F32> a, Patterns<Element> b) {
  return narrowed(a * widened(b), Element());
}

}  // namespace
}  // namespace rectify
