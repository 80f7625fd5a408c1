// Deterministic inputs, the same on every machine: made of integers alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {

// A counter turned into bits without visible order (the finaliser of a multiplicative hash).
constexpr uint32_t scrambled(uint32_t value) {
  value = (value ^ (value >> 16)) * 0x7feb352du;
  value = (value ^ (value >> 15)) * 0x846ca68bu;
  return value ^ (value >> 16);
}

// Exact multiples of 2^-22 in [-limit, limit), limit a power of two: what a layer sees.
inline std::vector<float> ordinary_values(size_t count, uint32_t seed, float limit = 2.0f) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = scrambled(static_cast<uint32_t>(i) + seed * 0x9e3779b9u) >> 9;  // 23 bits
    values[i] = (static_cast<float>(bits) * 0x1p-22f - 1.0f) * limit;
  }
  return values;
}

// Ordinary values with a special one at every third place, in an order that depends on the seed.
inline std::vector<float> mixed_values(size_t count, uint32_t seed) {
  static const std::vector<float> specials = special_values();
  std::vector<float> values = ordinary_values(count, seed, 16.0f);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t choice = scrambled(static_cast<uint32_t>(i) ^ (seed << 20) ^ 0x5bd1e995u);
    if (choice % 3 == 0) values[i] = specials[choice / 3 % specials.size()];
  }
  return values;
}

}  // namespace rectify::tests
