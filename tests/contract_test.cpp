// What the contract says about values, said here again in plain C++ and asked of every backend, the scalar one included.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

// What is computed is computed in the wider type and rounded once.
template <AnyNumber T>
T forward(Computed<T> slope, T x) {
  return widened(x) < 0 ? rounded<T>(slope * widened(x)) : x;
}
template <AnyNumber T>
T backward(Computed<T> slope, T x, T dy) {
  return widened(x) <= 0 ? rounded<T>(slope * widened(dy)) : dy;
}
template <AnyNumber T>
T backward_from_y(Computed<T> alpha, T y, T dy) {
  return widened(y) <= 0 ? rounded<T>((widened(y) + alpha) * widened(dy)) : dy;
}

template <AnyNumber T>
T smallest(int sign = 1) {
  return from_bits<T>(static_cast<BitsOf<T>>(sign < 0 ? Number<T>::sign | 1 : 1));
}
class Contract : public OnEachFormat {
 protected:
  // An operation on an array that holds the same pair everywhere: wherever an element stands, in the vector body or in the
  // tail, it is treated alike.
  template <AnyNumber T>
  void expect_everywhere(const Operation& operation, T x, T dy, T expected, bool payload_too = false) {
    constexpr size_t n = 128 + 31;
    const std::vector<T> xs(n, x), dys(n, dy), expecteds(n, expected);
    std::vector<T> out(n, unwritten<T>);
    ASSERT_EQ(operation.call(n, xs.data(), dys.data(), out.data(), &options), RECTIFY_OK);
    const auto result = payload_too ? passed_bits(expecteds, out) : same_bits(expecteds, out);
    EXPECT_TRUE(result) << operation << ", x = " << shown(x) << ", dy = " << shown(dy);
  }

  template <class Format>
  void expect_prelu(rectify_shape shape, uint32_t seed);
  template <class Format>
  void expect_prelu_with(rectify_shape shape, const std::vector<typename Format::Slope>& slope, uint32_t seed);
};

