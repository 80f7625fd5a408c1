// The gradients of the parameters, bit for bit: the order of summation written out here with plain arrays, with no regard
// to tasks, threads or registers, and asked of every backend, the scalar one included.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;

constexpr size_t run_block = 4096;
constexpr size_t row_block = 64;
constexpr size_t lanes = 64;

std::string shown(rectify_shape shape) {
  std::ostringstream text;
  text << '{' << shape.outer << ", " << shape.channels << ", " << shape.inner << '}';
  return text.str();
}

size_t count(rectify_shape shape) { return shape.outer * shape.channels * shape.inner; }

// One block of a run: 64 lanes, folded by halves.
float run_sum(const float* x, const float* dy, const float* factor, size_t n) {
  float lane[lanes] = {};
  for (size_t i = 0; i < n; ++i) {
    if (x[i] < 0) lane[i % lanes] = std::fma(dy[i], factor[i], lane[i % lanes]);
  }
  for (size_t half = lanes / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

// Pairs are added until one is left; an odd last one moves up as it is. Zero signs inside do not reach the result.
float tree_sum(Values sums) {
  if (sums.empty()) return 0.0f;
  while (sums.size() > 1) {
    Values next;
    for (size_t k = 0; k + 1 < sums.size(); k += 2) next.push_back(sums[k] + sums[k + 1]);
    if (sums.size() % 2 == 1) next.push_back(sums.back());
    sums = next;
  }
  return sums[0] + 0.0f;
}

// Sum over x < 0 of dy * factor, per channel. For PReLU the factor is x itself, for ELU expm1(x).
Values ordered_sums(rectify_shape shape, const Values& x, const Values& dy, const Values& factor) {
  if (shape.channels == 1) shape = {1, 1, shape.outer * shape.inner};
  Values result;
  for (size_t c = 0; c < shape.channels; ++c) {
    Values blocks;
    if (shape.channels == 1 || shape.inner > 1) {
      for (size_t o = 0; o < shape.outer; ++o) {
        const size_t run = (o * shape.channels + c) * shape.inner;
        for (size_t begin = 0; begin < shape.inner; begin += run_block) {
          const size_t at = run + begin;
          blocks.push_back(run_sum(&x[at], &dy[at], &factor[at], std::min(run_block, shape.inner - begin)));
        }
      }
    } else {
      for (size_t begin = 0; begin < shape.outer; begin += row_block) {
        float sum = 0;
        for (size_t row = begin; row < std::min(begin + row_block, shape.outer); ++row) {
          const size_t at = row * shape.channels + c;
          if (x[at] < 0) sum = std::fma(dy[at], factor[at], sum);
        }
        blocks.push_back(sum);
      }
    }
    result.push_back(tree_sum(blocks));
  }
  return result;
}

// What a sum may be off by, as a part of the sum of the magnitudes.
constexpr double accuracy = 2e-7;

testing::AssertionResult close_to_exact(rectify_shape shape, const Values& x, const Values& dy, const Values& factor,
                                        const Values& sums) {
  std::vector<long double> exact(shape.channels), magnitude(shape.channels);
  for (size_t i = 0; i < count(shape); ++i) {
    if (!(x[i] < 0)) continue;
    const size_t c = i / shape.inner % shape.channels;
    const long double product = static_cast<long double>(dy[i]) * static_cast<long double>(factor[i]);
    exact[c] += product;
    magnitude[c] += std::fabs(product);
  }
  for (size_t c = 0; c < shape.channels; ++c) {
    const long double error = std::fabs(static_cast<long double>(sums[c]) - exact[c]);
    if (!(error <= accuracy * magnitude[c])) {
      return testing::AssertionFailure() << "channel " << c << " of " << shown(shape) << " is off by "
                                         << static_cast<double>(error / magnitude[c]) << " of the magnitudes";
    }
  }
  return testing::AssertionSuccess();
}

class Sums : public OnEachBackend {
 protected:
  Values dslope(rectify_shape shape, const Values& x, const Values& dy, float* dx) {
    const Values slope = ordinary_values(shape.channels, 77);
    Values sums(shape.channels, std::numeric_limits<float>::quiet_NaN());
    EXPECT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), dy.data(), dx, sums.data(),
                                     &options),
              RECTIFY_OK);
    return sums;
  }

  Values dalpha(const Values& x, const Values& dy, float* dx, double alpha) {
    float sum = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(rectify_elu_backward(RECTIFY_F32, x.size(), alpha, x.data(), dy.data(), dx, &sum, &options), RECTIFY_OK);
    return {sum};
  }

  // With dx and without it: the same sums.
  void expect_ordered_sums(rectify_shape shape, const Values& x, const Values& dy) {
    SCOPED_TRACE(shown(shape));
    const Values expected = ordered_sums(shape, x, dy, x);
    ASSERT_TRUE(same_bits(expected, dslope(shape, x, dy, nullptr))) << "without dx";
    Values dx(x.size());
    ASSERT_TRUE(same_bits(expected, dslope(shape, x, dy, dx.data()))) << "with dx";
  }

  void expect_ordered_sums(rectify_shape shape, uint32_t seed) {
    const Values x = ordinary_values(count(shape), seed), dy = ordinary_values(count(shape), seed + 1);
    expect_ordered_sums(shape, x, dy);
  }
};
RECTIFY_ON_EACH_BACKEND(Sums);

