// Every operation of activations/list.hpp as the walks call it: of(parameter, x, dy) is the element's result, add(x, dy,
// sum) adds its part to the parameter's gradient, which is one for all or one per channel. The formulas are those of
// activations/.
#pragma once

#include "elements.cuh"
#include "tuning.cuh"
#include "vector.cuh"
// The formulas are made of the vocabulary above.
#include "../activations/elu.hpp"
#include "../activations/prelu.hpp"
#include "../activations/relu.hpp"

namespace rectify {
namespace {

struct ReluForward {
  static constexpr bool reads_dy = false, exponential = false;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V, X x, Dy) {
    return relu::forward(x);
  }
};

struct ReluBackward {
  static constexpr bool reads_dy = true, exponential = false, has_parameter = false;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V, X x, Dy dy) {
    return relu::backward(x, dy);
  }
};

struct PreluForward {
  static constexpr bool reads_dy = false, exponential = false;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V slope, X x, Dy) {
    return prelu::forward(x, slope);
  }
};

struct PreluBackward {
  static constexpr bool reads_dy = true, exponential = false, has_parameter = true, per_channel = true;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V slope, X x, Dy dy) {
    return prelu::backward(x, dy, slope);
  }
  template <class V>
  static RECTIFY_INLINE V add(V x, V dy, V sum) {
    return prelu::add(x, dy, sum);
  }
};

// Arithmetic hides behind memory here: one kernel serves every alpha.
struct EluForward {
  static constexpr bool reads_dy = false, exponential = true;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V alpha, X x, Dy) {
    return elu::forward<Alpha::any>(x, alpha);
  }
};

struct EluBackward {
  static constexpr bool reads_dy = true, exponential = true, has_parameter = true, per_channel = false;
  template <class V, class X, class Dy>
  static RECTIFY_INLINE auto of(V alpha, X x, Dy dy) {
    return elu::backward<Alpha::any>(x, dy, alpha);
  }
  template <class V>
  static RECTIFY_INLINE V add(V x, V dy, V sum) {
    return elu::add(x, dy, sum);
  }
};

struct EluBackwardFromY {
  static constexpr bool reads_dy = true, exponential = false;
  template <class V, class Y, class Dy>
  static RECTIFY_INLINE auto of(V alpha, Y y, Dy dy) {
    return elu::backward_from_y(y, dy, alpha);
  }
};

// Which of its outputs an operation is asked for.
enum class Outputs { elements, sums, both };

template <class Formula, Outputs outputs>
struct Operation : Formula {
  static constexpr bool writes = outputs != Outputs::sums;
  static constexpr bool adds = outputs != Outputs::elements;
  // Whole pieces have code of their own.
  static constexpr bool has_whole_pieces = true;
  static constexpr unsigned in_flight = cuda::in_flight;
  // That a multiprocessor is to hold, at least.
  static constexpr unsigned blocks(size_t element_size, bool in_rows) {
    return cuda::blocks(adds, Formula::exponential, element_size, in_rows);
  }
  // What the walks are given, what they sum, and where its nodes go.
  template <class Element>
  using Inputs = Tensors<Element>;
  template <class Element>
  using Parameters = Parameter<Element>;
  template <class V>
  using Sum = V;
  template <class Scalar>
  using Nodes = Scalar*;
};

}  // namespace
}  // namespace rectify
