// rectify.hpp against rectify.h, over all types: each function gives the bits and statuses of its C function, and lengths
// that do not fit are an invalid argument before anything is read or written. The conversions of its 16-bit types.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <rectify/rectify.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rectify::tests {
namespace {

// An engine's own type, of which rectify knows nothing but its format.
struct EngineBfloat {
  std::uint16_t pattern;
};

}  // namespace
}  // namespace rectify::tests

template <>
struct rectify::dtype_of<rectify::tests::EngineBfloat> : rectify::is_dtype<rectify::dtype::bf16> {};

namespace rectify::tests {
namespace {

// By bits: a compiler's own conversions may need a newer run-time library than its types do.
template <class T>
T rounded(float value) {
  if constexpr (sizeof(T) != 2) {
    return value;
  } else {
    return std::bit_cast<T>(dtype_of<T>::value == dtype::bf16 ? bfloat16(value).bits : float16(value).bits);
  }
}

// Also of NaN and the sign of zero: the same kernel ran.
template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

constexpr float untouched = 12345.0f;

constexpr size_t outer = 3, channels = 5, inner = 28, n = outer * channels * inner;
constexpr shape layout = nchw(outer, channels, inner);

// A line of rectify.h's number formats: the element types, and their numbers in C.
template <class E, class S, class C, int32_t number, int32_t slope_number>
struct Format {
  using Element = E;
  using Slope = S;
  using Scalar = C;
  static constexpr int32_t dtype = number, slope_dtype = slope_number;
};

using Formats = testing::Types<  //
    Format<float, float, float, RECTIFY_F32, RECTIFY_F32>, Format<double, double, double, RECTIFY_F64, RECTIFY_F64>,
    Format<float16, float, float, RECTIFY_F16, RECTIFY_F32>, Format<float16, float16, float, RECTIFY_F16, RECTIFY_F16>,
    Format<bfloat16, float, float, RECTIFY_BF16, RECTIFY_F32>,
    Format<bfloat16, bfloat16, float, RECTIFY_BF16, RECTIFY_BF16>,
#ifdef RECTIFY_COMPILERS_FLOAT16
    Format<RECTIFY_COMPILERS_FLOAT16, float, float, RECTIFY_F16, RECTIFY_F32>,
    Format<RECTIFY_COMPILERS_FLOAT16, float16, float, RECTIFY_F16, RECTIFY_F16>,
#endif
#if defined(RECTIFY_COMPILERS_BFLOAT16) && !defined(__clang__)  // whose code for it asks for a run-time library of g++ 13's
    Format<RECTIFY_COMPILERS_BFLOAT16, float, float, RECTIFY_BF16, RECTIFY_F32>,
#endif
#ifdef __ARM_FP16_FORMAT_IEEE
    Format<__fp16, float, float, RECTIFY_F16, RECTIFY_F32>,

#endif
    Format<EngineBfloat, float, float, RECTIFY_BF16, RECTIFY_F32>,
    Format<EngineBfloat, bfloat16, float, RECTIFY_BF16, RECTIFY_BF16>>;

struct FormatName {
  template <class T>
  static std::string element() {
    if (std::is_same_v<T, float>) return "float";
    if (std::is_same_v<T, double>) return "double";
    if (std::is_same_v<T, float16>) return "float16";
    if (std::is_same_v<T, bfloat16>) return "bfloat16";
    if (std::is_same_v<T, EngineBfloat>) return "engine_bfloat";
#ifdef RECTIFY_COMPILERS_BFLOAT16
    if (std::is_same_v<T, RECTIFY_COMPILERS_BFLOAT16>) return "compilers_bfloat16";
#endif
#ifdef RECTIFY_COMPILERS_FLOAT16
    if (std::is_same_v<T, RECTIFY_COMPILERS_FLOAT16>) return "compilers_float16";
#endif
    return "arms_float16";
  }
  template <class F>
  static std::string GetName(int) {
    return element<typename F::Element>() + "_slopes_" + element<typename F::Slope>();
  }
};

struct FormatName16 {
  template <class T>
  static std::string GetName(int) {
    return FormatName::element<T>();
  }
};

template <class F>
struct CppView : testing::Test {
  using Element = typename F::Element;
  using Slope = typename F::Slope;
  using Values = std::vector<Element>;
  using Slopes = std::vector<Slope>;

  static Values inputs() {
    Values x(n);
    for (size_t i = 0; i < n; ++i) x[i] = rounded<Element>(static_cast<float>(i % 17) - 9.25f);
    x[0] = rounded<Element>(std::numeric_limits<float>::quiet_NaN());
    x[1] = rounded<Element>(-0.0f);
    return x;
  }
  static Values gradients() {
    Values dy(n);
    for (size_t i = 0; i < n; ++i) dy[i] = rounded<Element>(static_cast<float>(i % 23) * 0.125f - 1.3f);
    return dy;
  }
  static Slopes slopes_of_channels() {
    Slopes slopes;
    for (const float slope : {0.25f, -1.5f, 3.0f, 0.0f, -0.0f}) slopes.push_back(rounded<Slope>(slope));
    return slopes;
  }

