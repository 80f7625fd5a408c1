// rectify.hpp against rectify.h: each function gives the bits and statuses of its C function, and lengths that do not fit
// are an invalid argument before anything is read or written.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <rectify/rectify.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;

constexpr float untouched = 12345.0f;

constexpr size_t outer = 3, channels = 5, inner = 28, n = outer * channels * inner;
constexpr shape layout = nchw(outer, channels, inner);

Values inputs() {
  Values x(n);
  for (size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i % 17) - 9.25f;
  x[0] = std::numeric_limits<float>::quiet_NaN();
  x[1] = -0.0f;
  return x;
}

Values gradients() {
  Values dy(n);
  for (size_t i = 0; i < n; ++i) dy[i] = static_cast<float>(i % 23) * 0.125f - 1.3f;
  return dy;
}

struct CppView : testing::Test {
  const Values x = inputs(), dy = gradients(), slopes = {0.25f, -1.5f, 3.0f, 0.0f, -0.0f};
  Values c = Values(n, untouched), cpp = c;                        // y or dx
  Values c_sums = Values(channels, untouched), cpp_sums = c_sums;  // dslope or dalpha

  // The C function wrote something, and the C++ function the same.
  void expect_equal() {
    EXPECT_NE(Values(n, untouched), c);
    EXPECT_TRUE(same_bits(c, cpp));
    EXPECT_TRUE(same_bits(c_sums, cpp_sums));
  }
  void expect_equal_sums() {
    EXPECT_NE(untouched, c_sums[0]);
    EXPECT_EQ(Values(n, untouched), cpp);
    EXPECT_TRUE(same_bits(c_sums, cpp_sums));
  }
  void expect_untouched() {
    EXPECT_EQ(Values(n, untouched), cpp);
    EXPECT_EQ(Values(channels, untouched), cpp_sums);
  }

  // Each input and output in turn one value short and one too long.
  std::span<const float> short_x() const { return std::span(x).first(n - 1); }
  std::span<const float> short_dy() const { return std::span(dy).first(n - 1); }
  std::span<float> short_out() { return std::span(cpp).first(n - 1); }
};

// ---- Each function against its C function

TEST_F(CppView, ReluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_relu_forward(RECTIFY_F32, n, x.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_forward(x, cpp));
  expect_equal();
}

TEST_F(CppView, ReluBackward) {
  ASSERT_EQ(RECTIFY_OK, rectify_relu_backward(RECTIFY_F32, n, x.data(), dy.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_backward(x, dy, cpp));
  expect_equal();
}

TEST_F(CppView, LeakyReluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_forward(RECTIFY_F32, n, 0.1, x.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, leaky_relu_forward(0.1, x, cpp));
  expect_equal();
}

TEST_F(CppView, LeakyReluBackward) {
  const auto run_c = [&](float* dx, float* dslope) {
    return rectify_leaky_relu_backward(RECTIFY_F32, n, 0.1, x.data(), dy.data(), dx, dslope, nullptr);
  };
  ASSERT_EQ(RECTIFY_OK, run_c(c.data(), c_sums.data()));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, x, dy, cpp, cpp_sums.data()));
  expect_equal();
}

TEST_F(CppView, LeakyReluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_backward(RECTIFY_F32, n, 0.1, x.data(), dy.data(), c.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, x, dy, cpp, nullptr));
  expect_equal();
  cpp.assign(n, untouched);
  ASSERT_EQ(RECTIFY_OK,
            rectify_leaky_relu_backward(RECTIFY_F32, n, 0.1, x.data(), dy.data(), nullptr, c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, x, dy, std::nullopt, cpp_sums.data()));
  expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, x, dy, std::nullopt, nullptr));
}

TEST_F(CppView, PreluForward) {
  ASSERT_EQ(RECTIFY_OK,
            rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, layout, x.data(), slopes.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_forward(layout, x, slopes, cpp));
  expect_equal();
}

TEST_F(CppView, PreluBackward) {
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, layout, x.data(), slopes.data(), dy.data(),
                                               c.data(), c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, x, slopes, dy, cpp, cpp_sums));
  expect_equal();
}

