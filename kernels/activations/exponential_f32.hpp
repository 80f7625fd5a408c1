// The steps of exponential.hpp in f32. g is of degree 3, in two parallel halves.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 8 with alpha = 1, 9 otherwise; exp 10, on
// AVX-512 9.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE Started<F32> start(F32 x, F32 magic) { return {x, fma(x, F32::broadcast(0x1.715476p+0f), magic)}; }

RECTIFY_INLINE Reduced<F32> reduce(Started<F32> a, F32 magic) {
  const F32 n = a.t - magic;
  return {n, fma(n, F32::broadcast(-0x1.62e43p-1f), a.x), as_float(shift_left<23>(as_bits(a.t)))};
}

// Minimax on [-ln(2)/2, ln(2)/2]; with the one-term reduction above expm1 stays below 0.911 ULP over all negative floats.
RECTIFY_INLINE Approximated<F32> approximate(Reduced<F32> a) {
  const F32 r2 = a.r * a.r;
  const F32 y = fma(r2, F32::broadcast(0x1.675702p-10f), F32::broadcast(0x1.bf36fcp-6f));
  const F32 u = fma(a.r, F32::broadcast(0x1.86c6bap+2f), F32::broadcast(0x1.4f98f4p+3f));
  return {a.n, a.r, r2, fma(y, r2 + u, F32::broadcast(0x1.b5bbb2p-3f)), a.scale};
}

// The signed minimum of the bits clamps at -18, where expm1 is -1 to the last bit; inputs that are not negative land there
// too, so that the lane selected away raises nothing and costs no assist.
template <>
struct Expm1<F32> {
  static RECTIFY_INLINE F32 magic() { return F32::broadcast(0x1.8000fep+23f); }
  static RECTIFY_INLINE Started<F32> start(F32 x) {
    return rectify::start(as_float(min_signed(as_bits(x), U32::broadcast(0xC1900000))), magic());
  }
  static RECTIFY_INLINE Reduced<F32> reduce(Started<F32> a) { return rectify::reduce(a, magic()); }
  static RECTIFY_INLINE Approximated<F32> approximate(Reduced<F32> a) { return rectify::approximate(a); }
};

// Within 1.1 ULP, computed 2^24 times too large. The unsigned minimum clamps at -104, where exp rounds to 0, and keeps +0,
// which the gradient selects in; a positive x gives a finite or infinite value to be selected away.
template <>
struct Exp<F32> {
  static RECTIFY_INLINE F32 magic() { return F32::broadcast(0x1.80012ep+23f); }
  static RECTIFY_INLINE Started<F32> start(F32 x) {
    return rectify::start(as_float(min_unsigned(as_bits(x), U32::broadcast(0xC2D00000))), magic());
  }
  static RECTIFY_INLINE Reduced<F32> reduce(Started<F32> a) {
    Reduced<F32> b = rectify::reduce(a, magic());
    b.r = fma(b.n, F32::broadcast(0x1.05c61p-29f), b.r);
    return b;
  }
  static RECTIFY_INLINE Approximated<F32> approximate(Reduced<F32> a) { return rectify::approximate(a); }
};

}  // namespace
}  // namespace rectify