  const Values x = inputs(), dy = gradients(), nothing = Values(n, rounded<Element>(untouched));
  const Slopes slopes = slopes_of_channels(), no_sums = Slopes(channels, rounded<Slope>(untouched));
  Values c = nothing, cpp = c;                        // y or dx
  Slopes c_sums = no_sums, cpp_sums = c_sums;         // dslope
  typename F::Scalar c_sum = untouched, sum = c_sum;  // a scalar's dslope or dalpha
  Slopes c_dbias = no_sums, cpp_dbias = no_sums;
  std::vector<std::uint8_t> c_mask = std::vector<std::uint8_t>(mask_bytes(n), 0xA5), cpp_mask = c_mask;

  // The C function wrote something, and the C++ function the same.
  void expect_equal() {
    EXPECT_FALSE(same_bytes(nothing, c));
    EXPECT_TRUE(same_bytes(c, cpp));
    EXPECT_TRUE(same_bytes(c_sums, cpp_sums));
    EXPECT_EQ(c_sum, sum);
    EXPECT_TRUE(same_bytes(c_dbias, cpp_dbias));
    EXPECT_EQ(c_mask, cpp_mask);
  }
  void expect_equal_sums() {
    EXPECT_TRUE(c_sum != untouched || !same_bytes(no_sums, c_sums));
    EXPECT_TRUE(same_bytes(nothing, cpp));
    EXPECT_TRUE(same_bytes(c_sums, cpp_sums));
    EXPECT_EQ(c_sum, sum);
  }
  void expect_untouched() {
    EXPECT_TRUE(same_bytes(nothing, cpp));
    EXPECT_TRUE(same_bytes(no_sums, cpp_sums));
    EXPECT_EQ(untouched, sum);
    EXPECT_TRUE(same_bytes(no_sums, cpp_dbias));
    EXPECT_EQ(c_mask, cpp_mask);
  }

  // Each input and output in turn one value short.
  std::span<const Element> short_x() const { return std::span(x).first(n - 1); }
  std::span<const Element> short_dy() const { return std::span(dy).first(n - 1); }
  std::span<Element> short_out() { return std::span(cpp).first(n - 1); }
  std::span<std::uint8_t> short_mask() { return std::span(cpp_mask).first(mask_bytes(n) - 1); }
  std::span<const Slope> short_slopes() const { return std::span(slopes).first(channels - 1); }
};
TYPED_TEST_SUITE(CppView, Formats, FormatName);

// ---- Each function against its C function

TYPED_TEST(CppView, ReluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_relu_forward(TypeParam::dtype, n, this->x.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_forward(this->x, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, ReluBackward) {
  ASSERT_EQ(RECTIFY_OK,
            rectify_relu_backward(TypeParam::dtype, n, this->x.data(), this->dy.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_backward(this->x, this->dy, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, LeakyReluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_forward(TypeParam::dtype, n, 0.1, this->x.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, leaky_relu_forward(0.1, this->x, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, LeakyReluBackward) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_backward(TypeParam::dtype, n, 0.1, this->x.data(), this->dy.data(),
                                                    this->c.data(), &this->c_sum, nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, this->x, this->dy, this->cpp, &this->sum));
  this->expect_equal();
}

TYPED_TEST(CppView, LeakyReluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_backward(TypeParam::dtype, n, 0.1, this->x.data(), this->dy.data(),
                                                    this->c.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, this->x, this->dy, this->cpp, nullptr));
  this->expect_equal();
  this->cpp = this->nothing;
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_backward(TypeParam::dtype, n, 0.1, this->x.data(), this->dy.data(), nullptr,
                                                    &this->c_sum, nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward(0.1, this->x, this->dy, std::nullopt, &this->sum));
  this->expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, this->x, this->dy, std::nullopt, nullptr));
}

TYPED_TEST(CppView, PreluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_forward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(),
                                              this->slopes.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_forward(layout, this->x, this->slopes, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, PreluBackward) {
  ASSERT_EQ(RECTIFY_OK,
            rectify_prelu_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), this->slopes.data(),
                                   this->dy.data(), this->c.data(), this->c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, this->x, this->slopes, this->dy, this->cpp, this->cpp_sums));
  this->expect_equal();
}

TYPED_TEST(CppView, PreluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(),
                                               this->slopes.data(), this->dy.data(), this->c.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, this->x, this->slopes, this->dy, this->cpp, std::nullopt));
  this->expect_equal();
  this->cpp = this->nothing;
  ASSERT_EQ(RECTIFY_OK,
            rectify_prelu_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), this->slopes.data(),
                                   this->dy.data(), nullptr, this->c_sums.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_backward(layout, this->x, this->slopes, this->dy, std::nullopt, this->cpp_sums));
  this->expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, this->x, this->slopes, this->dy, std::nullopt, std::nullopt));
}

TYPED_TEST(CppView, EluForward) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_forward(TypeParam::dtype, n, 1.25, this->x.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_forward(1.25, this->x, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, EluBackward) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(), this->c.data(),
                                             &this->c_sum, nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, this->x, this->dy, this->cpp, &this->sum));
  this->expect_equal();
}

TYPED_TEST(CppView, EluBackwardOfOneOutput) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(), this->c.data(),
                                             nullptr, nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, this->x, this->dy, this->cpp, nullptr));
  this->expect_equal();
  this->cpp = this->nothing;
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(), nullptr,
                                             &this->c_sum, nullptr));
  ASSERT_EQ(status::ok, elu_backward(1.25, this->x, this->dy, std::nullopt, &this->sum));
  this->expect_equal_sums();
  EXPECT_EQ(status::invalid_argument, elu_backward(1.25, this->x, this->dy, std::nullopt, nullptr));
}

