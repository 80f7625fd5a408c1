// ELU's promised error bounds against MPFR, in f32 and f64. A wider type finds what comes near a bound; MPFR judges that.
// An ordinary run takes strides over the bits of the negative numbers, in f64 what lies around the ends of the reduction
// too, and the recorded worst inputs. RECTIFY_EXHAUSTIVE=1 takes all 2^31 negative floats, and in f64 strides 64 times
// finer.
#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/worst_inputs.hpp"

namespace rectify::tests {
namespace {

// ---- the two formats ----

template <class T>
constexpr bool is_f32 = std::is_same_v<T, float>;
template <class T>
constexpr int32_t dtype = is_f32<T> ? RECTIFY_F32 : RECTIFY_F64;
template <class T>
using Bits = std::conditional_t<is_f32<T>, uint32_t, uint64_t>;
template <class T>
using Wider = std::conditional_t<is_f32<T>, double, long double>;
static_assert(std::numeric_limits<long double>::digits >= 64, "a long double finds what comes near a bound in f64");

template <class T>
constexpr int digits = std::numeric_limits<T>::digits;
template <class T>
constexpr T smallest_normal = std::numeric_limits<T>::min();
template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T smallest_denormal = std::numeric_limits<T>::denorm_min();

template <class T>
constexpr Bits<T> to_bits(T value) {
  return std::bit_cast<Bits<T>>(value);
}

template <class T>
std::string written(T value) {
  char text[80];
  std::snprintf(text, sizeof text, "%.*g (0x%0*llx)", std::numeric_limits<T>::max_digits10, static_cast<double>(value),
                static_cast<int>(2 * sizeof(T)), static_cast<unsigned long long>(to_bits(value)));
  return text;
}

// ---- inputs ----

// The numbers whose bits are begin, begin + stride, … below end. Negative numbers fall as their bits rise.
struct Range {
  uint64_t begin;
  uint64_t end;
  uint64_t stride;

