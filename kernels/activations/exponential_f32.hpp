// The core of expm1 and exp for x <= 0, in f32.
//
// x = n*ln(2) + r with |r| <= ln(2)/2. Adding 1.5*2^23 (+ a bias) to x/ln(2) leaves n in the low bits of the sum, biased as
// an exponent: one shift makes 2^n of it, with no conversion. expm1(r) = r + r^2*G(r), G of degree 3 in two parallel
// halves. The steps and their order are part of the contract (docs/numerics.md): kernels/scalar follows them one by one.
//
// Operations on the pipes of multiplication (fma, mul) per vector: expm1 8 with alpha = 1, 9 otherwise; exp 10, on
// AVX-512 9.
#pragma once

namespace rectify {
namespace {

struct ReducedF32 {
  F32 n;
  F32 r;
  F32 scale;  // 2^n times what the magic number's bias adds
};

RECTIFY_INLINE ReducedF32 reduce(F32 x, F32 magic) {
  const F32 t = fma(x, F32::broadcast(0x1.715476p+0f), magic);
  const F32 n = t - magic;
  return {n, fma(n, F32::broadcast(-0x1.62e43p-1f), x), as_float(shift_left<23>(as_bits(t)))};
}

// Minimax on [-ln(2)/2, ln(2)/2]; with the one-term reduction above expm1 stays below 0.911 ULP over all negative floats.
RECTIFY_INLINE F32 expm1_polynomial(F32 r) {
  const F32 r2 = r * r;
  const F32 y = fma(r2, F32::broadcast(0x1.675702p-10f), F32::broadcast(0x1.bf36fcp-6f));
  const F32 u = fma(r, F32::broadcast(0x1.86c6bap+2f), F32::broadcast(0x1.4f98f4p+3f));
  const F32 g = fma(y, r2 + u, F32::broadcast(0x1.b5bbb2p-3f));
  return fma(r2, g, r);
}

// alpha*expm1(x) for x < 0, below 1 ULP for alpha = 1. The signed minimum of the bits clamps at -18, where expm1 is -1 to
// the last bit; inputs that are not negative land there too, so that the lane selected away raises nothing and costs no
// assist.
template <bool unit_alpha>
RECTIFY_INLINE F32 scaled_expm1(F32 x, F32 alpha) {
  const F32 clamped = as_float(min_signed(as_bits(x), U32::broadcast(0xC1900000)));
  const ReducedF32 reduced = reduce(clamped, F32::broadcast(0x1.8000fep+23f));
  const F32 p = expm1_polynomial(reduced.r);
  const F32 s = unit_alpha ? reduced.scale : reduced.scale * alpha;
  return fma(s, p, s - alpha);
}

// exp(x) for x <= 0, within 1.1 ULP and through the denormals to 0: (1 + p) rounded, times 2^n, which rounds only where the
// result is denormal. Without an instruction for that it is computed 2^24 times too large, where it is normal, and scaled
// down by an exact power of two. The unsigned minimum clamps at
// -104, where exp rounds to 0, and keeps +0, which the gradient selects in; a positive x gives a finite or infinite value
// to be selected away.
RECTIFY_INLINE F32 exp(F32 x) {
  const F32 clamped = as_float(min_unsigned(as_bits(x), U32::broadcast(0xC2D00000)));
  const ReducedF32 reduced = reduce(clamped, F32::broadcast(0x1.80012ep+23f));
  const F32 r = fma(reduced.n, F32::broadcast(0x1.05c61p-29f), reduced.r);
  return scale_one_plus(expm1_polynomial(r), reduced.n, reduced.scale);
}

}  // namespace
}  // namespace rectify