TYPED_TEST(CppView, EluBackwardFromY) {
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward_from_y(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(),
                                                    this->c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_backward_from_y(1.25, this->x, this->dy, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, ReluWithMask) {
  ASSERT_EQ(RECTIFY_OK, rectify_relu_forward_with_mask(TypeParam::dtype, n, this->x.data(), this->c.data(),
                                                       this->c_mask.data(), nullptr));
  ASSERT_EQ(status::ok, relu_forward_with_mask(this->x, this->cpp, this->cpp_mask));
  this->expect_equal();
  ASSERT_EQ(RECTIFY_OK, rectify_relu_backward_from_mask(TypeParam::dtype, n, this->c_mask.data(), this->dy.data(),
                                                        this->c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_backward_from_mask(this->cpp_mask, this->dy, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, LeakyReluWithMask) {
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_forward_with_mask(TypeParam::dtype, n, 0.1, this->x.data(), this->c.data(),
                                                             this->c_mask.data(), nullptr));
  ASSERT_EQ(status::ok, leaky_relu_forward_with_mask(0.1, this->x, this->cpp, this->cpp_mask));
  this->expect_equal();
  ASSERT_EQ(RECTIFY_OK, rectify_leaky_relu_backward_from_mask(TypeParam::dtype, n, 0.1, this->c_mask.data(),
                                                              this->dy.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, leaky_relu_backward_from_mask(0.1, this->cpp_mask, this->dy, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, PreluWithMask) {
  ASSERT_EQ(RECTIFY_OK, rectify_prelu_forward_with_mask(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(),
                                                        this->slopes.data(), this->c.data(), this->c_mask.data(), nullptr));
  ASSERT_EQ(status::ok, prelu_forward_with_mask(layout, this->x, this->slopes, this->cpp, this->cpp_mask));
  this->expect_equal();
  const typename TestFixture::Values y = this->c;
  for (const bool dslope : {true, false}) {
    ASSERT_EQ(RECTIFY_OK,
              rectify_prelu_backward_from_mask(TypeParam::dtype, TypeParam::slope_dtype, layout, y.data(),
                                               this->c_mask.data(), this->slopes.data(), this->dy.data(), this->c.data(),
                                               dslope ? this->c_sums.data() : nullptr, nullptr));
    ASSERT_EQ(status::ok,
              dslope
                  ? prelu_backward_from_mask(layout, y, this->cpp_mask, this->slopes, this->dy, this->cpp, this->cpp_sums)
                  : prelu_backward_from_mask(layout, y, this->cpp_mask, this->slopes, this->dy, this->cpp, std::nullopt));
    this->expect_equal();
  }
}

// ---- Fused calls: each activation, with everything and with as little as can be

TYPED_TEST(CppView, FusedForward) {
  const auto expect = [&](const auto& f, rectify_activation c_activation) {
    ASSERT_EQ(RECTIFY_OK,
              rectify_fused_forward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), this->slopes.data(),
                                    this->dy.data(), c_activation, this->c.data(), this->c_mask.data(), nullptr));
    ASSERT_EQ(status::ok, fused_forward(layout, this->x, this->slopes, this->dy, f, this->cpp, this->cpp_mask));
    this->expect_equal();
    ASSERT_EQ(RECTIFY_OK, rectify_fused_forward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), nullptr,
                                                nullptr, c_activation, this->c.data(), nullptr, nullptr));
    ASSERT_EQ(status::ok, fused_forward(layout, this->x, std::nullopt, std::nullopt, f, this->cpp, std::nullopt));
    this->expect_equal();
  };
  expect(relu{}, {RECTIFY_RELU, 0, nullptr});
  expect(leaky_relu{0.1}, {RECTIFY_LEAKY_RELU, 0.1, nullptr});
  expect(prelu{this->slopes}, {RECTIFY_PRELU, 0, this->slopes.data()});
  expect(elu{1.25}, {RECTIFY_ELU, 1.25, nullptr});
}

TYPED_TEST(CppView, FusedBackward) {
  const auto expect = [&](const auto& f, rectify_activation c_activation, auto&& gradient, void* c_gradient) {
    ASSERT_EQ(RECTIFY_OK,
              rectify_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), this->slopes.data(),
                                     this->x.data(), nullptr, c_activation, this->dy.data(), this->c.data(),
                                     this->c_dbias.data(), c_gradient, nullptr));
    ASSERT_EQ(status::ok, fused_backward(layout, this->x, this->slopes, this->x, std::nullopt, f, this->dy, this->cpp,
                                         this->cpp_dbias, gradient));
    this->expect_equal();
    ASSERT_EQ(RECTIFY_OK,
              rectify_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), nullptr, nullptr,
                                     nullptr, c_activation, this->dy.data(), this->c.data(), nullptr, nullptr, nullptr));
    ASSERT_EQ(status::ok, fused_backward(layout, this->x, std::nullopt, std::nullopt, std::nullopt, f, this->dy, this->cpp,
                                         std::nullopt, std::nullopt));
    this->expect_equal();
  };
  expect(relu{}, {RECTIFY_RELU, 0, nullptr}, std::nullopt, nullptr);
  expect(leaky_relu{0.1}, {RECTIFY_LEAKY_RELU, 0.1, nullptr}, &this->sum, &this->c_sum);
  expect(prelu{this->slopes}, {RECTIFY_PRELU, 0, this->slopes.data()}, this->cpp_sums, this->c_sums.data());
  expect(elu{1.25}, {RECTIFY_ELU, 1.25, nullptr}, &this->sum, &this->c_sum);
}

