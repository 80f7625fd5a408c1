// Every operation of activations/list.hpp as the walks call it: of(parameter, x, dy) is the element's result, add(x, dy,
// sum) adds its part to the parameter's gradient, which is one for all or one per channel. The formulas are those of
// activations/.
#pragma once

#include "vector.cuh"
// The formulas are made of the vocabulary above.
#include "../activations/elu.hpp"
#include "../activations/prelu.hpp"
#include "../activations/relu.hpp"

namespace rectify {
namespace {

struct ReluForward {
  static constexpr bool reads_dy = false;
  static RECTIFY_INLINE F32 of(F32, F32 x, F32) { return relu::forward(x); }
};

struct ReluBackward {
  static constexpr bool reads_dy = true;
  static RECTIFY_INLINE F32 of(F32, F32 x, F32 dy) { return relu::backward(x, dy); }
};

struct PreluForward {
  static constexpr bool reads_dy = false;
  static RECTIFY_INLINE F32 of(F32 slope, F32 x, F32) { return prelu::forward(x, slope); }
};

struct PreluBackward {
  static constexpr bool reads_dy = true, per_channel = true;
  static RECTIFY_INLINE F32 of(F32 slope, F32 x, F32 dy) { return prelu::backward(x, dy, slope); }
  static RECTIFY_INLINE F32 add(F32 x, F32 dy, F32 sum) {
    return fma_where(less(x, broadcast(0)), dy, prelu::parameter_factor(x), sum);
  }
};

// Arithmetic hides behind memory here: one kernel serves every alpha.
struct EluForward {
  static constexpr bool reads_dy = false;
  static RECTIFY_INLINE F32 of(F32 alpha, F32 x, F32) { return elu::forward<elu::Alpha::any>(x, alpha); }
};

struct EluBackward {
  static constexpr bool reads_dy = true, per_channel = false;
  static RECTIFY_INLINE F32 of(F32 alpha, F32 x, F32 dy) { return elu::backward<elu::Alpha::any>(x, dy, alpha); }
  static RECTIFY_INLINE F32 add(F32 x, F32 dy, F32 sum) {
    return fma_where(less(x, broadcast(0)), dy, elu::parameter_factor(x), sum);
  }
};

struct EluBackwardFromY {
  static constexpr bool reads_dy = true;
  static RECTIFY_INLINE F32 of(F32 alpha, F32 y, F32 dy) { return elu::backward_from_y(y, dy, alpha); }
};

// Which of its outputs an operation is asked for.
enum class Outputs { elements, sums, both };

template <class Formula, Outputs outputs>
struct Operation : Formula {
  static constexpr bool writes = outputs != Outputs::sums;
  static constexpr bool adds = outputs != Outputs::elements;
};

}  // namespace
}  // namespace rectify
