// 8 lanes of 16-bit elements as they are, for what needs no arithmetic: a whole register a load, no conversion.
#pragma once

#include "../pair.hpp"
#include "f32.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE uint16x8_t word_lane_bits() {
  alignas(16) static constexpr uint16_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  return vld1q_u16(bits);
}

struct Mask16 {
  uint16x8_t v;  // all ones or all zeros per lane
};

template <class Element>
struct Patterns {
  uint16x8_t v;
  static constexpr size_t lanes = 8, registers = 1, vector_registers = 32;

  static RECTIFY_INLINE Patterns load(const Element* p) { return {vld1q_u16(&p->bits)}; }
  static RECTIFY_INLINE Patterns load_once(const Element* p) { return load(p); }
  static RECTIFY_INLINE Patterns load_partial(const Element* p, size_t count) { return {load_words(p, count)}; }
  static RECTIFY_INLINE Mask16 mask_of(uint64_t word, size_t begin) {
    return {vtstq_u16(vdupq_n_u16(static_cast<uint16_t>(word >> begin)), word_lane_bits())};
  }
};

template <class Element>
RECTIFY_INLINE void store(Element* p, Patterns<Element> a) {
  vst1q_u16(&p->bits, a.v);
}
template <class Element>
RECTIFY_INLINE void store_partial(Element* p, Patterns<Element> a, size_t count) {
  store_words(p, a.v, count);
}
template <class Element>
RECTIFY_INLINE void stream(Element* p, Patterns<Element> a) {
  store(p, a);
}

// From the pattern after -0 to that of -infinity; beyond are NaN.
template <class Element>
RECTIFY_INLINE Mask16 below_zero(Patterns<Element> a) {
  constexpr uint16_t first = 0x8001, last = 0x8000 | Element::infinity;
  return {vcleq_u16(vsubq_u16(a.v, vdupq_n_u16(first)), vdupq_n_u16(last - first))};
}
// With its sign or zero, and not beyond -infinity.
template <class Element>
RECTIFY_INLINE Mask16 zero_or_below(Patterns<Element> a) {
  const uint16x8_t last = vdupq_n_u16(0x8000 | Element::infinity);
  return {vandq_u16(vclezq_s16(vreinterpretq_s16_u16(a.v)), vcleq_u16(a.v, last))};
}
RECTIFY_INLINE uint32_t bits_of(Mask16 mask) { return vaddvq_u16(vandq_u16(mask.v, word_lane_bits())); }
template <class Element>
RECTIFY_INLINE Patterns<Element> select(Mask16 mask, Patterns<Element> a, Patterns<Element> b) {
  return {vbslq_u16(mask.v, a.v, b.v)};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> zero_where(Mask16 mask, Patterns<Element> a) {
  return {vbicq_u16(a.v, mask.v)};
}

// What they are computed in: their lower and their upper half.
template <class Element>
RECTIFY_INLINE Pair<F32> widened(Patterns<Element> a) {
  return {{widened(vget_low_u16(a.v), Element())}, {widened(vget_high_u16(a.v), Element())}};
}
template <class Element>
RECTIFY_INLINE Patterns<Element> narrowed(Pair<F32> a, Element) {
  return {vcombine_u16(narrowed(a.even.v, Element()), narrowed(a.odd.v, Element()))};
}
// A product of elements that may also be passed through as they are.
template <class Element>
RECTIFY_INLINE Patterns<Element> operator*(Pair<F32> a, Patterns<Element> b) {
  return narrowed(a * widened(b), Element());
}

}  // namespace
}  // namespace rectify