  uint64_t points() const { return (end - begin + stride - 1) / stride; }
  template <class T>
  T at(uint64_t i) const {
    return std::bit_cast<T>(static_cast<Bits<T>>(begin + i * stride));
  }
};

template <class T>
Range from_to(T first, T last, uint64_t stride) {
  return {to_bits(first), uint64_t{to_bits(last)} + 1, stride};
}

// Below this exp rounds to 0.
template <class T>
constexpr T past_exp = is_f32<T> ? -105 : -746;

// An odd stride between 2^log2 and 2^(log2+1) with bits everywhere, those of the golden ratio, so that mantissas have too.
constexpr uint64_t stride_f64(int log2) { return 0x9e3779b97f4a7c15u >> (63 - log2) | 1; }

// A stride over all negative numbers, and finer ones where neither x itself nor a constant is the answer.
template <class T>
std::vector<Range> by_strides() {
  if constexpr (is_f32<T>) {
    return {from_to(-smallest_denormal<T>, -infinity<T>, emulated ? 65537 : 1009),
            from_to(-0x1p-8f, past_exp<T>, emulated ? 4099 : 17), from_to(-infinity<T>, -infinity<T>, 1)};
  } else {
    const int finer = exhaustive() ? 6 : emulated ? -8 : 0;
    std::vector<Range> ranges = {from_to(-smallest_denormal<T>, -infinity<T>, stride_f64(43 - finer)),
                                 from_to(-smallest_denormal<T>, -1000 * smallest_denormal<T>, 1),
                                 from_to(-0x1p-8, past_exp<T>, stride_f64(35 - finer)),
                                 from_to(-0x1p-4, -0x1p-1, stride_f64(32 - finer)),     // the largest errors of the value
                                 from_to(-708.0, past_exp<T>, stride_f64(29 - finer)),  // denormal results of exp
                                 from_to(-infinity<T>, -infinity<T>, 1)};
    // Around n*ln(2), where r is 0, and halfway between, where n changes and |r| is largest.
    for (int i = 1; i < 2 * 746 / 0.694; i += emulated ? 20 : 1) {
      const uint64_t middle = to_bits(-i * 0x1.62e42fefa39efp-2);
      ranges.push_back({middle - 32, middle + 33, 1});
    }
    return ranges;
  }
}

// Over the negative numbers, -infinity included.
template <class T>
std::vector<Range> negatives() {
  if (is_f32<T> && exhaustive()) return {from_to(-smallest_denormal<T>, -infinity<T>, 1)};
  return by_strides<T>();
}

// ---- errors ----

// A function of x whose exact value is scale * f(x), and the bound on its error: in ULP where the result is normal, in
// denormal spacings below.
template <class T>
struct Function {
  std::string name;
  Wider<T> (*wider)(Wider<T>);
  int (*in_mpfr)(mpfr_t, const mpfr_t, mpfr_rnd_t);
  T scale;
  double bound;
  double denormal_bound;
};

template <class T>
Function<T> value_of_elu(T alpha) {
  const double bound = alpha == 1 ? 1.0 : 2.1;
  return {
      "alpha " + written(alpha) + " * expm1(x)", [](Wider<T> x) { return std::expm1(x); }, mpfr_expm1, alpha, bound, bound};
}

template <class T>
Function<T> factor_of_the_gradient() {
  return {"exp(x)", [](Wider<T> x) { return std::exp(x); }, mpfr_exp, 1, 1.1, is_f32<T> ? 0.75 : 1.04};
}

// The exponent of the spacing of T's numbers at a value with this exponent.
template <class T>
long exponent_of_spacing(long exponent) {
  return std::max<long>(exponent, std::numeric_limits<T>::min_exponent - 1) - (digits<T> - 1);
}

// The error of `computed` in ULP of the exact scale * f(x).
template <class T>
double error_by_mpfr(const Function<T>& function, T x, T computed) {
  mpfr_t exact;
  mpfr_init2(exact, 240);
  mpfr_set_d(exact, static_cast<double>(x), MPFR_RNDN);
  function.in_mpfr(exact, exact, MPFR_RNDN);
  mpfr_mul_d(exact, exact, static_cast<double>(function.scale), MPFR_RNDN);
  const long exponent = mpfr_zero_p(exact) ? std::numeric_limits<int>::min() : mpfr_get_exp(exact) - 1;
  mpfr_sub_d(exact, exact, static_cast<double>(computed), MPFR_RNDN);
  mpfr_mul_2si(exact, exact, -exponent_of_spacing<T>(exponent), MPFR_RNDN);
  const double error = std::fabs(mpfr_get_d(exact, MPFR_RNDN));
  mpfr_clear(exact);
  return std::isnan(computed) ? std::numeric_limits<double>::infinity() : error;
}

// The same for an exact value known to the wider type's precision; at a power of two the spacing below counts.
template <class T>
double error_by_wider(Wider<T> exact, T computed) {
  const int exponent = std::ilogb(exact * (1 - 4 * std::numeric_limits<Wider<T>>::epsilon()));
  return static_cast<double>(
      std::ldexp(std::fabs(static_cast<Wider<T>>(computed) - exact), static_cast<int>(-exponent_of_spacing<T>(exponent))));
}

template <class T>
struct Error {
  double ulp = 0;
  T x = 0;
  void include(const Error& other) {
    if (other.ulp > ulp) *this = other;
  }
};

// The largest error where the result is normal and where it is denormal.
template <class T>
struct Errors {
  Error<T> normal;
  Error<T> denormal;
  void include(const Errors& other) {
    normal.include(other.normal);
    denormal.include(other.denormal);
  }
};

// Measures one result: roughly, and exactly if that comes near the bound.
template <class T>
void measure(const Function<T>& function, T x, T computed, Errors<T>& errors) {
  const Wider<T> exact = static_cast<Wider<T>>(function.scale) * function.wider(static_cast<Wider<T>>(x));
  const bool denormal = std::fabs(exact) < static_cast<Wider<T>>(smallest_normal<T>);
  double error = error_by_wider<T>(exact, computed);
  if (!(error <= 0.8 * (denormal ? function.denormal_bound : function.bound))) error = error_by_mpfr(function, x, computed);
  (denormal ? errors.denormal : errors.normal).include({error, x});
}

// Over all points of the ranges, on every core. `compute(count, x, out)` asks the library.
template <class T, class Compute>
Errors<T> measure(const Function<T>& function, const std::vector<Range>& ranges, const Compute& compute) {
  constexpr uint64_t block = 1 << 14;
  const uint64_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<Errors<T>> partial(workers);
  std::vector<std::thread> threads;
  for (uint64_t worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      std::vector<T> x(block), out(block);
      Errors<T> errors;
      uint64_t blocks = 0;
      for (const Range& range : ranges) {
        const uint64_t points = range.points();
        for (uint64_t first = 0; first < points; first += block) {
          if (blocks++ % workers != worker) continue;
          const size_t count = static_cast<size_t>(std::min(block, points - first));
          for (size_t i = 0; i < count; ++i) x[i] = range.at<T>(first + i);
          if (compute(count, x.data(), out.data()) != RECTIFY_OK) {
            errors.normal.ulp = std::numeric_limits<double>::infinity();
          }
          for (size_t i = 0; i < count; ++i) measure(function, x[i], out[i], errors);
        }
      }
      partial[worker] = errors;
      mpfr_free_cache();
    });
  }
  for (std::thread& thread : threads) thread.join();
  Errors<T> errors;
  for (const Errors<T>& each : partial) errors.include(each);
  return errors;
}