TEST_F(CppView, PreluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, layout, x.data(), slopes.data(), dy.data(),
                                               c.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, x, slopes, dy, cpp, std::nullopt));
  expect_equal();
  cpp.assign(n, untouched);
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, layout, x.data(), slopes.data(), dy.data(),
                                               nullptr, c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, x, slopes, dy, std::nullopt, cpp_sums));
  expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, dy, std::nullopt, std::nullopt));
}

TEST_F(CppView, EluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_forward(RECTIFY_F32, n, 1.25, x.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_forward(1.25, x, cpp));
  expect_equal();
}

TEST_F(CppView, EluBackward) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(RECTIFY_F32, n, 1.25, x.data(), dy.data(), c.data(), c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, x, dy, cpp, cpp_sums.data()));
  expect_equal();
}

TEST_F(CppView, EluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(RECTIFY_F32, n, 1.25, x.data(), dy.data(), c.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, x, dy, cpp, nullptr));
  expect_equal();
  cpp.assign(n, untouched);
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(RECTIFY_F32, n, 1.25, x.data(), dy.data(), nullptr, c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, x, dy, std::nullopt, cpp_sums.data()));
  expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, elu_backward(1.25, x, dy, std::nullopt, nullptr));
}

TEST_F(CppView, EluBackwardFromY) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward_from_y(RECTIFY_F32, n, 1.25, x.data(), dy.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_backward_from_y(1.25, x, dy, cpp));
  expect_equal();
}

TEST_F(CppView, InPlace) {
  cpp = x;
  ASSERT_EQ(RECTIFY_OK, rectify_elu_forward(RECTIFY_F32, n, 1.0, x.data(), c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_forward(1.0, cpp, cpp));
  expect_equal();
}

TEST_F(CppView, NothingToDo) {
  const Values none;
  Values no_output;
  EXPECT_EQ(status::ok, relu_forward(none, no_output));
  EXPECT_EQ(status::ok, prelu_backward(nchw(0, channels, inner), none, slopes, none, no_output, std::nullopt));
  EXPECT_EQ(status::ok, prelu_backward(nchw(0, channels, inner), none, slopes, none, std::nullopt, cpp_sums));
  for (const float sum : cpp_sums) EXPECT_TRUE(identical_bits(0.0f, sum));
}

// ---- Lengths

TEST_F(CppView, LengthsOfRelu) {
  EXPECT_EQ(status::invalid_argument, relu_forward(short_x(), cpp));
  EXPECT_EQ(status::invalid_argument, relu_forward(x, short_out()));
  EXPECT_EQ(status::invalid_argument, relu_backward(short_x(), dy, cpp));
  EXPECT_EQ(status::invalid_argument, relu_backward(x, short_dy(), cpp));
  EXPECT_EQ(status::invalid_argument, relu_backward(x, dy, short_out()));
  expect_untouched();
}

TEST_F(CppView, LengthsOfLeakyRelu) {
  EXPECT_EQ(status::invalid_argument, leaky_relu_forward(0.1, short_x(), cpp));
  EXPECT_EQ(status::invalid_argument, leaky_relu_forward(0.1, x, short_out()));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, short_x(), dy, cpp, cpp_sums.data()));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, x, short_dy(), cpp, cpp_sums.data()));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, x, dy, short_out(), cpp_sums.data()));
  // An empty span is a length that does not fit, not an output left out.
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, x, dy, std::span<float>(), cpp_sums.data()));
  expect_untouched();
}

TEST_F(CppView, LengthsOfPreluForward) {
  const std::span<const float> short_slopes = std::span(slopes).first(channels - 1);
  EXPECT_EQ(status::invalid_argument, prelu_forward(layout, short_x(), slopes, short_out()));  // equal, but not the shape's
  EXPECT_EQ(status::invalid_argument, prelu_forward(layout, x, short_slopes, cpp));
  EXPECT_EQ(status::invalid_argument, prelu_forward(layout, x, slopes, short_out()));
  EXPECT_EQ(status::invalid_argument, prelu_forward(nchw(outer + 1, channels, inner), x, slopes, cpp));
  EXPECT_EQ(status::size_overflow, prelu_forward(nchw(SIZE_MAX / 2, channels, inner), x, slopes, cpp));
  EXPECT_EQ(status::size_overflow, prelu_forward(nhwc(SIZE_MAX / 2, channels, inner), x, slopes, cpp));
  expect_untouched();
}

