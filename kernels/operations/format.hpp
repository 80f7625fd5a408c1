// How a kernel of a number format reads a call: its vectors, its inputs, the kind of store, its scalar parameters.
#pragma once

#include "../apart.hpp"
#include "../backend.hpp"
#include "../loops/stores.hpp"
#include "../pair.hpp"

namespace rectify {
namespace {

// What a format is computed in, and what its elements are moved in where nothing is computed.
template <class E>
struct VectorsOf;
template <>
struct VectorsOf<float> {
  using Vector = F32;
  using Moved = F32;
};
template <>
struct VectorsOf<Half> {
  using Vector = F32;
  using Moved = Patterns<Half>;
};
template <>
struct VectorsOf<Bfloat> {
  using Vector = BfloatVector;
  using Moved = Patterns<Bfloat>;
};
template <>
struct VectorsOf<double> {
  using Vector = F64;
  using Moved = F64;
};

// A line of RECTIFY_FORMATS.
template <class E, class S>
struct Format {
  using Element = E;
  using Slope = S;
  using Vector = typename VectorsOf<E>::Vector;
  using Moved = typename VectorsOf<E>::Moved;
  using Scalar = typename Vector::Scalar;

  static const Element* x_of(const Work& work) { return static_cast<const Element*>(work.x); }
  static const Element* dy_of(const Work& work) { return static_cast<const Element*>(work.dy); }

  // A slope as products are to have it. That of a NaN takes over its payload, and has to survive the rounding to bf16.
  template <class V>
  static RECTIFY_INLINE V prepared(V slope) {
    if constexpr (is_same<Element, Bfloat> && is_same<Slope, float>) return without_payload(slope);
    return slope;
  }
};

// With slopes of the type that computes.
template <class E>
using WideSlopes = Format<E, typename Format<E, E>::Scalar>;

// Chooses the kind of store, once per task. Who runs the tasks fences the streaming ones.
template <class Walk>
RECTIFY_INLINE void with_store(bool streaming, Walk walk) {
  if (streaming) return walk.template operator()<Store::streaming>();
  walk.template operator()<Store::ordinary>();
}

// The same for a formula that is selecting as long as the caches hold its arrays.
template <class Walk>
RECTIFY_INLINE void with_selecting(const Work& work, Walk walk) {
  if (!work.beyond_cache) return walk.template operator()<Store::ordinary, Formula::selecting>();
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA { walk.template operator()<how, Formula::brief>(); });
}

template <class Walk>
RECTIFY_INLINE void with_sum_store(const Work& work, Walk walk) {
  if (work.out == nullptr) return walk.template operator()<Store::none>();
  with_store(work.streaming, walk);
}

// Whether least <= value <= most, both above zero: their bits are in that order too. A kernel asks no such question of a
// parameter in floating point, which could raise something.
template <class Scalar>
RECTIFY_INLINE bool is_within(Scalar value, Scalar least, Scalar most) {
  const auto bits = [](Scalar a) RECTIFY_LAMBDA {
    if constexpr (sizeof(Scalar) == sizeof(uint64_t))
      return __builtin_bit_cast(uint64_t, a);
    else
      return __builtin_bit_cast(uint32_t, a);
  };
  return bits(value) - bits(least) <= bits(most) - bits(least);
}

template <class Scalar>
constexpr auto least_above_zero = static_cast<Scalar>(sizeof(Scalar) == sizeof(double) ? 0x1p-1074 : 0x1p-149);

// The parameter of a map that has next to no arithmetic beside it. 16 bits are converted, sums are added: there every
// operation counts, and one fewer is worth 3 to 9 %.
template <class F, class V = typename F::Vector>
RECTIFY_INLINE auto parameter_alone(V parameter) {
  if constexpr (is_same<typename F::Element, typename F::Scalar>)
    return apart(parameter);
  else
    return parameter;
}

}  // namespace
}  // namespace rectify
