// Every backend gives the bits of the scalar reference: for every input, parameter, length, alignment and aliasing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

constexpr uint64_t all_floats = uint64_t{1} << 32;

void run(const Operation& operation, const std::vector<float>& x, const std::vector<float>& dy, std::vector<float>& out,
         const rectify_options& options) {
  out.resize(x.size());
  EXPECT_EQ(operation.call(x.size(), x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
}

std::vector<float> run(const Operation& operation, const std::vector<float>& x, const std::vector<float>& dy,
                       const rectify_options& options) {
  std::vector<float> out(x.size(), -12345.0f);
  run(operation, x, dy, out, options);
  return out;
}

// Says which inputs led to a difference.
testing::AssertionResult same_outputs(const Operation& operation, const std::vector<float>& x, const std::vector<float>& dy,
                                      const std::vector<float>& expected, const std::vector<float>& actual) {
  const testing::AssertionResult result = same_bits(expected, actual);
  if (result) return result;
  size_t i = 0;
  while (same_bits(expected[i], actual[i])) ++i;
  return testing::AssertionFailure() << operation << " at x = " << shown(x[i]) << ", dy = " << shown(dy[i]) << ": "
                                     << result.message();
}

enum class Gradients { ones, scrambled };  // ones show the factor of dy as it is; scrambled ones are any float

// Walks through the floats in steps of `stride` bits.
void expect_scalar_bits(const Operation& operation, uint64_t stride, Gradients gradients, const rectify_options& options,
                        const rectify_options& scalar) {
  constexpr uint64_t chunk = uint64_t{1} << 18;
  std::vector<float> x, dy, expected, actual;
  for (uint64_t first = 0; first < all_floats; first += chunk * stride) {
    const size_t count = static_cast<size_t>(std::min(chunk, (all_floats - first + stride - 1) / stride));
    x.resize(count);
    dy.assign(count, 1.0f);
    for (size_t i = 0; i < count; ++i) x[i] = float_of(static_cast<uint32_t>(first + i * stride));
    if (gradients == Gradients::scrambled) {
      for (size_t i = 0; i < count; ++i) dy[i] = float_of(scrambled(static_cast<uint32_t>(first + i * stride)));
    }
    run(operation, x, dy, expected, scalar);
    run(operation, x, dy, actual, options);
    ASSERT_TRUE(same_outputs(operation, x, dy, expected, actual));
  }
}

// One case per vector backend and operation, so that an exhaustive run shows its progress.
class AllInputs : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    reach(std::get<0>(GetParam()), options);
    if (!IsSkipped() && !HasFatalFailure()) reach(scalar_backend, scalar);
  }
  rectify_options options{}, scalar{};
};

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const Operation& operation : default_operations()) names.push_back(operation.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(, AllInputs,
                         testing::Combine(testing::ValuesIn(vector_backends()), testing::ValuesIn(operation_names())),
                         [](const testing::TestParamInfo<AllInputs::ParamType>& parameters) {
                           return std::get<0>(parameters.param) + "_" + std::get<1>(parameters.param);
                         });

TEST_P(AllInputs, DefaultParameter) {
  for (const Operation& operation : default_operations()) {
    if (operation.name != std::get<1>(GetParam())) continue;
    expect_scalar_bits(operation, input_stride(), Gradients::ones, options, scalar);
    if (!operation.is_forward) expect_scalar_bits(operation, input_stride(), Gradients::scrambled, options, scalar);
  }
}

TEST_P(AllInputs, EveryParameter) {
  for (const Operation& operation : all_operations()) {
    if (operation.name != std::get<1>(GetParam())) continue;
    // There a maximum may stand for the select, which is proved on all inputs: an exhaustive run is that proof.
    const bool by_maximum = operation.is_forward && operation.parameter > 0 && operation.parameter <= 1;
    const uint64_t stride = by_maximum ? input_stride() : emulated ? 1000003 : 16411;
    expect_scalar_bits(operation, stride, Gradients::scrambled, options, scalar);
  }
}

// Every special x with every special dy, for every parameter.
TEST_P(AllInputs, SpecialValues) {
  const std::vector<float> specials = special_values();
  std::vector<float> x, dy;
  for (const float a : specials) {
    for (const float b : specials) {
      x.push_back(a);
      dy.push_back(b);
    }
  }
  for (const Operation& operation : all_operations()) {
    if (operation.name != std::get<1>(GetParam())) continue;
    if (operation.is_forward) {
      EXPECT_TRUE(same_outputs(operation, specials, specials, run(operation, specials, specials, scalar),
                               run(operation, specials, specials, options)));
    } else {
      EXPECT_TRUE(same_outputs(operation, x, dy, run(operation, x, dy, scalar), run(operation, x, dy, options)));
    }
  }
}

// Here the scalar backend is tried as well: its bits must not depend on length, alignment or aliasing either.
class Bits : public AgainstScalar {};
RECTIFY_ON_EACH_BACKEND(Bits);

// Every length up to four registers of 16 lanes and one more, then up to four groups of 64, then around blocks.
std::vector<size_t> tried_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= 4 * 64 + 1; ++n) lengths.push_back(n);
  for (const size_t border : {size_t{1024}, size_t{4096}, size_t{32768}, size_t{65536}}) {
    for (size_t n = border - 1; n <= border + 1; ++n) lengths.push_back(n);
  }
  return lengths;
}

