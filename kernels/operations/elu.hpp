// ELU. alpha is one for the whole tensor, of the type that computes.
#pragma once

#include "../activations/elu.hpp"
#include "../loops/sum_in_steps.hpp"
#include "../loops/sum_runs.hpp"
#include "format.hpp"

namespace rectify {
namespace {

// The walk of a lengthy formula, finish(Steps(x), x, others...).
template <class F, class Steps, class Finish, class... Inputs>
RECTIFY_INLINE void map_lengthy(const Work& work, size_t begin, size_t end, Finish finish, const Inputs*... others) {
  using V = typename F::Vector;
  using Element = typename F::Element;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    if constexpr (V::in_steps != 0) {
      map_in_steps<V, how, Steps>(static_cast<Element*>(work.out) + begin, end - begin, finish, F::x_of(work) + begin,
                                  (others + begin)...);
    } else {
      const auto f = [&](V x, auto... v) RECTIFY_LAMBDA { return finish(approximated<Steps>(x), x, v...); };
      map_elements<V, Element, how, Formula::lengthy>(work, begin, end, f, F::x_of(work), others...);
    }
  });
}

template <class F>
typename F::Scalar alpha_of(const Work& work) {
  return *static_cast<const typename F::Scalar*>(work.parameter);
}

template <class F, Alpha range, class V = typename F::Vector>
RECTIFY_INLINE void elu_forward_in_range(const Work& work, size_t begin, size_t end, V alpha) {
  map_lengthy<F, Expm1<V>>(work, begin, end,
                           [&](auto a, V x) RECTIFY_LAMBDA { return elu::finish_forward<range>(a, x, alpha); });
}

template <class F>
void elu_forward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const Scalar alpha = alpha_of<F>(work);
  if (is_within<Scalar>(alpha, 1, 1)) return elu_forward_in_range<F, Alpha::one>(work, begin, end, V::broadcast(1));
  if (is_within<Scalar>(alpha, Exponential<V>::least_alpha, 1))
    return elu_forward_in_range<F, Alpha::to_one>(work, begin, end, V::broadcast(alpha));
  elu_forward_in_range<F, Alpha::any>(work, begin, end, V::broadcast(alpha));
}

template <class F, Alpha range, class V = typename F::Vector>
RECTIFY_INLINE void elu_backward_in_range(const Work& work, size_t begin, size_t end, V alpha) {
  map_lengthy<F, Exp<V>>(
      work, begin, end, [&](auto a, V x, V dy) RECTIFY_LAMBDA { return elu::finish_backward<range>(a, x, dy, alpha); },
      F::dy_of(work));
}

template <class F>
void elu_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const Scalar alpha = alpha_of<F>(work);
  if (is_within<Scalar>(alpha, 1, 1)) return elu_backward_in_range<F, Alpha::one>(work, begin, end, V::broadcast(1));
  elu_backward_in_range<F, Alpha::any>(work, begin, end, V::broadcast(alpha));
}

template <class F>
void elu_backward_from_y(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  const auto alpha = parameter_alone<F>(V::broadcast(alpha_of<F>(work)));
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [&](V y, V dy) RECTIFY_LAMBDA { return elu::backward_from_y(y, dy, alpha); }, F::x_of(work),
        F::dy_of(work));
  });
}

// With 32 registers dx and the sum are one loop. With 16 both spill there: the sum of a leaf is taken first, and then dx by
// the map's kernel, while the leaf is in a cache.
template <class F>
void elu_backward_with_parameter(const Work& work, const SumPart& part) {
  using V = typename F::Vector;
  if constexpr (V::vector_registers == 16) {
    sum_each_leaf<V>(work, part, [&](size_t at, size_t count, size_t) RECTIFY_LAMBDA {
      const auto sum = sum_leaf_in_steps<V, Expm1<V>>(
          F::x_of(work) + at, F::dy_of(work) + at, count,
          [](auto a, V x, V dy, V before) RECTIFY_LAMBDA { return elu::add_approximated(a, x, dy, before); });
      if (work.out != nullptr) elu_backward<F>(work, at, at + count);
      return sum;
    });
  } else {
    const auto* alpha = static_cast<const typename F::Scalar*>(work.parameter);
    with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
      sum_leaves<V, typename F::Element, how, Formula::lengthy>(
          work, part, alpha, [](V a, V x, V dy) RECTIFY_LAMBDA { return elu::backward<Alpha::any>(x, dy, a); },
          [](V x, V dy, V sum) RECTIFY_LAMBDA { return elu::add(x, dy, sum); });
    });
  }
}

}  // namespace
}  // namespace rectify
