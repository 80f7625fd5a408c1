// Comparing floats by their bits. same_bits() takes every NaN for the same value, as the contract does where a NaN is
// computed; identical_bits() keeps the payload, for values that pass through unchanged.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iomanip>
#include <ios>
#include <span>
#include <sstream>
#include <string>

namespace rectify::tests {

constexpr uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }
constexpr float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

constexpr bool is_nan_bits(uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

// The bits with every NaN as one.
constexpr uint32_t canonical_bits(uint32_t bits) { return is_nan_bits(bits) ? 0x7fc00000u : bits; }
constexpr uint32_t canonical_bits(float value) { return canonical_bits(bits_of(value)); }

constexpr bool same_bits(float a, float b) { return canonical_bits(a) == canonical_bits(b); }
constexpr bool identical_bits(float a, float b) { return bits_of(a) == bits_of(b); }

// A value with its bits, for messages.
inline std::string shown(float value) {
  std::ostringstream text;
  text << std::setprecision(9) << value << " (0x" << std::hex << std::setfill('0') << std::setw(8) << bits_of(value) << ")";
  return text.str();
}

// Compares two arrays; says where they differ first and how often.
inline testing::AssertionResult same_bits(std::span<const float> expected, std::span<const float> actual) {
  if (expected.size() != actual.size()) {
    return testing::AssertionFailure() << expected.size() << " values expected, " << actual.size() << " given";
  }
  if (expected.empty() || std::memcmp(expected.data(), actual.data(), expected.size_bytes()) == 0) {
    return testing::AssertionSuccess();
  }
  size_t first = 0;
  size_t count = 0;
  for (size_t i = expected.size(); i-- > 0;) {
    if (!same_bits(expected[i], actual[i])) {
      first = i;
      ++count;
    }
  }
  if (count == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << count << " of " << expected.size() << " values differ, the first at " << first
                                     << ": expected " << shown(expected[first]) << ", got " << shown(actual[first]);
}

// The same, but for payloads too.
inline testing::AssertionResult identical_bits(std::span<const float> expected, std::span<const float> actual) {
  if (expected.size() != actual.size()) {
    return testing::AssertionFailure() << expected.size() << " values expected, " << actual.size() << " given";
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!identical_bits(expected[i], actual[i])) {
      return testing::AssertionFailure() << "values differ at " << i << ": expected " << shown(expected[i]) << ", got "
                                         << shown(actual[i]);
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace rectify::tests
