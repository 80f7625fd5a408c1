// exponential.hpp in f64. What is in g is a product of two polynomials of degree 4, q*m, that are taken side by side, each
// with one multiplication less than its degree asks for.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 11 for least_alpha <= alpha <= 1, otherwise 12;
// exp 13, on AVX-512 12.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {

template <>
struct Exponential<F64> {
  static constexpr int fraction_bits = 52;
  static constexpr double log2_of_e = 0x1.71547652b82fep+0;
  static constexpr double minus_ln_2 = -0x1.62e42fefa39efp-1, ln_2_beyond = -0x1.abc9e3b39803fp-56;
  static constexpr double magic_of_expm1 = 0x1.80000000003ffp+52;
  static constexpr double magic_of_exp = 0x1.8000000000435p+52;  // 2^54 times too large
  // Near -38 and -746: the minima are of the high words, the low ones pass, whatever they are.
  static constexpr uint64_t least_of_expm1 = 0xC04300007FFFFFFF;
  static constexpr uint64_t least_of_exp = 0xC0875000FFFFFFFF;
  static constexpr double least_alpha = 0x1p-967;  // n >= -55 in expm1
  static constexpr uint64_t minus_exponent_of_one = 0xC010000000000000;

  // Minimax on [-ln(2)/2, ln(2)/2]. What the one-term reduction leaves of ln(2) is part of what is approximated where it
  // matters: for r > 0, which occurs from n = -1 on.
  static constexpr double w0 = 0x1.5403ca7e3c8d7p+5, y0 = 0x1.4dfaf464b0facp-20, q0 = 0x1.3cb104aec3256p-16;
  static constexpr double m0 = 0x1.8cd65e6d6da8dp+12, m1 = 0x1.9347d1f66ea62p+5, m2 = 0x1.a5f52486267bdp+6;
  static constexpr double h0 = -0x1.f489090c31522p-5, g0 = 0x1.0000000000008p-1;
  static RECTIFY_INLINE Approximated<F64> approximate(Reduced<F64> a) {
    const F64 r2 = a.r * a.r;
    const F64 w = r2 + fma(a.r, F64::broadcast(0x1.606ea1e3bbbd7p+2), F64::in_memory<w0>());
    const F64 y = fma(r2, F64::broadcast(0x1.af053462adf1cp-26), F64::in_memory<y0>());
    const F64 q = fma(y, w, F64::in_memory<q0>());
    const F64 m = fma(r2 + F64::in_memory<m1>(), w - F64::in_memory<m2>(), F64::in_memory<m0>());
    const F64 h = fma(q, m, F64::in_memory<h0>());
    return {a.n, a.r, r2, fma(a.r, h, F64::in_memory<g0>()), a.scale};
  }
};

}  // namespace
}  // namespace rectify