// expm1(x) as the library rounds it, from the reference.
Values expm1_of(const Values& x) {
  const rectify_options scalar = options_for(scalar_backend);
  Values result(x.size());
  EXPECT_EQ(rectify_elu_forward(RECTIFY_F32, x.size(), 1.0, x.data(), result.data(), &scalar), RECTIFY_OK);
  return result;
}

std::vector<size_t> flat_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 300; ++n) lengths.push_back(n);
  for (size_t blocks = 1; blocks <= 9; ++blocks) {
    for (size_t n = blocks * run_block - 1; n <= blocks * run_block + 1; ++n) lengths.push_back(n);
  }
  for (const size_t n : {size_t{4096 + 63}, size_t{4096 + 64}, size_t{4096 + 65}, size_t{65536}, size_t{65537},
                         size_t{100000}, size_t{131071}, size_t{262145}, size_t{1000007}}) {
    lengths.push_back(n);
  }
  return lengths;
}

TEST_P(Sums, OneSlope) {
  for (const size_t n : flat_lengths()) {
    expect_ordered_sums({1, 1, n}, static_cast<uint32_t>(n));
    if (HasFatalFailure()) return;
  }
}

TEST_P(Sums, OneSlopeIsFlatWhateverTheShape) {
  for (const auto& [outer, inner] : {std::pair<size_t, size_t>{5000, 1}, {50, 100}, {3, 5000}, {12289, 1}}) {
    expect_ordered_sums({outer, 1, inner}, 3);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Sums, LeakyReluIsOneSlope) {
  for (const size_t n : {size_t{1}, size_t{70}, size_t{4097}, size_t{100003}}) {
    const Values x = ordinary_values(n, 1), dy = ordinary_values(n, 2);
    const Values expected = ordered_sums({1, 1, n}, x, dy, x);
    Values dx(n);
    for (float* const out : {dx.data(), static_cast<float*>(nullptr)}) {
      for (const double slope : {0.01, -3.0, static_cast<double>(std::numeric_limits<float>::infinity())}) {
        Values sum(1, std::numeric_limits<float>::quiet_NaN());
        ASSERT_EQ(rectify_leaky_relu_backward(RECTIFY_F32, n, slope, x.data(), dy.data(), out, sum.data(), &options),
                  RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected, sum)) << "n = " << n << ", slope = " << slope;
      }
    }
  }
}

