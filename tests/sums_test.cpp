// The gradients of the parameters, bit for bit: the order of summation as tests/support/ordered_sums.hpp writes it out,
// asked of every backend, the scalar one included.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/ordered_sums.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

// A sum whose own error does not count here.
class LongSum {
 public:
  void add(long double term) {
    const long double total = sum_ + term;
    lost_ += std::fabs(sum_) >= std::fabs(term) ? (sum_ - total) + term : (term - total) + sum_;
    sum_ = total;
  }
  long double value() const { return sum_ + lost_; }

 private:
  long double sum_ = 0, lost_ = 0;
};

// What a sum may be off by before it is rounded to the slope's format, as a part of the sum of the magnitudes: whatever its
// terms, and where they are like a layer's.
template <class Scalar>
constexpr double most_error = sizeof(Scalar) == 8 ? 3e-14 : 8e-6;
template <class Scalar>
constexpr double usual_error = sizeof(Scalar) == 8 ? 2e-7 * 0x1p-29 : 2e-7;

template <AnyNumber Slope, class Scalar>
testing::AssertionResult close_to_exact(rectify_shape shape, const std::vector<Scalar>& x, const std::vector<Scalar>& dy,
                                        const std::vector<Scalar>& factor, const std::vector<Slope>& sums,
                                        double accuracy = usual_error<Scalar>) {
  std::vector<LongSum> exact(shape.channels), magnitude(shape.channels);
  for (size_t i = 0; i < count(shape); ++i) {
    if (!(x[i] < 0)) continue;
    const size_t c = i / shape.inner % shape.channels;
    const long double product = static_cast<long double>(dy[i]) * static_cast<long double>(factor[i]);
    exact[c].add(product);
    magnitude[c].add(std::fabs(product));
  }
  for (size_t c = 0; c < shape.channels; ++c) {
    const long double sum = exact[c].value(), bound = static_cast<long double>(accuracy) * magnitude[c].value();
    const auto nearest = [](long double value) { return widened(rounded<Slope>(static_cast<double>(value))); };
    // A double is not rounded again.
    const bool close = sizeof(Slope) == 8
                           ? std::fabs(static_cast<long double>(widened(sums[c])) - sum) <= bound
                           : nearest(sum - bound) <= widened(sums[c]) && widened(sums[c]) <= nearest(sum + bound);
    if (!close) {
      const long double error = std::fabs(static_cast<long double>(widened(sums[c])) - sum);
      return testing::AssertionFailure() << "channel " << c << " of " << shown(shape) << " is off by "
                                         << static_cast<double>(error / magnitude[c].value()) << " of the magnitudes";
    }
  }
  return testing::AssertionSuccess();
}

class Sums : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes_in_emulator = stands_for_element_type<Format>;

 protected:
  template <class Format>
  std::vector<typename Format::Slope> dslope(rectify_shape shape, const std::vector<typename Format::Element>& x,
                                             const std::vector<typename Format::Element>& dy,
                                             typename Format::Element* dx) {
    using Slope = typename Format::Slope;
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 77);
    std::vector<Slope> sums(shape.channels, nan_of<Slope>);
    EXPECT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(), dx,
                                     sums.data(), &options),
              RECTIFY_OK);
    return sums;
  }

  template <AnyNumber T>
  std::vector<Computed<T>> dalpha(const std::vector<T>& x, const std::vector<T>& dy, T* dx, double alpha) {
    Computed<T> sum = nan_of<Computed<T>>;
    EXPECT_EQ(rectify_elu_backward(Number<T>::dtype, x.size(), alpha, x.data(), dy.data(), dx, &sum, &options), RECTIFY_OK);
    return {sum};
  }

  // With dx and without it: the same sums.
  template <class Format>
  void expect_ordered_sums(rectify_shape shape, const std::vector<typename Format::Element>& x,
                           const std::vector<typename Format::Element>& dy) {
    SCOPED_TRACE(shown(shape));
    const auto wide_x = all_widened(x);
    const auto expected = all_rounded<typename Format::Slope>(ordered_sums(shape, wide_x, all_widened(dy), wide_x));
    ASSERT_TRUE(same_bits(expected, dslope<Format>(shape, x, dy, nullptr))) << "without dx";
    std::vector<typename Format::Element> dx(x.size());
    ASSERT_TRUE(same_bits(expected, dslope<Format>(shape, x, dy, dx.data()))) << "with dx";
  }

  template <class Format>
  void expect_ordered_sums(rectify_shape shape, uint32_t seed) {
    using Element = typename Format::Element;
    const std::vector<Element> x = ordinary_values<Element>(count(shape), seed),
                               dy = ordinary_values<Element>(count(shape), seed + 1);
    expect_ordered_sums<Format>(shape, x, dy);
  }
};