// ---- the bounds ----

class Accuracy : public OnEachBackend {
 protected:
  // One thread: the sweep has its own.
  void SetUp() override {
    OnEachBackend::SetUp();
    options.threads = 1;
  }

  template <class T>
  auto elu_forward(T alpha) const {
    return [this, alpha](size_t n, const T* x, T* y) {
      return rectify_elu_forward(dtype<T>, n, static_cast<double>(alpha), x, y, &options);
    };
  }

  // dx with alpha = 1 and dy = 1, where both products are exact.
  template <class T>
  auto exponential() const {
    return [this](size_t n, const T* x, T* dx) {
      const std::vector<T> ones(n, T{1});
      return rectify_elu_backward(dtype<T>, n, 1.0, x, ones.data(), dx, nullptr, &options);
    };
  }

  template <class T>
  void report(const std::string& what, const char* where, const Error<T>& error, double bound) {
    char line[200];
    std::snprintf(line, sizeof line, "%.4f ULP at x = %s", error.ulp, written(error.x).c_str());
    const char* const format = is_f32<T> ? "f32" : "f64";
    std::printf("[ accuracy ] %s, %s %s, %s results: %s (bound %g)\n", GetParam().c_str(), format, what.c_str(), where,
                line, bound);
    RecordProperty(std::string(format) + " " + what + ", " + where, line);
  }

  template <class T>
  void expect_bounds(const Function<T>& function, const Errors<T>& errors) {
    report(function.name, "normal", errors.normal, function.bound);
    report(function.name, "denormal", errors.denormal, function.denormal_bound);
    EXPECT_LT(errors.normal.ulp, function.bound) << function.name << " at " << written(errors.normal.x);
    EXPECT_LE(errors.denormal.ulp, function.denormal_bound) << function.name << " at " << written(errors.denormal.x);
  }

  template <class T>
  void value_with_alpha_one() {
    const Function<T> function = value_of_elu(T{1});
    const Errors<T> errors = measure(function, negatives<T>(), elu_forward(T{1}));
    expect_bounds(function, errors);
    EXPECT_GT(errors.normal.ulp, 0.5) << "no error at all: the library was not measured";
  }

  template <class T>
  void value_with_alpha(T alpha, const std::vector<Range>& ranges) {
    const Function<T> function = value_of_elu(alpha);
    expect_bounds(function, measure(function, ranges, elu_forward(alpha)));
  }

