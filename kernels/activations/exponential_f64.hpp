// The core of expm1 and exp for x <= 0, in f64: the way of exponential_f32.hpp. The inner polynomial is a product of two of
// degree 4, q*m, that are taken side by side, each with one multiplication less than its degree asks for.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 11 with alpha = 1, 12 otherwise; exp 13, on
// AVX-512 12.
#pragma once

namespace rectify {
namespace {

struct ReducedF64 {
  F64 n;
  F64 r;
  F64 scale;  // 2^n times what the magic number's bias adds
};

RECTIFY_INLINE ReducedF64 reduce(F64 x, F64 magic) {
  const F64 t = fma(x, F64::broadcast(0x1.71547652b82fep+0), magic);
  const F64 n = t - magic;
  return {n, fma(n, F64::broadcast(-0x1.62e42fefa39efp-1), x), as_float(shift_left<52>(as_bits(t)))};
}

// Minimax on [-ln(2)/2, ln(2)/2]. What the one-term reduction leaves of ln(2) is part of what is approximated where it
// matters: for r > 0, which occurs from n = -1 on.
RECTIFY_INLINE F64 expm1_polynomial(F64 r) {
  const F64 r2 = r * r;
  const F64 w = r2 + fma(r, F64::broadcast(0x1.606ea1e3bbbd7p+2), F64::broadcast(0x1.5403ca7e3c8d7p+5));
  const F64 y = fma(r2, F64::broadcast(0x1.af053462adf1cp-26), F64::broadcast(0x1.4dfaf464b0facp-20));
  const F64 q = fma(y, w, F64::broadcast(0x1.3cb104aec3256p-16));
  const F64 m = fma(r2 + F64::broadcast(0x1.9347d1f66ea62p+5), w - F64::broadcast(0x1.a5f52486267bdp+6),
                    F64::broadcast(0x1.8cd65e6d6da8dp+12));
  const F64 h = fma(q, m, F64::broadcast(-0x1.f489090c31522p-5));
  const F64 g = fma(r, h, F64::broadcast(0x1.0000000000008p-1));
  return fma(r2, g, r);
}

// alpha*expm1(x) for x < 0, below 1 ULP for alpha = 1. The minimum of the high words clamps near -38, where expm1 is -1 to
// the last bit whatever the low word, which passes; inputs that are not negative land there too.
template <bool unit_alpha>
RECTIFY_INLINE F64 scaled_expm1(F64 x, F64 alpha) {
  const F64 clamped = as_float(min_signed(as_bits(x), U64::broadcast(0xC04300007FFFFFFF)));
  const ReducedF64 reduced = reduce(clamped, F64::broadcast(0x1.80000000003ffp+52));
  const F64 p = expm1_polynomial(reduced.r);
  const F64 s = unit_alpha ? reduced.scale : reduced.scale * alpha;
  return fma(s, p, s - alpha);
}

// exp(x) for x <= 0, through the denormals to 0. The unsigned minimum of the high words clamps near -746, where exp rounds
// to 0, and keeps +0.
RECTIFY_INLINE F64 exp(F64 x) {
  const F64 clamped = as_float(min_unsigned(as_bits(x), U64::broadcast(0xC0875000FFFFFFFF)));
  const ReducedF64 reduced = reduce(clamped, F64::broadcast(0x1.8000000000435p+52));
  const F64 r = fma(reduced.n, F64::broadcast(-0x1.abc9e3b39803fp-56), reduced.r);
  return scale_one_plus(expm1_polynomial(r), reduced.n, reduced.scale);
}

}  // namespace
}  // namespace rectify