// expm1(x) as the library rounds it in the type that computes, from the reference.
template <class Scalar>
std::vector<Scalar> expm1_of(const std::vector<Scalar>& x) {
  const rectify_options scalar = options_for(scalar_backend);
  std::vector<Scalar> result(x.size());
  EXPECT_EQ(rectify_elu_forward(Number<Scalar>::dtype, x.size(), 1.0, x.data(), result.data(), &scalar), RECTIFY_OK);
  return result;
}

// The gradient of ELU's alpha by the order above.
template <AnyNumber T>
std::vector<Computed<T>> ordered_dalpha(const std::vector<T>& x, const std::vector<T>& dy) {
  const auto wide_x = all_widened(x);
  return ordered_sums({1, 1, x.size()}, wide_x, all_widened(dy), expm1_of(wide_x));
}

// Between sizes, and between alignments: where fewer are tried they still have every remainder by a number of lanes.
constexpr size_t step = emulated ? 3 : 1;

std::vector<size_t> flat_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 300; ++n) lengths.push_back(n);
  for (size_t blocks = 1; blocks <= 9; ++blocks) {
    for (size_t n = blocks * leaf_of_run - 1; n <= blocks * leaf_of_run + 1; ++n) lengths.push_back(n);
  }
  for (const size_t n : {size_t{4096 + 63}, size_t{4096 + 64}, size_t{4096 + 65}, size_t{65536}, size_t{65537},
                         size_t{100000}, size_t{131071}, size_t{262145}, size_t{1000007}}) {
    if (!emulated || n < 200000) lengths.push_back(n);
  }
  return lengths;
}

