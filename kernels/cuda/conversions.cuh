// What an element is computed in, and how it gets there and back: 16-bit elements are widened exactly to f32 and rounded
// once, to nearest even. A NaN stays one.
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
RECTIFY_INLINE F32 widen(Half value) { return {float_of_half(value.bits)}; }

// ---- And back ----

RECTIFY_INLINE void narrow(F32 value, float* to) { *to = value.v; }
RECTIFY_INLINE void narrow(F64 value, double* to) { *to = value.v; }
RECTIFY_INLINE uint32_t narrowed_pair(F32 low, F32 high, Half) { return halves_of_floats(low.v, high.v); }
RECTIFY_INLINE uint32_t narrowed_pair(F32 low, F32 high, Bfloat) { return bfloats_of_floats(low.v, high.v); }
template <class Element>
RECTIFY_INLINE void narrow(F32 value, Element* to) {
  to->bits = static_cast<uint16_t>(narrowed_pair(value, F32{}, Element()));
}

// ---- What passes through ----

// A 16-bit element by its value, and as it is: where a formula passes it through, nothing is rounded, and a NaN keeps the
// payload that no conversion of a GPU does.
template <class Element>
struct Loaded : F32 {
  Element pattern;
};

RECTIFY_INLINE F32 loaded(float value) { return {value}; }
RECTIFY_INLINE F64 loaded(double value) { return {value}; }
template <class Element>
RECTIFY_INLINE Loaded<Element> loaded(Element pattern) {
  return {widen(pattern), pattern};
}

// A formula's result before it is rounded, which is done for two neighbours at a time.
template <class Element>
struct Selected {
  Mask computed;
  F32 value;
  Element passed;
};

template <class Element>
RECTIFY_INLINE Selected<Element> select(Mask mask, F32 computed, const Loaded<Element>& passed) {
  return {mask, computed, passed.pattern};
}
template <class Element>
RECTIFY_INLINE Selected<Element> zero_where(Mask mask, const Loaded<Element>& passed) {
  return select(mask, F32{}, passed);
}

template <class Element>
RECTIFY_INLINE uint32_t narrowed_pair(const Selected<Element>& low, const Selected<Element>& high) {
  const uint32_t computed = narrowed_pair(low.value, high.value, Element());
  const uint32_t passed = low.passed.bits | uint32_t{high.passed.bits} << 16;
  return ((low.computed.v ? computed : passed) & 0xFFFF) | ((high.computed.v ? computed : passed) & 0xFFFF0000);
}
template <class Element>
RECTIFY_INLINE void narrow(const Selected<Element>& selected, Element* to) {
  narrow(selected.value, to);
  if (!selected.computed.v) *to = selected.passed;
}

}  // namespace
}  // namespace rectify
