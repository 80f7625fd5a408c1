// Each vector operation of each instruction set against plain C++: the kernels have no other words, so what holds here
// holds for whatever is said with them.
#include "tests/vocabulary/vocabulary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {

extern const Vocabulary vocabulary_avx512, vocabulary_avx2, vocabulary_neon;

namespace {

using Values = std::vector<float>;

const Vocabulary* const vocabularies[] = {
#if defined(RECTIFY_VOCABULARY_AVX512)
    &vocabulary_avx512,
#endif
#if defined(RECTIFY_VOCABULARY_AVX2)
    &vocabulary_avx2,
#endif
#if defined(RECTIFY_VOCABULARY_NEON)
    &vocabulary_neon,
#endif
};

class VocabularyTest : public testing::TestWithParam<const Vocabulary*> {
 protected:
  void SetUp() override {
    rectify_options options{};
    reach(vocabulary.backend, options);
  }

  // Runs `operation` on whole vectors until all of `first` is used and compares with `plain`, which has one element at a
  // time. The last vector is filled up with ones.
  template <class Operation, class Plain, class... Rest>
  void expect_lanes(Operation operation, Plain plain, Values first, Rest... rest) {
    const size_t lanes = vocabulary.lanes;
    const size_t count = (first.size() + lanes - 1) / lanes * lanes;
    first.resize(count, 1.0f);
    (rest.resize(count, 1.0f), ...);
    Values expected(count), actual(count);
    for (size_t i = 0; i < count; ++i) expected[i] = plain(first[i], rest[i]...);
    for (size_t i = 0; i < count; i += lanes) operation(&first[i], &rest[i]..., &actual[i]);
    EXPECT_TRUE(same_bits(expected, actual));
  }

  const Vocabulary& vocabulary = *GetParam();
};

INSTANTIATE_TEST_SUITE_P(, VocabularyTest, testing::ValuesIn(vocabularies),
                         [](const testing::TestParamInfo<const Vocabulary*>& tested) {
                           return std::string(tested.param->backend);
                         });

// Every special value with every other.
struct Pairs {
  Values a, b;
  Pairs() {
    const Values specials = special_values();
    for (const float first : specials) {
      for (const float second : specials) {
        a.push_back(first);
        b.push_back(second);
      }
    }
  }
};

// Floats of any kind and exponent.
Values any_floats(size_t count, uint32_t seed) {
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = float_of(scrambled(static_cast<uint32_t>(i) + seed * 0x9e3779b9u));
  return values;
}

constexpr size_t many = emulated ? 20000 : 1000000;

TEST_P(VocabularyTest, Broadcast) {
  for (const float value : special_values()) {
    Values out(vocabulary.lanes);
    vocabulary.broadcast(value, out.data());
    EXPECT_TRUE(identical_bits(Values(vocabulary.lanes, value), out));
    vocabulary.broadcast_bits(bits_of(value), out.data());
    EXPECT_TRUE(identical_bits(Values(vocabulary.lanes, value), out));
  }
}

// Memory: any alignment of a float, flush against inaccessible pages on either side, every bit kept.
TEST_P(VocabularyTest, LoadAndStore) {
  const Values values = any_floats(vocabulary.lanes, 1);
  for (size_t offset = 0; offset <= 2 * vocabulary.lanes; ++offset) {
    for (const auto side : {Placement::start, Placement::end}) {
      const Placement placement{side, offset * sizeof(float)};
      const GuardedBuffer<float> from(values, placement), to(vocabulary.lanes, placement);
      const GuardedBuffer<float> aligned(vocabulary.lanes, flush_to_start);
      vocabulary.copy(from.data(), aligned.data());
      EXPECT_TRUE(identical_bits(values, aligned.span()));
      vocabulary.copy(aligned.data(), to.data());
      EXPECT_TRUE(identical_bits(values, to.span()));
      EXPECT_TRUE(to.check());
      EXPECT_TRUE(aligned.check());
    }
  }
}

TEST_P(VocabularyTest, LoadPartial) {
  const Values values = any_floats(vocabulary.lanes, 2);
  for (size_t count = 0; count < vocabulary.lanes; ++count) {
    Values expected(vocabulary.lanes, 0.0f);
    std::copy_n(values.begin(), count, expected.begin());
    for (size_t offset = 0; offset < vocabulary.lanes; ++offset) {
      for (const auto side : {Placement::start, Placement::end}) {
        const GuardedBuffer<float> from(Values(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count)),
                                        Placement{side, offset * sizeof(float)});
        Values out(vocabulary.lanes, -12345.0f);
        vocabulary.load_partial(from.data(), count, out.data());
        EXPECT_TRUE(identical_bits(expected, out)) << count << " lanes";
      }
    }
  }
}

