// ReLU. Written as compare and select: what is not negative passes unchanged, -0 and NaN included.
#pragma once

namespace rectify {
namespace {
namespace relu {

template <class V>
RECTIFY_INLINE auto forward(V x) {
  return zero_where(below_zero(x), x);
}

// slope_side: where x is zero or below.
template <class Mask, class V>
RECTIFY_INLINE auto gradient(Mask slope_side, V dy) {
  return zero_where(slope_side, dy);
}
template <class V, class Dy>
RECTIFY_INLINE auto backward(V x, Dy dy) {
  return gradient(zero_or_below(x), dy);
}

}  // namespace relu
}  // namespace
}  // namespace rectify
