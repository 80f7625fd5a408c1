// PReLU, and Leaky ReLU, which is PReLU of one channel.
#pragma once

#include "../activations/prelu.hpp"
#include "../loops/channels.hpp"
#include "format.hpp"

namespace rectify {
namespace {

// The formulas as the loops call them.
template <class F, class V = typename F::Vector>
constexpr auto prelu_value = [](V slope, V x) RECTIFY_LAMBDA { return prelu::forward(x, parameter_alone<F>(slope)); };
template <class F, class V = typename F::Vector>
constexpr auto prelu_value_of_small_slope =
    [](V slope, V x) RECTIFY_LAMBDA { return prelu::forward_of_small_slope(x, by_itself(slope)); };
template <class F, class V = typename F::Vector>
constexpr auto prelu_gradient =
    [](V slope, V x, V dy) RECTIFY_LAMBDA { return prelu::backward(x, dy, parameter_alone<F>(slope)); };

// A function of its own: a small call with one slope would save all registers and make room for a pattern.
template <class F, class Formula, auto... inputs>
[[gnu::noinline]] void prelu_of_channels(const Work& work, size_t begin, size_t end) {
  with_store(work.streaming,
             [&]<Store how>() RECTIFY_LAMBDA { map_channels<F, how>(work, begin, end, Formula(), inputs(work)...); });
}

template <class F, class Formula, auto... inputs, class V>
RECTIFY_INLINE void prelu_of_one_slope(const Work& work, size_t begin, size_t end, V slope) {
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [&](auto... v) RECTIFY_LAMBDA { return Formula()(slope, v...); }, inputs(work)...);
  });
}

// One slope no longer has a format of its own: where there are two, they share these.
template <class E, class F = WideSlopes<E>>
void prelu_forward_of_one_slope(const Work& work, size_t begin, size_t end, typename F::Scalar slope) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const V a = F::prepared(V::broadcast(slope));
  if (is_within<Scalar>(slope, least_above_zero<Scalar>, 1))
    return prelu_of_one_slope<F, decltype(prelu_value_of_small_slope<F>), F::x_of>(work, begin, end, a);
  prelu_of_one_slope<F, decltype(prelu_value<F>), F::x_of>(work, begin, end, a);
}
template <class E, class F = WideSlopes<E>>
void prelu_backward_of_one_slope(const Work& work, size_t begin, size_t end, typename F::Scalar slope) {
  const auto a = F::prepared(F::Vector::broadcast(slope));
  prelu_of_one_slope<F, decltype(prelu_gradient<F>), F::x_of, F::dy_of>(work, begin, end, a);
}

// Whether all channels' slopes are above zero and at most one. No NaN is. The first that is not ends the look.
template <class F>
bool has_small_slopes(const Work& work) {
  using V = decltype(folded_to_vector(typename F::Vector()));
  using Scalar = typename F::Scalar;
  const auto* slope = static_cast<const typename F::Slope*>(work.parameter);
  constexpr uint32_t every_lane = (1u << V::lanes) - 1;
  size_t c = 0;
  for (; c + V::lanes <= work.channels; c += V::lanes) {
    const V a = V::load(slope + c);
    const uint32_t small = bits_of(below_zero(V::broadcast(0) - a)) & bits_of(zero_or_below(a - V::broadcast(1)));
    if (small != every_lane) return false;
  }
  for (; c < work.channels; ++c) {
    if (!is_within<Scalar>(widen(slope[c]), least_above_zero<Scalar>, 1)) return false;
  }
  return true;
}

template <class F>
[[gnu::noinline]] void prelu_forward_of_small_slopes(const Work& work, size_t begin, size_t end) {
  map_channels<F, Store::ordinary>(work, begin, end, prelu_value_of_small_slope<F>, F::x_of(work));
}

template <class F>
void prelu_forward(const Work& work, size_t begin, size_t end) {
  if (work.channels != 1) {
    // Worth a look at the slopes in caches, where each serves many elements: on Zen 3 f32 takes 0.70 to 0.84 of the time in
    // L1, about the same in L2, 16 bits 0.80 to 0.98. Not f64, which gains nothing, nor with masks, which spare the select.
    if constexpr (F::Vector::vector_registers == 16 && is_same<typename F::Scalar, float>) {
      if (!work.streaming && (end - begin) / 32 >= work.channels && has_small_slopes<F>(work))
        return prelu_forward_of_small_slopes<F>(work, begin, end);
    }
    return prelu_of_channels<F, decltype(prelu_value<F>), F::x_of>(work, begin, end);
  }
  prelu_forward_of_one_slope<typename F::Element>(work, begin, end,
                                                  widen(*static_cast<const typename F::Slope*>(work.parameter)));
}

template <class F>
void prelu_backward(const Work& work, size_t begin, size_t end) {
  if (work.channels != 1) return prelu_of_channels<F, decltype(prelu_gradient<F>), F::x_of, F::dy_of>(work, begin, end);
  prelu_backward_of_one_slope<typename F::Element>(work, begin, end,
                                                   widen(*static_cast<const typename F::Slope*>(work.parameter)));
}

}  // namespace
}  // namespace rectify