TEST_F(CppView, LengthsOfPreluBackward) {
  const std::span<const float> short_slopes = std::span(slopes).first(channels - 1);
  const std::span<float> short_sums = std::span(cpp_sums).first(channels - 1);
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, short_x(), slopes, dy, cpp, cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, short_slopes, dy, cpp, cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, short_dy(), cpp, cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, dy, short_out(), cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, dy, cpp, short_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, dy, std::span<float>(), cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, x, slopes, dy, cpp, std::span<float>()));
  EXPECT_EQ(status::size_overflow, prelu_backward(nchw(2, SIZE_MAX / 2 + 1, 1), x, slopes, dy, cpp, cpp_sums));
  expect_untouched();
}

TEST_F(CppView, LengthsOfElu) {
  EXPECT_EQ(status::invalid_argument, elu_forward(1.0, short_x(), cpp));
  EXPECT_EQ(status::invalid_argument, elu_forward(1.0, x, short_out()));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, short_x(), dy, cpp, cpp_sums.data()));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, x, short_dy(), cpp, cpp_sums.data()));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, x, dy, short_out(), cpp_sums.data()));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, short_x(), dy, cpp));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, x, short_dy(), cpp));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, x, dy, short_out()));
  expect_untouched();
}

// ---- Options, shapes, statuses

// Counts the calls of a caller's own pool.
void count_and_run(void* pool, size_t tasks, void (*task)(void* context, size_t index), void* context) {
  ++*static_cast<int*>(pool);
  for (size_t index = 0; index < tasks; ++index) task(context, index);
}

TEST(CppViewOptions, AreTheFieldsOfC) {
  int calls = 0;
  const options how = {
      .threads = 3, .parallel_for = count_and_run, .pool = &calls, .backend = "scalar", .sums = sums::ordered};
  const rectify_options c = how.c_options();
  EXPECT_EQ(sizeof(rectify_options), c.struct_size);
  EXPECT_EQ(3u, c.threads);
  EXPECT_EQ(&count_and_run, c.parallel_for);
  EXPECT_EQ(&calls, c.pool);
  EXPECT_STREQ("scalar", c.backend);
  EXPECT_EQ(RECTIFY_SUMS_ORDERED, c.sums);
  EXPECT_EQ(0, c.reserved);

  const rectify_options plain = options{}.c_options();
  EXPECT_EQ(0u, plain.threads);
  EXPECT_EQ(nullptr, plain.parallel_for);
  EXPECT_EQ(nullptr, plain.pool);
  EXPECT_EQ(nullptr, plain.backend);
}

// The options of each function reach the C function: a backend that does not exist is noticed.
TEST(CppViewOptions, AreHandedOn) {
  Values x(4), y(4), slope(1), sum(1);
  const options wrong = {.backend = "no such backend"};
  const shape flat = one_slope(4);
  EXPECT_EQ(status::unknown_backend, relu_forward(x, y, wrong));
  EXPECT_EQ(status::unknown_backend, relu_backward(x, x, y, wrong));
  EXPECT_EQ(status::unknown_backend, leaky_relu_forward(1.0, x, y, wrong));
  EXPECT_EQ(status::unknown_backend, leaky_relu_backward(1.0, x, x, y, sum.data(), wrong));
  EXPECT_EQ(status::unknown_backend, prelu_forward(flat, x, slope, y, wrong));
  EXPECT_EQ(status::unknown_backend, prelu_backward(flat, x, slope, x, y, sum, wrong));
  EXPECT_EQ(status::unknown_backend, elu_forward(1.0, x, y, wrong));
  EXPECT_EQ(status::unknown_backend, elu_backward(1.0, x, x, y, sum.data(), wrong));
  EXPECT_EQ(status::unknown_backend, elu_backward_from_y(1.0, x, x, y, wrong));
  const char* name = nullptr;
  EXPECT_EQ(status::unknown_backend, backend_in_use(name, wrong));
  EXPECT_EQ(nullptr, name);
}

TEST(CppViewOptions, CallersPoolIsUsed) {
  int calls = 0;
  Values x(size_t{1} << 21, -1.0f), y(x.size());
  ASSERT_EQ(status::ok, leaky_relu_forward(0.5, x, y, {.parallel_for = count_and_run, .pool = &calls}));
  EXPECT_GT(calls, 0);
  EXPECT_EQ(Values(x.size(), -0.5f), y);
}

