// ReLU.
#pragma once

#include "../activations/relu.hpp"
#include "../loops/map.hpp"
#include "format.hpp"

namespace rectify {
namespace {

template <class F>
void relu_forward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [](V x) RECTIFY_LAMBDA { return relu::forward(x); }, F::x_of(work));
  });
}

template <class F>
void relu_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_selecting(work, [&]<Store how, Formula formula>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how, formula>(
        work, begin, end, [](V x, V dy) RECTIFY_LAMBDA { return relu::backward(x, dy); }, F::x_of(work), F::dy_of(work));
  });
}

}  // namespace
}  // namespace rectify
