// PReLU (He et al. 2015) and Leaky ReLU, which is PReLU with one slope. Select on the sign: max(slope*x, x) is right only
// for slopes between 0 and 1. At x = 0 the gradient takes the slope's side.
#pragma once

namespace rectify {
namespace {
namespace prelu {

template <class V>
RECTIFY_INLINE V forward(V x, V slope) {
  return select(below_zero(x), slope * x, x);
}

// The same bits for 0 < slope <= 1, in two instructions and not three: for x < 0 the product
// is not below x, rounded or not; elsewhere it is not above, and x, second, is what equal zeros and NaN give.
template <class V>
RECTIFY_INLINE V forward_of_small_slope(V x, V slope) {
  return greater_or_second(slope * x, x);
}

template <class V>
RECTIFY_INLINE V backward(V x, V dy, V slope) {
  return select(zero_or_below(x), slope * dy, dy);
}

// What an element adds to the slope's gradient.
template <class V>
RECTIFY_INLINE V add(V x, V dy, V sum) {
  return fma_where(below_zero(x), dy, x, sum);
}

}  // namespace prelu
}  // namespace
}  // namespace rectify