RECTIFY_ON_EACH_FORMAT(Sums, OneSlope) {
  for (const size_t n : flat_lengths()) {
    expect_ordered_sums<Format>({1, 1, n}, static_cast<uint32_t>(n));
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, OneSlopeIsFlatWhateverTheShape) {
  for (const auto& [outer, inner] : {std::pair<size_t, size_t>{5000, 1}, {50, 100}, {3, 5000}, {12289, 1}}) {
    expect_ordered_sums<Format>({outer, 1, inner}, 3);
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Sums, LeakyReluIsOneSlope) {
  for (const size_t n : {size_t{1}, size_t{70}, size_t{4097}, size_t{100003}}) {
    const Values x = ordinary_values<Element>(n, 1), dy = ordinary_values<Element>(n, 2);
    const std::vector<Scalar> wide_x = all_widened(x), expected = ordered_sums({1, 1, n}, wide_x, all_widened(dy), wide_x);
    Values dx(n);
    for (Element* const out : {dx.data(), static_cast<Element*>(nullptr)}) {
      for (const double slope : {0.01, -3.0, std::numeric_limits<double>::infinity()}) {
        std::vector<Scalar> sum(1, nan_of<Scalar>);
        ASSERT_EQ(rectify_leaky_relu_backward(Format::dtype, n, slope, x.data(), dy.data(), out, sum.data(), &options),
                  RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected, sum)) << "n = " << n << ", slope = " << slope;
      }
    }
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(Sums, EluAlpha) {
  for (const size_t n : flat_lengths()) {
    const Values x = ordinary_values<Element>(n, static_cast<uint32_t>(n), 8.0f),
                 dy = ordinary_values<Element>(n, static_cast<uint32_t>(n) + 1);
    const std::vector<Scalar> expected = ordered_dalpha(x, dy);
    Values dx(n);
    ASSERT_TRUE(same_bits(expected, dalpha(x, dy, dx.data(), 1.0))) << "n = " << n;
    ASSERT_TRUE(same_bits(expected, dalpha<Element>(x, dy, nullptr, 1.0))) << "n = " << n << ", without dx";
    if (n % 16 > 1) continue;
    for (const double alpha : {0.5, -2.0, 0.0, 1e30}) {  // alpha has no part in its own gradient
      ASSERT_TRUE(same_bits(expected, dalpha(x, dy, dx.data(), alpha))) << "n = " << n << ", " << alpha;
    }
  }
}

// Runs short and long, with numbers of images that leave odd nodes at every level of the tree.
RECTIFY_ON_EACH_FORMAT(Sums, ChannelsFirst) {
  for (size_t inner = 2; inner <= 70; inner += step) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {3, 5}, {7, 16}, {11, 17}}) {
      expect_ordered_sums<Format>({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
  for (const size_t inner : {49u, 127u, 128u, 129u, 196u, 784u, 1000u, 4095u, 4096u, 4097u, 8192u, 8193u, 10000u, 12544u}) {
    for (const auto& [outer, channels] : {std::pair<size_t, size_t>{1, 2}, {2, 3}, {3, 2}, {5, 7}, {13, 2}}) {
      expect_ordered_sums<Format>({outer, channels, inner}, static_cast<uint32_t>(inner));
      if (HasFatalFailure()) return;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, ChannelsFirstMany) {
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
    expect_ordered_sums<Format>(shape, 11);
    if (HasFatalFailure()) return;
  }
}

// So large that a task has the runs of many channels, of several leaves each or of one, and of several images.
class LargeSums : public Sums {
 public:
  template <class Format>
  static constexpr bool takes = differs_in_tasks<Format>;
  template <class Format>
  static constexpr bool takes_in_emulator = std::is_same_v<Format, formats::f32>;
};

RECTIFY_ON_EACH_FORMAT(LargeSums, AreSharedOutAlongMemory) {
  for (const rectify_shape shape : {rectify_shape{31, 30, 9600}, {300, 20, 784}}) {
    expect_ordered_sums<Format>(shape, 12);
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, ChannelsLast) {
  for (size_t channels = 2; channels <= 70; channels += step) {
    for (const size_t outer : {1u, 2u, 3u, 63u, 64u, 65u, 130u, 191u, 192u, 193u}) {
      expect_ordered_sums<Format>({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
  for (size_t outer = 1; outer <= 130; outer += step) {
    for (const size_t channels : {2u, 8u, 19u}) {
      expect_ordered_sums<Format>({outer, channels, 1}, static_cast<uint32_t>(outer));
      if (HasFatalFailure()) return;
    }
  }
  for (const size_t channels : {256u, 1000u, 1025u, 4128u, 5000u}) {
    for (const size_t outer : {1u, 7u, 63u, 64u, 65u, 127u, 129u}) {
      expect_ordered_sums<Format>({outer, channels, 1}, static_cast<uint32_t>(channels));
      if (HasFatalFailure()) return;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, ChannelsLastManyRows) {
  for (const rectify_shape shape : {rectify_shape{20000, 2, 1},
                                    {20000, 3, 1},
                                    {20000, 16, 1},
                                    {4097, 64, 1},
                                    {3137, 33, 1},
                                    {1300, 256, 1},
                                    {319, 1000, 1},
                                    {64 * 63, 5, 1},
                                    {64 * 65 + 1, 5, 1}}) {
    expect_ordered_sums<Format>(shape, 13);
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, OneSlopePerElement) {
  for (const size_t outer : {1u, 2u, 5u}) expect_ordered_sums<Format>({outer, 100003, 1}, 17);
  expect_ordered_sums<Format>({70, 10007, 1}, 18);
}

// NaN inputs add nothing; zeros of either sign, denormals, infinite products and products that are NaN do what the order
// says.
RECTIFY_ON_EACH_FORMAT(Sums, SpecialValues) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 100},
                                    {1, 1, 5000},
                                    {1, 1, 70001},
                                    {5, 7, 49},
                                    {3, 4, 4099},
                                    {9, 70, 2},
                                    {130, 37, 1},
                                    {67, 1025, 1},
                                    {3, 10007, 1}}) {
    expect_ordered_sums<Format>(shape, mixed_values<Element>(count(shape), 1), mixed_values<Element>(count(shape), 2));
    if (HasFatalFailure()) return;
    // Rarely a special value, so that the sums are finite in some channels and not in others.
    Values x = ordinary_values<Element>(count(shape), 3), dy = ordinary_values<Element>(count(shape), 4);
    const Values specials = special_values<Element>();
    for (size_t i = 0; i < x.size(); i += 97) x[i] = specials[i / 97 % specials.size()];
    for (size_t i = 50; i < x.size(); i += 211) dy[i] = specials[i / 211 % specials.size()];
    expect_ordered_sums<Format>(shape, x, dy);
    if (HasFatalFailure()) return;
    if (!Format::has_scalar_slopes) continue;
    ASSERT_TRUE(same_bits(ordered_dalpha(x, dy), dalpha<Element>(x, dy, nullptr, 0.5))) << shown(shape);
  }
}

// Zeros of either sign, and products so small that they round to one: the sum is +0. (A product of two f16 values is not:
// it rounds to zero in the slope's format, if at all.)
RECTIFY_ON_EACH_FORMAT(Sums, SignsOfZeroDoNotReachTheResult) {
  constexpr int tiny = sizeof(Element) == 8 ? -600 : is_same<Element, Half> ? -24 : -100;
  const bool vanishes = !is_same<Element, Half>;  // dy * x, before a sum of it is rounded
  const Element zero = {}, minus_zero = rounded<Element>(-0.0);
  const Element small = rounded<Element>(std::ldexp(1.0, tiny)), minus_small = rounded<Element>(-std::ldexp(1.0, tiny));
  for (const size_t n : {size_t{1}, size_t{64}, size_t{65}, size_t{5000}}) {
    for (const Element x_value : {minus_small, small, minus_zero}) {
      for (const Element dy_value : {zero, minus_zero, small, minus_small}) {
        const bool zero_in_scalars = vanishes || widened(dy_value) == 0 || !(widened(x_value) < 0);
        if (!zero_in_scalars && Format::has_scalar_slopes) continue;
        const Values x(n, x_value), dy(n, dy_value), x_of_three(3 * n, x_value), dy_of_three(3 * n, dy_value);
        // A sum below zero that the slope's format cannot hold rounds to -0, as any rounding does.
        const double sum = zero_in_scalars ? 0.0 : -static_cast<double>(widened(dy_value));
        const Slope expected = rounded<Slope>(std::copysign(0.0, sum));
        ASSERT_TRUE(identical_bits(dslope<Format>({1, 1, n}, x, dy, nullptr)[0], expected)) << n;
        for (const rectify_shape shape : {rectify_shape{n, 3, 1}, {1, 3, n}}) {
          for (const Slope each : dslope<Format>(shape, x_of_three, dy_of_three, nullptr)) {
            ASSERT_TRUE(identical_bits(each, expected)) << shown(shape);
          }
        }
        if (!Format::has_scalar_slopes) continue;
        ASSERT_TRUE(identical_bits(dalpha<Element>(x, dy, nullptr, 1.0)[0], Scalar{0})) << n;
      }
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Sums, NothingSumsToPositiveZero) {
  for (const rectify_shape shape : {rectify_shape{0, 5, 1}, {0, 5, 49}, {3, 5, 0}, {0, 1, 1}, {1, 1, 0}, {0, 300, 0}}) {
    std::vector<Slope> sums(shape.channels + 1, unwritten<Slope>);
    ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, nullptr, nullptr, nullptr, nullptr,
                                     sums.data(), &options),
              RECTIFY_OK)
        << shown(shape);
    for (size_t c = 0; c < shape.channels; ++c) EXPECT_TRUE(identical_bits(sums[c], Slope{})) << shown(shape);
    EXPECT_TRUE(identical_bits(sums.back(), unwritten<Slope>)) << shown(shape);
  }
  if (!Format::has_scalar_slopes) return;
  Scalar sums[] = {-1, -1};
  ASSERT_EQ(rectify_leaky_relu_backward(Format::dtype, 0, 0.5, nullptr, nullptr, nullptr, sums, &options), RECTIFY_OK);
  EXPECT_TRUE(identical_bits(sums[0], Scalar{0}));
  sums[0] = -1;
  ASSERT_EQ(rectify_elu_backward(Format::dtype, 0, 0.5, nullptr, nullptr, nullptr, sums, &options), RECTIFY_OK);
  EXPECT_TRUE(identical_bits(sums[0], Scalar{0}));
  EXPECT_TRUE(identical_bits(sums[1], Scalar{-1}));
}

// Stores are aligned by peeling, which must not turn the lanes.
RECTIFY_ON_EACH_FORMAT(Sums, DoNotDependOnTheAlignment) {
  const std::vector<rectify_shape> shapes = {{1, 1, 70},  {1, 1, 5003}, {1, 1, 20011}, {3, 5, 49},
                                             {3, 5, 131}, {2, 3, 4500}, {130, 37, 1},  {5, 1030, 1}};
  for (const rectify_shape shape : shapes) {
    const size_t n = count(shape);
    constexpr size_t offsets = 64 / sizeof(Element);
    const Values x = ordinary_values<Element>(n, 21), dy = ordinary_values<Element>(n, 22);
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 23);
    const std::vector<Scalar> wide_x = all_widened(x), wide_dy = all_widened(dy), expected_dalpha = ordered_dalpha(x, dy);
    const std::vector<Slope> expected = all_rounded<Slope>(ordered_sums(shape, wide_x, wide_dy, wide_x));
    for (size_t offset = 0; offset < offsets; offset += step) {
      Values shifted_x(n + offset), shifted_dy(n + offset), dx(n + offsets);
      std::vector<Slope> sums(shape.channels);
      std::copy(x.begin(), x.end(), shifted_x.begin() + static_cast<std::ptrdiff_t>(offset));
      std::copy(dy.begin(), dy.end(), shifted_dy.begin() + static_cast<std::ptrdiff_t>(offset));
      const auto expect_sums = [&](const Element* x_at, const Element* dy_at, Element* dx_at) {
        ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x_at, slope.data(), dy_at, dx_at,
                                         sums.data(), &options),
                  RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected, sums)) << shown(shape) << " offset " << offset;
        if (!Format::has_scalar_slopes) return;
        std::vector<Scalar> sum(1);
        ASSERT_EQ(rectify_elu_backward(Format::dtype, n, 1.0, x_at, dy_at, dx_at, sum.data(), &options), RECTIFY_OK);
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

RECTIFY_ON_EACH_FORMAT(Sums, DoNotDependOnAliasing) {
  for (const rectify_shape shape :
       {rectify_shape{1, 1, 70}, {1, 1, 20011}, {3, 5, 49}, {2, 3, 4500}, {130, 37, 1}, {5, 1030, 1}}) {
    const Values x = ordinary_values<Element>(count(shape), 31), dy = ordinary_values<Element>(count(shape), 32);
    const std::vector<Scalar> wide_x = all_widened(x);
    const std::vector<Slope> expected = all_rounded<Slope>(ordered_sums(shape, wide_x, all_widened(dy), wide_x));
    Values over_x = x, over_dy = dy;
    ASSERT_TRUE(same_bits(expected, dslope<Format>(shape, over_x, dy, over_x.data()))) << shown(shape);
    ASSERT_TRUE(same_bits(expected, dslope<Format>(shape, x, over_dy, over_dy.data()))) << shown(shape);
    if (!Format::has_scalar_slopes) continue;
    const std::vector<Scalar> expected_dalpha = ordered_dalpha(x, dy);
    over_x = x, over_dy = dy;
    ASSERT_TRUE(same_bits(expected_dalpha, dalpha(over_x, dy, over_x.data(), 0.5))) << shown(shape);
    ASSERT_TRUE(same_bits(expected_dalpha, dalpha(x, over_dy, over_dy.data(), 0.5))) << shown(shape);
  }
}

// What the order is good for. Every backend has its bits, as the cases above show, so the reference stands for all, and on
// every architecture.
class AccuracyOfSums : public Sums {
 public:
  static std::vector<std::string> backends() { return {scalar_backend}; }
  template <class Format>
  static constexpr bool takes_in_emulator = false;
};

// All products of one sign: the case in which errors add up. Both layouts of the same data stay within the bound.
RECTIFY_ON_EACH_FORMAT(AccuracyOfSums, WithTermsOfOneSign) {
  constexpr size_t many = is_same<Element, float> ? 10000019 : 2000003;
  for (const rectify_shape shape :
       {rectify_shape{1, 1, 4096}, {1, 1, 1000007}, {1, 1, many}, {5, 7, 10000}, {20000, 3, 1}, {300, 3, 49}}) {
    Values x = ordinary_values<Element>(count(shape), 41), dy = ordinary_values<Element>(count(shape), 42);
    for (Element& value : x) value = from_bits<Element>(bits_of(value) | Number<Element>::sign);
    for (Element& value : dy)
      value = from_bits<Element>(bits_of(value) & static_cast<BitsOf<Element>>(~Number<Element>::sign));
    const std::vector<Scalar> wide_x = all_widened(x), wide_dy = all_widened(dy);
    EXPECT_TRUE(close_to_exact(shape, wide_x, wide_dy, wide_x, dslope<Format>(shape, x, dy, nullptr)));
    if (!Format::has_scalar_slopes) continue;
    EXPECT_TRUE(close_to_exact({1, 1, x.size()}, wide_x, wide_dy, expm1_of(wide_x), dalpha<Element>(x, dy, nullptr, 1.0)));
  }
}

// Terms that are all equal: every rounding goes the same way.
RECTIFY_ON_EACH_FORMAT(AccuracyOfSums, WhateverTheTerms) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 1000007}, {30011, 3, 1}, {300, 3, 49}}) {
    for (const double term : {0.1, 0.3, 0.7}) {
      const Values x(count(shape), rounded<Element>(-term)), dy(count(shape), rounded<Element>(term));
      const std::vector<Scalar> wide_x = all_widened(x), wide_dy = all_widened(dy);
      EXPECT_TRUE(
          close_to_exact(shape, wide_x, wide_dy, wide_x, dslope<Format>(shape, x, dy, nullptr), most_error<Scalar>));
    }
  }
}

RECTIFY_ON_EACH_FORMAT(AccuracyOfSums, OfChannelsFirstAndLastAgreeWithinTheBound) {
  const size_t images = 37, channels = 19, pixels = 784;
  const Values x = ordinary_values<Element>(images * channels * pixels, 51), dy = ordinary_values<Element>(x.size(), 52);
  Values x_last(x.size()), dy_last(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t image = i / (channels * pixels), channel = i / pixels % channels, pixel = i % pixels;
    const size_t at = (image * pixels + pixel) * channels + channel;
    x_last[at] = x[i];
    dy_last[at] = dy[i];
  }
  const std::vector<Slope> first = dslope<Format>({images, channels, pixels}, x, dy, nullptr);
  const std::vector<Slope> last = dslope<Format>({images * pixels, channels, 1}, x_last, dy_last, nullptr);
  const std::vector<Scalar> wide_x = all_widened(x), wide_dy = all_widened(dy);
  EXPECT_TRUE(close_to_exact({images, channels, pixels}, wide_x, wide_dy, wide_x, first));
  EXPECT_TRUE(close_to_exact({images, channels, pixels}, wide_x, wide_dy, wide_x, last));
}

}  // namespace
}  // namespace rectify::tests
