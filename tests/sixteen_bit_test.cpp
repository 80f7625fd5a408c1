// f16 and bf16 against MPFR, for every one of their 65536 numbers: ELU is correctly rounded, a product is rounded to f32
// and then to the format, and nothing else happens to a value. So is the rounding that the other tests take for granted.
#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

// A number of MPFR with `precision` digits.
class Exact {
 public:
  explicit Exact(int precision) { mpfr_init2(value_, precision); }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  ~Exact() { mpfr_clear(value_); }
  operator mpfr_ptr() { return value_; }

 private:
  mpfr_t value_;
};

// What compute(result) leaves in a number of T's precision, returning MPFR's ternary value, taken to T's range of
// exponents. Every number of the formats up to f32 is a double; f64 has the exponents for what they multiply.
template <AnyNumber T, class Compute>
double rounded_by_mpfr(Compute compute) {
  using N = Number<T>;
  static thread_local Exact result(N::precision);
  int ternary = compute(static_cast<mpfr_ptr>(result));
  const mpfr_exp_t lowest = mpfr_get_emin(), highest = mpfr_get_emax();
  mpfr_set_emin(N::lowest_exponent - N::precision + 2);
  mpfr_set_emax(2 - N::lowest_exponent);
  ternary = mpfr_check_range(result, ternary, MPFR_RNDN);
  mpfr_subnormalize(result, ternary, MPFR_RNDN);
  mpfr_set_emin(lowest);
  mpfr_set_emax(highest);
  return mpfr_get_d(result, MPFR_RNDN);
}

template <AnyNumber T>
double rounded_by_mpfr(double value) {
  return rounded_by_mpfr<T>([&](mpfr_ptr result) { return mpfr_set_d(result, value, MPFR_RNDN); });
}

// One operation of f32.
double product(double a, double b) {
  return rounded_by_mpfr<float>([&](mpfr_ptr result) {
    static thread_local Exact factor(53);
    mpfr_set_d(factor, a, MPFR_RNDN);
    return mpfr_mul_d(result, factor, b, MPFR_RNDN);
  });
}
double sum(double a, double b) {
  return rounded_by_mpfr<float>([&](mpfr_ptr result) {
    static thread_local Exact term(53);
    mpfr_set_d(term, a, MPFR_RNDN);
    return mpfr_add_d(result, term, b, MPFR_RNDN);
  });
}

template <AnyNumber T>
double value_of(T number) {
  return static_cast<double>(widened(number));
}

