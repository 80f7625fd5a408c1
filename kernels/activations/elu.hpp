// ELU (Clevert et al. 2016). alpha = 1 has kernels of its own because it saves a multiplication; the bits are the same.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {
namespace elu {

// expm1(x) is never below x, not even as computed here (every float has been tried), and what scaled_expm1 gives for x that
// is not negative is about -1: so the greater one is the one that the sign selects. That saves a comparison and a blend,
// which share the pipes of the multiplications.
template <bool unit_alpha>
RECTIFY_INLINE F32 forward(F32 x, F32 alpha) {
  if constexpr (unit_alpha) return greater_or_second(scaled_expm1<true>(x, alpha), x);
  return select(less(x, broadcast(0)), scaled_expm1<false>(x, alpha), x);
}

template <bool unit_alpha>
RECTIFY_INLINE F32 backward(F32 x, F32 dy, F32 alpha) {
  const F32 slope = unit_alpha ? exp(x) : alpha * exp(x);
  return select(less_equal(x, broadcast(0)), slope * dy, dy);
}

RECTIFY_INLINE F32 backward_from_y(F32 y, F32 dy, F32 alpha) {
  return select(less_equal(y, broadcast(0)), (y + alpha) * dy, dy);
}

// The factor of dy in alpha's gradient, for x < 0.
RECTIFY_INLINE F32 parameter_factor(F32 x) { return scaled_expm1<true>(x, broadcast(1)); }

}  // namespace elu
}  // namespace
}  // namespace rectify
