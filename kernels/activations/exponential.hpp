// The core of expm1 and exp for x <= 0, in four steps that each need what the one before left and no more: start, reduce,
// approximate, and a last one that scales. A walk may take them of different vectors at a time (loops/map_in_steps.hpp).
//
// x = n*ln(2) + r with |r| <= ln(2)/2. Adding 1.5*2^p (p the bits of the fraction, + a bias) to x/ln(2) leaves n in the low
// bits of the sum, biased as an exponent: one shift makes 2^n of it, with no conversion. expm1(r) = r + r^2*g. The steps of
// the arithmetic and their order are part of the contract (docs/numerics.md): kernels/scalar follows them one by one.
#pragma once

namespace rectify {
namespace {

template <class V>
struct Started {
  V x;  // clamped
  V t;  // x/ln(2) + the magic number
};

template <class V>
struct Reduced {
  V n, r;
  V scale;  // 2^n times what the magic number's bias adds
};

template <class V>
struct Approximated {
  V n, r, r2, g, scale;
};

// What V's format is computed with, its constants and approximate(): exponential_f32.hpp, exponential_f64.hpp. Where
// registers are few, magic numbers, minima and leading coefficients are in them, the other constants in memory: of 29 ways
// the fastest in f32 on Zen 3 (ELU forward 0.93 of the time of the compiler's own, dx 0.92 to 0.94; with all of them in
// memory 1.03 and 1.08).
template <class V>
struct Exponential;

template <class V>
RECTIFY_INLINE Started<V> start(V x, V magic) {
  return {x, fma(x, V::template in_memory<Exponential<V>::log2_of_e>(), magic)};
}
template <class V>
RECTIFY_INLINE Reduced<V> reduce(Started<V> a, V magic) {
  const V n = a.t - magic;
  return {n, fma(n, V::template in_memory<Exponential<V>::minus_ln_2>(), a.x),
          as_float(shift_left<Exponential<V>::fraction_bits>(as_bits(a.t)))};
}

// The first three steps of expm1. The signed minimum of the bits clamps where expm1 is -1 to the last bit; inputs that are
// not negative land there too, so that the lane selected away raises nothing and costs no assist.
template <class V>
struct Expm1 {
  using Constants = Exponential<V>;
  static RECTIFY_INLINE V magic() { return V::in_register(Constants::magic_of_expm1); }
  static RECTIFY_INLINE Started<V> start(V x) {
    return rectify::start(as_float(min_signed(as_bits(x), V::Bits::broadcast(Constants::least_of_expm1))), magic());
  }
  static RECTIFY_INLINE Reduced<V> reduce(Started<V> a) { return rectify::reduce(a, magic()); }
  static RECTIFY_INLINE Approximated<V> approximate(Reduced<V> a) { return Constants::approximate(a); }
};

// Those of exp. The unsigned minimum clamps where exp rounds to 0, and keeps +0, which the gradient selects in; a positive
// x gives a finite or infinite value to be selected away.
template <class V>
struct Exp {
  using Constants = Exponential<V>;
  static RECTIFY_INLINE V magic() { return V::in_register(Constants::magic_of_exp); }
  static RECTIFY_INLINE Started<V> start(V x) {
    return rectify::start(as_float(min_unsigned(as_bits(x), V::Bits::broadcast(Constants::least_of_exp))), magic());
  }
  static RECTIFY_INLINE Reduced<V> reduce(Started<V> a) {
    Reduced<V> b = rectify::reduce(a, magic());
    b.r = fma(b.n, V::template in_memory<Constants::ln_2_beyond>(), b.r);
    return b;
  }
  static RECTIFY_INLINE Approximated<V> approximate(Reduced<V> a) { return Constants::approximate(a); }
};

// What a kernel may know of alpha.
enum class Alpha {
  one,     // nothing to multiply by
  to_one,  // Exponential::least_alpha <= alpha < 1
  any,
};

// 2^n*alpha. Down to the least alpha for which no result is denormal that adds n to its exponent: an addition of integers,
// which the pipes of the multiplications are not needed for.
template <Alpha range, class V>
RECTIFY_INLINE V scaled(V power, V alpha) {
  if constexpr (range == Alpha::one) {
    return power;
  } else if constexpr (range == Alpha::any) {
    return power * alpha;
  } else {
    const auto minus_one = V::Bits::broadcast(Exponential<V>::minus_exponent_of_one);
    return as_float(as_bits(power) + (as_bits(alpha) + minus_one));
  }
}

// The last one. alpha*expm1(x) for x < 0, below 1 ULP for alpha = 1.
template <Alpha range, class V>
RECTIFY_INLINE V scaled_expm1(Approximated<V> a, V alpha) {
  const V p = fma(a.r2, a.g, a.r);
  const V s = scaled<range>(a.scale, alpha);
  return fma(s, p, s - alpha);
}

// exp(x) for x <= 0, through the denormals to 0: (1 + p) rounded, times 2^n, which rounds only where the result is
// denormal. Without an instruction for that it is computed so much too large that it is normal, and scaled down by an exact
// power of two.
template <class V>
RECTIFY_INLINE V exp(Approximated<V> a) {
  return scale_one_plus(fma(a.r2, a.g, a.r), a.n, a.scale);
}

template <class Steps, class V>
RECTIFY_INLINE auto reduced(V x) {
  return Steps::reduce(Steps::start(x));
}
template <class Steps, class V>
RECTIFY_INLINE auto approximated(V x) {
  return Steps::approximate(reduced<Steps>(x));
}

}  // namespace
}  // namespace rectify
