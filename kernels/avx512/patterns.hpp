// 32 lanes of 16-bit elements as they are, for what needs no arithmetic: a whole register a load, no conversion.
#pragma once

#include "../pair.hpp"
#include "f32.hpp"

namespace rectify {
namespace {

struct Mask16 {
  __mmask32 v;
};

RECTIFY_INLINE __mmask32 first_word_lanes(size_t count) { return static_cast<__mmask32>((uint64_t{1} << count) - 1); }

template <class Element>
struct Patterns {
  __m512i v;
  static constexpr size_t lanes = 32, registers = 1, vector_registers = 32;

  static RECTIFY_INLINE Patterns load(const Element* p) { return {_mm512_loadu_si512(p)}; }
  static RECTIFY_INLINE Patterns load_once(const Element* p) {
    Patterns a = load(p);
#if defined(__AVX512F__)
    __asm__("" : "+v"(a.v));
#endif
    return a;
  }
  static RECTIFY_INLINE Patterns load_partial(const Element* p, size_t count) {
    return {_mm512_maskz_loadu_epi16(first_word_lanes(count), p)};
  }
  static RECTIFY_INLINE Mask16 mask_of(uint64_t word, size_t begin) { return {static_cast<__mmask32>(word >> begin)}; }
};

template <class Element>
RECTIFY_INLINE void store(Element* p, Patterns<Element> a) {
  _mm512_storeu_si512(p, a.v);
}
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, Patterns<Element> a, size_t count) {
  _mm512_mask_storeu_epi16(p, first_word_lanes(count), a.v);
}
template <class Element>
RECTIFY_INLINE void stream(Element* p, Patterns<Element> a) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), a.v);
}

// From the pattern after -0 to that of -infinity; beyond are NaN.
template <class Element>
RECTIFY_INLINE Mask16 below_zero(Patterns<Element> a) {
  constexpr int first = 0x8001, count = 0x8000 + Element::infinity - first;
  const __m512i from_first = _mm512_sub_epi16(a.v, _mm512_set1_epi16(static_cast<int16_t>(first)));
  return {_mm512_cmp_epu16_mask(from_first, _mm512_set1_epi16(static_cast<int16_t>(count)), _MM_CMPINT_LE)};
}
// Below zero, or no bit but the sign set.
template <class Element>
RECTIFY_INLINE Mask16 zero_or_below(Patterns<Element> a) {
  return {below_zero(a).v | _mm512_testn_epi16_mask(a.v, _mm512_set1_epi16(0x7FFF))};
}
RECTIFY_INLINE uint32_t bits_of(Mask16 mask) { return mask.v; }
template <class Element>
RECTIFY_INLINE Patterns<Element> select(Mask16 mask, Patterns<Element> a, Patterns<Element> b) {
  return {_mm512_mask_mov_epi16(b.v, mask.v, a.v)};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> zero_where(Mask16 mask, Patterns<Element> a) {
  return {_mm512_maskz_mov_epi16(~mask.v, a.v)};
}

// What they are computed in: their lower and their upper half.
template <class Element>
RECTIFY_INLINE Pair<F32> widened(Patterns<Element> a) {
  return {{widened(_mm512_castsi512_si256(a.v), Element())}, {widened(_mm512_extracti64x4_epi64(a.v, 1), Element())}};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> narrowed(Pair<F32> a, Element) {
  return {_mm512_inserti64x4(_mm512_castsi256_si512(narrowed(a.even.v, Element())), narrowed(a.odd.v, Element()), 1)};
}
// A product of elements that may also be passed through as they are.
template <class Element>
RECTIFY_INLINE Patterns<Element> operator*(Pair<F32> a, Patterns<Element> b) {
  return narrowed(a * widened(b), Element());
}

}  // namespace
}  // namespace rectify
