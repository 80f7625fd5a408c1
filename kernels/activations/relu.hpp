// ReLU. Written as compare and select: what is not negative passes unchanged, -0 and NaN included.
#pragma once

namespace rectify {
namespace {
namespace relu {

template <class V>
RECTIFY_INLINE V forward(V x) {
  return zero_where(below_zero(x), x);
}

// slope_side: where x is zero or below.
template <class Mask, class V>
RECTIFY_INLINE V gradient(Mask slope_side, V dy) {
  return zero_where(slope_side, dy);
}
template <class V>
RECTIFY_INLINE V backward(V x, V dy) {
  return gradient(zero_or_below(x), dy);
}

}  // namespace relu
}  // namespace
}  // namespace rectify
