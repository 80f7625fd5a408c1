// What the contract says about values, said here again in plain C++ and asked of every backend, the scalar one included.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float smallest = std::numeric_limits<float>::denorm_min();

float forward(float slope, float x) { return x < 0 ? slope * x : x; }
float backward(float slope, float x, float dy) { return x <= 0 ? slope * dy : dy; }

class Contract : public OnEachBackend {
 protected:
  // An operation on an array that holds the same pair everywhere: wherever an element stands, in the vector body or in the
  // tail, it is treated alike.
  void expect_everywhere(const Operation& operation, float x, float dy, float expected, bool payload_too = false) {
    constexpr size_t n = 64 + 15;
    const Values xs(n, x), dys(n, dy), expecteds(n, expected);
    Values out(n, -12345.0f);
    ASSERT_EQ(operation.call(n, xs.data(), dys.data(), out.data(), &options), RECTIFY_OK);
    const auto result = payload_too ? identical_bits(expecteds, out) : same_bits(expecteds, out);
    EXPECT_TRUE(result) << operation << ", x = " << shown(x) << ", dy = " << shown(dy);
  }

  void expect_prelu(rectify_shape shape, uint32_t seed);
};
RECTIFY_ON_EACH_BACKEND(Contract);

bool starts_with(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

TEST_P(Contract, WhatIsNotNegativePassesForwardUnchanged) {
  for (const Operation& operation : all_operations()) {
    if (!operation.is_forward) continue;
    for (const float x : special_values()) {
      if (!(x < 0)) expect_everywhere(operation, x, 0.0f, x, true);  // -0 stays -0, a NaN keeps its payload
    }
  }
}

TEST_P(Contract, PositiveAndNanInputsPassTheGradientUnchanged) {
  for (const Operation& operation : all_operations()) {
    if (operation.is_forward) continue;
    for (const float x : {smallest, 0.5f, 1e30f, infinity, std::nanf(""), float_of(0xffc00001u), float_of(0x7f800001u)}) {
      for (const float dy : {1.5f, -0.0f, smallest, -infinity, float_of(0x7fc12345u), float_of(0xff812345u)}) {
        expect_everywhere(operation, x, dy, dy, true);
      }
    }
  }
}

// At zero and next to it. expm1 and exp are exact enough there that the results follow from the table.
TEST_P(Contract, GradientAtZeroTakesTheSlopesSide) {
  constexpr float dy = 3.0f;
  for (const Operation& operation : all_operations()) {
    if (operation.is_forward) continue;
    const float parameter = static_cast<float>(operation.parameter);              // 0 for ReLU
    if (operation.name == "elu_backward_from_y" && parameter < 1e-30f) continue;  // y + alpha is not alpha there
    for (const float x : {0.0f, -0.0f, -smallest}) {
      const bool relu = starts_with(operation.name, "relu");
      expect_everywhere(operation, x, dy, relu ? 0.0f : parameter * dy);
    }
    expect_everywhere(operation, smallest, dy, dy);
  }
}

TEST_P(Contract, ReluIsZeroOnTheNegativeSideWhateverTheGradient) {
  for (const Operation& operation : default_operations()) {
    if (!starts_with(operation.name, "relu")) continue;
    for (const float x : special_values()) {
      const bool zeroed = operation.is_forward ? x < 0 : x <= 0;
      if (!zeroed) continue;
      for (const float dy : {-2.0f, infinity, std::nanf("")}) expect_everywhere(operation, x, dy, 0.0f);
    }
  }
}

TEST_P(Contract, SlopesFollowTheSignOfTheInput) {
  const Values specials = special_values();
  for (const Operation& operation : all_operations()) {
    if (!starts_with(operation.name, "leaky") && !starts_with(operation.name, "prelu")) continue;
    const float slope = static_cast<float>(operation.parameter);
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

TEST_P(Contract, EluFromYIsTheTable) {
  const Values specials = special_values();
  for (const Operation& operation : all_operations()) {
    if (operation.name != "elu_backward_from_y") continue;
    const float alpha = static_cast<float>(operation.parameter);
    for (const float dy : {1.0f, -3.7f, 0.0f, infinity, smallest}) {
      const Values dys(specials.size(), dy);
      Values expected, out(specials.size());
      for (const float y : specials) expected.push_back(y <= 0 ? (y + alpha) * dy : dy);
      ASSERT_EQ(operation.call(out.size(), specials.data(), dys.data(), out.data(), &options), RECTIFY_OK);
      EXPECT_TRUE(same_bits(expected, out)) << operation << ", dy = " << shown(dy);
    }
  }
}

TEST_P(Contract, SelectedAwaySideNeverGivesNan) {
  const float nan = std::nanf("");
  for (const double slope : {static_cast<double>(infinity), -static_cast<double>(infinity), static_cast<double>(nan)}) {
    Values x, dy;
    for (size_t i = 0; i < 200; ++i) {  // nothing negative: the slope's side is never taken
      x.push_back(i % 3 == 0 ? smallest : i % 3 == 1 ? 2.0f : infinity);
      dy.push_back(i % 2 == 0 ? 0.0f : 1.0f);
    }
    Values out(x.size());
    float dslope = nan;
    ASSERT_EQ(rectify_leaky_relu_forward(RECTIFY_F32, x.size(), slope, x.data(), out.data(), &options), RECTIFY_OK);
    EXPECT_TRUE(identical_bits(x, out));
    ASSERT_EQ(rectify_leaky_relu_backward(RECTIFY_F32, x.size(), slope, x.data(), dy.data(), out.data(), &dslope, &options),
              RECTIFY_OK);
    EXPECT_TRUE(identical_bits(dy, out));
    EXPECT_TRUE(identical_bits(dslope, 0.0f)) << shown(dslope);
  }
  // ELU: an infinite x is positive, or saturates; its product with a zero does not arise.
  for (const Operation& operation : all_operations()) {
    if (operation.name == "elu_forward") {
      expect_everywhere(operation, infinity, 0, infinity);
      if (operation.parameter != 0) expect_everywhere(operation, -infinity, 0, -static_cast<float>(operation.parameter));
    }
    if (starts_with(operation.name, "elu_backward") && operation.parameter == 1.0) {
      expect_everywhere(operation, infinity, 0.0f, 0.0f);
      if (operation.name != "elu_backward_from_y") expect_everywhere(operation, -infinity, 2.0f, 0.0f);
    }
  }
}

// What is outside a sum may be anything: positive inputs with infinite or NaN gradients, NaN inputs, zeros.
TEST_P(Contract, OnlyNegativeInputsEnterTheParametersGradient) {
  const float nan = std::nanf("");
  const struct {
    float x, dy;
  } outside[] = {{1.0f, infinity}, {1.0f, nan},           {nan, 1.0f},     {nan, nan},
                 {nan, infinity},  {0.0f, infinity},      {-0.0f, nan},    {-0.0f, infinity},
                 {infinity, 0.0f}, {infinity, -infinity}, {smallest, nan}, {0.0f, 0.0f}};
  for (const size_t inner : {size_t{1}, size_t{3}, size_t{49}, size_t{100}, size_t{5000}}) {
    const size_t outer = 3, channels = 5, n = outer * channels * inner;
    Values x(n), dy(n), dx(n), slope(channels, 0.25f), dslope(channels, nan);
    for (size_t i = 0; i < n; ++i) {
      const auto& pair = outside[i % std::size(outside)];
      x[i] = pair.x;
      dy[i] = pair.dy;
    }
    // One element of the third channel counts: the second image's first.
    const size_t counted = (channels + 2) * inner;
    x[counted] = -3.0f;
    dy[counted] = 0.5f;
    ASSERT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, {outer, channels, inner}, x.data(), slope.data(), dy.data(),
                                     dx.data(), dslope.data(), &options),
              RECTIFY_OK);
    for (size_t c = 0; c < channels; ++c) {
      EXPECT_TRUE(identical_bits(dslope[c], c == 2 ? -1.5f : 0.0f)) << "channel " << c << ": " << shown(dslope[c]);
    }
    float sum = nan;
    ASSERT_EQ(rectify_leaky_relu_backward(RECTIFY_F32, n, 0.25, x.data(), dy.data(), dx.data(), &sum, &options),
              RECTIFY_OK);
    EXPECT_TRUE(identical_bits(sum, -1.5f)) << shown(sum);
    x[counted] = -infinity;  // expm1 is exactly -1
    ASSERT_EQ(rectify_elu_backward(RECTIFY_F32, n, 0.25, x.data(), dy.data(), dx.data(), &sum, &options), RECTIFY_OK);
    EXPECT_TRUE(identical_bits(sum, -0.5f)) << shown(sum);
  }
}

TEST_P(Contract, EluSaturatesAndUnderflowsGradually) {
  for (const Operation& operation : all_operations()) {
    const float alpha = static_cast<float>(operation.parameter);
    if (operation.name == "elu_forward" && alpha != 0) {
      for (const float x : {-18.0f, -20.0f, -104.0f, -1e30f, -infinity}) expect_everywhere(operation, x, 0, -alpha);
    }
    if (operation.name == "elu_backward_from_y") {
      expect_everywhere(operation, -alpha, 5.0f, alpha - alpha);  // saturated: exactly 0
      if (alpha != 0) expect_everywhere(operation, -0.5f * alpha, 2.0f, alpha);
    }
    if ((operation.name == "elu_backward" || operation.name == "elu_backward_with_dalpha") && operation.parameter == 1.0) {
      for (const float x : {-104.0f, -105.0f, -1e30f, -infinity}) expect_everywhere(operation, x, 1.0f, 0.0f);
      Values x, dx;
      for (float v = -103.9f; v < -86.0f; v += 0.37f) x.push_back(v);  // exp of these is denormal, then just normal
      dx.resize(x.size());
      const Values dy(x.size(), 1.0f);
      ASSERT_EQ(operation.call(x.size(), x.data(), dy.data(), dx.data(), &options), RECTIFY_OK);
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = std::exp(static_cast<double>(x[i]));
        EXPECT_NEAR(static_cast<double>(dx[i]), exact, std::max(exact * 0x1p-22, 0x1p-149)) << shown(x[i]);
        if (i > 0) {
          EXPECT_GE(dx[i], dx[i - 1]);
        }
      }
      EXPECT_GT(dx.front(), 0.0f);
    }
  }
}

