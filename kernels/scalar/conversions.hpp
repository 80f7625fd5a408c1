// THE REFERENCE conversions of the 16-bit formats in plain integers: widening is exact, rounding is to nearest, ties to
// even.
#pragma once

#include "../formats.hpp"
#include "formulas.hpp"

namespace rectify::scalar {
namespace {

// What an element is computed in.
template <class Element>
struct ComputedIn {
  using Type = float;
};
template <>
struct ComputedIn<double> {
  using Type = double;
};

inline float widen(float value) { return value; }
inline double widen(double value) { return value; }

inline float widen(Bfloat value) { return from_bits(uint32_t{value.bits} << 16); }

inline float widen(Half value) {
  const uint32_t sign = (value.bits & 0x8000u) << 16, exponent = value.bits >> 10 & 31, mantissa = value.bits & 0x3FF;
  if (exponent == 31) return from_bits(sign | 0x7F800000 | mantissa << 13);
  if (exponent != 0) return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // denormal in f16, normal here
  return from_bits(sign | to_bits(magnitude));
}

// `bits` without its lowest `count`, rounded. A carry runs on into the exponent, as it should.
inline uint32_t rounded_off(uint32_t bits, uint32_t count) {
  const uint32_t half = 1u << (count - 1), rest = bits & (2 * half - 1), kept = bits >> count;
  return kept + (rest > half || (rest == half && (kept & 1)) ? 1 : 0);
}

inline void narrow(float value, float* to) { *to = value; }
inline void narrow(double value, double* to) { *to = value; }

inline void narrow(float value, Bfloat* to) {
  const uint32_t bits = to_bits(value);
  const bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  to->bits = static_cast<uint16_t>(nan ? bits >> 16 | 0x40 : rounded_off(bits, 16));
}

inline void narrow(float value, Half* to) {
  const uint32_t bits = to_bits(value), magnitude = bits & 0x7FFFFFFF, exponent = magnitude >> 23;
  uint32_t half;
  if (magnitude > 0x7F800000) {
    half = 0x7E00 | (magnitude >> 13 & 0x3FF);  // NaN
  } else if (exponent >= 143) {
    half = Half::infinity;  // 2^16 and above
  } else if (exponent >= 113) {
    half = rounded_off(magnitude - (112u << 23), 13);  // may become infinite
  } else if (exponent >= 102) {
    half = rounded_off((magnitude & 0x7FFFFF) | 0x800000, 126 - exponent);  // denormal in f16
  } else {
    half = 0;
  }
  to->bits = static_cast<uint16_t>(bits >> 16 & 0x8000u) | static_cast<uint16_t>(half);
}

}  // namespace
}  // namespace rectify::scalar
