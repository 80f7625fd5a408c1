// The steps of exponential.hpp in f64. What is in g is a product of two polynomials of degree 4, q*m, that are taken side
// by side, each with one multiplication less than its degree asks for.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 11 with alpha = 1, 12 otherwise; exp 13, on
// AVX-512 12.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE Started<F64> start(F64 x, F64 magic) { return {x, fma(x, F64::broadcast(0x1.71547652b82fep+0), magic)}; }

RECTIFY_INLINE Reduced<F64> reduce(Started<F64> a, F64 magic) {
  const F64 n = a.t - magic;
  return {n, fma(n, F64::broadcast(-0x1.62e42fefa39efp-1), a.x), as_float(shift_left<52>(as_bits(a.t)))};
}

// Minimax on [-ln(2)/2, ln(2)/2]. What the one-term reduction leaves of ln(2) is part of what is approximated where it
// matters: for r > 0, which occurs from n = -1 on.
RECTIFY_INLINE Approximated<F64> approximate(Reduced<F64> a) {
  const F64 r2 = a.r * a.r;
  const F64 w = r2 + fma(a.r, F64::broadcast(0x1.606ea1e3bbbd7p+2), F64::broadcast(0x1.5403ca7e3c8d7p+5));
  const F64 y = fma(r2, F64::broadcast(0x1.af053462adf1cp-26), F64::broadcast(0x1.4dfaf464b0facp-20));
  const F64 q = fma(y, w, F64::broadcast(0x1.3cb104aec3256p-16));
  const F64 m = fma(r2 + F64::broadcast(0x1.9347d1f66ea62p+5), w - F64::broadcast(0x1.a5f52486267bdp+6),
                    F64::broadcast(0x1.8cd65e6d6da8dp+12));
  const F64 h = fma(q, m, F64::broadcast(-0x1.f489090c31522p-5));
  return {a.n, a.r, r2, fma(a.r, h, F64::broadcast(0x1.0000000000008p-1)), a.scale};
}

// The signed minimum of the high words clamps near -38, where expm1 is -1 to the last bit whatever the low word, which
// passes; inputs that are not negative land there too.
template <>
struct Expm1<F64> {
  static RECTIFY_INLINE F64 magic() { return F64::broadcast(0x1.80000000003ffp+52); }
  static RECTIFY_INLINE Started<F64> start(F64 x) {
    return rectify::start(as_float(min_signed(as_bits(x), U64::broadcast(0xC04300007FFFFFFF))), magic());
  }
  static RECTIFY_INLINE Reduced<F64> reduce(Started<F64> a) { return rectify::reduce(a, magic()); }
  static RECTIFY_INLINE Approximated<F64> approximate(Reduced<F64> a) { return rectify::approximate(a); }
};

// Computed 2^54 times too large. The unsigned minimum of the high words clamps near -746, where exp rounds to 0, and keeps
// +0.
template <>
struct Exp<F64> {
  static RECTIFY_INLINE F64 magic() { return F64::broadcast(0x1.8000000000435p+52); }
  static RECTIFY_INLINE Started<F64> start(F64 x) {
    return rectify::start(as_float(min_unsigned(as_bits(x), U64::broadcast(0xC0875000FFFFFFFF))), magic());
  }
  static RECTIFY_INLINE Reduced<F64> reduce(Started<F64> a) {
    Reduced<F64> b = rectify::reduce(a, magic());
    b.r = fma(b.n, F64::broadcast(-0x1.abc9e3b39803fp-56), b.r);
    return b;
  }
  static RECTIFY_INLINE Approximated<F64> approximate(Reduced<F64> a) { return rectify::approximate(a); }
};

}  // namespace
}  // namespace rectify
