// ELU's promised error bounds against MPFR. Double precision finds what comes near a bound; MPFR judges that. An ordinary
// run takes a prime stride over the negative floats and the recorded worst inputs; RECTIFY_EXHAUSTIVE=1 takes all 2^31 of
// them.
#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/worst_inputs.hpp"

namespace rectify::tests {
namespace {

// Two strides: one over all negative floats, a finer one where neither x itself nor a constant is the answer.
constexpr uint32_t stride_everywhere = emulated ? 65537 : 1009;
constexpr uint32_t stride_where_rounding_matters = emulated ? 4099 : 17;

// The spacing of floats at a value that is exactly `exact`, or only known to be near it: the smaller one at a power of two.
double unit_in_the_last_place(double exact) {
  const uint64_t bits = std::bit_cast<uint64_t>(exact * (1 - 0x1p-50)) & 0x7fffffffffffffffu;
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  return std::bit_cast<double>(static_cast<uint64_t>(std::max(exponent, -126) - 23 + 1023) << 52);
}

// A function of x whose exact value is scale * f(x), and the bound on its error: in ULP where the result is normal, in
// denormal spacings below.
struct Function {
  std::string name;
  double (*in_double)(double);
  int (*in_mpfr)(mpfr_t, const mpfr_t, mpfr_rnd_t);
  double scale;
  double bound;
  double denormal_bound;
};

Function value_of_elu(float alpha) {
  return {"alpha " + shown(alpha) + " * expm1(x)",
          [](double x) { return std::expm1(x); },
          mpfr_expm1,
          alpha,
          alpha == 1 ? 1.0 : 2.1,
          alpha == 1 ? 1.0 : 2.1};
}

const Function factor_of_the_gradient{"exp(x)", [](double x) { return std::exp(x); }, mpfr_exp, 1, 1.1, 0.75};

// The error of `computed` in ULP of the exact scale * f(x).
double error_by_mpfr(const Function& function, float x, float computed) {
  mpfr_t exact;
  mpfr_init2(exact, 160);
  mpfr_set_flt(exact, x, MPFR_RNDN);
  function.in_mpfr(exact, exact, MPFR_RNDN);
  mpfr_mul_d(exact, exact, function.scale, MPFR_RNDN);
  const long exponent = mpfr_zero_p(exact) ? -126 : std::max<long>(mpfr_get_exp(exact) - 1, -126);
  mpfr_sub_d(exact, exact, static_cast<double>(computed), MPFR_RNDN);
  mpfr_mul_2si(exact, exact, 23 - exponent, MPFR_RNDN);
  const double error = std::fabs(mpfr_get_d(exact, MPFR_RNDN));
  mpfr_clear(exact);
  return std::isnan(computed) ? std::numeric_limits<double>::infinity() : error;
}

struct Error {
  double ulp = 0;
  float x = 0;
  void include(const Error& other) {
    if (other.ulp > ulp) *this = other;
  }
};

// The largest error where the result is normal and where it is denormal.
struct Errors {
  Error normal;
  Error denormal;
  void include(const Errors& other) {
    normal.include(other.normal);
    denormal.include(other.denormal);
  }
};

// Measures one result: roughly, and exactly if that comes near the bound.
void measure(const Function& function, float x, float computed, Errors& errors) {
  const double exact = function.scale * function.in_double(static_cast<double>(x));
  const bool denormal = std::fabs(exact) < 0x1p-126;
  double error = std::fabs(static_cast<double>(computed) - exact) / unit_in_the_last_place(exact);
  if (!(error <= 0.8 * (denormal ? function.denormal_bound : function.bound))) error = error_by_mpfr(function, x, computed);
  (denormal ? errors.denormal : errors.normal).include({error, x});
}

// Over the floats whose bits are begin, begin + stride, … below end. `compute(count, x, out)` asks the library.
template <class Compute>
Errors measure_range(const Function& function, uint32_t begin, uint32_t end, uint32_t stride, const Compute& compute) {
  constexpr size_t block = 1 << 14;
  const uint64_t points = (uint64_t{end} - begin + stride - 1) / stride;
  const uint64_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<Errors> partial(workers);
  std::vector<std::thread> threads;
  for (uint64_t worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      std::vector<float> x(block), out(block);
      Errors errors;
      for (uint64_t first = worker * block; first < points; first += workers * block) {
        const size_t count = static_cast<size_t>(std::min<uint64_t>(block, points - first));
        for (size_t i = 0; i < count; ++i) x[i] = float_of(static_cast<uint32_t>(begin + (first + i) * stride));
        if (compute(count, x.data(), out.data()) != RECTIFY_OK) errors.normal.ulp = std::numeric_limits<double>::infinity();
        for (size_t i = 0; i < count; ++i) measure(function, x[i], out[i], errors);
      }
      partial[worker] = errors;
      mpfr_free_cache();
    });
  }
  for (std::thread& thread : threads) thread.join();
  Errors errors;
  for (const Errors& each : partial) errors.include(each);
  return errors;
}

