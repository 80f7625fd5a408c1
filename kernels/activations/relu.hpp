// ReLU. Written as compare and select: what is not negative passes unchanged, -0 and NaN included.
#pragma once

namespace rectify {
namespace {
namespace relu {

RECTIFY_INLINE F32 forward(F32 x) { return zero_where(less(x, broadcast(0)), x); }

RECTIFY_INLINE F32 backward(F32 x, F32 dy) { return zero_where(less_equal(x, broadcast(0)), dy); }

}  // namespace relu
}  // namespace
}  // namespace rectify