// Small inputs keep all their digits: expm1(x) is x there, not exp(x) - 1.
TEST_P(Contract, EluKeepsSmallInputs) {
  for (const Operation& operation : default_operations()) {
    if (operation.name != "elu_forward") continue;
    for (const float x : {-smallest, -0x1p-130f, -0x1p-126f, -0x1p-60f, -0x1.8p-30f, -0x1p-26f}) {
      expect_everywhere(operation, x, 0, x);
    }
  }
}

// PReLU in one layout, with slopes of every kind, against the table.
void Contract::expect_prelu(rectify_shape shape, uint32_t seed) {
  const size_t n = shape.outer * shape.channels * shape.inner;
  const Values x = mixed_values(n, seed), dy = mixed_values(n, seed + 1), slope = mixed_values(shape.channels, seed + 2);
  Values expected_y(n), expected_dx(n), out(n), dslope(shape.channels);
  for (size_t i = 0; i < n; ++i) {
    const float a = slope[i / shape.inner % shape.channels];
    expected_y[i] = forward(a, x[i]);
    expected_dx[i] = backward(a, x[i], dy[i]);
  }
  SCOPED_TRACE("shape " + std::to_string(shape.outer) + " x " + std::to_string(shape.channels) + " x " +
               std::to_string(shape.inner));
  // Into an array of its own, then over an input.
  for (const bool in_place : {false, true}) {
    if (in_place) out = x;
    ASSERT_EQ(rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, shape, in_place ? out.data() : x.data(), slope.data(),
                                    out.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected_y, out)) << "forward" << (in_place ? ", in place" : "");
  }
  for (float* const sum : {static_cast<float*>(nullptr), dslope.data()}) {
    for (const char* const place : {"apart", "over x", "over dy"}) {
      const bool over_x = place == std::string_view("over x"), over_dy = place == std::string_view("over dy");
      out = over_x ? x : over_dy ? dy : Values(n, -12345.0f);
      ASSERT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, over_x ? out.data() : x.data(), slope.data(),
                                       over_dy ? out.data() : dy.data(), out.data(), sum, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected_dx, out)) << (sum ? "backward with dslope, " : "backward, ") << place;
    }
  }
}