constexpr uint32_t first_negative = 0x80000001u;
constexpr uint32_t past_minus_infinity = 0xff800001u;

template <class Compute>
Errors measure_by_strides(const Function& function, const Compute& compute) {
  Errors errors = measure_range(function, first_negative, past_minus_infinity, stride_everywhere, compute);
  errors.include(measure_range(function, bits_of(-0x1p-8f), bits_of(-105.0f), stride_where_rounding_matters, compute));
  errors.include(measure_range(function, past_minus_infinity - 1, past_minus_infinity, 1, compute));
  return errors;
}

// Over the negative floats, -infinity included.
template <class Compute>
Errors measure_negatives(const Function& function, const Compute& compute) {
  if (exhaustive()) return measure_range(function, first_negative, past_minus_infinity, 1, compute);
  return measure_by_strides(function, compute);
}

class Accuracy : public OnEachBackend {
 protected:
  // One thread: the sweep has its own.
  void SetUp() override {
    OnEachBackend::SetUp();
    options.threads = 1;
  }

  auto elu_forward(float alpha) const {
    return [this, alpha](size_t n, const float* x, float* y) {
      return rectify_elu_forward(RECTIFY_F32, n, static_cast<double>(alpha), x, y, &options);
    };
  }

  // dx with alpha = 1 and dy = 1, where both products are exact.
  auto exponential() const {
    return [this](size_t n, const float* x, float* dx) {
      const std::vector<float> ones(n, 1.0f);
      return rectify_elu_backward(RECTIFY_F32, n, 1.0, x, ones.data(), dx, nullptr, &options);
    };
  }

  void report(const std::string& what, const char* where, const Error& error, double bound) {
    char line[200];
    std::snprintf(line, sizeof line, "%.4f ULP at x = %s", error.ulp, shown(error.x).c_str());
    std::printf("[ accuracy ] %s, %s, %s results: %s (bound %g)\n", GetParam().c_str(), what.c_str(), where, line, bound);
    RecordProperty(what + ", " + where, line);
  }

  void expect_bounds(const Function& function, const Errors& errors) {
    report(function.name, "normal", errors.normal, function.bound);
    report(function.name, "denormal", errors.denormal, function.denormal_bound);
    EXPECT_LT(errors.normal.ulp, function.bound) << function.name << " at " << shown(errors.normal.x);
    EXPECT_LE(errors.denormal.ulp, function.denormal_bound) << function.name << " at " << shown(errors.denormal.x);
  }
};
RECTIFY_ON_EACH_BACKEND(Accuracy);

TEST_P(Accuracy, EluForwardWithAlphaOne) {
  const Function function = value_of_elu(1);
  const Errors errors = measure_negatives(function, elu_forward(1));
  expect_bounds(function, errors);
  EXPECT_GT(errors.normal.ulp, 0.5) << "no error at all: the library was not measured";
}

// One more rounding than with alpha = 1.
TEST_P(Accuracy, EluForwardWithTheWorstAlphaKnown) {
  const Function function = value_of_elu(float_of(0x3fdaf340u));
  expect_bounds(function, measure_negatives(function, elu_forward(float_of(0x3fdaf340u))));
}

TEST_P(Accuracy, EluForwardWithAlphaOneHalf) {
  const Function function = value_of_elu(0.5f);
  expect_bounds(function, measure_negatives(function, elu_forward(0.5f)));
}

TEST_P(Accuracy, EluForwardWithTheAlphaOfSelu) {
  const Function function = value_of_elu(1.6732632f);
  expect_bounds(function, measure_negatives(function, elu_forward(1.6732632f)));
}

// Mantissas between powers of two, a negative alpha, and the ends of the range.
TEST_P(Accuracy, EluForwardWithOtherAlphas) {
  for (const float alpha : {0.1f, 1.9999999f, -1.3f, 3.4028235e38f, 1.1754944e-38f, 1e-40f, 1e-45f, 0.0f}) {
    const Function function = value_of_elu(alpha);
    expect_bounds(function, measure_by_strides(function, elu_forward(alpha)));
  }
}

TEST_P(Accuracy, ExponentialInEluBackward) {
  const Errors errors = measure_negatives(factor_of_the_gradient, exponential());
  expect_bounds(factor_of_the_gradient, errors);
  EXPECT_GT(errors.normal.ulp, 0.5) << "no error at all: the library was not measured";
  EXPECT_GT(errors.denormal.ulp, 0.5) << "no denormal was measured";
}

