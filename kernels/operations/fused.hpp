// Fused forwards: bias, residual, activation and mask. One kernel for every format of slopes and biases, which only
// `write` knows.
#pragma once

#include "../activations/elu.hpp"
#include "../activations/prelu.hpp"
#include "../activations/relu.hpp"
#include "../loops/fused.hpp"
#include "format.hpp"

namespace rectify {
namespace {

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_sum(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  map_fused<E, V, true>(work, begin, end, false, write, [](V z, V) RECTIFY_LAMBDA { return z; });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_relu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  using Moved = typename F::Moved;
  constexpr auto value = [](auto z, auto) RECTIFY_LAMBDA { return relu::forward(z); };
  if constexpr (!is_same<V, Moved>) {
    if (work.bias == nullptr && work.residual == nullptr)
      return map_fused<E, Moved, false>(work, begin, end, false, write, value);
  }
  map_fused<E, V, true>(work, begin, end, false, write, value);
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_leaky_relu(const Work& work, size_t begin, size_t end,
                                        WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  const V a = F::prepared(V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter)));
  map_fused<E, V, true>(work, begin, end, false, write, [&](V z, V) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_prelu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  map_fused<E, V, true>(work, begin, end, true, write, [](V z, V a) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_elu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  const V alpha = V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter));
  map_fused<E, V, true, Formula::lengthy>(work, begin, end, false, write,
                                          [&](V z, V) RECTIFY_LAMBDA { return elu::forward<Alpha::any>(z, alpha); });
}

#define RECTIFY_FUSED_KERNEL(activation, direction)                           \
  template <class F>                                                          \
  void activation##_##direction(const Work& work, size_t begin, size_t end) { \
    activation<typename F::Element>(work, begin, end, write_parameters<F>);   \
  }
RECTIFY_FUSED(RECTIFY_FUSED_KERNEL)
#undef RECTIFY_FUSED_KERNEL

}  // namespace
}  // namespace rectify