  template <class T>
  void exponential_in_the_gradient() {
    const Function<T> function = factor_of_the_gradient<T>();
    const Errors<T> errors = measure(function, negatives<T>(), exponential<T>());
    expect_bounds(function, errors);
    EXPECT_GT(errors.normal.ulp, 0.5) << "no error at all: the library was not measured";
    EXPECT_GT(errors.denormal.ulp, 0.5) << "no denormal was measured";
  }

  template <class T>
  void recorded_worst_inputs(std::span<const WorstValue<T>> values, std::span<const WorstExponential<T>> factors) {
    for (const WorstValue<T>& worst : values) {
      T y = 0;
      ASSERT_EQ(elu_forward(worst.alpha)(1, &worst.x, &y), RECTIFY_OK);
      const Function<T> function = value_of_elu(worst.alpha);
      const Error<T> error{error_by_mpfr(function, worst.x, y), worst.x};
      report("worst input of alpha " + written(worst.alpha), "recorded", error, function.bound);
      EXPECT_LT(error.ulp, function.bound);
      EXPECT_NEAR(error.ulp, worst.ulp, 0.0001) << "alpha " << written(worst.alpha) << ", x " << written(worst.x);
    }
    const Function<T> function = factor_of_the_gradient<T>();
    for (const WorstExponential<T>& worst : factors) {
      T dx = 0;
      ASSERT_EQ(exponential<T>()(1, &worst.x, &dx), RECTIFY_OK);
      const Error<T> error{error_by_mpfr(function, worst.x, dx), worst.x};
      const double bound = dx < smallest_normal<T> ? function.denormal_bound : function.bound;
      report("worst input of exp", "recorded", error, bound);
      EXPECT_LT(error.ulp, bound);
      EXPECT_NEAR(error.ulp, worst.ulp, 0.0001) << "x " << written(worst.x);
    }
  }

  template <class T>
  void gradient_with_alpha_and_dy(std::initializer_list<T> alphas) {
    constexpr size_t n = 200'003;
    std::vector<T> x(n), dy(n), dx(n);
    uint64_t state = 1;
    for (size_t i = 0; i < n; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const T fraction = std::ldexp(static_cast<T>(state >> (64 - digits<T>)), -digits<T>);
      x[i] = -40 * fraction * static_cast<T>(i) / static_cast<T>(n);
      dy[i] = (i % 2 ? -1 : 1) * (1 + static_cast<T>(state & 0xffffu) * T{0x1.8p-16});
    }
    for (const T alpha : alphas) {
      ASSERT_EQ(
          rectify_elu_backward(dtype<T>, n, static_cast<double>(alpha), x.data(), dy.data(), dx.data(), nullptr, &options),
          RECTIFY_OK);
      Wider<T> largest = 0;
      for (size_t i = 0; i < n; ++i) {
        const Wider<T> exact =
            static_cast<Wider<T>>(alpha) * std::exp(static_cast<Wider<T>>(x[i])) * static_cast<Wider<T>>(dy[i]);
        const Wider<T> error = std::fabs((static_cast<Wider<T>>(dx[i]) - exact) / exact);
        if (!(error <= largest)) largest = error;
      }
      EXPECT_LE(std::ldexp(largest, digits<T> - 1), 2.1) << "alpha " << written(alpha);
      EXPECT_GT(std::ldexp(largest, digits<T> - 1), 0.5) << "alpha " << written(alpha);
    }
  }