TEST_P(Accuracy, WorstInputs) {
  for (const WorstInput& worst : worst_values) {
    const float alpha = float_of(worst.alpha), x = float_of(worst.x);
    float y = 0;
    ASSERT_EQ(elu_forward(alpha)(1, &x, &y), RECTIFY_OK);
    const Error error{error_by_mpfr(value_of_elu(alpha), x, y), x};
    report("worst input of alpha " + shown(alpha), "recorded", error, value_of_elu(alpha).bound);
    EXPECT_LT(error.ulp, value_of_elu(alpha).bound);
    EXPECT_NEAR(error.ulp, worst.ulp, 0.0001) << "alpha " << shown(alpha) << ", x " << shown(x);
  }
  for (const WorstInput& worst : worst_exponentials) {
    const float x = float_of(worst.x);
    float dx = 0;
    ASSERT_EQ(exponential()(1, &x, &dx), RECTIFY_OK);
    const Error error{error_by_mpfr(factor_of_the_gradient, x, dx), x};
    const double bound = dx < 0x1p-126f ? factor_of_the_gradient.denormal_bound : factor_of_the_gradient.bound;
    report("worst input of exp", "recorded", error, bound);
    EXPECT_LT(error.ulp, bound);
    EXPECT_NEAR(error.ulp, worst.ulp, 0.0001) << "x " << shown(x);
  }
}

// A factor within 1.1 ULP and two correctly rounded products: a relative error of at most (1.1 + 0.5 + 0.5) * 2^-23, while
// nothing on the way is denormal.
TEST_P(Accuracy, EluBackwardWithAlphaAndGradient) {
  constexpr size_t n = 200'003;
  std::vector<float> x(n), dy(n), dx(n);
  uint32_t state = 1;
  for (size_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    x[i] = -40.0f * static_cast<float>(state >> 8) * 0x1p-24f * static_cast<float>(i) / static_cast<float>(n);
    dy[i] = (i % 2 ? -1.0f : 1.0f) * (1.0f + static_cast<float>(state & 0xffffu) * 0x1.8p-16f);
  }
  for (const float alpha : {1.6732632f, 0.3f, 1.9999999f, -0.7f}) {
    ASSERT_EQ(
        rectify_elu_backward(RECTIFY_F32, n, static_cast<double>(alpha), x.data(), dy.data(), dx.data(), nullptr, &options),
        RECTIFY_OK);
    double largest = 0;
    for (size_t i = 0; i < n; ++i) {
      const double exact = static_cast<double>(alpha) * std::exp(static_cast<double>(x[i])) * static_cast<double>(dy[i]);
      const double error = std::fabs((static_cast<double>(dx[i]) - exact) / exact);
      if (!(error <= largest)) largest = error;
    }
    EXPECT_LE(largest * 0x1p23, 2.1) << "alpha " << shown(alpha);
    EXPECT_GT(largest * 0x1p23, 0.5) << "alpha " << shown(alpha);
  }
}

// From y: the value's error, below 1 ULP of a magnitude below 1 (2^-24), and one rounding of y + 1 (2^-25), with dy = 1.
// Where the value has saturated, the gradient is exactly 0.
TEST_P(Accuracy, EluBackwardFromY) {
  const uint32_t stride = exhaustive() ? 1 : stride_where_rounding_matters;
  constexpr size_t block = 1 << 14;
  std::vector<float> x(block), y(block), dx(block);
  const std::vector<float> ones(block, 1.0f);
  double largest = 0;
  float where = 0;
  size_t saturated = 0;
  for (uint64_t bits = bits_of(-0x1p-26f); bits < bits_of(-105.0f);) {
    size_t count = 0;
    for (; count < block && bits < bits_of(-105.0f); ++count, bits += stride)
      x[count] = float_of(static_cast<uint32_t>(bits));
    ASSERT_EQ(rectify_elu_forward(RECTIFY_F32, count, 1.0, x.data(), y.data(), &options), RECTIFY_OK);
    ASSERT_EQ(rectify_elu_backward_from_y(RECTIFY_F32, count, 1.0, y.data(), ones.data(), dx.data(), &options), RECTIFY_OK);
    for (size_t i = 0; i < count; ++i) {
      const double error = std::fabs(static_cast<double>(dx[i]) - std::exp(static_cast<double>(x[i])));
      if (!(error <= largest)) largest = error, where = x[i];
      if (x[i] < -17.4f) {
        ++saturated;
        ASSERT_EQ(bits_of(dx[i]), 0u) << "x " << shown(x[i]);
      }
    }
  }
  report("gradient from y", "in units of 2^-24,", {largest * 0x1p24, where}, 1.5);
  EXPECT_LE(largest * 0x1p24, 1.5) << "at x = " << shown(where);
  EXPECT_GT(largest * 0x1p24, 0.25);
  EXPECT_GT(saturated, 0u);
}

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