TEST_P(Contract, PreluChannelsFirst) {
  std::vector<size_t> inners = {49, 100, 196, 784, 1023, 4095, 4096, 4097, 10000, 12544};
  for (size_t inner = 2; inner <= 70; ++inner) inners.push_back(inner);
  for (const size_t inner : inners) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {2, 3}, {1, 7}, {3, 17}}) {
      expect_prelu({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
  expect_prelu({2, 300, 49}, 1);
  expect_prelu({1, 3, 50176}, 2);
  expect_prelu({5, 64, 784}, 3);
  expect_prelu({400, 5, 49}, 4);
  expect_prelu({3000, 8, 4}, 5);
}

TEST_P(Contract, PreluChannelsLast) {
  std::vector<size_t> all_channels = {127, 128, 129, 255, 256, 300, 1023, 1024, 1025, 1026, 5000};
  for (size_t channels = 2; channels <= 70; ++channels) all_channels.push_back(channels);
  for (const size_t channels : all_channels) {
    for (const size_t outer : {size_t{1}, size_t{2}, size_t{5}, size_t{64}, size_t{67}}) {
      expect_prelu({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
  expect_prelu({20000, 3, 1}, 4);
  expect_prelu({3000, 64, 1}, 5);
  expect_prelu({4000, 24, 1}, 6);
  expect_prelu({1001, 100, 1}, 7);
}

TEST_P(Contract, PreluOneSlope) {
  for (const size_t n : {size_t{1}, size_t{2}, size_t{70}, size_t{4097}, size_t{100003}}) {
    expect_prelu({1, 1, n}, 6);
    expect_prelu({n, 1, 1}, 7);
    expect_prelu({3, 1, n}, 8);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Contract, PreluOneSlopePerElement) {
  for (const size_t elements : {size_t{2}, size_t{70}, size_t{1025}, size_t{100003}}) {
    for (const size_t outer : {size_t{1}, size_t{2}, size_t{5}}) {
      expect_prelu({outer, elements, 1}, 9);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
