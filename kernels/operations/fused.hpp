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

// The vectors of what multiplies: the format's own, or, as their sides are to be bits in order, what a pair shares.
template <class F>
RECTIFY_INLINE auto fused_vector() {
  if constexpr (F::Vector::registers == 1)
    return typename F::Vector();
  else
    return typename F::Moved();
}
template <class F>
using FusedVector = decltype(fused_vector<F>());

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_sum(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  map_fused<F, typename F::Moved, true>(work, begin, end, false, write, [](auto z, auto) RECTIFY_LAMBDA { return z; });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_relu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  constexpr auto value = [](auto z, auto) RECTIFY_LAMBDA { return relu::forward(z); };
  if constexpr (!is_same<typename F::Vector, typename F::Moved>) {
    if (work.bias == nullptr && work.residual == nullptr)
      return map_fused<F, typename F::Moved, false>(work, begin, end, false, write, value);
  }
  map_fused<F, typename F::Moved, true>(work, begin, end, false, write, value);
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_leaky_relu(const Work& work, size_t begin, size_t end,
                                        WriteParameters<typename F::Scalar> write) {
  using V = FusedVector<F>;
  const auto a = F::prepared(Computed<V>::broadcast(*static_cast<const typename F::Scalar*>(work.parameter)));
  map_fused<F, V, true>(work, begin, end, false, write, [&](V z, auto) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_prelu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  map_fused<F, FusedVector<F>, true>(work, begin, end, true, write,
                                     [](auto z, auto a) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_elu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = FusedVector<F>;
  const auto alpha = Computed<V>::broadcast(*static_cast<const typename F::Scalar*>(work.parameter));
  map_fused<F, V, true, Formula::lengthy>(work, begin, end, false, write, [&](V z, auto) RECTIFY_LAMBDA {
    return in_vector<E, V>(elu::forward<Alpha::any>(computed(z), alpha));
  });
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
