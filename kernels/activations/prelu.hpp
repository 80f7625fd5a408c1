// PReLU (He et al. 2015) and Leaky ReLU, which is PReLU with one slope. Select on the sign: max(slope*x, x) is right only
// for slopes between 0 and 1. At x = 0 the gradient takes the slope's side.
#pragma once

namespace rectify {
namespace {
namespace prelu {

template <class V, class Slope>
RECTIFY_INLINE auto forward(V x, Slope slope) {
  return select(below_zero(x), slope * x, x);
}

// The same bits for 0 < slope <= 1, in two instructions and not three: for x < 0 the product
// is not below x, rounded or not; elsewhere it is not above, and x, second, is what equal zeros and NaN give.
template <class V, class Slope>
RECTIFY_INLINE V forward_of_small_slope(V x, Slope slope) {
  return greater_or_second(slope * x, x);
}

// slope_side: where x is zero or below.
template <class Mask, class V, class Slope>
RECTIFY_INLINE auto gradient(Mask slope_side, V dy, Slope slope) {
  return select(slope_side, slope * dy, dy);
}
template <class V, class Dy, class Slope>
RECTIFY_INLINE auto backward(V x, Dy dy, Slope slope) {
  return gradient(zero_or_below(x), dy, slope);
}

// What an element adds to the slope's gradient.
template <class V>
RECTIFY_INLINE V add(V x, V dy, V sum) {
  return fma_where(below_zero(x), dy, x, sum);
}

// -|y|, and -inf for NaN.
template <class V>
RECTIFY_INLINE V minus_magnitude(V y) {
  const V minus_one = V::broadcast(-1);
  return greater_or_second(greater_or_second(y, y * minus_one) * minus_one, V::broadcast(-__builtin_inff()));
}

// From y and the sides alone: x times the magnitude of its slope where that was multiplied, else x. NaN there, from an
// infinite or NaN slope, is -inf: dx takes the slope's side all the same.
template <class Mask, class V>
RECTIFY_INLINE V scaled_x(Mask slope_side, V y) {
  return select(slope_side, minus_magnitude(y), y);
}

// What takes that scale from the sum again. The last +0 makes the magnitude of either zero +0.
template <class V>
RECTIFY_INLINE V over_magnitude(V sum, V slope) {
  return sum / (minus_magnitude(slope) * V::broadcast(-1) + V::broadcast(0));
}

}  // namespace prelu
}  // namespace
}  // namespace rectify
