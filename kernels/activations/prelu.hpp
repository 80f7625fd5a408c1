// PReLU (He et al. 2015) and Leaky ReLU, which is PReLU with one slope. Select on the sign: max(slope*x, x) is right only
// for slopes between 0 and 1. At x = 0 the gradient takes the slope's side.
#pragma once

namespace rectify {
namespace {
namespace prelu {

RECTIFY_INLINE F32 forward(F32 x, F32 slope) { return select(less(x, broadcast(0)), slope * x, x); }

// The same bits for 0 < slope <= 1, in two instructions and not three: for x < 0 the product
// is not below x, rounded or not; elsewhere it is not above, and x, second, is what equal zeros and NaN give.
RECTIFY_INLINE F32 forward_of_small_slope(F32 x, F32 slope) { return greater_or_second(slope * x, x); }

RECTIFY_INLINE F32 backward(F32 x, F32 dy, F32 slope) { return select(less_equal(x, broadcast(0)), slope * dy, dy); }

// The factor of dy in the slope's gradient, for x < 0.
RECTIFY_INLINE F32 parameter_factor(F32 x) { return x; }

}  // namespace prelu
}  // namespace
}  // namespace rectify
