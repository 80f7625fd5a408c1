// Comparing numbers of any format by their bits. same_bits() takes every NaN for the same value, as the contract does where
// a NaN is computed; identical_bits() keeps the payload, for values that pass through unchanged, and passed_bits() does
// where a conversion may have made a signalling NaN quiet.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <iomanip>
#include <ios>
#include <ranges>
#include <span>
#include <sstream>
#include <string>

#include "tests/support/formats.hpp"

namespace rectify::tests {

template <AnyNumber T>
constexpr bool is_nan(T value) {
  return static_cast<BitsOf<T>>(bits_of(value) & ~Number<T>::sign) > Number<T>::infinity;
}

// The bits with every NaN as one.
template <AnyNumber T>
constexpr BitsOf<T> canonical_bits(T value) {
  return is_nan(value) ? static_cast<BitsOf<T>>(Number<T>::infinity | Number<T>::quiet) : bits_of(value);
}

// The bits with every NaN quiet.
template <AnyNumber T>
constexpr BitsOf<T> quiet_bits(T value) {
  return is_nan(value) ? static_cast<BitsOf<T>>(bits_of(value) | Number<T>::quiet) : bits_of(value);
}

template <AnyNumber T>
constexpr bool same_bits(T a, T b) {
  return canonical_bits(a) == canonical_bits(b);
}
template <AnyNumber T>
constexpr bool identical_bits(T a, T b) {
  return bits_of(a) == bits_of(b);
}
template <AnyNumber T>
constexpr bool passed_bits(T given, T got) {
  return is_sixteen_bit<T> ? bits_of(got) == bits_of(given) || bits_of(got) == quiet_bits(given)
                           : identical_bits(given, got);
}

// A value with its bits, for messages.
template <AnyNumber T>
std::string shown(T value) {
  std::ostringstream text;
  text << std::setprecision(sizeof(T) == 8 ? 17 : 9) << widened(value) << " (0x" << std::hex << std::setfill('0')
       << std::setw(2 * sizeof(T)) << bits_of(value) << ")";
  return text.str();
}

// Compares two arrays; says where they differ first and how often.
template <AnyNumber T, class Same>
testing::AssertionResult all_same(std::span<const T> expected, std::span<const T> actual, Same same) {
  if (expected.size() != actual.size()) {
    return testing::AssertionFailure() << expected.size() << " values expected, " << actual.size() << " given";
  }
  if (expected.empty() || std::memcmp(expected.data(), actual.data(), expected.size_bytes()) == 0) {
    return testing::AssertionSuccess();
  }
  size_t first = 0;
  size_t count = 0;
  for (size_t i = expected.size(); i-- > 0;) {
    if (!same(expected[i], actual[i])) {
      first = i;
      ++count;
    }
  }
  if (count == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << count << " of " << expected.size() << " values differ, the first at " << first
                                     << ": expected " << shown(expected[first]) << ", got " << shown(actual[first]);
}

template <class Range>
concept Numbers = std::ranges::contiguous_range<Range> && AnyNumber<std::ranges::range_value_t<Range>>;

template <Numbers Range>
std::span<const std::ranges::range_value_t<Range>> as_span(const Range& values) {
  return {std::ranges::data(values), std::ranges::size(values)};
}

template <Numbers Expected, Numbers Actual>
testing::AssertionResult same_bits(const Expected& expected, const Actual& actual) {
  return all_same(as_span(expected), as_span(actual), [](auto a, auto b) { return same_bits(a, b); });
}
template <Numbers Expected, Numbers Actual>
testing::AssertionResult identical_bits(const Expected& expected, const Actual& actual) {
  return all_same(as_span(expected), as_span(actual), [](auto a, auto b) { return identical_bits(a, b); });
}
template <Numbers Given, Numbers Got>
testing::AssertionResult passed_bits(const Given& given, const Got& got) {
  return all_same(as_span(given), as_span(got), [](auto a, auto b) { return passed_bits(a, b); });
}

}  // namespace rectify::tests