TYPED_TEST(CppView, FusedBackwardFromMask) {
  this->c_mask.assign(this->c_mask.size(), 0x5A);
  this->cpp_mask = this->c_mask;
  ASSERT_EQ(RECTIFY_OK, rectify_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, nullptr, nullptr, nullptr,
                                               this->c_mask.data(), {RECTIFY_LEAKY_RELU, 0.1, nullptr}, this->dy.data(),
                                               this->c.data(), this->c_dbias.data(), nullptr, nullptr));
  ASSERT_EQ(status::ok, fused_backward(layout, std::nullopt, std::nullopt, std::nullopt, this->cpp_mask, leaky_relu{0.1},
                                       this->dy, this->cpp, this->cpp_dbias, std::nullopt));
  this->expect_equal();
}

// What is chosen at run time, and pointers that ask for nothing.
TYPED_TEST(CppView, FusedWithOptionals) {
  std::optional<std::span<const typename TypeParam::Slope>> bias;
  std::optional<std::span<const typename TypeParam::Element>> residual = this->dy;
  std::optional<std::span<typename TypeParam::Slope>> dbias;
  ASSERT_EQ(RECTIFY_OK, rectify_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, layout, this->x.data(), nullptr,
                                               this->dy.data(), nullptr, {RECTIFY_ELU, 1.0, nullptr}, this->dy.data(),
                                               this->c.data(), nullptr, nullptr, nullptr));
  ASSERT_EQ(status::ok,
            fused_backward(layout, this->x, bias, residual, std::nullopt, elu{1.0}, this->dy, this->cpp, dbias, nullptr));
  this->expect_equal();
}

TYPED_TEST(CppView, InPlace) {
  this->cpp = this->x;
  ASSERT_EQ(RECTIFY_OK, rectify_elu_forward(TypeParam::dtype, n, 1.0, this->x.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, elu_forward(1.0, this->cpp, this->cpp));
  this->expect_equal();
}

TYPED_TEST(CppView, NothingToDo) {
  const typename TestFixture::Values none;
  typename TestFixture::Values no_output;
  EXPECT_EQ(status::ok, relu_forward(none, no_output));
  EXPECT_EQ(status::ok, prelu_backward(nchw(0, channels, inner), none, this->slopes, none, no_output, std::nullopt));
  EXPECT_EQ(status::ok, prelu_backward(nchw(0, channels, inner), none, this->slopes, none, std::nullopt, this->cpp_sums));
  EXPECT_TRUE(same_bytes(typename TestFixture::Slopes(channels, rounded<typename TypeParam::Slope>(0.0f)), this->cpp_sums));
}

// An output that is chosen at run time; and lengths and formats by braces, where there is one to take them from.
TYPED_TEST(CppView, OptionalsAndBraces) {
  using T = typename TypeParam::Element;
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(), this->c.data(),
                                             nullptr, nullptr));
  std::optional<std::span<T>> dx = this->cpp;
  ASSERT_EQ(status::ok, elu_backward(1.25, this->x, {this->dy.data(), n}, dx, nullptr));
  this->expect_equal();
  this->cpp = this->nothing;
  ASSERT_EQ(RECTIFY_OK, rectify_elu_backward(TypeParam::dtype, n, 1.25, this->x.data(), this->dy.data(), nullptr,
                                             &this->c_sum, nullptr));
  dx.reset();
  ASSERT_EQ(status::ok, elu_backward(1.25, this->x, {this->dy.data(), n}, dx, &this->sum, {.threads = 1}));
  this->expect_equal_sums();

  this->c = this->nothing;
  ASSERT_EQ(RECTIFY_OK, rectify_relu_forward(TypeParam::dtype, n, this->x.data(), this->c.data(), nullptr));
  ASSERT_EQ(status::ok, relu_forward<std::span<const T>>({this->x.data(), n}, {this->cpp.data(), n}));
  EXPECT_TRUE(same_bytes(this->c, this->cpp));
}

// ---- Lengths

