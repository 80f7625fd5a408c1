// THE REFERENCE formulas in plain C++, one value at a time, as docs/numerics.md states them. The vector kernels are written
// from kernels/activations/ and share nothing with this file: the tests hold the two against each other, bit for bit.
#pragma once

#include <math.h>
#include <cstdint>
#include <cstring>

namespace rectify::scalar {
namespace {

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t to_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// x = n*ln(2) + r, and 2^k with k = n + shift, for -104 <= x <= 0.
struct Reduced {
  float n;
  float r;
  float scale;
};

// Adding `magic` rounds x/ln(2) to an integer in the low bits of the sum, already biased as an exponent.
Reduced reduce(float x, float magic) {
  const float t = fmaf(x, 0x1.715476p+0f, magic);
  const float n = t - magic;
  return {n, fmaf(n, -0x1.62e43p-1f, x), from_bits(to_bits(t) << 23)};
}

// expm1(r) for |r| <= ln(2)/2.
float expm1_polynomial(float r) {
  const float r2 = r * r;
  const float y = fmaf(r2, from_bits(0x3ab3ab81), from_bits(0x3cdf9b7e));
  const float u = fmaf(r, from_bits(0x40c3635d), from_bits(0x4127cc7a));
  const float g = fmaf(y, r2 + u, from_bits(0x3e5addd9));
  return fmaf(r2, g, r);
}

// alpha * expm1(x) for x < 0. Below -18 expm1 is -1 to the last bit.
float scaled_expm1(float x, float alpha) {
  const Reduced reduced = reduce(x < -18.0f ? -18.0f : x, 0x1.8000fep+23f);  // scale = 2^n
  const float p = expm1_polynomial(reduced.r);
  const float s = reduced.scale * alpha;
  return fmaf(s, p, s - alpha);
}

// exp(x) for x <= 0, through the denormals to 0. It is computed 2^24 times too large, where it is normal, and scaled down.
float exp(float x) {
  const Reduced reduced = reduce(x < -104.0f ? -104.0f : x, 0x1.80012ep+23f);  // scale = 2^(n + 24)
  const float r = fmaf(reduced.n, 0x1.05c61p-29f, reduced.r);
  return fmaf(reduced.scale, expm1_polynomial(r), reduced.scale) * 0x1p-24f;
}

float relu(float x) { return x < 0 ? 0.0f : x; }
float relu_gradient(float x, float dy) { return x <= 0 ? 0.0f : dy; }

float prelu(float x, float slope) { return x < 0 ? slope * x : x; }
float prelu_gradient(float x, float dy, float slope) { return x <= 0 ? slope * dy : dy; }

float elu(float x, float alpha) { return x < 0 ? scaled_expm1(x, alpha) : x; }
float elu_gradient(float x, float dy, float alpha) { return x <= 0 ? (alpha * exp(x)) * dy : dy; }
float elu_gradient_from_y(float y, float dy, float alpha) { return y <= 0 ? (y + alpha) * dy : dy; }

// The factor of dy in the parameter's gradient, for x < 0.
float prelu_parameter_factor(float x) { return x; }
float elu_parameter_factor(float x) { return scaled_expm1(x, 1.0f); }

}  // namespace
}  // namespace rectify::scalar
