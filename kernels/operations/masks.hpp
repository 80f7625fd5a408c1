// Backwards that read the mask in place of x.
#pragma once

#include "../activations/prelu.hpp"
#include "../activations/relu.hpp"
#include "../loops/masks.hpp"
#include "format.hpp"

namespace rectify {
namespace {

template <class F>
void relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_selecting(work, [&]<Store how, Formula formula>() RECTIFY_LAMBDA {
    map_masked<V, typename F::Element, how, formula>(
        work, begin, end, [](auto slope_side, V dy) RECTIFY_LAMBDA { return relu::gradient(slope_side, dy); },
        F::dy_of(work));
  });
}

template <class F>
void leaky_relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  const auto slope = parameter_alone<F>(V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter)));
  const auto gradient = [&](auto slope_side, auto dy) RECTIFY_LAMBDA { return prelu::gradient(slope_side, dy, slope); };
  constexpr Formula formula = is_same<typename F::Element, typename F::Scalar> ? Formula::brief : Formula::lengthy;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    // Where two vectors share their elements, these are selected as they are: the mask need not be put apart for both.
    if constexpr (V::registers == 1)
      map_masked<V, typename F::Element, how, formula>(work, begin, end, gradient, F::dy_of(work));
    else
      map_masked<typename F::Moved, typename F::Element, how, formula>(work, begin, end, gradient, F::dy_of(work));
  });
}

template <class F>
void mask_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  map_masked<V, typename F::Element, Store::ordinary>(
      work, begin, end, [](auto slope_side, V y) RECTIFY_LAMBDA { return prelu::scaled_x(slope_side, y); }, F::dy_of(work));
}

}  // namespace
}  // namespace rectify