TYPED_TEST(CppView, LengthsOfRelu) {
  EXPECT_EQ(status::invalid_argument, relu_forward(this->short_x(), this->cpp));
  EXPECT_EQ(status::invalid_argument, relu_forward(this->x, this->short_out()));
  EXPECT_EQ(status::invalid_argument, relu_backward(this->short_x(), this->dy, this->cpp));
  EXPECT_EQ(status::invalid_argument, relu_backward(this->x, this->short_dy(), this->cpp));
  EXPECT_EQ(status::invalid_argument, relu_backward(this->x, this->dy, this->short_out()));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfLeakyRelu) {
  EXPECT_EQ(status::invalid_argument, leaky_relu_forward(0.1, this->short_x(), this->cpp));
  EXPECT_EQ(status::invalid_argument, leaky_relu_forward(0.1, this->x, this->short_out()));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, this->short_x(), this->dy, this->cpp, &this->sum));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, this->x, this->short_dy(), this->cpp, &this->sum));
  EXPECT_EQ(status::invalid_argument, leaky_relu_backward(0.1, this->x, this->dy, this->short_out(), &this->sum));
  // An empty span is a length that does not fit, not an output left out.
  EXPECT_EQ(status::invalid_argument,
            leaky_relu_backward(0.1, this->x, this->dy, std::span<typename TypeParam::Element>(), &this->sum));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfPreluForward) {
  const auto short_slopes = std::span(this->slopes).first(channels - 1), one_slope_alone = short_slopes.first(1);
  const std::span<typename TypeParam::Element> empty;
  EXPECT_EQ(status::invalid_argument,
            prelu_forward(layout, this->short_x(), this->slopes, this->short_out()));  // equal, but not the shape's
  EXPECT_EQ(status::invalid_argument, prelu_forward(layout, this->x, short_slopes, this->cpp));
  EXPECT_EQ(status::invalid_argument, prelu_forward(layout, this->x, this->slopes, this->short_out()));
  EXPECT_EQ(status::invalid_argument, prelu_forward(nchw(outer + 1, channels, inner), this->x, this->slopes, this->cpp));
  EXPECT_EQ(status::size_overflow, prelu_forward(nchw(SIZE_MAX / 2, channels, inner), this->x, this->slopes, this->cpp));
  EXPECT_EQ(status::size_overflow, prelu_forward(nhwc(SIZE_MAX / 2, channels, inner), this->x, this->slopes, this->cpp));
  EXPECT_EQ(status::size_overflow, prelu_forward(nhwc(SIZE_MAX / 2, 1, 3), this->x, one_slope_alone, this->cpp));
  // As in C, what has no elements overflows nothing.
  EXPECT_EQ(status::ok, prelu_forward(nchw(SIZE_MAX, channels, 0), empty, this->slopes, empty));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfPreluBackward) {
  const auto short_slopes = std::span(this->slopes).first(channels - 1);
  const auto short_sums = std::span(this->cpp_sums).first(channels - 1);
  EXPECT_EQ(status::invalid_argument,
            prelu_backward(layout, this->short_x(), this->slopes, this->dy, this->cpp, this->cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, this->x, short_slopes, this->dy, this->cpp, this->cpp_sums));
  EXPECT_EQ(status::invalid_argument,
            prelu_backward(layout, this->x, this->slopes, this->short_dy(), this->cpp, this->cpp_sums));
  EXPECT_EQ(status::invalid_argument,
            prelu_backward(layout, this->x, this->slopes, this->dy, this->short_out(), this->cpp_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, this->x, this->slopes, this->dy, this->cpp, short_sums));
  EXPECT_EQ(status::invalid_argument, prelu_backward(layout, this->x, this->slopes, this->dy,
                                                     std::span<typename TypeParam::Element>(), this->cpp_sums));
  EXPECT_EQ(status::invalid_argument,
            prelu_backward(layout, this->x, this->slopes, this->dy, this->cpp, std::span<typename TypeParam::Slope>()));
  EXPECT_EQ(status::size_overflow,
            prelu_backward(nchw(2, SIZE_MAX / 2 + 1, 1), this->x, this->slopes, this->dy, this->cpp, this->cpp_sums));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfElu) {
  EXPECT_EQ(status::invalid_argument, elu_forward(1.0, this->short_x(), this->cpp));
  EXPECT_EQ(status::invalid_argument, elu_forward(1.0, this->x, this->short_out()));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, this->short_x(), this->dy, this->cpp, &this->sum));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, this->x, this->short_dy(), this->cpp, &this->sum));
  EXPECT_EQ(status::invalid_argument, elu_backward(1.0, this->x, this->dy, this->short_out(), &this->sum));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, this->short_x(), this->dy, this->cpp));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, this->x, this->short_dy(), this->cpp));
  EXPECT_EQ(status::invalid_argument, elu_backward_from_y(1.0, this->x, this->dy, this->short_out()));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfMasks) {
  const auto wrong = status::invalid_argument;
  EXPECT_EQ(wrong, relu_forward_with_mask(this->short_x(), this->cpp, this->cpp_mask));
  EXPECT_EQ(wrong, relu_forward_with_mask(this->x, this->short_out(), this->cpp_mask));
  EXPECT_EQ(wrong, relu_forward_with_mask(this->x, this->cpp, this->short_mask()));
  EXPECT_EQ(wrong, relu_backward_from_mask(this->short_mask(), this->dy, this->cpp));
  EXPECT_EQ(wrong, relu_backward_from_mask(this->cpp_mask, this->short_dy(), this->cpp));
  EXPECT_EQ(wrong, leaky_relu_forward_with_mask(0.1, this->x, this->short_out(), this->cpp_mask));
  EXPECT_EQ(wrong, leaky_relu_forward_with_mask(0.1, this->x, this->cpp, this->short_mask()));
  EXPECT_EQ(wrong, leaky_relu_backward_from_mask(0.1, this->short_mask(), this->dy, this->cpp));
  EXPECT_EQ(wrong, leaky_relu_backward_from_mask(0.1, this->cpp_mask, this->short_dy(), this->cpp));
  EXPECT_EQ(wrong, prelu_forward_with_mask(layout, this->short_x(), this->slopes, this->cpp, this->cpp_mask));
  EXPECT_EQ(wrong, prelu_forward_with_mask(layout, this->x, this->short_slopes(), this->cpp, this->cpp_mask));
  EXPECT_EQ(wrong, prelu_forward_with_mask(layout, this->x, this->slopes, this->short_out(), this->cpp_mask));
  EXPECT_EQ(wrong, prelu_forward_with_mask(layout, this->x, this->slopes, this->cpp, this->short_mask()));
  const auto backward = [&](auto y, auto mask, auto parameters, auto gradient, auto dx, auto dslope) {
    return prelu_backward_from_mask(layout, y, mask, parameters, gradient, dx, dslope);
  };
  const std::span y(this->x), gradient(this->dy), dx(this->cpp), mask(this->cpp_mask), parameters(this->slopes);
  const std::span dslope(this->cpp_sums);
  EXPECT_EQ(wrong, backward(this->short_x(), mask, parameters, gradient, dx, dslope));
  EXPECT_EQ(wrong, backward(y, this->short_mask(), parameters, gradient, dx, dslope));
  EXPECT_EQ(wrong, backward(y, mask, this->short_slopes(), gradient, dx, dslope));
  EXPECT_EQ(wrong, backward(y, mask, parameters, this->short_dy(), dx, dslope));
  EXPECT_EQ(wrong, backward(y, mask, parameters, gradient, this->short_out(), dslope));
  EXPECT_EQ(wrong, backward(y, mask, parameters, gradient, dx, dslope.first(channels - 1)));
  this->expect_untouched();
}

