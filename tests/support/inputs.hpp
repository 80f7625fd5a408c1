// Deterministic inputs, the same on every machine: made of integers alone.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/formats.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {

// A counter turned into bits without visible order (the finaliser of a multiplicative hash).
constexpr uint32_t scrambled(uint32_t value) {
  value = (value ^ (value >> 16)) * 0x7feb352du;
  value = (value ^ (value >> 15)) * 0x846ca68bu;
  return value ^ (value >> 16);
}

// Any bits: NaNs, infinities and denormals too.
template <AnyNumber T>
constexpr T scrambled_value(uint32_t counter) {
  const uint64_t high = sizeof(T) == 8 ? uint64_t{scrambled(~counter)} << 32 : 0;
  return from_bits<T>(static_cast<BitsOf<T>>(high | scrambled(counter)));
}

// What a layer sees: in [-limit, limit), limit a power of two. Exact multiples of 2^-22 limit (f64: 2^-51), rounded to the
// format.
template <AnyNumber T = float>
std::vector<T> ordinary_values(size_t count, uint32_t seed, float limit = 2.0f) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t counter = static_cast<uint32_t>(i) + seed * 0x9e3779b9u, bits = scrambled(counter);
    if constexpr (sizeof(T) == 8) {
      const uint64_t digits = uint64_t{bits} << 20 | scrambled(~counter) >> 12;
      values[i] = (static_cast<double>(digits) * 0x1p-51 - 1.0) * static_cast<double>(limit);
    } else {
      const float value = (static_cast<float>(bits >> 9) * 0x1p-22f - 1.0f) * limit;
      values[i] = rounded<T>(static_cast<double>(value));
    }
  }
  return values;
}

// Ordinary values with a special one at every third place, in an order that depends on the seed.
template <AnyNumber T = float>
std::vector<T> mixed_values(size_t count, uint32_t seed) {
  static const std::vector<T> specials = special_values<T>();
  std::vector<T> values = ordinary_values<T>(count, seed, 16.0f);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t choice = scrambled(static_cast<uint32_t>(i) ^ (seed << 20) ^ 0x5bd1e995u);
    if (choice % 3 == 0) values[i] = specials[choice / 3 % specials.size()];
  }
  return values;
}

// The value of a 16-bit number and the tie between it and the next one away from zero (for the largest: what would be next
// if there were more exponents), each with the floats beside it.
template <AnyNumber T>
std::array<float, 6> around_ties(T number) {
  using N = Number<T>;
  const uint32_t sign = static_cast<uint32_t>(number.bits & N::sign) << 16;
  const double value = std::fabs(static_cast<double>(widened(number)));
  const double tie = value + std::ldexp(0.5, std::max(std::ilogb(value), N::lowest_exponent) - N::precision + 1);
  std::array<float, 6> values;
  size_t count = 0;
  for (const double each : {value, tie}) {
    const uint32_t bits = bits_of(static_cast<float>(each));
    for (const uint32_t beside : {bits - 1, bits, bits + 1}) values[count++] = float_of(beside | sign);
  }
  return values;
}

// What an output holds before a call, so that an element that is not written stays recognisable.
template <AnyNumber T>
inline const T unwritten = rounded<T>(-12345.0);

}  // namespace rectify::tests