TEST_P(Bits, DoNotDependOnTheLength) {
  const std::vector<size_t> lengths = tried_lengths();
  const std::vector<float> x = mixed_values(lengths.back(), 1);
  const std::vector<float> dy = mixed_values(lengths.back(), 2);
  for (const Operation& operation : default_operations()) {
    const std::vector<float> expected = run(operation, x, dy, scalar);
    std::vector<float> out(lengths.back() + 1);
    for (const size_t n : lengths) {
      std::fill(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n + 1), -12345.0f);
      ASSERT_EQ(operation.call(n, x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(std::span(expected).first(n), std::span(out).first(n))) << operation << ", n = " << n;
      ASSERT_EQ(out[n], -12345.0f) << operation << " wrote past its end, n = " << n;
    }
  }
}

TEST_P(Bits, DoNotDependOnTheAlignment) {
  constexpr size_t longest = 4099, offsets = 16;
  const std::vector<float> x = mixed_values(longest, 3);
  const std::vector<float> dy = mixed_values(longest, 4);
  const auto shifted = [](const std::vector<float>& values, size_t offset) {
    std::vector<float> result(values.size() + offsets);
    std::copy(values.begin(), values.end(), result.begin() + static_cast<std::ptrdiff_t>(offset));
    return result;
  };
  std::vector<float> out(longest + offsets);
  for (const Operation& operation : default_operations()) {
    const std::vector<float> expected = run(operation, x, dy, scalar);
    for (const size_t n : {size_t{5}, size_t{16}, size_t{33}, size_t{70}, size_t{257}, longest}) {
      for (size_t offset = 0; offset < offsets; ++offset) {
        const std::vector<float> shifted_x = shifted(x, offset), shifted_dy = shifted(dy, offset);
        const auto expect_bits = [&](const float* x_at, const float* dy_at, float* out_at, const char* what) {
          std::fill(out.begin(), out.end(), -12345.0f);
          ASSERT_EQ(operation.call(n, x_at, dy_at, out_at, &options), RECTIFY_OK) << operation;
          ASSERT_TRUE(same_bits(std::span(expected).first(n), std::span<const float>(out_at, n)))
              << operation << ", n = " << n << ", " << what << " at an offset of " << offset << " elements";
        };
        expect_bits(shifted_x.data() + offset, dy.data(), out.data(), "x");
        expect_bits(x.data(), shifted_dy.data() + offset, out.data(), "dy");
        expect_bits(x.data(), dy.data(), out.data() + offset, "the output");
        expect_bits(shifted_x.data() + offset, shifted_dy.data() + offset, out.data() + offset, "everything");
      }
    }
  }
}

TEST_P(Bits, DoNotDependOnAliasing) {
  for (const size_t n : {size_t{1}, size_t{15}, size_t{64}, size_t{71}, size_t{4097}, size_t{100003}}) {
    const std::vector<float> x = mixed_values(n, 5);
    const std::vector<float> dy = mixed_values(n, 6);
    for (const Operation& operation : default_operations()) {
      const std::vector<float> expected = run(operation, x, dy, scalar);
      std::vector<float> over_x = x;
      ASSERT_EQ(operation.call(n, over_x.data(), dy.data(), over_x.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected, over_x)) << operation << ", over x, n = " << n;
      if (operation.is_forward) continue;

      std::vector<float> over_dy = dy;
      ASSERT_EQ(operation.call(n, x.data(), over_dy.data(), over_dy.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected, over_dy)) << operation << ", over dy, n = " << n;

      const std::vector<float> expected_of_one = run(operation, x, x, scalar);
      std::vector<float> all = x;
      ASSERT_EQ(operation.call(n, all.data(), all.data(), all.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected_of_one, all)) << operation << ", x is dy is dx, n = " << n;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
