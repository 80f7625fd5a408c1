// THE REFERENCE formulas in plain C++, one value at a time, as docs/numerics.md states them. The vector kernels are written
// from kernels/activations/ and share nothing with this file: the tests hold the two against each other, bit for bit.
// What has constants of its own stands once for float and once for double; the rest is the same in both.
#pragma once

#include <math.h>
#include <cstdint>
#include <cstring>

namespace rectify::scalar {
namespace {

template <class To, class From>
To reinterpret(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
inline float from_bits(uint32_t bits) { return reinterpret<float>(bits); }
inline double from_bits(uint64_t bits) { return reinterpret<double>(bits); }
inline uint32_t to_bits(float value) { return reinterpret<uint32_t>(value); }
inline uint64_t to_bits(double value) { return reinterpret<uint64_t>(value); }

// std::fma's overloads would leave weak copies in a Debug object.
inline float fma(float a, float b, float c) { return fmaf(a, b, c); }
inline double fma(double a, double b, double c) { return ::fma(a, b, c); }

// x = n*ln(2) + r, and 2^k with k = n + shift, down to where exp(x) rounds to 0.
template <class T>
struct Reduced {
  T n;
  T r;
  T scale;
};

// Adding `magic` rounds x/ln(2) to an integer in the low bits of the sum, already biased as an exponent.
inline Reduced<float> reduce(float x, float magic) {
  const float t = fma(x, 0x1.715476p+0f, magic);
  const float n = t - magic;
  return {n, fma(n, -0x1.62e43p-1f, x), from_bits(to_bits(t) << 23)};
}
inline Reduced<double> reduce(double x, double magic) {
  const double t = fma(x, 0x1.71547652b82fep+0, magic);
  const double n = t - magic;
  return {n, fma(n, -0x1.62e42fefa39efp-1, x), from_bits(to_bits(t) << 52)};
}

// expm1(r) for |r| <= ln(2)/2.
inline float expm1_polynomial(float r) {
  const float r2 = r * r;
  const float y = fma(r2, 0x1.675702p-10f, 0x1.bf36fcp-6f);
  const float u = fma(r, 0x1.86c6bap+2f, 0x1.4f98f4p+3f);
  const float g = fma(y, r2 + u, 0x1.b5bbb2p-3f);
  return fma(r2, g, r);
}
inline double expm1_polynomial(double r) {
  const double r2 = r * r;
  const double w = r2 + fma(r, 0x1.606ea1e3bbbd7p+2, 0x1.5403ca7e3c8d7p+5);
  const double y = fma(r2, 0x1.af053462adf1cp-26, 0x1.4dfaf464b0facp-20);
  const double q = fma(y, w, 0x1.3cb104aec3256p-16);
  const double m = fma(r2 + 0x1.9347d1f66ea62p+5, w - 0x1.a5f52486267bdp+6, 0x1.8cd65e6d6da8dp+12);
  const double h = fma(q, m, -0x1.f489090c31522p-5);
  const double g = fma(r, h, 0x1.0000000000008p-1);
  return fma(r2, g, r);
}

// alpha * expm1(x) for x < 0. Where x is clamped expm1 is -1 to the last bit.
inline float scaled_expm1(float x, float alpha) {
  const Reduced reduced = reduce(x < -18.0f ? -18.0f : x, 0x1.8000fep+23f);  // scale = 2^n
  const float p = expm1_polynomial(reduced.r);
  const float s = reduced.scale * alpha;
  return fma(s, p, s - alpha);
}
inline double scaled_expm1(double x, double alpha) {
  const Reduced reduced = reduce(x < -38.0 ? -38.0 : x, 0x1.80000000003ffp+52);  // scale = 2^n
  const double p = expm1_polynomial(reduced.r);
  const double s = reduced.scale * alpha;
  return fma(s, p, s - alpha);
}

// exp(x) for x <= 0, through the denormals to 0. It is computed 2^24 (2^54) times too large, where it is normal, and scaled
// down.
inline float exp(float x) {
  const Reduced reduced = reduce(x < -104.0f ? -104.0f : x, 0x1.80012ep+23f);  // scale = 2^(n + 24)
  const float r = fma(reduced.n, 0x1.05c61p-29f, reduced.r);
  return fma(reduced.scale, expm1_polynomial(r), reduced.scale) * 0x1p-24f;
}
inline double exp(double x) {
  const Reduced reduced = reduce(x < -746.0 ? -746.0 : x, 0x1.8000000000435p+52);  // scale = 2^(n + 54)
  const double r = fma(reduced.n, -0x1.abc9e3b39803fp-56, reduced.r);
  return fma(reduced.scale, expm1_polynomial(r), reduced.scale) * 0x1p-54;
}

template <class T>
T relu(T x) {
  return x < 0 ? T{0} : x;
}
template <class T>
T relu_gradient(T x, T dy) {
  return x <= 0 ? T{0} : dy;
}

template <class T>
T prelu(T x, T slope) {
  return x < 0 ? slope * x : x;
}
template <class T>
T prelu_gradient(T x, T dy, T slope) {
  return x <= 0 ? slope * dy : dy;
}

template <class T>
T elu(T x, T alpha) {
  return x < 0 ? scaled_expm1(x, alpha) : x;
}
template <class T>
T elu_gradient(T x, T dy, T alpha) {
  return x <= 0 ? (alpha * exp(x)) * dy : dy;
}
template <class T>
T elu_gradient_from_y(T y, T dy, T alpha) {
  return y <= 0 ? (y + alpha) * dy : dy;
}

// -|y|, and -inf for NaN: with y = slope*x, x < 0, it is x times the slope's magnitude.
template <class T>
T minus_magnitude(T y) {
  const T minus = -(y > -y ? y : -y);
  return minus > -T{INFINITY} ? minus : -T{INFINITY};
}

// What an element adds to the parameter's gradient.
template <class T>
T prelu_add(T x, T dy, T sum) {
  return x < 0 ? fma(dy, x, sum) : sum;
}
template <class T>
T elu_add(T x, T dy, T sum) {
  return x < 0 ? fma(dy, scaled_expm1(x, T{1}), sum) : sum;
}
template <class T>
T bias_add(T dz, T, T sum) {
  return sum + dz;
}

}  // namespace
}  // namespace rectify::scalar
