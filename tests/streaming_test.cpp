// Arrays that the last-level cache cannot hold, where the library stores past the caches: the bits of the scalar reference,
// which has ordinary stores alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dispatch/cache_sizes.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/ordered_sums.hpp"
#include "tests/support/public_calls.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

// Elements of two arrays that are a tenth more than fills the cache: some of the shapes below are rounded down from it, and
// streaming begins, with several threads, where it is full. (NEON's streaming store is an ordinary one, and an emulated CPU
// is slow.)
template <class T>
size_t more_elements_than_cached() {
  return (emulated ? size_t{2} << 20 : cache_sizes().last / 10 * 11) / (2 * sizeof(T));
}

template <class T>
bool fills_the_cache(size_t elements) {
  return emulated || 2 * elements * sizeof(T) >= cache_sizes().last;
}

// The values of `period`, over and over.
template <class T>
std::vector<T> repeated(const std::vector<T>& period, size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = period[i % period.size()];
  return values;
}

class Streaming : public VectorsAgainstScalar {
 public:
  template <class Format>
  static constexpr bool takes = differs_in_tasks<Format>;
};

RECTIFY_ON_EACH_FORMAT(Streaming, EveryOperation) {
  constexpr size_t period = 10007;  // divides no vector, line, page or task
  const Values x_period = mixed_values<Element>(period, 1), dy_period = mixed_values<Element>(period, 2);
  const size_t n = more_elements_than_cached<Element>();
  const Values x = repeated(x_period, n), dy = repeated(dy_period, n);
  Values out(n + 16), expected(period);
  for (const Operation& operation : default_operations<Format>()) {
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

RECTIFY_ON_EACH_FORMAT(Streaming, PreluEveryLayout) {
  const size_t n = more_elements_than_cached<Element>();
  // Rows of whole vectors and of broken ones, a slope per element, short and long runs.
  for (const rectify_shape shape : {rectify_shape{n / 64, 64, 1},
                                    {n / 37, 37, 1},
                                    {n / 3, 3, 1},
                                    {n / 1040, 1040, 1},
                                    {2, n / 2, 1},
                                    {n / 245, 5, 49},
                                    {n / 9408, 3, 3136},
                                    {1, 3, n / 3},
                                    {1, 1, n}}) {
    SCOPED_TRACE(testing::Message() << "shape {" << shape.outer << ", " << shape.channels << ", " << shape.inner << "}");
    const size_t count = shape.outer * shape.channels * shape.inner;
    ASSERT_TRUE(fills_the_cache<Element>(count));
    const Values x = ordinary_values<Element>(count, 3), dy = ordinary_values<Element>(count, 4);
    const std::vector<Slope> slope = mixed_values<Slope>(shape.channels, 5);
    Values expected(count), out(count);
    std::vector<Slope> expected_sums(shape.channels), sums(shape.channels);
    const auto forward = [&](Values& y, const rectify_options& o) {
      ASSERT_EQ(rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), y.data(), &o),
                RECTIFY_OK);
    };
    const auto backward = [&](Values& dx, Slope* dslope, const rectify_options& o) {
      ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(),
                                       dx.data(), dslope, &o),
                RECTIFY_OK);
    };
    forward(expected, scalar);
    forward(out, options);
    ASSERT_TRUE(same_bits(expected, out)) << "forward";
    backward(expected, expected_sums.data(), scalar);
    backward(out, sums.data(), options);
    ASSERT_TRUE(same_bits(expected, out)) << "backward with dslope";
    ASSERT_TRUE(same_bits(expected_sums, sums)) << "dslope";
    out.assign(count, nan_of<Element>);
    backward(out, nullptr, options);
    ASSERT_TRUE(same_bits(expected, out)) << "backward";
  }
}

// The calls of several stages: the last of them streams. Where there is a dbias, it is summed on the way in runs and in
// rows of some channels.
RECTIFY_ON_EACH_FORMAT(Streaming, MasksAndFusedCalls) {
  const size_t n = more_elements_than_cached<Element>();
  for (const rectify_shape shape :
       {rectify_shape{1, 1, n}, {n / 37, 37, 1}, {n / 3000, 3000, 1}, {n / 245, 5, 49}, {n / 12500, 2, 6250}}) {
    ASSERT_TRUE(fills_the_cache<Element>(count(shape)));
    std::vector<PublicCall> calls;
    if (shape.channels == 1) add_flat_calls<Format>(calls, n, 0.1, 1.0);
    add_shaped_calls_in_stages<Format>(calls, shape);
    const Values x = ordinary_values<Element>(count(shape), 6), dy = ordinary_values<Element>(count(shape), 7);
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 8);
    for (const PublicCall& call : calls) {
      if (call.mask == Mask::none && !call.name.starts_with("fused_")) continue;
      ASSERT_TRUE(same_results(run_call<Format>(call, x.data(), dy.data(), slope.data(), &scalar),
                               run_call<Format>(call, x.data(), dy.data(), slope.data(), &options)))
          << call;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
