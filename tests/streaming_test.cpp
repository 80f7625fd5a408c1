// Arrays that the last-level cache cannot hold, where the library stores past the caches: the bits of the scalar reference,
// which has ordinary stores alone.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "dispatch/cpu_features.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;

// Elements of two arrays that fill the cache. Streaming begins at a fraction of it. (NEON's streaming store is an ordinary
// one, and an emulated CPU is slow.)
size_t cached_elements() { return (emulated ? size_t{2} << 20 : last_level_cache_bytes()) / (2 * sizeof(float)); }

// The values of `period`, over and over.
Values repeated(const Values& period, size_t count) {
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = period[i % period.size()];
  return values;
}

class Streaming : public AgainstScalar {};
INSTANTIATE_TEST_SUITE_P(, Streaming, testing::ValuesIn(vector_backends()),
                         [](const testing::TestParamInfo<std::string>& backend) { return backend.param; });

TEST_P(Streaming, EveryOperation) {
  constexpr size_t period = 10007;  // divides no vector, line, page or task
  const Values x_period = mixed_values(period, 1), dy_period = mixed_values(period, 2);
  const size_t n = cached_elements() + 5;
  const Values x = repeated(x_period, n), dy = repeated(dy_period, n);
  Values out(n + 16), expected(period);
  for (const Operation& operation : default_operations()) {
    ASSERT_EQ(operation.call(period, x_period.data(), dy_period.data(), expected.data(), &scalar), RECTIFY_OK) << operation;
    for (const size_t offset : {size_t{0}, size_t{3}}) {
      ASSERT_EQ(operation.call(n, x.data(), dy.data(), out.data() + offset, &options), RECTIFY_OK) << operation;
      for (size_t begin = 0; begin < n; begin += period) {
        const size_t count = std::min(period, n - begin);
        ASSERT_TRUE(same_bits(std::span(expected).first(count), std::span(out).subspan(offset + begin, count)))
            << operation << ", from element " << begin << " of " << n << ", output at an offset of " << offset;
      }
    }
  }
}

TEST_P(Streaming, PreluEveryLayout) {
  const size_t n = cached_elements();
  // Rows of whole vectors and of broken ones, a slope per element, short and long runs.
  for (const rectify_shape shape : {rectify_shape{n / 64, 64, 1},
                                    {n / 37, 37, 1},
                                    {n / 1040, 1040, 1},
                                    {2, n / 2, 1},
                                    {n / 245, 5, 49},
                                    {n / 9408, 3, 3136},
                                    {1, 3, n / 3},
                                    {1, 1, n}}) {
    SCOPED_TRACE(testing::Message() << "shape {" << shape.outer << ", " << shape.channels << ", " << shape.inner << "}");
    const size_t count = shape.outer * shape.channels * shape.inner;
    const Values x = ordinary_values(count, 3), dy = ordinary_values(count, 4), slope = mixed_values(shape.channels, 5);
    Values expected(count), out(count), expected_sums(shape.channels), sums(shape.channels);
    const auto forward = [&](Values& y, const rectify_options& o) {
      ASSERT_EQ(rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), y.data(), &o), RECTIFY_OK);
    };
    const auto backward = [&](Values& dx, float* dslope, const rectify_options& o) {
      ASSERT_EQ(
          rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), dy.data(), dx.data(), dslope, &o),
          RECTIFY_OK);
    };
    forward(expected, scalar);
    forward(out, options);
    ASSERT_TRUE(same_bits(expected, out)) << "forward";
    backward(expected, expected_sums.data(), scalar);
    backward(out, sums.data(), options);
    ASSERT_TRUE(same_bits(expected, out)) << "backward with dslope";
    ASSERT_TRUE(same_bits(expected_sums, sums)) << "dslope";
    out.assign(count, std::numeric_limits<float>::quiet_NaN());
    backward(out, nullptr, options);
    ASSERT_TRUE(same_bits(expected, out)) << "backward";
  }
}

}  // namespace
}  // namespace rectify::tests
