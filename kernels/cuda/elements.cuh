// The few elements that a thread takes from memory at a time, and how an operation is done on them. `access` says how a
// group of threads shares neighbouring elements: in pieces of 16 bytes, so many elements of a thread side by side, or one
// by one, neighbouring elements to neighbouring threads. Every element is loaded before its result is stored, and never
// again: in place is safe.
#pragma once

#include <type_traits>

#include "conversions.cuh"

namespace rectify {
namespace {

enum class Access { pieces, singles };

template <class Element>
inline constexpr unsigned in_piece = 16 / sizeof(Element);

template <class Element>
struct Tensors {
  const Element* x;
  const Element* dy;
  Element* out;

  RECTIFY_INLINE Tensors from(size_t offset) const { return {x + offset, dy + offset, out + offset}; }
};

// Elements first, first + stride, … of a range of `length` elements; of those that lie outside, which are +0, nothing is
// touched. `first` may lie before the range: it has wrapped around then, and is past the end. `whole`: all lie inside.
struct Place {
  size_t first, stride, length;
};

// From one place to the next: how far that is in memory, and within the range. 0 where the next is in a range of its own.
struct Step {
  size_t elements, within;
};

// ---- As they lie in memory ----

// Words until they are used: widened elements would fill the registers while others are on their way.
template <class Element>
struct Piece {
  Piece16 words;

  RECTIFY_INLINE Element get(unsigned v) const {
    if constexpr (is_16_bit<Element>) {
      return {static_cast<uint16_t>(words.word[v / 2] >> 16 * (v % 2))};
    } else if constexpr (sizeof(Element) == 4) {
      return __uint_as_float(words.word[v]);
    } else {
      return __hiloint2double(static_cast<int>(words.word[2 * v + 1]), static_cast<int>(words.word[2 * v]));
    }
  }
  RECTIFY_INLINE void set(unsigned v, Element value) {
    if constexpr (is_16_bit<Element>) {
      const unsigned shift = 16 * (v % 2);
      words.word[v / 2] = (words.word[v / 2] & 0xFFFF0000u >> shift) | uint32_t{value.bits} << shift;
    } else if constexpr (sizeof(Element) == 4) {
      words.word[v] = __float_as_uint(value);
    } else {
      words.word[2 * v] = static_cast<uint32_t>(__double2loint(value));
      words.word[2 * v + 1] = static_cast<uint32_t>(__double2hiint(value));
    }
  }
  // What a formula gave for each.
  template <class Result>
  RECTIFY_INLINE void set(const Result (&results)[in_piece<Element>]) {
    if constexpr (is_16_bit<Element>) {
      RECTIFY_UNROLL for (unsigned w = 0; w < 4; ++w) words.word[w] = narrowed_pair(results[2 * w], results[2 * w + 1]);
    } else {
      RECTIFY_UNROLL for (unsigned v = 0; v < in_piece<Element>; ++v) set(v, results[v].v);
    }
  }
};

template <class Element, unsigned width>
struct Elements {
  Element v[width];

  RECTIFY_INLINE Element get(unsigned i) const { return v[i]; }
  template <class Result>
  RECTIFY_INLINE void set(const Result (&results)[width]) {
    RECTIFY_UNROLL for (unsigned i = 0; i < width; ++i) narrow(results[i], v + i);
  }
};

template <bool whole, class Element>
RECTIFY_INLINE void load(const Element* p, const Place& place, Piece<Element>& to) {
  to.words = load_16_bytes(p + place.first);
}
template <bool whole, class Element, unsigned width>
RECTIFY_INLINE void load(const Element* p, const Place& place, Elements<Element, width>& to) {
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
    const size_t i = place.first + v * place.stride;
    to.v[v] = whole || i < place.length ? p[i] : Element{};
  }
}

template <bool whole, class Element>
RECTIFY_INLINE void store(Element* p, const Place& place, const Piece<Element>& from) {
  store_16_bytes(p + place.first, from.words);
}
template <bool whole, class Element, unsigned width>
RECTIFY_INLINE void store(Element* p, const Place& place, const Elements<Element, width>& from) {
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
    const size_t i = place.first + v * place.stride;
    if (whole || i < place.length) p[i] = from.v[v];
  }
}

// ---- As they are computed ----

template <class V, unsigned width>
struct Lanes {
  V v[width];

  // Those of the elements of a place, of a range that begins with the tensor's element `before`: the same for all.
  RECTIFY_INLINE const Lanes& of(size_t, const Place&, bool) const { return *this; }
};

template <unsigned width, class V>
RECTIFY_INLINE Lanes<V, width> all(V value) {
  Lanes<V, width> lanes;
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) lanes.v[v] = value;
  return lanes;
}

// The elements of `count` places, from `place` on: their results are stored, and what they add to the
// parameter's gradient is added to sums. All loads are asked for before the first result is computed, as far as a thread
// has registers for them (cuda::blocks). Parameters: Lanes, or ChannelOfElements, for a range that begins with the tensor.
template <class Operation, Access access, bool whole, unsigned count, class Element, class Parameters, unsigned width>
RECTIFY_INLINE void take(const Tensors<Element>& tensors, const Place& place, Step step, const Parameters& parameters,
                         Lanes<Computed<Element>, width>& sums) {
  constexpr bool in_pieces = access == Access::pieces && whole;
  static_assert(!in_pieces || width == in_piece<Element>);
  using Taken = std::conditional_t<in_pieces, Piece<Element>, Elements<Element, width>>;
  using V = Computed<Element>;
  Taken x[count], dy[count];
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    load<whole>(tensors.x + k * step.elements, place, x[k]);
    if constexpr (Operation::reads_dy) load<whole>(tensors.dy + k * step.elements, place, dy[k]);
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    using Value = decltype(loaded(Element()));
    const auto& parameter = parameters.of(0, {place.first + k * step.within, place.stride, place.length}, whole);
    decltype(Operation::of(V(), Value(), Value())) results[width];
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const Value vx = loaded(x[k].get(v));
      Value vdy = {};
      if constexpr (Operation::reads_dy) vdy = loaded(dy[k].get(v));
      if constexpr (Operation::adds) sums.v[v] = Operation::template add<V>(vx, vdy, sums.v[v]);
      if constexpr (Operation::writes) results[v] = Operation::of(parameter.v[v], vx, vdy);
    }
    if constexpr (Operation::writes) x[k].set(results);
  }
  if constexpr (Operation::writes) {
    RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) store<whole>(tensors.out + k * step.elements, place, x[k]);
  }
}

// ---- Parameters and their gradients ----

// One value for all channels, or an array on the device of one for each.
template <class Element>
struct Parameter {
  using V = Computed<Element>;
  const void* values;
  bool narrow;  // of the elements' own 16 bits rather than of the type that computes
  typename V::Scalar value;

  RECTIFY_INLINE V of(size_t channel) const {
    if (values == nullptr) return {value};
    if constexpr (is_16_bit<Element>) {
      if (narrow) return widen(static_cast<const Element*>(values)[channel]);
    }
    return {static_cast<const typename V::Scalar*>(values)[channel]};
  }
};

// Where the gradients go: the same two kinds of array.
template <class Element>
struct Sums {
  using V = Computed<Element>;
  void* values;
  bool narrow;

  RECTIFY_INLINE void set(size_t channel, V sum) const {
    if constexpr (is_16_bit<Element>) {
      if (narrow) return rectify::narrow(sum, static_cast<Element*>(values) + channel);
    }
    static_cast<typename V::Scalar*>(values)[channel] = sum.v;
  }
};

}  // namespace
}  // namespace rectify