TEST_P(Sums, EluAlpha) {
  for (const size_t n : flat_lengths()) {
    const Values x = ordinary_values(n, static_cast<uint32_t>(n), 8.0f),
                 dy = ordinary_values(n, static_cast<uint32_t>(n) + 1);
    const Values expected = ordered_sums({1, 1, n}, x, dy, expm1_of(x));
    Values dx(n);
    ASSERT_TRUE(same_bits(expected, dalpha(x, dy, dx.data(), 1.0))) << "n = " << n;
    ASSERT_TRUE(same_bits(expected, dalpha(x, dy, nullptr, 1.0))) << "n = " << n << ", without dx";
    if (n % 16 > 1) continue;
    for (const double alpha : {0.5, -2.0, 0.0, 1e30}) {  // alpha has no part in its own gradient
      ASSERT_TRUE(same_bits(expected, dalpha(x, dy, dx.data(), alpha))) << "n = " << n << ", " << alpha;
    }
  }
}

// Runs short and long, with numbers of images that leave odd nodes at every level of the tree.
TEST_P(Sums, ChannelsFirst) {
  for (size_t inner = 2; inner <= 70; ++inner) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {3, 5}, {7, 16}, {11, 17}}) {
      expect_ordered_sums({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
  for (const size_t inner : {49u, 127u, 128u, 129u, 196u, 784u, 1000u, 4095u, 4096u, 4097u, 8192u, 8193u, 10000u, 12544u}) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {2, 3}, {3, 2}, {5, 7}, {13, 2}}) {
      expect_ordered_sums({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Sums, ChannelsFirstMany) {
  for (const rectify_shape shape : {rectify_shape{1, 300, 49},
                                    {3, 300, 49},
                                    {129, 3, 49},
                                    {37, 64, 49},
                                    {33, 24, 196},
                                    {9, 16, 3136},
                                    {2, 3, 50176},
                                    {257, 2, 16},
                                    {1, 2, 100003},
                                    {65, 1000, 2},
                                    {1, 30000, 3},
                                    {100, 31, 7}}) {
    expect_ordered_sums(shape, 11);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Sums, ChannelsLast) {
  for (size_t channels = 2; channels <= 70; ++channels) {
    for (const size_t outer : {1u, 2u, 3u, 63u, 64u, 65u, 130u, 191u, 192u, 193u}) {
      expect_ordered_sums({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
  for (size_t outer = 1; outer <= 130; ++outer) {
    for (const size_t channels : {2u, 8u, 19u}) {
      expect_ordered_sums({outer, channels, 1}, static_cast<uint32_t>(outer));
      if (HasFatalFailure()) return;
    }
  }
  for (const size_t channels : {256u, 1000u, 1025u, 5000u}) {
    for (const size_t outer : {1u, 7u, 63u, 64u, 65u, 127u, 129u}) {
      expect_ordered_sums({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Sums, ChannelsLastManyRows) {
  for (const rectify_shape shape : {rectify_shape{20000, 2, 1},
                                    {20000, 3, 1},
                                    {20000, 16, 1},
                                    {4097, 64, 1},
                                    {3137, 33, 1},
                                    {1300, 256, 1},
                                    {319, 1000, 1},
                                    {64 * 63, 5, 1},
                                    {64 * 65 + 1, 5, 1}}) {
    expect_ordered_sums(shape, 13);
    if (HasFatalFailure()) return;
  }
}

TEST_P(Sums, OneSlopePerElement) {
  for (const size_t outer : {1u, 2u, 5u}) expect_ordered_sums({outer, 100003, 1}, 17);
  expect_ordered_sums({70, 10007, 1}, 18);
}

// NaN inputs add nothing; zeros of either sign, denormals, infinite products and products that are NaN do what the order
// says.
TEST_P(Sums, SpecialValues) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 100},
                                    {1, 1, 5000},
                                    {1, 1, 70001},
                                    {5, 7, 49},
                                    {3, 4, 4099},
                                    {9, 70, 2},
                                    {130, 37, 1},
                                    {67, 1025, 1},
                                    {3, 10007, 1}}) {
    expect_ordered_sums(shape, mixed_values(count(shape), 1), mixed_values(count(shape), 2));
    if (HasFatalFailure()) return;
    // Rarely a special value, so that the sums are finite in some channels and not in others.
    Values x = ordinary_values(count(shape), 3), dy = ordinary_values(count(shape), 4);
    const Values specials = special_values();
    for (size_t i = 0; i < x.size(); i += 97) x[i] = specials[i / 97 % specials.size()];
    for (size_t i = 50; i < x.size(); i += 211) dy[i] = specials[i / 211 % specials.size()];
    expect_ordered_sums(shape, x, dy);
    if (HasFatalFailure()) return;
    const Values expected = ordered_sums({1, 1, x.size()}, x, dy, expm1_of(x));
    ASSERT_TRUE(same_bits(expected, dalpha(x, dy, nullptr, 0.5))) << shown(shape);
  }
}

// Zeros of either sign, and products so small that they round to one: the sum is +0.
TEST_P(Sums, SignsOfZeroDoNotReachTheResult) {
  for (const size_t n : {size_t{1}, size_t{64}, size_t{65}, size_t{5000}}) {
    for (const float x_value : {-0x1p-100f, 0x1p-100f, -0.0f}) {
      for (const float dy_value : {0.0f, -0.0f, 0x1p-100f, -0x1p-100f}) {
        const Values x(n, x_value), dy(n, dy_value), x_of_three(3 * n, x_value), dy_of_three(3 * n, dy_value);
        ASSERT_TRUE(identical_bits(dslope({1, 1, n}, x, dy, nullptr)[0], 0.0f)) << n;
        ASSERT_TRUE(identical_bits(dalpha(x, dy, nullptr, 1.0)[0], 0.0f)) << n;
        for (const rectify_shape shape : {rectify_shape{n, 3, 1}, {1, 3, n}}) {
          for (const float sum : dslope(shape, x_of_three, dy_of_three, nullptr)) {
            ASSERT_TRUE(identical_bits(sum, 0.0f)) << shown(shape);
          }
        }
      }
    }
  }
}

TEST_P(Sums, NothingSumsToPositiveZero) {
  for (const rectify_shape shape : {rectify_shape{0, 5, 1}, {0, 5, 49}, {3, 5, 0}, {0, 1, 1}, {1, 1, 0}, {0, 300, 0}}) {
    Values sums(shape.channels, -1.0f);
    ASSERT_EQ(
        rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, nullptr, nullptr, nullptr, nullptr, sums.data(), &options),
        RECTIFY_OK)
        << shown(shape);
    for (const float sum : sums) EXPECT_TRUE(identical_bits(sum, 0.0f)) << shown(shape);
  }
  float sum = -1.0f;
  ASSERT_EQ(rectify_leaky_relu_backward(RECTIFY_F32, 0, 0.5, nullptr, nullptr, nullptr, &sum, &options), RECTIFY_OK);
  EXPECT_TRUE(identical_bits(sum, 0.0f));
  sum = -1.0f;
  ASSERT_EQ(rectify_elu_backward(RECTIFY_F32, 0, 0.5, nullptr, nullptr, nullptr, &sum, &options), RECTIFY_OK);
  EXPECT_TRUE(identical_bits(sum, 0.0f));
}

// Stores are aligned by peeling, which must not turn the lanes.
TEST_P(Sums, DoNotDependOnTheAlignment) {
  const std::vector<rectify_shape> shapes = {{1, 1, 70},  {1, 1, 5003}, {1, 1, 20011}, {3, 5, 49},
                                             {3, 5, 131}, {2, 3, 4500}, {130, 37, 1},  {5, 1030, 1}};
  for (const rectify_shape shape : shapes) {
    const size_t n = count(shape);
    const Values x = ordinary_values(n, 21), dy = ordinary_values(n, 22), slope = ordinary_values(shape.channels, 23);
    const Values expected = ordered_sums(shape, x, dy, x);
    const Values expected_dalpha = ordered_sums({1, 1, n}, x, dy, expm1_of(x));
    for (size_t offset = 0; offset < 16; ++offset) {
      Values shifted_x(n + offset), shifted_dy(n + offset), dx(n + 16), sums(shape.channels);
      std::copy(x.begin(), x.end(), shifted_x.begin() + static_cast<std::ptrdiff_t>(offset));
      std::copy(dy.begin(), dy.end(), shifted_dy.begin() + static_cast<std::ptrdiff_t>(offset));
      const auto expect_sums = [&](const float* x_at, const float* dy_at, float* dx_at) {
        ASSERT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x_at, slope.data(), dy_at, dx_at, sums.data(),
                                         &options),
                  RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected, sums)) << shown(shape) << " offset " << offset;
        Values sum(1);
        ASSERT_EQ(rectify_elu_backward(RECTIFY_F32, n, 1.0, x_at, dy_at, dx_at, sum.data(), &options), RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected_dalpha, sum)) << shown(shape) << " offset " << offset;
      };
      expect_sums(x.data(), dy.data(), dx.data() + offset);
      expect_sums(shifted_x.data() + offset, dy.data(), dx.data());
      expect_sums(x.data(), shifted_dy.data() + offset, dx.data());
      expect_sums(shifted_x.data() + offset, shifted_dy.data() + offset, nullptr);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Sums, DoNotDependOnAliasing) {
  for (const rectify_shape shape :
       {rectify_shape{1, 1, 70}, {1, 1, 20011}, {3, 5, 49}, {2, 3, 4500}, {130, 37, 1}, {5, 1030, 1}}) {
    const Values x = ordinary_values(count(shape), 31), dy = ordinary_values(count(shape), 32);
    const Values expected = ordered_sums(shape, x, dy, x);
    Values over_x = x, over_dy = dy;
    ASSERT_TRUE(same_bits(expected, dslope(shape, over_x, dy, over_x.data()))) << shown(shape);
    ASSERT_TRUE(same_bits(expected, dslope(shape, x, over_dy, over_dy.data()))) << shown(shape);
    const Values expected_dalpha = ordered_sums({1, 1, x.size()}, x, dy, expm1_of(x));
    over_x = x, over_dy = dy;
    ASSERT_TRUE(same_bits(expected_dalpha, dalpha(over_x, dy, over_x.data(), 0.5))) << shown(shape);
    ASSERT_TRUE(same_bits(expected_dalpha, dalpha(x, over_dy, over_dy.data(), 0.5))) << shown(shape);
  }
}

// All products of one sign: the case in which errors add up. Both layouts of the same data stay within the bound.
TEST_P(Sums, AreAccurate) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 4096},
                                    {1, 1, 1000007},
                                    {1, 1, emulated ? 300007u : 10000019u},
                                    {5, 7, 10000},
                                    {20000, 3, 1},
                                    {300, 3, 49}}) {
    Values x = ordinary_values(count(shape), 41), dy = ordinary_values(count(shape), 42);
    for (float& value : x) value = -std::fabs(value);
    for (float& value : dy) value = std::fabs(value);
    EXPECT_TRUE(close_to_exact(shape, x, dy, x, dslope(shape, x, dy, nullptr)));
    const Values factor = expm1_of(x);
    EXPECT_TRUE(close_to_exact({1, 1, x.size()}, x, dy, factor, dalpha(x, dy, nullptr, 1.0)));
  }
}

TEST_P(Sums, ChannelsFirstAndLastAgreeWithinTheBound) {
  const size_t images = 37, channels = 19, pixels = 784;
  const Values x = ordinary_values(images * channels * pixels, 51), dy = ordinary_values(x.size(), 52);
  Values x_last(x.size()), dy_last(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t image = i / (channels * pixels), channel = i / pixels % channels, pixel = i % pixels;
    const size_t at = (image * pixels + pixel) * channels + channel;
    x_last[at] = x[i];
    dy_last[at] = dy[i];
  }
  const Values first = dslope({images, channels, pixels}, x, dy, nullptr);
  const Values last = dslope({images * pixels, channels, 1}, x_last, dy_last, nullptr);
  EXPECT_TRUE(close_to_exact({images, channels, pixels}, x, dy, x, first));
  EXPECT_TRUE(close_to_exact({images, channels, pixels}, x, dy, x, last));
}

}  // namespace
}  // namespace rectify::tests