bool starts_with(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

RECTIFY_ON_EACH_FORMAT(Contract, WhatIsNotNegativePassesForwardUnchanged) {
  for (const Operation& operation : all_operations<Format>()) {
    if (!operation.is_forward) continue;
    for (const Element x : special_values<Element>()) {
      if (!(widened(x) < 0)) expect_everywhere(operation, x, Element{}, x, true);  // -0 stays -0, a NaN keeps its payload
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Contract, PositiveAndNanInputsPassTheGradientUnchanged) {
  const Values specials = special_values<Element>();
  const auto expect_passed = [&](const std::vector<Operation>& operations, const Values& inputs, const Values& gradients) {
    for (const Operation& operation : operations) {
      if (operation.is_forward) continue;
      for (const Element x : inputs) {
        if (widened(x) <= 0) continue;
        for (const Element dy : gradients) expect_everywhere(operation, x, dy, dy, true);
      }
    }
  };
  const Values some = {smallest<Element>(), rounded<Element>(0.5), infinity_of<Element>, nan_of<Element>};
  const Values few = {rounded<Element>(1.5), rounded<Element>(-0.0), smallest<Element>(), nan_of<Element>};
  expect_passed(all_operations<Format>(), some, few);
  expect_passed(default_operations<Format>(), some, specials);
  expect_passed(default_operations<Format>(), specials, few);
}

// At zero and next to it. expm1 and exp are exact enough there that the results follow from the table.
RECTIFY_ON_EACH_FORMAT(Contract, GradientAtZeroTakesTheSlopesSide) {
  const Element dy = rounded<Element>(3.0);
  for (const Operation& operation : all_operations<Format>()) {
    if (operation.is_forward) continue;
    const Scalar parameter = static_cast<Scalar>(operation.parameter_in_use);     // 0 for ReLU
    if (operation.name == "elu_backward_from_y" && parameter < 1e-30f) continue;  // y + alpha is not alpha there
    for (const Element x : {rounded<Element>(0.0), rounded<Element>(-0.0), smallest<Element>(-1)}) {
      const bool relu = starts_with(operation.name, "relu");
      expect_everywhere(operation, x, dy, relu ? Element{} : backward(parameter, x, dy));
    }
    expect_everywhere(operation, smallest<Element>(), dy, dy);
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Contract, ReluIsZeroOnTheNegativeSideWhateverTheGradient) {
  for (const Operation& operation : default_operations<Format>()) {
    if (!starts_with(operation.name, "relu")) continue;
    for (const Element x : special_values<Element>()) {
      const bool zeroed = operation.is_forward ? widened(x) < 0 : widened(x) <= 0;
      if (!zeroed) continue;
      for (const Element dy : {rounded<Element>(-2.0), infinity_of<Element>, nan_of<Element>}) {
        expect_everywhere(operation, x, dy, Element{});
      }
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Contract, SlopesFollowTheSignOfTheInput) {
  const Values specials = special_values<Element>();
  for (const Operation& operation : all_operations<Format>()) {
    if (!starts_with(operation.name, "leaky") && !starts_with(operation.name, "prelu")) continue;
    const Scalar slope = static_cast<Scalar>(operation.parameter_in_use);
    for (uint32_t shift : {1u, 7u, 100u}) {
      Values dy = specials, expected, out(specials.size());
      std::rotate(dy.begin(), dy.begin() + shift, dy.end());
      for (size_t i = 0; i < specials.size(); ++i) {
        expected.push_back(operation.is_forward ? forward(slope, specials[i]) : backward(slope, specials[i], dy[i]));
      }
      ASSERT_EQ(operation.call(out.size(), specials.data(), dy.data(), out.data(), &options), RECTIFY_OK);
      EXPECT_TRUE(same_bits(expected, out)) << operation;
    }
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Contract, EluFromYIsTheTable) {
  const Values specials = special_values<Element>();
  for (const Operation& operation : all_operations<Format>()) {
    if (operation.name != "elu_backward_from_y") continue;
    const Scalar alpha = static_cast<Scalar>(operation.parameter_in_use);
    for (const Element dy :
         {rounded<Element>(1.0), rounded<Element>(-3.7), Element{}, infinity_of<Element>, smallest<Element>()}) {
      const Values dys(specials.size(), dy);
      Values expected, out(specials.size());
      for (const Element y : specials) expected.push_back(backward_from_y(alpha, y, dy));
      ASSERT_EQ(operation.call(out.size(), specials.data(), dys.data(), out.data(), &options), RECTIFY_OK);
      EXPECT_TRUE(same_bits(expected, out)) << operation << ", dy = " << shown(dy);
    }
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Contract, SelectedAwaySideNeverGivesNan) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Element zero = {}, one = rounded<Element>(1.0), two = rounded<Element>(2.0);
  for (const double slope : {infinity, -infinity, std::nan("")}) {
    Values x, dy;
    for (size_t i = 0; i < 200; ++i) {  // nothing negative: the slope's side is never taken
      x.push_back(i % 3 == 0 ? smallest<Element>() : i % 3 == 1 ? two : infinity_of<Element>);
      dy.push_back(i % 2 == 0 ? zero : one);
    }
    Values out(x.size());
    Scalar dslope = nan_of<Scalar>;
    ASSERT_EQ(rectify_leaky_relu_forward(Format::dtype, x.size(), slope, x.data(), out.data(), &options), RECTIFY_OK);
    EXPECT_TRUE(identical_bits(x, out));
    ASSERT_EQ(
        rectify_leaky_relu_backward(Format::dtype, x.size(), slope, x.data(), dy.data(), out.data(), &dslope, &options),
        RECTIFY_OK);
    EXPECT_TRUE(identical_bits(dy, out));
    EXPECT_TRUE(identical_bits(dslope, Scalar{0})) << shown(dslope);
  }
  // ELU: an infinite x is positive, or saturates; its product with a zero does not arise.
  const Element minus_infinity = rounded<Element>(-infinity);
  for (const Operation& operation : all_operations<Format>()) {
    if (operation.name == "elu_forward") {
      expect_everywhere(operation, infinity_of<Element>, zero, infinity_of<Element>);
      if (operation.parameter_in_use != 0) {
        expect_everywhere(operation, minus_infinity, zero, rounded<Element>(-operation.parameter_in_use));
      }
    }
    if (starts_with(operation.name, "elu_backward") && operation.parameter == 1.0) {
      expect_everywhere(operation, infinity_of<Element>, zero, zero);
      if (operation.name != "elu_backward_from_y") expect_everywhere(operation, minus_infinity, two, zero);
    }
  }
}

// What is outside a sum may be anything: positive inputs with infinite or NaN gradients, NaN inputs, zeros.
RECTIFY_ON_EACH_FORMAT(Contract, OnlyNegativeInputsEnterTheParametersGradient) {
  const Element zero = {}, minus_zero = rounded<Element>(-0.0), one = rounded<Element>(1.0);
  const Element nan = nan_of<Element>, infinity = infinity_of<Element>;
  const Element minus_infinity = rounded<Element>(-std::numeric_limits<double>::infinity());
  const struct {
    Element x, dy;
  } outside[] = {{one, infinity},
                 {one, nan},
                 {nan, one},
                 {nan, nan},
                 {nan, infinity},
                 {zero, infinity},
                 {minus_zero, nan},
                 {minus_zero, infinity},
                 {infinity, zero},
                 {infinity, minus_infinity},
                 {smallest<Element>(), nan},
                 {zero, zero}};
  for (const size_t inner : {size_t{1}, size_t{3}, size_t{49}, size_t{100}, size_t{5000}}) {
    const size_t outer = 3, channels = 5, n = outer * channels * inner;
    Values x(n), dy(n), dx(n);
    std::vector<Slope> slope(channels, rounded<Slope>(0.25)), dslope(channels, nan_of<Slope>);
    for (size_t i = 0; i < n; ++i) {
      const auto& pair = outside[i % std::size(outside)];
      x[i] = pair.x;
      dy[i] = pair.dy;
    }
    // One element of the third channel counts: the second image's first.
    const size_t counted = (channels + 2) * inner;
    x[counted] = rounded<Element>(-3.0);
    dy[counted] = rounded<Element>(0.5);
    ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, {outer, channels, inner}, x.data(), slope.data(),
                                     dy.data(), dx.data(), dslope.data(), &options),
              RECTIFY_OK);
    for (size_t c = 0; c < channels; ++c) {
      EXPECT_TRUE(identical_bits(dslope[c], rounded<Slope>(c == 2 ? -1.5 : 0.0)))
          << "channel " << c << ": " << shown(dslope[c]);
    }
    if (!Format::has_scalar_slopes) continue;
    Scalar sum = nan_of<Scalar>;
    ASSERT_EQ(rectify_leaky_relu_backward(Format::dtype, n, 0.25, x.data(), dy.data(), dx.data(), &sum, &options),
              RECTIFY_OK);
    EXPECT_TRUE(identical_bits(sum, Scalar{-1.5f})) << shown(sum);
    x[counted] = minus_infinity;  // expm1 is exactly -1
    ASSERT_EQ(rectify_elu_backward(Format::dtype, n, 0.25, x.data(), dy.data(), dx.data(), &sum, &options), RECTIFY_OK);
    EXPECT_TRUE(identical_bits(sum, Scalar{-0.5f})) << shown(sum);
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Contract, EluSaturatesAndUnderflowsGradually) {
  using N = Number<Element>;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  // exp(x) is normal above this, and rounds to 0 below that.
  const double normal_above = N::lowest_exponent * std::log(2.0);
  const double zero_below = (N::lowest_exponent - N::precision) * std::log(2.0);
  const Element one = rounded<Element>(1.0);
  for (const Operation& operation : all_operations<Format>()) {
    const Scalar alpha = static_cast<Scalar>(operation.parameter_in_use);
    if (operation.name == "elu_forward" && alpha != 0) {
      for (const double x : {sizeof(Scalar) == 8 ? -38.0 : -18.0, -40.0, -104.0, -746.0, -1e30, -1e300, -infinity}) {
        expect_everywhere(operation, rounded<Element>(x), Element{}, rounded<Element>(-operation.parameter_in_use));
      }
    }
    if (operation.name == "elu_backward_from_y") {
      for (const Element dy : {rounded<Element>(5.0), rounded<Element>(2.0)}) {
        for (const double part : {-1.0, -0.5}) {  // saturated: exactly 0, where -alpha is a number of the format
          const Element y = rounded<Element>(part * operation.parameter_in_use);
          expect_everywhere(operation, y, dy, backward_from_y(alpha, y, dy));
        }
      }
    }
    if ((operation.name == "elu_backward" || operation.name == "elu_backward_with_dalpha") && operation.parameter == 1.0) {
      for (const double x : {zero_below - 0.7, zero_below - 2.0, -1000.0, -1e30, -infinity}) {
        expect_everywhere(operation, rounded<Element>(x), one, Element{});
      }
      Values x, dx;
      for (double v = zero_below + 0.6; v < normal_above + 1.4; v += 0.37) x.push_back(rounded<Element>(v));
      dx.resize(x.size());
      const Values dy(x.size(), one);
      ASSERT_EQ(operation.call(x.size(), x.data(), dy.data(), dx.data(), &options), RECTIFY_OK);
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = std::exp(static_cast<double>(widened(x[i])));
        const double tolerance =
            std::max(std::ldexp(exact, 2 - N::precision), std::ldexp(1.0, N::lowest_exponent - N::precision + 1));
        EXPECT_NEAR(static_cast<double>(widened(dx[i])), exact, tolerance) << shown(x[i]);
        if (i > 0) {
          EXPECT_GE(widened(dx[i]), widened(dx[i - 1]));
        }
      }
      EXPECT_GT(widened(dx.front()), 0);
    }
  }
}

// Small inputs keep all their digits: expm1(x) is x there, not exp(x) - 1.
RECTIFY_ON_EACH_ELEMENT_TYPE(Contract, EluKeepsSmallInputs) {
  using N = Number<Element>;
  for (const Operation& operation : default_operations<Format>()) {
    if (operation.name != "elu_forward") continue;
    for (const int exponent : {N::lowest_exponent - N::precision + 1, N::lowest_exponent - 4, N::lowest_exponent,
                               -N::precision - 36, -N::precision - 6, -N::precision - 2}) {
      for (const double digits : {-1.0, -1.5}) {
        const Element x = rounded<Element>(std::ldexp(digits, exponent));
        expect_everywhere(operation, x, Element{}, x);
      }
    }
  }
}

// ---- What 16-bit formats round ----

// Only where the elements have 16 bits.
class Rounding : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes = is_sixteen_bit<typename Format::Element>;
  template <class Format>
  static constexpr bool takes_in_emulator = stands_for_element_type<Format>;
};

// Slopes of f32, one per element, put any float before the rounding: each tie and what lies beside it, and floats all over.
RECTIFY_ON_EACH_ELEMENT_TYPE(Rounding, OfEveryFloat) {
  constexpr size_t chunk = size_t{1} << 18;
  const Values minus_one(chunk, rounded<Element>(-1.0)), one(chunk, rounded<Element>(1.0));
  std::vector<float> floats;
  Values out, expected, negated;
  const auto expect_rounded = [&] {
    const size_t n = floats.size();
    expected.clear(), negated.clear(), out.assign(n, unwritten<Element>);
    for (const float value : floats) {
      expected.push_back(rounded<Element>(static_cast<double>(value)));
      negated.push_back(rounded<Element>(static_cast<double>(-value)));
    }
    ASSERT_EQ(
        rectify_prelu_forward(Format::dtype, RECTIFY_F32, {1, n, 1}, minus_one.data(), floats.data(), out.data(), &options),
        RECTIFY_OK);
    ASSERT_TRUE(same_bits(negated, out)) << "y, from " << shown(floats.front());
    ASSERT_EQ(rectify_prelu_backward(Format::dtype, RECTIFY_F32, {1, n, 1}, minus_one.data(), floats.data(), one.data(),
                                     out.data(), nullptr, &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected, out)) << "dx, from " << shown(floats.front());
    floats.clear();
  };
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    for (const float value : around_ties(from_bits<Element>(static_cast<uint16_t>(bits)))) floats.push_back(value);
    if (floats.size() + 8 < chunk && bits != 0xffff) continue;
    expect_rounded();
    if (HasFatalFailure()) return;
  }
  const uint64_t stride = emulated ? 100003 : input_stride();
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride) {
    floats.push_back(float_of(static_cast<uint32_t>(bits)));
    if (floats.size() < chunk && bits + stride < uint64_t{1} << 32) continue;
    expect_rounded();
    if (HasFatalFailure()) return;
  }
}

// One slope for all: products that are ties, denormal, and beyond the largest number, of all numbers.
RECTIFY_ON_EACH_FORMAT(Rounding, OfEveryProduct) {
  Values numbers(0x10000), expected(numbers.size()), out(numbers.size());
  for (size_t bits = 0; bits < numbers.size(); ++bits) numbers[bits] = from_bits<Element>(static_cast<uint16_t>(bits));
  const Values minus_one(numbers.size(), rounded<Element>(-1.0));
  std::vector<double> slopes;
  constexpr int precision = Number<Element>::precision;
  for (const double digits : {1.0, 1.5, 1.0 + std::ldexp(1.0, -precision), 1.0 - std::ldexp(1.0, -precision),
                              1.0 + std::ldexp(3.0, -precision)}) {
    for (int exponent = -26; exponent <= 16; exponent += emulated ? 13 : 3) slopes.push_back(std::ldexp(digits, exponent));
  }
  for (const double each : slopes) {
    const Slope slope = rounded<Slope>(each);
    for (size_t i = 0; i < numbers.size(); ++i) expected[i] = forward(widened(slope), numbers[i]);
    ASSERT_EQ(rectify_prelu_forward(Format::dtype, Format::slope_dtype, {1, 1, numbers.size()}, numbers.data(), &slope,
                                    out.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected, out)) << "y, slope " << each;
    for (size_t i = 0; i < numbers.size(); ++i) expected[i] = backward(widened(slope), minus_one[i], numbers[i]);
    for (const bool with_dslope : {false, true}) {
      Slope dslope;
      ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, {1, 1, numbers.size()}, minus_one.data(), &slope,
                                       numbers.data(), out.data(), with_dslope ? &dslope : nullptr, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, out)) << "dx, slope " << each;
    }
  }
}

