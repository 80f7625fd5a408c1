// Two vectors that share 16-bit elements side by side: the even ones in one, the odd ones in the other. Where a format is
// the upper half of an f32 that takes no shuffle, neither to load nor to store; everything in between is done twice.
//
// An instruction set says how a pair meets memory: load_pair, load_pair_partial (V() tells whose), store_pair,
// store_pair_partial, stream_pair, pair_mask_of, and which are the lower_half and the upper_half of its elements.
#pragma once

#include "activations/exponential.hpp"

namespace rectify {
namespace {

// What is not a vector, a mask for one, of each.
template <class T>
struct Both {
  T even, odd;
};

template <class V>
struct Pair {
  V even, odd;
  using Scalar = typename V::Scalar;
  static constexpr size_t lanes = 2 * V::lanes, registers = 2, vector_registers = V::vector_registers;
  static constexpr size_t in_steps = V::in_steps / 2;
  static constexpr bool permutes = false;

  static RECTIFY_INLINE Pair broadcast(Scalar value) { return {V::broadcast(value), V::broadcast(value)}; }
  static RECTIFY_INLINE Pair in_register(Scalar value) {
    const V a = V::in_register(value);
    return {a, a};
  }
  template <const Scalar& value>
  static RECTIFY_INLINE Pair in_memory() {
    return {V::template in_memory<value>(), V::template in_memory<value>()};
  }
  template <class Element>
  static RECTIFY_INLINE Pair load(const Element* p) {
    return load_pair(p, V());
  }
  template <class Element>
  static RECTIFY_INLINE Pair load_once(const Element* p) {
    return load_pair(p, V());
  }
  template <class Element>
  static RECTIFY_INLINE Pair load_partial(const Element* p, size_t count) {
    return load_pair_partial(p, count, V());
  }
  static RECTIFY_INLINE auto first(size_t count) {
    return Both<decltype(V::first(0))>{V::first((count + 1) / 2), V::first(count / 2)};
  }
  static RECTIFY_INLINE auto mask_of(uint64_t word, size_t begin) { return pair_mask_of(word, begin, V()); }
};

template <class Element, class V>
RECTIFY_INLINE void store(Element* p, Pair<V> a) {
  if constexpr (is_same<Element, typename V::Scalar>) {
    store(p, lower_half(a));
    store(p + V::lanes, upper_half(a));
  } else {
    store_pair(p, a);
  }
}
template <class Element, class V>
RECTIFY_INLINE void store_partial(Element* p, Pair<V> a, size_t count) {
  if constexpr (is_same<Element, typename V::Scalar>) {
    if (count < V::lanes) return store_partial(p, lower_half(a), count);
    store(p, lower_half(a));
    store_partial(p + V::lanes, upper_half(a), count - V::lanes);
  } else {
    store_pair_partial(p, a, count);
  }
}
template <class Element, class V>
RECTIFY_INLINE void stream(Element* p, Pair<V> a) {
  if constexpr (is_same<Element, typename V::Scalar>) {
    stream(p, lower_half(a));
    stream(p + V::lanes, upper_half(a));
  } else {
    stream_pair(p, a);
  }
}

// A vector in memory as it stands in registers: in order a pair takes two shuffles, each way.
template <class V>
RECTIFY_INLINE V load_kept(const typename V::Scalar* p) {
  if constexpr (V::registers == 1) {
    return V::load(p);
  } else {
    using Half = decltype(V().even);
    return {Half::load(p), Half::load(p + Half::lanes)};
  }
}
template <class V>
RECTIFY_INLINE void keep(typename V::Scalar* p, V a) {
  if constexpr (V::registers == 1) {
    store(p, a);
  } else {
    store(p, a.even);
    store(p + V::lanes / 2, a.odd);
  }
}

template <class V>
RECTIFY_INLINE Pair<V> operator+(Pair<V> a, Pair<V> b) {
  return {a.even + b.even, a.odd + b.odd};
}
template <class V>
RECTIFY_INLINE Pair<V> operator*(Pair<V> a, Pair<V> b) {
  return {a.even * b.even, a.odd * b.odd};
}

template <class V>
RECTIFY_INLINE auto below_zero(Pair<V> a) {
  return Both<decltype(below_zero(a.even))>{below_zero(a.even), below_zero(a.odd)};
}
template <class V>
RECTIFY_INLINE auto zero_or_below(Pair<V> a) {
  return Both<decltype(zero_or_below(a.even))>{zero_or_below(a.even), zero_or_below(a.odd)};
}
template <class M, class V>
RECTIFY_INLINE Pair<V> select(Both<M> mask, Pair<V> a, Pair<V> b) {
  return {select(mask.even, a.even, b.even), select(mask.odd, a.odd, b.odd)};
}
template <class V>
RECTIFY_INLINE Pair<V> greater_or_second(Pair<V> a, Pair<V> b) {
  return {greater_or_second(a.even, b.even), greater_or_second(a.odd, b.odd)};
}
template <class V>
RECTIFY_INLINE Pair<V> without_payload(Pair<V> a) {
  return {without_payload(a.even), without_payload(a.odd)};
}

template <class M, class V>
RECTIFY_INLINE Pair<V> fma_where(Both<M> mask, Pair<V> a, Pair<V> b, Pair<V> sum) {
  return {fma_where(mask.even, a.even, b.even, sum.even), fma_where(mask.odd, a.odd, b.odd, sum.odd)};
}

// The first step of folding by halves, which leaves one vector in order.
template <class V>
RECTIFY_INLINE V folded_to_vector(Pair<V> a) {
  return lower_half(a) + upper_half(a);
}
template <class V>
RECTIFY_INLINE V folded_to_vector(V a) {
  return a;
}

// The exponential: its constants and its steps.
template <class V>
struct Exponential<Pair<V>> : Exponential<V> {};
template <class Steps>
struct StepsOfBoth {
  template <class V>
  static RECTIFY_INLINE auto start(Pair<V> x) {
    return Both<decltype(Steps::start(x.even))>{Steps::start(x.even), Steps::start(x.odd)};
  }
  template <class S>
  static RECTIFY_INLINE auto reduce(Both<S> a) {
    return Both<decltype(Steps::reduce(a.even))>{Steps::reduce(a.even), Steps::reduce(a.odd)};
  }
  template <class R>
  static RECTIFY_INLINE auto approximate(Both<R> a) {
    return Both<decltype(Steps::approximate(a.even))>{Steps::approximate(a.even), Steps::approximate(a.odd)};
  }
};
template <class V>
struct Expm1<Pair<V>> : StepsOfBoth<Expm1<V>> {};
template <class V>
struct Exp<Pair<V>> : StepsOfBoth<Exp<V>> {};

template <Alpha range, class A, class V>
RECTIFY_INLINE Pair<V> scaled_expm1(Both<A> a, Pair<V> alpha) {
  return {scaled_expm1<range>(a.even, alpha.even), scaled_expm1<range>(a.odd, alpha.odd)};
}
template <class V>
RECTIFY_INLINE Pair<V> exp(Both<Approximated<V>> a) {
  return {exp(a.even), exp(a.odd)};
}

}  // namespace
}  // namespace rectify