TEST_P(VocabularyTest, StorePartial) {
  const Values values = any_floats(vocabulary.lanes, 3);
  for (size_t count = 0; count < vocabulary.lanes; ++count) {
    for (size_t offset = 0; offset < vocabulary.lanes; ++offset) {
      for (const auto side : {Placement::start, Placement::end}) {
        const GuardedBuffer<float> to(count, Placement{side, offset * sizeof(float)});
        vocabulary.store_partial(to.data(), values.data(), count);
        EXPECT_TRUE(identical_bits(std::span(values).first(count), to.span())) << count << " lanes";
        EXPECT_TRUE(to.check()) << count << " lanes";
      }
    }
  }
}

TEST_P(VocabularyTest, Stream) {
  const Values values = any_floats(vocabulary.lanes, 4);
  for (size_t vectors = 0; vectors < 4; ++vectors) {
    for (const auto side : {Placement::start, Placement::end}) {
      const GuardedBuffer<float> to(vocabulary.lanes, Placement{side, vectors * vocabulary.lanes * sizeof(float)});
      vocabulary.stream(to.data(), values.data());
      EXPECT_TRUE(identical_bits(values, to.span()));
      EXPECT_TRUE(to.check());
    }
  }
}

TEST_P(VocabularyTest, Transpose) {
  const size_t lanes = vocabulary.lanes;
  const Values rows = any_floats(lanes * lanes, 41);
  Values expected(lanes * lanes), columns(lanes * lanes);
  for (size_t i = 0; i < lanes; ++i)
    for (size_t j = 0; j < lanes; ++j) expected[j * lanes + i] = rows[i * lanes + j];
  vocabulary.transpose(rows.data(), columns.data());
  EXPECT_TRUE(identical_bits(expected, columns));
}

TEST_P(VocabularyTest, SelectFirst) {
  const Values a = any_floats(vocabulary.lanes, 42), b = any_floats(vocabulary.lanes, 43);
  for (size_t count = 0; count <= vocabulary.lanes; ++count) {
    Values expected = b, out(vocabulary.lanes);
    std::copy_n(a.begin(), count, expected.begin());
    vocabulary.select_first(count, a.data(), b.data(), out.data());
    EXPECT_TRUE(identical_bits(expected, out)) << count << " lanes";
  }
}

TEST_P(VocabularyTest, Add) {
  const auto plain = [](float a, float b) { return a + b; };
  const Pairs pairs;
  expect_lanes(vocabulary.add, plain, pairs.a, pairs.b);
  expect_lanes(vocabulary.add, plain, any_floats(many, 5), any_floats(many, 6));
  expect_lanes(vocabulary.add, plain, ordinary_values(many, 7), ordinary_values(many, 8, 1024.0f));
}

TEST_P(VocabularyTest, Subtract) {
  const auto plain = [](float a, float b) { return a - b; };
  const Pairs pairs;
  expect_lanes(vocabulary.subtract, plain, pairs.a, pairs.b);
  expect_lanes(vocabulary.subtract, plain, any_floats(many, 9), any_floats(many, 10));
  expect_lanes(vocabulary.subtract, plain, ordinary_values(many, 11), ordinary_values(many, 12, 1024.0f));
}