TYPED_TEST(CppView, LengthsOfFused) {
  const auto wrong = status::invalid_argument;
  const auto forward = [&](auto input, auto bias, auto residual, auto parameters, auto y, auto mask) {
    return fused_forward(layout, input, bias, residual, prelu{parameters}, y, mask);
  };
  const auto backward = [&](auto input, auto bias, auto residual, auto parameters, auto gradient, auto dx, auto dbias,
                            auto dslope) {
    return fused_backward(layout, input, bias, residual, std::nullopt, prelu{parameters}, gradient, dx, dbias, dslope);
  };
  const std::span input(this->x), gradient(this->dy), dx(this->cpp), mask(this->cpp_mask), parameters(this->slopes);
  const std::span dbias(this->cpp_dbias), dslope(this->cpp_sums);
  EXPECT_EQ(wrong, forward(this->short_x(), parameters, gradient, parameters, dx, mask));
  EXPECT_EQ(wrong, forward(input, this->short_slopes(), gradient, parameters, dx, mask));
  EXPECT_EQ(wrong, forward(input, parameters, this->short_dy(), parameters, dx, mask));
  EXPECT_EQ(wrong, forward(input, parameters, gradient, this->short_slopes(), dx, mask));
  EXPECT_EQ(wrong, forward(input, parameters, gradient, parameters, this->short_out(), mask));
  EXPECT_EQ(wrong, forward(input, parameters, gradient, parameters, dx, this->short_mask()));
  EXPECT_EQ(wrong, backward(this->short_x(), parameters, input, parameters, gradient, dx, dbias, dslope));
  EXPECT_EQ(wrong, backward(input, this->short_slopes(), input, parameters, gradient, dx, dbias, dslope));
  EXPECT_EQ(wrong, backward(input, parameters, this->short_x(), parameters, gradient, dx, dbias, dslope));
  EXPECT_EQ(wrong, backward(input, parameters, input, this->short_slopes(), gradient, dx, dbias, dslope));
  EXPECT_EQ(wrong, backward(input, parameters, input, parameters, this->short_dy(), dx, dbias, dslope));
  EXPECT_EQ(wrong, backward(input, parameters, input, parameters, gradient, this->short_out(), dbias, dslope));
  EXPECT_EQ(wrong, backward(input, parameters, input, parameters, gradient, dx, dbias.first(channels - 1), dslope));
  EXPECT_EQ(wrong, backward(input, parameters, input, parameters, gradient, dx, dbias, dslope.first(channels - 1)));
  EXPECT_EQ(wrong, fused_backward(layout, std::nullopt, std::nullopt, std::nullopt, this->short_mask(), relu{}, gradient,
                                  dx, dbias, std::nullopt));
  EXPECT_EQ(status::size_overflow,
            fused_forward(nchw(2, SIZE_MAX / 2 + 1, 1), input, parameters, gradient, relu{}, dx, mask));
  this->expect_untouched();
}

// ---- Options, shapes, statuses

using Values = std::vector<float>;

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
  std::vector<std::uint8_t> mask(1);
  const std::nullopt_t none = std::nullopt;
  EXPECT_EQ(status::unknown_backend, relu_forward_with_mask(x, y, mask, wrong));
  EXPECT_EQ(status::unknown_backend, relu_backward_from_mask(mask, x, y, wrong));
  EXPECT_EQ(status::unknown_backend, leaky_relu_forward_with_mask(1.0, x, y, mask, wrong));
  EXPECT_EQ(status::unknown_backend, leaky_relu_backward_from_mask(1.0, mask, x, y, wrong));
  EXPECT_EQ(status::unknown_backend, prelu_forward_with_mask(flat, x, slope, y, mask, wrong));
  EXPECT_EQ(status::unknown_backend, prelu_backward_from_mask(flat, x, mask, slope, x, y, sum, wrong));
  EXPECT_EQ(status::unknown_backend, fused_forward(flat, x, none, none, relu{}, y, none, wrong));
  EXPECT_EQ(status::unknown_backend, fused_backward(flat, x, none, none, none, relu{}, x, y, none, none, wrong));
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