  template <class T>
  void gradient_from_y(uint64_t stride) {
    constexpr size_t block = 1 << 14;
    const Range range = from_to(std::ldexp(T{-1}, -digits<T> - 2), past_exp<T>, stride);
    std::vector<T> x(block), y(block), dx(block);
    const std::vector<T> ones(block, T{1});
    Error<T> largest;
    size_t saturated = 0;
    for (uint64_t first = 0; first < range.points(); first += block) {
      const size_t count = static_cast<size_t>(std::min<uint64_t>(block, range.points() - first));
      for (size_t i = 0; i < count; ++i) x[i] = range.at<T>(first + i);
      ASSERT_EQ(rectify_elu_forward(dtype<T>, count, 1.0, x.data(), y.data(), &options), RECTIFY_OK);
      ASSERT_EQ(rectify_elu_backward_from_y(dtype<T>, count, 1.0, y.data(), ones.data(), dx.data(), &options), RECTIFY_OK);
      for (size_t i = 0; i < count; ++i) {
        const Wider<T> error = std::fabs(static_cast<Wider<T>>(dx[i]) - std::exp(static_cast<Wider<T>>(x[i])));
        const double units = static_cast<double>(std::ldexp(error, digits<T>));
        if (!(units <= largest.ulp)) largest = {units, x[i]};
        if (x[i] < (digits<T> + 1.1) * -0.693147) {  // where exp(x) is below a quarter of the spacing below 1
          ++saturated;
          ASSERT_EQ(to_bits(dx[i]), 0u) << "x " << written(x[i]);
        }
      }
    }
    report("gradient from y", is_f32<T> ? "in units of 2^-24," : "in units of 2^-53,", largest, 1.5);
    EXPECT_LE(largest.ulp, 1.5) << "at x = " << written(largest.x);
    EXPECT_GT(largest.ulp, 0.25);
    EXPECT_GT(saturated, 0u);
  }
};
RECTIFY_ON_EACH_BACKEND(Accuracy);

TEST_P(Accuracy, EluForwardWithAlphaOneF32) { value_with_alpha_one<float>(); }
TEST_P(Accuracy, EluForwardWithAlphaOneF64) { value_with_alpha_one<double>(); }

// One more rounding than with alpha = 1.
TEST_P(Accuracy, EluForwardWithTheWorstAlphaKnownF32) { value_with_alpha(worst_values_f32[1].alpha, negatives<float>()); }
TEST_P(Accuracy, EluForwardWithTheWorstAlphaKnownF64) { value_with_alpha(worst_values_f64[1].alpha, negatives<double>()); }

TEST_P(Accuracy, EluForwardWithAlphaOneHalfF32) { value_with_alpha(0.5f, negatives<float>()); }
TEST_P(Accuracy, EluForwardWithAlphaOneHalfF64) { value_with_alpha(0.5, negatives<double>()); }

TEST_P(Accuracy, EluForwardWithTheAlphaOfSeluF32) { value_with_alpha(1.6732632f, negatives<float>()); }
TEST_P(Accuracy, EluForwardWithTheAlphaOfSeluF64) { value_with_alpha(1.6732632423543772, negatives<double>()); }

// Mantissas between powers of two, a negative alpha, and the ends of the range.
TEST_P(Accuracy, EluForwardWithOtherAlphasF32) {
  for (const float alpha : {0.1f, 1.9999999f, -1.3f, 3.4028235e38f, 1.1754944e-38f, 1e-40f, 1e-45f, 0.0f}) {
    value_with_alpha(alpha, by_strides<float>());
  }
}
TEST_P(Accuracy, EluForwardWithOtherAlphasF64) {
  const std::vector<Range> ranges = {from_to(-smallest_denormal<double>, -infinity<double>, stride_f64(emulated ? 50 : 45)),
                                     from_to(-0x1p-8, -40.0, stride_f64(emulated ? 42 : 37))};
  for (const double alpha : {0.1, 0x1.fffffffffffffp+0, -1.3, std::numeric_limits<double>::max(), 0x1p-1022, 0x1.8p-1020,
                             1e-310, 0x1p-1074, 0.0}) {
    value_with_alpha(alpha, ranges);
  }
}

TEST_P(Accuracy, ExponentialInEluBackwardF32) { exponential_in_the_gradient<float>(); }
TEST_P(Accuracy, ExponentialInEluBackwardF64) { exponential_in_the_gradient<double>(); }

TEST_P(Accuracy, WorstInputsF32) { recorded_worst_inputs<float>(worst_values_f32, worst_exponentials_f32); }
TEST_P(Accuracy, WorstInputsF64) { recorded_worst_inputs<double>(worst_values_f64, worst_exponentials_f64); }

