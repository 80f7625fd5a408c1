// ELU (Clevert et al. 2016). alpha = 1 and alpha up to 1 have kernels of their own because they save instructions; the bits
// are the same.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {
namespace elu {

// What a kernel may know of alpha.
enum class Alpha {
  one,     // one multiplication less
  to_one,  // 0 < alpha < 1
  any,
};

// For 0 < alpha <= 1 the greater of alpha*expm1(x) and x is the one that the sign selects, which saves a comparison and a
// blend (the blend shares the pipes of the multiplications, on AVX-512 the comparison does). For x that is not negative
// scaled_expm1 gives about -alpha, below x; NaN gives x, second. For x < 0 and alpha = 1 it never gives less than x (every
// float has been tried). A smaller alpha brings it nearer to 0: where n = 0 the value is alpha*p rounded, not below p,
// which is the value for alpha = 1; elsewhere x < -0.34, and alpha*expm1(x) stays above x by far more than any rounding.
template <Alpha range>
RECTIFY_INLINE F32 forward(F32 x, F32 alpha) {
  const F32 value = scaled_expm1<range == Alpha::one>(x, alpha);
  if constexpr (range == Alpha::any) return select(less(x, broadcast(0)), value, x);
  return greater_or_second(value, x);
}

template <Alpha range>
RECTIFY_INLINE F32 backward(F32 x, F32 dy, F32 alpha) {
  const F32 slope = range == Alpha::one ? exp(x) : alpha * exp(x);
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
