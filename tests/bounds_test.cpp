// No call reads or writes outside the ranges it was given: every tensor lies between two inaccessible pages, flush against
// the one or the other, and the bytes on its other side hold a pattern that must survive.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

class Bounds : public OnEachFormat {
 protected:
  // The five tensors of a PReLU call, all on the same side.
  template <class Format>
  void expect_prelu_within(rectify_shape shape, size_t place);
};

std::vector<size_t> tried_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 130; ++n) lengths.push_back(n);
  for (const size_t border : {4096u, 32768u}) {
    for (size_t n = border - 1; n <= border + 1; ++n) lengths.push_back(n);
  }
  lengths.push_back(100003);
  return lengths;
}

// Flush against either side, then away from it by less than a vector of any width: streaming and aligned stores begin
// elsewhere.
template <class T>
constexpr Placement placements[] = {flush_to_end, flush_to_start, elements_from_end<T>(1), elements_from_start<T>(7)};

RECTIFY_ON_EACH_FORMAT(Bounds, EveryOperation) {
  for (const size_t n : tried_lengths()) {
    const Values inputs = mixed_values<Element>(n, 1), gradients = mixed_values<Element>(n, 2);
    for (const Placement placement : placements<Element>) {
      const GuardedBuffer<Element> x(inputs, placement), dy(gradients, placement), out(n, placement);
      for (const Operation& operation : default_operations<Format>()) {
        ASSERT_EQ(operation.call(n, x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
        ASSERT_TRUE(out.check()) << operation << ", n = " << n;
        ASSERT_TRUE(identical_bits(inputs, x.span())) << operation << " changed x";
        ASSERT_TRUE(identical_bits(gradients, dy.span())) << operation << " changed dy";
      }
      ASSERT_TRUE(x.check());
      ASSERT_TRUE(dy.check());
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Bounds, InPlace) {
  for (size_t n = 1; n <= 130; ++n) {
    for (const Placement placement : placements<Element>) {
      const GuardedBuffer<Element> tensor(mixed_values<Element>(n, 3), placement);
      for (const Operation& operation : default_operations<Format>()) {
        ASSERT_EQ(operation.call(n, tensor.data(), tensor.data(), tensor.data(), &options), RECTIFY_OK) << operation;
        ASSERT_TRUE(tensor.check()) << operation << ", n = " << n;
      }
    }
  }
}

// Without dx the sums read the same elements and write one value each.
RECTIFY_ON_EACH_ELEMENT_TYPE(Bounds, OneParameter) {
  for (const size_t n : tried_lengths()) {
    const Values inputs = mixed_values<Element>(n, 4), gradients = mixed_values<Element>(n, 5);
    for (size_t place = 0; place < std::size(placements<Element>); ++place) {
      const Placement placement = placements<Element>[place];
      const GuardedBuffer<Element> x(inputs, placement), dy(gradients, placement), dx(n, placement);
      const GuardedBuffer<Scalar> sum(1, placements<Scalar>[place]);
      for (Element* const out : {dx.data(), static_cast<Element*>(nullptr)}) {
        ASSERT_EQ(rectify_leaky_relu_backward(Format::dtype, n, 0.5, x.data(), dy.data(), out, sum.data(), &options),
                  RECTIFY_OK);
        ASSERT_TRUE(dx.check()) << "Leaky ReLU, n = " << n;
        ASSERT_TRUE(sum.check()) << "Leaky ReLU, n = " << n;
        ASSERT_EQ(rectify_elu_backward(Format::dtype, n, 0.5, x.data(), dy.data(), out, sum.data(), &options), RECTIFY_OK);
        ASSERT_TRUE(dx.check()) << "ELU, n = " << n;
        ASSERT_TRUE(sum.check()) << "ELU, n = " << n;
      }
    }
  }
}

template <class Format>
void Bounds::expect_prelu_within(rectify_shape shape, size_t place) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  const size_t n = shape.outer * shape.channels * shape.inner;
  SCOPED_TRACE(testing::Message() << "shape {" << shape.outer << ", " << shape.channels << ", " << shape.inner << "}");
  const Placement of_elements = placements<Element>[place], of_slopes = placements<Slope>[place];
  const std::vector<Slope> slopes = mixed_values<Slope>(shape.channels, 6);
  const GuardedBuffer<Element> x(mixed_values<Element>(n, 7), of_elements), dy(mixed_values<Element>(n, 8), of_elements);
  const GuardedBuffer<Element> out(n, of_elements);
  const GuardedBuffer<Slope> slope(slopes, of_slopes), dslope(shape.channels, of_slopes);
  const auto check = [&](const char* what) {
    ASSERT_TRUE(out.check()) << what;
    ASSERT_TRUE(dslope.check()) << what;
    ASSERT_TRUE(identical_bits(slopes, slope.span())) << what;
  };
  ASSERT_EQ(rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), out.data(), &options),
            RECTIFY_OK);
  check("forward");
  for (const bool with_dx : {true, false}) {
    for (const bool with_dslope : {true, false}) {
      if (!with_dx && !with_dslope) continue;
      ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(),
                                       with_dx ? out.data() : nullptr, with_dslope ? dslope.data() : nullptr, &options),
                RECTIFY_OK);
      check("backward");
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Bounds, PreluEveryLayout) {
  std::vector<rectify_shape> shapes = {{3, 5, 49},   {1, 7, 196},   {2, 3, 784},  {1, 2, 4095}, {2, 2, 4096},
                                       {1, 3, 4097}, {1, 2, 10000}, {2, 40, 49},  {1, 1, 5000}, {64, 1026, 1},
                                       {1, 5000, 1}, {65, 256, 1},  {2, 20011, 1}};
  for (size_t inner = 2; inner <= 130; ++inner) shapes.push_back({2, 3, inner});              // NCHW
  for (size_t channels = 2; channels <= 130; ++channels) shapes.push_back({3, channels, 1});  // NHWC, one slope per element
  for (size_t channels = 1023; channels <= 1026; ++channels) shapes.push_back({2, channels, 1});
  for (size_t outer = 1; outer <= 130; ++outer) shapes.push_back({outer, 5, 1});
  for (const rectify_shape shape : shapes) {
    for (size_t place = 0; place < std::size(placements<Element>); ++place) {
      expect_prelu_within<Format>(shape, place);
      if (HasFatalFailure()) return;
    }
  }
}

// The pages are inaccessible and the pattern is watched: otherwise nothing above could fail.
TEST(GuardedBufferDeathTest, NoticesWhatLeavesIt) {
  const GuardedBuffer<float> at_end(3, flush_to_end), at_start(3, flush_to_start);
  volatile float* const past_end = at_end.data() + 3;
  volatile float* const before_start = at_start.data() - 1;
  EXPECT_DEATH(*past_end = 1.0f, "");
  EXPECT_DEATH(*before_start = 1.0f, "");
  EXPECT_DEATH((void)*past_end, "");
  EXPECT_TRUE(at_end.check());
  at_end.data()[-1] = 1.0f;
  EXPECT_FALSE(at_end.check());
  EXPECT_TRUE(at_start.check());
  at_start.data()[3] = 1.0f;
  EXPECT_FALSE(at_start.check());
}

}  // namespace
}  // namespace rectify::tests