TEST_P(VocabularyTest, Multiply) {
  const auto plain = [](float a, float b) { return a * b; };
  const Pairs pairs;
  expect_lanes(vocabulary.multiply, plain, pairs.a, pairs.b);
  expect_lanes(vocabulary.multiply, plain, any_floats(many, 13), any_floats(many, 14));
}

// One rounding, not two: a product that cancels against c shows the difference.
TEST_P(VocabularyTest, Fma) {
  const auto plain = [](float a, float b, float c) { return std::fma(a, b, c); };
  const Pairs pairs;
  for (const float c : {0.0f, -0.0f, 1.0f, -0x1p-126f, 3.0e38f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    expect_lanes(vocabulary.fma, plain, pairs.a, pairs.b, Values(pairs.a.size(), c));
    expect_lanes(vocabulary.fma, plain, pairs.a, Values(pairs.a.size(), c), pairs.b);
  }
  const Values a = ordinary_values(many, 15), b = ordinary_values(many, 16);
  Values cancelling(many);
  for (size_t i = 0; i < many; ++i) cancelling[i] = -(a[i] * b[i]);
  expect_lanes(vocabulary.fma, plain, a, b, cancelling);
  expect_lanes(vocabulary.fma, plain, any_floats(many, 17), any_floats(many, 18), any_floats(many, 19));
}

TEST_P(VocabularyTest, ScaleOnePlus) {
  Values p, n, scale;
  for (int power = -150; power <= 1; ++power) {
    for (const float fraction : ordinary_values(200, static_cast<uint32_t>(power + 200), 0.41f)) {
      p.push_back(fraction);
      n.push_back(static_cast<float>(power));
      scale.push_back(std::ldexp(1.0f, power + 24));
    }
  }
  // Rounded as 1 + p, and once more where the result is denormal.
  const auto plain = [](float fraction, float power, float) {
    const float one_plus = 1.0f + fraction;
    return static_cast<float>(std::ldexp(static_cast<double>(one_plus), static_cast<int>(power)));
  };
  expect_lanes(vocabulary.scale_one_plus, plain, p, n, scale);
}

// Comparisons are false for NaN; a select keeps every bit of what it takes.
TEST_P(VocabularyTest, CompareAndSelect) {
  const Pairs pairs;
  const size_t lanes = vocabulary.lanes;
  const Values a = any_floats(lanes, 20), b = any_floats(lanes, 21), zeros(lanes, 0.0f);
  Values l(lanes), r(lanes), out(lanes), expected(lanes);
  for (size_t i = 0; i + lanes <= pairs.a.size(); i += lanes - 1) {  // so that a pair meets every lane
    const float *const x = &pairs.a[i], *const y = &pairs.b[i];
    const auto expect = [&](const Values& yes, const Values& no, auto condition, const char* what) {
      for (size_t j = 0; j < lanes; ++j) expected[j] = condition(x[j], y[j]) ? yes[j] : no[j];
      ASSERT_TRUE(identical_bits(expected, out)) << what << ", first lane " << shown(x[0]) << " and " << shown(y[0]);
    };
    const auto is_less = [](float p, float q) { return p < q; };
    const auto is_less_equal = [](float p, float q) { return p <= q; };
    vocabulary.select_less(x, y, a.data(), b.data(), out.data());
    expect(a, b, is_less, "less");
    vocabulary.select_less_equal(x, y, a.data(), b.data(), out.data());
    expect(a, b, is_less_equal, "less_equal");
    vocabulary.zero_where_less(x, y, a.data(), out.data());
    expect(zeros, a, is_less, "zero where less");
    vocabulary.zero_where_less_equal(x, y, a.data(), out.data());
    expect(zeros, a, is_less_equal, "zero where less_equal");
    vocabulary.greater_or_second(x, y, out.data());
    expect(
        Values(x, x + lanes), Values(y, y + lanes), [](float p, float q) { return p > q; }, "greater or second");
    if (HasFatalFailure()) return;
  }
}

// Whatever the pattern of the mask, and whatever stands in the lanes it leaves out.
TEST_P(VocabularyTest, EveryMask) {
  const size_t lanes = vocabulary.lanes;
  const Values specials = special_values(), ones(lanes, 1.0f);
  for (uint32_t pattern = 0; pattern < (1u << lanes); pattern += emulated ? 7 : 1) {
    Values l(lanes), a(lanes), b(lanes), sum(lanes), out(lanes), expected(lanes);
    for (size_t j = 0; j < lanes; ++j) {
      l[j] = (pattern >> j & 1) != 0 ? 0.0f : 1.0f;  // less than one where the mask is to be set
      a[j] = specials[(pattern + j * 31) % specials.size()];
      b[j] = specials[(pattern * 7 + j) % specials.size()];
      sum[j] = ordinary_values(1, pattern + static_cast<uint32_t>(j))[0];
    }
    vocabulary.select_less(l.data(), ones.data(), a.data(), b.data(), out.data());
    for (size_t j = 0; j < lanes; ++j) expected[j] = l[j] < 1 ? a[j] : b[j];
    ASSERT_TRUE(identical_bits(expected, out)) << "select, pattern " << pattern;

    vocabulary.zero_where_less(l.data(), ones.data(), a.data(), out.data());
    for (size_t j = 0; j < lanes; ++j) expected[j] = l[j] < 1 ? 0.0f : a[j];
    ASSERT_TRUE(identical_bits(expected, out)) << "zero_where, pattern " << pattern;

    vocabulary.fma_where_less(l.data(), ones.data(), a.data(), b.data(), sum.data(), out.data());
    for (size_t j = 0; j < lanes; ++j) {
      expected[j] = l[j] < 1 ? std::fma(a[j], b[j], sum[j]) : sum[j];
      if (out[j] == 0 && expected[j] == 0) out[j] = expected[j];  // the sign of a zero sum is free
    }
    ASSERT_TRUE(same_bits(expected, out)) << "fma_where, pattern " << pattern;
  }
}

TEST_P(VocabularyTest, Bits) {
  const auto of_bits = [](auto operation) {
    return [=](float a, float b) { return float_of(operation(bits_of(a), bits_of(b))); };
  };
  // Bits, so that no NaN is like another.
  const auto expect_bits = [&](auto operation, auto plain, Values a, Values b) {
    const size_t lanes = vocabulary.lanes, count = a.size() / lanes * lanes;
    Values expected(count), actual(count);
    for (size_t i = 0; i < count; ++i) expected[i] = plain(a[i], b[i]);
    for (size_t i = 0; i < count; i += lanes) operation(&a[i], &b[i], &actual[i]);
    EXPECT_TRUE(identical_bits(expected, actual));
  };
  const Pairs pairs;
  for (const bool special : {true, false}) {
    const Values a = special ? pairs.a : any_floats(many, 22), b = special ? pairs.b : any_floats(many, 23);
    expect_bits(vocabulary.min_unsigned, of_bits([](uint32_t p, uint32_t q) { return std::min(p, q); }), a, b);
    expect_bits(vocabulary.min_signed, of_bits([](uint32_t p, uint32_t q) {
                  return static_cast<uint32_t>(std::min(static_cast<int32_t>(p), static_cast<int32_t>(q)));
                }),
                a, b);
    const auto expect_unary = [&](void (*operation)(const float*, float*), auto plain) {
      expect_bits([=](const float* p, const float*, float* out) { operation(p, out); },
                  of_bits([=](uint32_t p, uint32_t) { return plain(p); }), a, a);
    };
    expect_unary(vocabulary.through_bits, [](uint32_t p) { return p; });
    expect_unary(vocabulary.shift_left_1, [](uint32_t p) { return p << 1; });
    expect_unary(vocabulary.shift_left_23, [](uint32_t p) { return p << 23; });
    expect_unary(vocabulary.shift_left_31, [](uint32_t p) { return p << 31; });
  }
}

}  // namespace
}  // namespace rectify::tests