TEST(CppViewBackends, AreThoseOfC) {
  size_t index = 0;
  for (; const char* name = rectify_backend_name(index); ++index) {
    EXPECT_STREQ(name, backend_name(index));
    EXPECT_EQ(status{rectify_backend_available(name)}, backend_available(name));
  }
  EXPECT_GE(index, 1u);
  EXPECT_EQ(nullptr, backend_name(index));
  EXPECT_EQ(status::unknown_backend, backend_available("no such backend"));

  const char *c = nullptr, *cpp = nullptr;
  ASSERT_EQ(RECTIFY_OK, rectify_backend_in_use(nullptr, &c));
  ASSERT_EQ(status::ok, backend_in_use(cpp));
  EXPECT_STREQ(c, cpp);
}

TEST(CppViewShapes, AreTheLayouts) {
  const auto numbers = [](shape s) { return std::array{s.outer, s.channels, s.inner}; };
  EXPECT_EQ((std::array<size_t, 3>{2, 3, 20}), numbers(nchw(2, 3, 20)));
  EXPECT_EQ((std::array<size_t, 3>{40, 3, 1}), numbers(nhwc(2, 3, 20)));
  EXPECT_EQ((std::array<size_t, 3>{1, 1, 7}), numbers(one_slope(7)));
  EXPECT_EQ((std::array<size_t, 3>{2, 7, 1}), numbers(slope_per_element(2, 7)));
}

TEST(CppViewStatus, HasTheNumbersAndTextsOfC) {
  constexpr std::pair<status, std::int32_t> all[] = {
      {status::ok, RECTIFY_OK},
      {status::null_pointer, RECTIFY_ERROR_NULL_POINTER},
      {status::unknown_dtype, RECTIFY_ERROR_UNKNOWN_DTYPE},
      {status::unsupported_dtype, RECTIFY_ERROR_UNSUPPORTED_DTYPE},
      {status::size_overflow, RECTIFY_ERROR_SIZE_OVERFLOW},
      {status::overlap, RECTIFY_ERROR_OVERLAP},
      {status::unaligned, RECTIFY_ERROR_UNALIGNED},
      {status::invalid_argument, RECTIFY_ERROR_INVALID_ARGUMENT},
      {status::invalid_options, RECTIFY_ERROR_INVALID_OPTIONS},
      {status::unknown_backend, RECTIFY_ERROR_UNKNOWN_BACKEND},
      {status::unavailable_backend, RECTIFY_ERROR_UNAVAILABLE_BACKEND},
      {status::out_of_memory, RECTIFY_ERROR_OUT_OF_MEMORY},
      {status::no_device, RECTIFY_ERROR_NO_DEVICE},
      {status::cuda, RECTIFY_ERROR_CUDA},
      {status::scratch_too_small, RECTIFY_ERROR_SCRATCH_TOO_SMALL},
  };
  for (const auto& [cpp, c] : all) {
    EXPECT_EQ(c, static_cast<std::int32_t>(cpp));
    EXPECT_STREQ(rectify_status_text(c), text(cpp));
  }
  // One more number than those would be a status that the C++ view does not name.
  const std::string_view unknown = rectify_status_text(-1);
  EXPECT_EQ(unknown, rectify_status_text(static_cast<std::int32_t>(std::size(all))));
}

TEST(CppViewStatus, OfTheCFunctionComesBack) {
  Values x(8), y(8);
  EXPECT_EQ(status::overlap, relu_forward(std::span(x).first(4), std::span(x).subspan(1, 4)));
  EXPECT_EQ(status::invalid_argument, elu_forward(std::numeric_limits<double>::infinity(), x, y));
  EXPECT_EQ(status::null_pointer, relu_forward(x, std::span<float>(static_cast<float*>(nullptr), x.size())));
}

TEST(CppViewVersions, AreThoseOfC) {
  EXPECT_EQ(rectify_version(), version());
  EXPECT_EQ(rectify_numerics_version(), numerics_version());
}

static_assert(dtype_of<float>::value == dtype::f32 && static_cast<std::int32_t>(dtype::f32) == RECTIFY_F32);

}  // namespace
}  // namespace rectify::tests