// ---- PReLU in every layout ----

// PReLU in one layout, with slopes of every kind, against the table.
template <class Format>
void Contract::expect_prelu(rectify_shape shape, uint32_t seed) {
  expect_prelu_with<Format>(shape, mixed_values<typename Format::Slope>(shape.channels, seed + 2), seed);
}

template <class Format>
void Contract::expect_prelu_with(rectify_shape shape, const std::vector<typename Format::Slope>& slope, uint32_t seed) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  using Values = std::vector<Element>;
  const size_t n = shape.outer * shape.channels * shape.inner;
  const Values x = mixed_values<Element>(n, seed), dy = mixed_values<Element>(n, seed + 1);
  Values expected_y(n), expected_dx(n), out(n);
  std::vector<Slope> dslope(shape.channels);
  for (size_t i = 0; i < n; ++i) {
    const Computed<Element> a = widened(slope[i / shape.inner % shape.channels]);
    expected_y[i] = forward(a, x[i]);
    expected_dx[i] = backward(a, x[i], dy[i]);
  }
  SCOPED_TRACE("shape " + std::to_string(shape.outer) + " x " + std::to_string(shape.channels) + " x " +
               std::to_string(shape.inner));
  // Into an array of its own, then over an input.
  for (const bool in_place : {false, true}) {
    if (in_place) out = x;
    ASSERT_EQ(rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, in_place ? out.data() : x.data(),
                                    slope.data(), out.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected_y, out)) << "forward" << (in_place ? ", in place" : "");
  }
  for (Slope* const sum : {static_cast<Slope*>(nullptr), dslope.data()}) {
    for (const char* const place : {"apart", "over x", "over dy"}) {
      const bool over_x = place == std::string_view("over x"), over_dy = place == std::string_view("over dy");
      out = over_x ? x : over_dy ? dy : Values(n, unwritten<Element>);
      ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, over_x ? out.data() : x.data(),
                                       slope.data(), over_dy ? out.data() : dy.data(), out.data(), sum, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected_dx, out)) << (sum ? "backward with dslope, " : "backward, ") << place;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Contract, PreluChannelsFirst) {
  std::vector<size_t> inners = {49, 100, 196, 784, 1023, 4095, 4096, 4097, 10000, 12544};
  for (size_t inner = 2; inner <= 70; ++inner) inners.push_back(inner);
  for (const size_t inner : inners) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {2, 3}, {1, 7}, {3, 17}}) {
      expect_prelu<Format>({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
  expect_prelu<Format>({2, 300, 49}, 1);
  expect_prelu<Format>({1, 3, 50176}, 2);
  expect_prelu<Format>({5, 64, 784}, 3);
  expect_prelu<Format>({400, 5, 49}, 4);
  expect_prelu<Format>({3000, 8, 4}, 5);
}

RECTIFY_ON_EACH_FORMAT(Contract, PreluChannelsLast) {
  std::vector<size_t> all_channels = {127, 128, 129, 255, 256, 300, 1023, 1024, 1025, 1026, 5000};
  for (size_t channels = 2; channels <= 70; ++channels) all_channels.push_back(channels);
  for (const size_t channels : all_channels) {
    for (const size_t outer : {size_t{1}, size_t{2}, size_t{5}, size_t{64}, size_t{67}}) {
      expect_prelu<Format>({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
  expect_prelu<Format>({20000, 3, 1}, 4);
  expect_prelu<Format>({3000, 64, 1}, 5);
  expect_prelu<Format>({4000, 24, 1}, 6);
  expect_prelu<Format>({1001, 100, 1}, 7);
}

// For slopes above zero and up to one there are shorter ways, which a single other one must close.
RECTIFY_ON_EACH_FORMAT(Contract, PreluChannelsOfSmallSlopes) {
  using N = Number<Slope>;
  using Bits = BitsOf<Slope>;
  const auto of_bits = [](uint64_t bits) { return from_bits<Slope>(static_cast<Bits>(bits)); };
  const uint64_t one = bits_of(rounded<Slope>(1));
  const Slope small[] = {rounded<Slope>(1), rounded<Slope>(0.25), of_bits(1), rounded<Slope>(0.01), of_bits(one - 1)};
  const Slope others[] = {of_bits(0),           of_bits(N::sign), of_bits(N::sign | 1),  of_bits(one + 1),
                          of_bits(N::infinity), nan_of<Slope>,    rounded<Slope>(-0.25), of_bits(N::sign | N::infinity)};
  for (const rectify_shape shape : {rectify_shape{40, 37, 1}, {70, 2, 1}, {3, 19, 49}, {2, 9, 40}, {1, 2, 784}}) {
    std::vector<Slope> slope(shape.channels);
    for (size_t c = 0; c < slope.size(); ++c) slope[c] = small[c % std::size(small)];
    expect_prelu_with<Format>(shape, slope, 1);
    for (size_t c = 0; c < slope.size(); c += emulated ? 4 : 1) {
      const Slope before = slope[c];
      for (const Slope other : others) {
        slope[c] = other;
        expect_prelu_with<Format>(shape, slope, 2);
        if (HasFatalFailure()) FAIL() << "with slope " << shown(other) << " at channel " << c;
      }
      slope[c] = before;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Contract, PreluOneSlope) {
  for (const size_t n : {size_t{1}, size_t{2}, size_t{70}, size_t{4097}, size_t{100003}}) {
    expect_prelu<Format>({1, 1, n}, 6);
    expect_prelu<Format>({n, 1, 1}, 7);
    expect_prelu<Format>({3, 1, n}, 8);
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(Contract, PreluOneSlopePerElement) {
  for (const size_t elements : {size_t{2}, size_t{70}, size_t{1025}, size_t{100003}}) {
    for (const size_t outer : {size_t{1}, size_t{2}, size_t{5}}) {
      expect_prelu<Format>({outer, elements, 1}, 9);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
