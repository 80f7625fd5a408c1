// What an element is computed in, and how it gets there and back: 16-bit elements are widened exactly to f32 and rounded
// once, to nearest even. A NaN keeps its payload on the way there and back.
#pragma once

#include "../formats.hpp"
#include "ptx.cuh"
#include "vector.cuh"

namespace rectify {
namespace {

template <class Element>
struct ComputedIn {
  using Vector = F32;
};
template <>
struct ComputedIn<double> {
  using Vector = F64;
};
template <class Element>
using Computed = typename ComputedIn<Element>::Vector;

template <class Element>
inline constexpr bool is_16_bit = sizeof(Element) == 2;

// ---- There ----

RECTIFY_INLINE F32 widen(float value) { return {value}; }
RECTIFY_INLINE F64 widen(double value) { return {value}; }
RECTIFY_INLINE F32 widen(Bfloat value) { return as_float(U32{uint32_t{value.bits} << 16}); }
// The instruction makes the same NaN of every NaN. This one takes the whole pattern along, for narrow() to find.
RECTIFY_INLINE F32 widen(Half value) {
  const float widened = float_of_half(value.bits);
  return widened != widened ? as_float(U32{0x7FC00000u | value.bits}) : F32{widened};
}

// ---- And back ----

RECTIFY_INLINE void narrow(F32 value, float* to) { *to = value.v; }
RECTIFY_INLINE void narrow(F64 value, double* to) { *to = value.v; }
RECTIFY_INLINE void narrow(F32 value, Half* to) {
  const uint32_t pattern = as_bits(value).v & 0xFFFF, rounded = half_of_float(value.v);
  to->bits = static_cast<uint16_t>(value.v != value.v ? pattern | 0x7E00 : rounded);
}
// In integers: the instruction is not on every architecture. Half a last place is added, less one bit where that is even;
// a carry runs on into the exponent, as it should. A NaN would overflow.
RECTIFY_INLINE void narrow(F32 value, Bfloat* to) {
  const uint32_t bits = as_bits(value).v, rounded = bits + 0x7FFF + (bits >> 16 & 1);
  to->bits = static_cast<uint16_t>((value.v != value.v ? bits | 0x400000 : rounded) >> 16);
}

// ---- A 16-bit element as it is, for what needs no arithmetic ----

template <class Element>
struct Pattern {
  uint16_t v;
};

// From the pattern after -0 to that of -infinity; beyond are NaN.
template <class Element>
RECTIFY_INLINE Mask below_zero(Pattern<Element> a) {
  return {static_cast<uint16_t>(a.v - 0x8001) < Element::infinity};
}
template <class Element>
RECTIFY_INLINE Mask zero_or_below(Pattern<Element> a) {
  return {a.v == 0 || static_cast<uint16_t>(a.v - 0x8000) <= Element::infinity};
}
template <class Element>
RECTIFY_INLINE void narrow(Pattern<Element> a, Element* to) {
  to->bits = a.v;
}

template <class V, class Element>
RECTIFY_INLINE V as(Element value) {
  if constexpr (is_same<V, Pattern<Element>>) {
    return {value.bits};
  } else {
    return widen(value);
  }
}

}  // namespace
}  // namespace rectify