static_assert(static_cast<std::int32_t>(dtype::f32) == RECTIFY_F32 && static_cast<std::int32_t>(dtype::f16) == RECTIFY_F16);
static_assert(static_cast<std::int32_t>(dtype::bf16) == RECTIFY_BF16 &&
              static_cast<std::int32_t>(dtype::f64) == RECTIFY_F64);
static_assert(dtype_of<float>::value == dtype::f32 && dtype_of<double>::value == dtype::f64);
static_assert(dtype_of<float16>::value == dtype::f16 && dtype_of<bfloat16>::value == dtype::bf16);

// ---- What a tensor may be

// A class of an engine that is no range but converts to a span.
template <class T>
struct Buffer {
  std::vector<T> values;
  operator std::span<T>() { return values; }
  operator std::span<const T>() const { return values; }
};

TEST(CppViewTensors, AreWhateverConvertsToASpan) {
  const std::vector<float16> expected = {float16(0), float16(0), float16(3)};
  const float16 array[] = {float16(-1), float16(0), float16(3)};
  std::vector<float16> y(3);
  EXPECT_EQ(status::ok, relu_forward(array, y));
  EXPECT_TRUE(same_bytes(expected, y));
  EXPECT_EQ(status::ok, relu_forward(std::vector<float16>(std::begin(array), std::end(array)), y));
  EXPECT_TRUE(same_bytes(expected, y));
  EXPECT_EQ(status::ok, relu_forward(std::span<const float16, 3>(array), std::span(y).first<3>()));
  EXPECT_TRUE(same_bytes(expected, y));
  const Buffer<float16> in{{array[0], array[1], array[2]}};
  Buffer<float16> out{std::vector<float16>(3)};
  EXPECT_EQ(status::ok, relu_forward(in, out));
  EXPECT_TRUE(same_bytes(expected, out.values));
}

// What compiles: the table of rectify.h, and nothing beside it. tests/does_not_fit.cpp shows what the compiler says.
template <class X, class S, class Out = X, class Sums = S, class DY = X>
constexpr bool fits = requires(const std::vector<X> x, const std::vector<DY> dy, const std::vector<S> slope,
                               std::vector<Out> out, std::vector<Sums> sums) {
  prelu_forward(layout, x, slope, out);
  prelu_backward(layout, x, slope, dy, out, sums);
};
static_assert(fits<float, float> && !fits<float, double> && !fits<float, float16> && !fits<float, bfloat16>);
static_assert(!fits<double, float> && fits<double, double> && !fits<double, float16> && !fits<double, bfloat16>);
static_assert(fits<float16, float> && !fits<float16, double> && fits<float16, float16> && !fits<float16, bfloat16>);
static_assert(fits<bfloat16, float> && !fits<bfloat16, double> && !fits<bfloat16, float16> && fits<bfloat16, bfloat16>);
static_assert(!fits<int, int> && !fits<int, float> && !fits<float, int>);
static_assert(!fits<bfloat16, float, float> && !fits<bfloat16, float, bfloat16, bfloat16>);
static_assert(!fits<bfloat16, bfloat16, bfloat16, float> && !fits<bfloat16, float, bfloat16, float, float>);
#ifdef RECTIFY_COMPILERS_BFLOAT16
static_assert(fits<RECTIFY_COMPILERS_BFLOAT16, float> && fits<RECTIFY_COMPILERS_BFLOAT16, bfloat16>);
#endif
// Two types of one format go together.
static_assert(fits<EngineBfloat, bfloat16, bfloat16, EngineBfloat, bfloat16>);

template <class X, class Y>
constexpr bool maps = requires(X x, Y y) {
  relu_forward(std::forward<X>(x), std::forward<Y>(y));
};
using Vector = std::vector<bfloat16>;
static_assert(maps<const Vector&, Vector&> && maps<Vector, Vector&> && maps<Vector&, std::span<bfloat16>>);
static_assert(!maps<Vector&, const Vector&> && !maps<Vector&, Vector> && !maps<Vector&, std::span<const bfloat16>>);

template <class X, class Scalar>
constexpr bool sums_to = requires(std::vector<X> x, Scalar sum) {
  leaky_relu_backward(0.1, x, x, std::nullopt, &sum);
  elu_backward(1.0, x, x, std::nullopt, &sum);
};
static_assert(sums_to<float, float> && sums_to<float16, float> && sums_to<bfloat16, float> && sums_to<double, double>);
static_assert(!sums_to<double, float> && !sums_to<float, double> && !sums_to<bfloat16, bfloat16>);

