// exponential.hpp in f32. g is of degree 3, in two parallel halves.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 8 for least_alpha <= alpha <= 1, otherwise 9; exp
// 10, on AVX-512 9.
#pragma once

#include "exponential.hpp"

namespace rectify {
namespace {

template <>
struct Exponential<F32> {
  static constexpr int fraction_bits = 23;
  static constexpr float log2_of_e = 0x1.715476p+0f;
  static constexpr float minus_ln_2 = -0x1.62e43p-1f, ln_2_beyond = 0x1.05c61p-29f;
  static constexpr float magic_of_expm1 = 0x1.8000fep+23f;
  static constexpr float magic_of_exp = 0x1.80012ep+23f;  // 2^24 times too large
  static constexpr uint32_t least_of_expm1 = 0xC1900000;  // -18
  static constexpr uint32_t least_of_exp = 0xC2D00000;    // -104
  static constexpr float least_alpha = 0x1p-100f;         // n >= -26 in expm1
  static constexpr uint32_t minus_exponent_of_one = 0xC0800000;

  // Minimax on [-ln(2)/2, ln(2)/2]; with the one-term reduction expm1 stays below 0.911 ULP over all negative floats, exp
  // within 1.1.
  static constexpr float y0 = 0x1.bf36fcp-6f, u0 = 0x1.4f98f4p+3f, g0 = 0x1.b5bbb2p-3f;
  static RECTIFY_INLINE Approximated<F32> approximate(Reduced<F32> a) {
    const F32 r2 = a.r * a.r;
    const F32 y = fma(r2, F32::broadcast(0x1.675702p-10f), F32::in_memory<y0>());
    const F32 u = fma(a.r, F32::broadcast(0x1.86c6bap+2f), F32::in_memory<u0>());
    return {a.n, a.r, r2, fma(y, r2 + u, F32::in_memory<g0>()), a.scale};
  }
};

}  // namespace
}  // namespace rectify
