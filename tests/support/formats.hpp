// The number formats as the tests see them: the bits of each, its exact widening and its correct rounding, written with
// arithmetic where the library works on patterns. And the library's list of formats, for tests that go through all of it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/formats.hpp"
#include "rectify/rectify.h"

namespace rectify::tests {

// What a format is made of: `precision` digits with the leading one, normal values from 2^lowest_exponent on.
template <class Bits_, class Computed_, int32_t dtype_, int precision_, int lowest_exponent_>
struct NumberOf {
  using Bits = Bits_;
  using Computed = Computed_;  // what the library widens a value to before it computes
  static constexpr int32_t dtype = dtype_;
  static constexpr int precision = precision_;
  static constexpr int lowest_exponent = lowest_exponent_;
  static constexpr Bits sign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  static constexpr Bits smallest_normal = static_cast<Bits>(Bits{1} << (precision - 1));
  static constexpr Bits quiet = static_cast<Bits>(smallest_normal >> 1);  // the bit of a NaN
  static constexpr Bits infinity = static_cast<Bits>(sign - smallest_normal);
};

template <class T>
struct Number;
template <>
struct Number<float> : NumberOf<uint32_t, float, RECTIFY_F32, 24, -126> {};
template <>
struct Number<double> : NumberOf<uint64_t, double, RECTIFY_F64, 53, -1022> {};
template <>
struct Number<Half> : NumberOf<uint16_t, float, RECTIFY_F16, 11, -14> {};
template <>
struct Number<Bfloat> : NumberOf<uint16_t, float, RECTIFY_BF16, 8, -126> {};

template <class T>
using BitsOf = typename Number<T>::Bits;
template <class T>
using Computed = typename Number<T>::Computed;
template <class T>
concept AnyNumber = requires {
  typename Number<T>::Bits;
};
template <class T>
inline constexpr bool is_sixteen_bit = sizeof(T) == 2;

template <AnyNumber T>
constexpr BitsOf<T> bits_of(T value) {
  return std::bit_cast<BitsOf<T>>(value);
}
template <AnyNumber T>
constexpr T from_bits(BitsOf<T> bits) {
  return std::bit_cast<T>(bits);
}
constexpr float float_of(uint32_t bits) { return from_bits<float>(bits); }

constexpr float widened(float value) { return value; }
constexpr double widened(double value) { return value; }
constexpr float widened(Bfloat value) { return float_of(uint32_t{value.bits} << 16); }
constexpr float widened(Half value) {
  const uint32_t sign = (value.bits & 0x8000u) << 16, magnitude = value.bits & 0x7fffu;
  if (magnitude >= Half::infinity) return float_of(sign | 0x7f800000u | magnitude << 13);
  return float_of(sign | bits_of(float_of(magnitude << 13) * 0x1p112f));  // exact for denormals too
}

constexpr double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<uint64_t>(1023 + exponent) << 52); }

// To nearest, ties to even. The sign of a NaN stays, its payload is free.
template <AnyNumber T>
T rounded(double value) {
  if constexpr (!is_sixteen_bit<T>) {
    return static_cast<T>(value);
  } else {
    using N = Number<T>;
    const uint64_t pattern = std::bit_cast<uint64_t>(value);
    const uint32_t sign = pattern >> 63 != 0 ? N::sign : 0;
    const double magnitude = std::fabs(value);
    if (std::isnan(magnitude)) return from_bits<T>(static_cast<uint16_t>(sign | N::infinity | N::quiet));
    uint32_t bits = N::infinity;
    if (magnitude < power_of_two(2 - N::lowest_exponent)) {
      // Steps of the last place, a whole number of them; where they reach the next power of two they carry on into the
      // exponent.
      const int exponent = std::max(static_cast<int>(pattern >> 52 & 0x7ff) - 1023, N::lowest_exponent);
      const double steps = (magnitude * power_of_two(N::precision - 1 - exponent) + 0x1p52) - 0x1p52;
      bits = (static_cast<uint32_t>(exponent - N::lowest_exponent) << (N::precision - 1)) + static_cast<uint32_t>(steps);
    }
    return from_bits<T>(static_cast<uint16_t>(sign | std::min<uint32_t>(bits, N::infinity)));
  }
}

template <AnyNumber T>
inline const T infinity_of = from_bits<T>(Number<T>::infinity);
template <AnyNumber T>
inline const T nan_of = from_bits<T>(static_cast<BitsOf<T>>(Number<T>::infinity | Number<T>::quiet));

// ---- Formats of tensors and slopes ----

template <class Element_, class Slope_>
struct FormatOf {
  using Element = Element_;
  using Slope = Slope_;              // of PReLU's slopes and their gradient
  using Scalar = Computed<Element>;  // of a scalar parameter's gradient
  static constexpr int32_t dtype = Number<Element>::dtype;
  static constexpr int32_t slope_dtype = Number<Slope>::dtype;
  // One format of each element type has such slopes: in it the operations with a scalar parameter, or none, are tried.
  static constexpr bool has_scalar_slopes = std::is_same_v<Slope, Scalar>;
};

namespace formats {
#define RECTIFY_FORMAT(name_, Element, Slope)   \
  struct name_ : FormatOf<Element, Slope> {     \
    static constexpr const char* name = #name_; \
  };
RECTIFY_FORMATS(RECTIFY_FORMAT)
#undef RECTIFY_FORMAT
}  // namespace formats

// visit.operator()<Format>() for each line of the list.
template <class Visitor>
void for_each_format(Visitor&& visit) {
#define RECTIFY_VISIT(name, Element, Slope) visit.template operator()<formats::name>();
  RECTIFY_FORMATS(RECTIFY_VISIT)
#undef RECTIFY_VISIT
}

}  // namespace rectify::tests