// A factor within 1.1 ULP and two correctly rounded products: a relative error of at most (1.1 + 0.5 + 0.5) units of the
// last place of 1, while nothing on the way is denormal.
TEST_P(Accuracy, EluBackwardWithAlphaAndGradientF32) { gradient_with_alpha_and_dy({1.6732632f, 0.3f, 1.9999999f, -0.7f}); }
TEST_P(Accuracy, EluBackwardWithAlphaAndGradientF64) {
  gradient_with_alpha_and_dy({1.6732632423543772, 0.3, 0x1.fffffffffffffp+0, -0.7});
}

// From y: the value's error, below 1 ULP of a magnitude below 1 (2^-24, in f64 2^-53), and one rounding of y + 1 (half of
// that), with dy = 1. Where the value has saturated, the gradient is exactly 0.
TEST_P(Accuracy, EluBackwardFromYF32) { gradient_from_y<float>(exhaustive() ? 1 : emulated ? 4099 : 17); }
TEST_P(Accuracy, EluBackwardFromYF64) { gradient_from_y<double>(stride_f64(exhaustive() ? 30 : emulated ? 46 : 37)); }

// The error of a sum of ten million terms relative to the sum of their magnitudes. Every product of two floats is
// exact in double, and a double sum of blocks of 4096 is good to 1e-12.
class SumOfManyTerms : public Accuracy {
 protected:
  static constexpr size_t n = emulated ? 1'000'000 : 10'000'000;

  // x and dy; the terms all have one sign, where a naive sum goes wrong most, or both.
  struct Data {
    std::vector<float> x = std::vector<float>(n), dy = std::vector<float>(n);
    explicit Data(bool one_sign) {
      uint64_t state = 42;
      for (size_t i = 0; i < n; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = -static_cast<float>((state >> 40) + 1) * 0x1p-24f;
        dy[i] = static_cast<float>((state >> 16) & 0xffffffu) * 0x1p-24f - (one_sign ? 0.0f : 0.5f);
      }
    }
  };

  template <class Term>
  void expect_close(const char* what, const Data& data, float sum, const Term& term) {
    double exact = 0, magnitudes = 0;
    for (size_t begin = 0; begin < n; begin += 4096) {
      double block = 0, block_magnitudes = 0;
      for (size_t i = begin; i < std::min(n, begin + 4096); ++i) {
        const double value = static_cast<double>(data.dy[i]) * term(static_cast<double>(data.x[i]));
        block += value;
        block_magnitudes += std::fabs(value);
      }
      exact += block;
      magnitudes += block_magnitudes;
    }
    const double error = std::fabs(static_cast<double>(sum) - exact) / magnitudes;
    std::printf("[ accuracy ] %s, %s over %zu terms: %.2g of the sum of magnitudes\n", GetParam().c_str(), what, n, error);
    RecordProperty(what, std::to_string(error * 1e9) + "e-9");
    EXPECT_LE(error, 1e-7) << what << ": " << sum << " for " << exact;
  }
};
RECTIFY_ON_EACH_BACKEND(SumOfManyTerms);

TEST_P(SumOfManyTerms, GradientOfTheSlope) {
  for (const bool one_sign : {true, false}) {
    const Data data(one_sign);
    float sum = 0;
    ASSERT_EQ(rectify_leaky_relu_backward(RECTIFY_F32, n, 0.1, data.x.data(), data.dy.data(), nullptr, &sum, &options),
              RECTIFY_OK);
    expect_close(one_sign ? "dslope, one sign" : "dslope, both signs", data, sum, [](double x) { return x; });
  }
}

TEST_P(SumOfManyTerms, GradientOfAlpha) {
  for (const bool one_sign : {true, false}) {
    const Data data(one_sign);
    float sum = 0;
    ASSERT_EQ(rectify_elu_backward(RECTIFY_F32, n, 1.0, data.x.data(), data.dy.data(), nullptr, &sum, &options),
              RECTIFY_OK);
    expect_close(one_sign ? "dalpha, one sign" : "dalpha, both signs", data, sum, [](double x) { return std::expm1(x); });
  }
}

}  // namespace
}  // namespace rectify::tests