// Bias, dbias and slopes are of one format, and the gradient is the activation's.
template <class X, class Bias, class DBias, class F, class D>
constexpr bool fuses = requires(std::vector<X> x, std::vector<Bias> bias, std::vector<DBias> dbias, const F& f, D d) {
  fused_forward(layout, x, bias, x, f, x, std::nullopt);
  fused_backward(layout, x, bias, x, std::nullopt, f, x, x, dbias, d);
};
using Spans = std::span<float>;
static_assert(fuses<float, float, float, relu, std::nullopt_t> && fuses<bfloat16, float, float, elu, float*>);
static_assert(fuses<bfloat16, bfloat16, bfloat16, prelu<std::span<const bfloat16>>, std::span<bfloat16>>);
static_assert(!fuses<bfloat16, float, bfloat16, relu, std::nullopt_t>);
static_assert(!fuses<bfloat16, bfloat16, bfloat16, prelu<std::span<const float>>, Spans>);
static_assert(!fuses<float, float, float, relu, float*> && !fuses<float, float, float, relu, Spans>);
static_assert(!fuses<double, double, double, elu, float*> && !fuses<float, float, float, leaky_relu, Spans>);
static_assert(!fuses<float, double, double, relu, std::nullopt_t>);

// ---- float16 and bfloat16

template <class T>
struct CppView16Bits : testing::Test {
  static constexpr bool half = std::is_same_v<T, float16>;
  static constexpr int mantissa_bits = half ? 10 : 7, least_exponent = half ? -14 : -126;
  static constexpr std::uint16_t infinity = half ? 0x7C00 : 0x7F80;

  // What the positive pattern means, by the definition of the formats. Infinity counts as what would come next.
  static double value(int pattern) {
    const int exponent = pattern >> mantissa_bits, mantissa = pattern & ((1 << mantissa_bits) - 1);
    if (exponent == 0) return std::ldexp(mantissa, least_exponent - mantissa_bits);
    return std::ldexp(mantissa + (1 << mantissa_bits), least_exponent + exponent - 1 - mantissa_bits);
  }

  static void expect_rounds_to(int pattern, double from) {
    ASSERT_EQ(pattern, T(from).bits) << std::hexfloat << from;
    ASSERT_EQ(pattern | 0x8000, T(-from).bits) << std::hexfloat << -from;
  }
};
using SixteenBits = testing::Types<float16, bfloat16>;
TYPED_TEST_SUITE(CppView16Bits, SixteenBits, FormatName16);

TYPED_TEST(CppView16Bits, AreTrivial) {
  static_assert(sizeof(TypeParam) == 2 && alignof(TypeParam) == 2);
  static_assert(std::is_trivial_v<TypeParam> && std::is_standard_layout_v<TypeParam>);
  static_assert(std::is_convertible_v<TypeParam, float> && !std::is_convertible_v<float, TypeParam>);
}

TYPED_TEST(CppView16Bits, BecomeFloatsExactly) {
  for (int pattern = 0; pattern <= 0xFFFF; ++pattern) {
    const float widened = TypeParam::from_bits(static_cast<std::uint16_t>(pattern));
    const int magnitude = pattern & 0x7FFF;
    ASSERT_EQ(magnitude > this->infinity, std::isnan(widened)) << pattern;
    ASSERT_EQ(pattern != magnitude, std::signbit(widened)) << pattern;
    if (magnitude < this->infinity) {
      ASSERT_EQ(this->value(magnitude), std::fabs(static_cast<double>(widened))) << pattern;
    } else if (magnitude == this->infinity) {
      ASSERT_TRUE(std::isinf(widened)) << pattern;
    }
  }
}

// Between any two neighbours: the middle goes to the even one, the doubles beside it to the nearer.
TYPED_TEST(CppView16Bits, AreRoundedToNearestEven) {
  for (int low = 0; low < this->infinity; ++low) {
    const int high = low + 1, even = low % 2 == 0 ? low : high;
    const double below = this->value(low), middle = (below + this->value(high)) / 2;
    this->expect_rounds_to(low, below);
    this->expect_rounds_to(low, std::nextafter(middle, 0.0));
    this->expect_rounds_to(even, middle);
    this->expect_rounds_to(high, std::nextafter(middle, std::numeric_limits<double>::infinity()));
  }
  this->expect_rounds_to(0, std::numeric_limits<double>::denorm_min());
  this->expect_rounds_to(this->infinity, std::numeric_limits<float>::max());
  this->expect_rounds_to(this->infinity, std::numeric_limits<double>::max());
  this->expect_rounds_to(this->infinity, std::numeric_limits<double>::infinity());
}

TYPED_TEST(CppView16Bits, KeepNaN) {
  for (int pattern = this->infinity + 1; pattern <= 0x7FFF; ++pattern) {
    const float nan = TypeParam::from_bits(static_cast<std::uint16_t>(pattern));
    ASSERT_TRUE(std::isnan(static_cast<float>(TypeParam(nan)))) << pattern;
  }
  // Payload bits below what 16 bits hold must not make an infinity of it.
  EXPECT_TRUE(std::isnan(static_cast<float>(TypeParam(std::bit_cast<float>(0x7F800001)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(TypeParam(std::bit_cast<float>(0xFFFFFFFF)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(TypeParam(std::bit_cast<double>(0x7FF0000000000001)))));
}

// All of it while compiling, too.
static_assert(float16(1.0).bits == 0x3C00 && bfloat16(1.0).bits == 0x3F80);
static_assert(float16(0.1).bits == 0x2E66 && bfloat16(0.1).bits == 0x3DCD);
static_assert(float16(65519.99).bits == 0x7BFF && float16(65520).bits == 0x7C00 && float16(-0.0f).bits == 0x8000);
static_assert(float16::from_bits(1) == 0x1p-24f && bfloat16::from_bits(1) == 0x1p-133f && float16(0.1) < 0.1f);

}  // namespace
}  // namespace rectify::tests
