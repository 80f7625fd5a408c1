// ELU (Clevert et al. 2016). alpha = 1 and alpha up to 1 have kernels of their own because they save instructions; the bits
// are the same.
#pragma once

#include "exponential_f32.hpp"
#include "exponential_f64.hpp"

namespace rectify {
namespace {
namespace elu {

// For 0 < alpha <= 1 the greater of alpha*expm1(x) and x is the one that the sign selects, which saves a comparison and a
// blend (the blend shares the pipes of the multiplications, on AVX-512 the comparison does). For x that is not negative
// scaled_expm1 gives about -alpha, below x; NaN gives x, second. For x < 0 and alpha = 1 it never gives less than x (every
// float has been tried). A smaller alpha brings it nearer to 0: where n = 0 the value is alpha*p rounded, not below p,
// which is the value for alpha = 1; elsewhere x < -0.34, and alpha*expm1(x) stays above x by far more than any rounding.
// In f64, where not every number can be tried, the same follows from the steps: docs/numerics.md, "f64: value".
template <Alpha range, class A, class X, class V>
RECTIFY_INLINE auto finish_forward(A approximated_expm1, X x, V alpha) {
  const V value = scaled_expm1<range>(approximated_expm1, alpha);
  if constexpr (range == Alpha::any)
    return select(below_zero(x), value, x);
  else
    return greater_or_second(value, x);
}

template <Alpha range, class X, class V>
RECTIFY_INLINE auto forward(X x, V alpha) {
  return finish_forward<range>(approximated<Expm1<V>>(V{x}), x, alpha);
}

template <Alpha range, class A, class X, class Dy, class V>
RECTIFY_INLINE auto finish_backward(A approximated_exp, X x, Dy dy, V alpha) {
  const V slope = range == Alpha::one ? exp(approximated_exp) : alpha * exp(approximated_exp);
  return select(zero_or_below(x), slope * dy, dy);
}

template <Alpha range, class X, class Dy, class V>
RECTIFY_INLINE auto backward(X x, Dy dy, V alpha) {
  return finish_backward<range>(approximated<Exp<V>>(V{x}), x, dy, alpha);
}

template <class V, class Dy, class A>
RECTIFY_INLINE auto backward_from_y(V y, Dy dy, A alpha) {
  return select(zero_or_below(y), (y + alpha) * dy, dy);
}

// What an element adds to alpha's gradient.
template <class A, class V>
RECTIFY_INLINE V add_approximated(A approximated_expm1, V x, V dy, V sum) {
  return fma_where(below_zero(x), dy, scaled_expm1<Alpha::one>(approximated_expm1, V::broadcast(1)), sum);
}

template <class V>
RECTIFY_INLINE V add(V x, V dy, V sum) {
  return add_approximated(approximated<Expm1<V>>(x), x, dy, sum);
}

}  // namespace elu
}  // namespace
}  // namespace rectify