// The number of T that has this very value, found without rounding anything.
template <AnyNumber T>
testing::AssertionResult is_value(double expected, T actual) {
  if (std::isnan(expected) ? is_nan(actual) : bits_of(value_of(actual)) == bits_of(expected)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "expected " << shown(expected) << ", got " << shown(actual);
}

template <AnyNumber T>
std::vector<T> all_numbers() {
  std::vector<T> numbers(0x10000);
  for (size_t bits = 0; bits < numbers.size(); ++bits) numbers[bits] = from_bits<T>(static_cast<uint16_t>(bits));
  return numbers;
}

// Distance in units of the last place of T at the exact value.
template <AnyNumber T>
double error_in_ulp(mpfr_ptr exact, double value) {
  using N = Number<T>;
  static thread_local Exact difference(200);
  const int exponent = mpfr_zero_p(exact) ? N::lowest_exponent
                                          : std::max<int>(static_cast<int>(mpfr_get_exp(exact)) - 1, N::lowest_exponent);
  mpfr_sub_d(difference, exact, value, MPFR_RNDN);
  mpfr_mul_2si(difference, difference, N::precision - 1 - exponent, MPFR_RNDN);
  return std::fabs(mpfr_get_d(difference, MPFR_RNDU));
}

class SixteenBit : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes = is_sixteen_bit<typename Format::Element>;
  template <class Format>
  static constexpr bool takes_in_emulator = stands_for_element_type<Format>;

 protected:
  template <AnyNumber T>
  std::vector<T> run(const Operation& operation, const std::vector<T>& x, const std::vector<T>& dy) {
    std::vector<T> out(x.size(), unwritten<T>);
    EXPECT_EQ(operation.call(x.size(), x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
    return out;
  }
};

template <class Format>
std::vector<Operation> operations_named(const std::vector<std::string>& names, std::vector<double> slopes,
                                        std::vector<double> alphas) {
  std::vector<Operation> operations = operations_with<Format>(slopes, alphas);
  std::erase_if(operations,
                [&](const Operation& each) { return std::find(names.begin(), names.end(), each.name) == names.end(); });
  EXPECT_FALSE(operations.empty());
  return operations;
}

// Widened, multiplied by one and rounded again, every number is what it was.
RECTIFY_ON_EACH_FORMAT(SixteenBit, ConversionsThereAndBack) {
  const Values numbers = all_numbers<Element>(), below_zero(numbers.size(), rounded<Element>(-1.0));
  for (const Operation& operation : operations_named<Format>(
           {"leaky_relu_forward", "prelu_forward", "leaky_relu_backward", "prelu_backward"}, {1.0}, {})) {
    const Values& x = operation.is_forward ? numbers : below_zero;
    EXPECT_TRUE(same_bits(numbers, run(operation, x, numbers))) << operation;
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(SixteenBit, ReluIsExact) {
  const Values numbers = all_numbers<Element>(), ones(numbers.size(), rounded<Element>(1.0));
  for (const Operation& operation : operations_named<Format>({"relu_forward", "relu_backward"}, {}, {})) {
    const Values out = run(operation, numbers, ones);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const double x = value_of(numbers[i]);
      const double expected = operation.is_forward ? (x < 0 ? 0.0 : x) : (x <= 0 ? 0.0 : 1.0);
      ASSERT_TRUE(is_value(expected, out[i])) << operation << " at x = " << shown(numbers[i]);
    }
  }
}

RECTIFY_ON_EACH_FORMAT(SixteenBit, ProductsAreRoundedToF32AndThenToTheFormat) {
  const Values numbers = all_numbers<Element>(), below_zero(numbers.size(), rounded<Element>(-1.0));
  std::vector<double> slopes = parameters_of<Slope>(tried_slopes);
  if (emulated) slopes.resize(6);
  for (const Operation& operation : operations_named<Format>(
           {"leaky_relu_forward", "prelu_forward", "leaky_relu_backward", "prelu_backward"}, slopes, {})) {
    const Values out = operation.is_forward ? run(operation, numbers, numbers) : run(operation, below_zero, numbers);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const double factor = value_of(numbers[i]);  // x, or dy where x is below zero
      const bool multiplied = !operation.is_forward || factor < 0;
      const double expected = multiplied ? rounded_by_mpfr<Element>(product(operation.parameter_in_use, factor)) : factor;
      ASSERT_TRUE(is_value(expected, out[i])) << operation << " at " << shown(numbers[i]);
    }
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(SixteenBit, EluFromYIsRoundedToF32AndThenToTheFormat) {
  const Values numbers = all_numbers<Element>();
  for (const double gradient : {1.0, -3.7}) {
    const Values dy(numbers.size(), rounded<Element>(gradient));
    for (const Operation& operation : operations_named<Format>({"elu_backward_from_y"}, {}, {1.0, 0.1, 1e30})) {
      const Values out = run(operation, numbers, dy);
      for (size_t i = 0; i < numbers.size(); ++i) {
        const double y = value_of(numbers[i]), factor = value_of(dy[i]);
        const double expected =
            y <= 0 ? rounded_by_mpfr<Element>(product(sum(y, operation.parameter_in_use), factor)) : factor;
        ASSERT_TRUE(is_value(expected, out[i])) << operation << " at y = " << shown(numbers[i]);
      }
    }
  }
}

RECTIFY_ON_EACH_ELEMENT_TYPE(SixteenBit, EluWithAlphaOneIsCorrectlyRounded) {
  const Values numbers = all_numbers<Element>();
  const Operation operation = operations_named<Format>({"elu_forward"}, {}, {1.0}).front();
  const Values out = run(operation, numbers, numbers);
  Exact input(53);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double x = value_of(numbers[i]);
    mpfr_set_d(input, x, MPFR_RNDN);
    const double expected =
        x < 0 ? rounded_by_mpfr<Element>([&](mpfr_ptr result) { return mpfr_expm1(result, input, MPFR_RNDN); }) : x;
    ASSERT_TRUE(is_value(expected, out[i])) << "x = " << shown(numbers[i]);
  }
}

// In units of the last place of the format: half of one is lost in any rounding, the rest is what f32 was off by, below 2.1
// of its own units.
template <AnyNumber T>
const double most_for_other_alphas = 0.5 + std::ldexp(2.1, Number<T>::precision - Number<float>::precision);

// exact(result, x) against what the operation gives for every x < 0.
template <AnyNumber T, class ExactValue>
double largest_error(const std::vector<T>& numbers, const std::vector<T>& out, ExactValue exact) {
  Exact value(200), input(53);
  double largest = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double x = value_of(numbers[i]), got = value_of(out[i]);
    if (!(x < 0) || std::isinf(x)) continue;
    mpfr_set_d(input, x, MPFR_RNDN);
    exact(static_cast<mpfr_ptr>(value), static_cast<mpfr_ptr>(input));
    if (std::isinf(got)) {  // where the exact value overflows too
      const double nearest = rounded_by_mpfr<T>([&](mpfr_ptr result) { return mpfr_set(result, value, MPFR_RNDN); });
      EXPECT_EQ(got, nearest) << shown(numbers[i]);
      continue;
    }
    largest = std::max(largest, error_in_ulp<T>(value, got));
  }
  return largest;
}

RECTIFY_ON_EACH_ELEMENT_TYPE(SixteenBit, EluWithOtherAlphas) {
  const Values numbers = all_numbers<Element>();
  std::vector<double> alphas = {0.5, 1.6732632423543772, 0.1, -2.0, 1.7104, 0.3, -0.7, 3.0, 1e-3, 1000.0, 1e-6};
  if (emulated) alphas.resize(3);
  double largest = 0;
  for (const Operation& operation : operations_named<Format>({"elu_forward"}, {}, alphas)) {
    largest = std::max(largest, largest_error(numbers, run(operation, numbers, numbers), [&](mpfr_ptr result, mpfr_ptr x) {
                         mpfr_expm1(result, x, MPFR_RNDN);
                         mpfr_mul_d(result, result, operation.parameter_in_use, MPFR_RNDN);
                       }));
  }
  std::printf("[ accuracy ] ELU with other alphas, %s: %.6f ULP\n", Format::name, largest);
  EXPECT_LT(largest, most_for_other_alphas<Element>);
}

RECTIFY_ON_EACH_ELEMENT_TYPE(SixteenBit, EluGradient) {
  const Values numbers = all_numbers<Element>(), ones(numbers.size(), rounded<Element>(1.0));
  const Operation operation = operations_named<Format>({"elu_backward"}, {}, {1.0}).front();
  const double largest = largest_error(numbers, run(operation, numbers, ones),
                                       [](mpfr_ptr result, mpfr_ptr x) { mpfr_exp(result, x, MPFR_RNDN); });
  std::printf("[ accuracy ] ELU's gradient, %s: %.6f ULP\n", Format::name, largest);
  EXPECT_LE(largest, 0.5) << "it was correctly rounded for every number";
}

// What the tests take for the rounding to a format is MPFR's: at each number, at each tie between two and next to it, and
// at floats all over.
template <AnyNumber T>
void expect_rounding_of_mpfr() {
  const auto expect = [](float value) {
    if (std::isnan(value)) {
      ASSERT_TRUE(is_nan(rounded<T>(static_cast<double>(value))));
      return;
    }
    ASSERT_TRUE(is_value(rounded_by_mpfr<T>(static_cast<double>(value)), rounded<T>(static_cast<double>(value))))
        << shown(value);
  };
  for (const T number : all_numbers<T>()) {
    for (const float value : around_ties(number)) expect(value);
  }
  constexpr uint64_t stride = emulated ? 1000003 : 4099;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride) expect(float_of(static_cast<uint32_t>(bits)));
}

TEST(RoundingOfTheTests, IsMpfrsForF16) { expect_rounding_of_mpfr<Half>(); }
TEST(RoundingOfTheTests, IsMpfrsForBf16) { expect_rounding_of_mpfr<Bfloat>(); }

}  // namespace
}  // namespace rectify::tests
