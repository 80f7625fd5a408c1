// Each vector operation of each instruction set against plain C++: the kernels have no other words, so what holds here
// holds for whatever is said with them.
#include "tests/vocabulary/vocabulary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {

extern const Vocabulary vocabulary_avx512, vocabulary_avx2, vocabulary_neon;

namespace {

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

  // check(…) on every kind of vector.
  template <class Check>
  void on_each_memory(Check check) {
    const auto on = [&](const char* kind, const auto& memory) {
      SCOPED_TRACE(kind);
      check(memory);
    };
    on("f32", vocabulary.f32);
    on("f32 of f16", vocabulary.f32_of_f16);
    on("f32 of bf16", vocabulary.f32_of_bf16);
    on("bfloats", vocabulary.bfloats);
    on("bfloats of f32", vocabulary.bfloats_of_f32);
    on("f64", vocabulary.f64);
    on("patterns of f16", vocabulary.f16_patterns);
    on("patterns of bf16", vocabulary.bf16_patterns);
  }
  template <class Check>
  void on_each_arithmetic(Check check) {
    const auto on = [&](const char* kind, const auto& arithmetic) {
      SCOPED_TRACE(kind);
      check(arithmetic);
    };
    on("f32", vocabulary.f32_computing.arithmetic);
    on("f64", vocabulary.f64_computing.arithmetic);
    on("bfloats", vocabulary.bfloats_arithmetic);
  }
  template <class Check>
  void on_each_computing(Check check) {
    const auto on = [&](const char* kind, const auto& computing) {
      SCOPED_TRACE(kind);
      check(computing, computing.arithmetic);
    };
    on("f32", vocabulary.f32_computing);
    on("f64", vocabulary.f64_computing);
  }

  const Vocabulary& vocabulary = *GetParam();
};

INSTANTIATE_TEST_SUITE_P(, VocabularyTest, testing::ValuesIn(vocabularies),
                         [](const testing::TestParamInfo<const Vocabulary*>& tested) {
                           return std::string(tested.param->backend);
                         });

// ---- Inputs and comparisons ----

constexpr size_t many = emulated ? 20000 : 500000;

// Numbers of any kind and exponent.
template <class T>
std::vector<T> any_values(size_t count, uint32_t seed) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = scrambled_value<T>(static_cast<uint32_t>(i) + seed * 0x9e3779b9u);
  return values;
}

// Every special value with every other.
template <class T>
struct Pairs {
  std::vector<T> a, b;
  Pairs() {
    const std::vector<T> specials = special_values<T>();
    for (const T first : specials) {
      for (const T second : specials) {
        a.push_back(first);
        b.push_back(second);
      }
    }
  }
};

// Bits for bits, so that no NaN is like another, or NaN as one value.
constexpr auto to_the_bit = [](const auto& expected, const auto& actual) { return identical_bits(expected, actual); };
constexpr auto up_to_nan = [](const auto& expected, const auto& actual) { return same_bits(expected, actual); };

// Runs `operation` on whole vectors until all of `first` is used and compares with `plain`, which has one value at a time.
// The last vector is filled up.
template <class Compare, class Operation, class Plain, class T, class... Rest>
void expect_lanes(Compare compare, size_t lanes, Operation operation, Plain plain, std::vector<T> first, Rest... rest) {
  const size_t count = (first.size() + lanes - 1) / lanes * lanes;
  first.resize(count);
  (rest.resize(count), ...);
  std::vector<T> expected(count), actual(count);
  for (size_t i = 0; i < count; ++i) expected[i] = plain(first[i], rest[i]...);
  for (size_t i = 0; i < count; i += lanes) operation(&first[i], &rest[i]..., &actual[i]);
  EXPECT_TRUE(compare(expected, actual));
}

// The exact value; patterns stay what they are.
template <class Value, class Element>
Value as_value(Element element) {
  if constexpr (std::is_same_v<Value, Element>) {
    return element;
  } else {
    return widened(element);
  }
}
template <class Element, class Value>
Element as_element(Value value) {
  if constexpr (std::is_same_v<Value, Element>) {
    return value;
  } else {
    return rounded<Element>(static_cast<double>(value));
  }
}

template <class Value, class Element>
std::vector<Value> as_values(const std::vector<Element>& elements) {
  std::vector<Value> values;
  for (const Element element : elements) values.push_back(as_value<Value>(element));
  return values;
}

// What keeps its bits through a conversion, a signalling NaN included: as the stores of values are tested with.
template <class Element, class Value>
std::vector<Value> storable_values(size_t count, uint32_t seed) {
  if constexpr (std::is_same_v<Value, Element>) return any_values<Value>(count, seed);
  return ordinary_values<Value>(count, seed, 4.0f);
}
template <class Element, class Value>
std::vector<Element> stored(const std::vector<Value>& values) {
  std::vector<Element> elements;
  for (const Value value : values) elements.push_back(as_element<Element>(value));
  return elements;
}

// What was loaded: bit for bit, but for a conversion that made a signalling NaN quiet.
template <class Element, class Value>
testing::AssertionResult is_loaded(const std::vector<Value>& expected, const std::vector<Value>& loaded) {
  if constexpr (std::is_same_v<Value, Element>) return identical_bits(expected, loaded);
  return all_same(as_span(expected), as_span(loaded), [](Value a, Value b) { return quiet_bits(a) == quiet_bits(b); });
}

template <class T>
std::vector<T> head(const std::vector<T>& values, size_t count) {
  return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count)};
}

// ---- Memory: any alignment of an element, flush against inaccessible pages on either side ----

// Both sides, and every distance up to a little over a vector.
template <class Element, class Check>
void at_each_place(size_t lanes, Check check) {
  for (size_t offset = 0; offset <= lanes + 1; ++offset) {
    for (const auto side : {Placement::start, Placement::end}) check(Placement{side, offset * sizeof(Element)});
  }
}

TEST_P(VocabularyTest, Load) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    const std::vector<Element> elements = any_values<Element>(memory.lanes, 1);
    at_each_place<Element>(memory.lanes, [&](Placement place) {
      const GuardedBuffer<Element> from(elements, place);
      std::vector<Value> out(memory.lanes);
      memory.load(from.data(), out.data());
      EXPECT_TRUE(is_loaded<Element>(as_values<Value>(elements), out));
      memory.load_once(from.data(), out.data());
      EXPECT_TRUE(is_loaded<Element>(as_values<Value>(elements), out));
      EXPECT_TRUE(from.check());
    });
  });
}

TEST_P(VocabularyTest, LoadPartial) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    const std::vector<Element> elements = any_values<Element>(memory.lanes, 2);
    for (size_t count = 0; count < memory.lanes; ++count) {
      std::vector<Value> expected = as_values<Value>(head(elements, count));
      expected.resize(memory.lanes);  // the others load as +0
      at_each_place<Element>(memory.lanes, [&](Placement place) {
        const GuardedBuffer<Element> from(head(elements, count), place);
        std::vector<Value> out(memory.lanes, from_bits<Value>(1));
        memory.load_partial(from.data(), count, out.data());
        EXPECT_TRUE(is_loaded<Element>(expected, out)) << count << " lanes";
      });
    }
  });
}

TEST_P(VocabularyTest, Store) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    const std::vector<Value> values = storable_values<Element, Value>(memory.lanes, 4);
    at_each_place<Element>(memory.lanes, [&](Placement place) {
      const GuardedBuffer<Element> to(memory.lanes, place);
      memory.store(to.data(), values.data());
      EXPECT_TRUE(identical_bits(stored<Element>(values), to.span()));
      EXPECT_TRUE(to.check());
    });
  });
}

TEST_P(VocabularyTest, StorePartial) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    const std::vector<Value> values = storable_values<Element, Value>(memory.lanes, 5);
    for (size_t count = 0; count < memory.lanes; ++count) {
      at_each_place<Element>(memory.lanes, [&](Placement place) {
        const GuardedBuffer<Element> to(count, place);
        memory.store_partial(to.data(), values.data(), count);
        EXPECT_TRUE(identical_bits(stored<Element>(head(values, count)), to.span())) << count << " lanes";
        EXPECT_TRUE(to.check()) << count << " lanes";
      });
    }
  });
}

TEST_P(VocabularyTest, Stream) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    const std::vector<Value> values = storable_values<Element, Value>(memory.lanes, 6);
    for (size_t vectors = 0; vectors < 4; ++vectors) {
      for (const auto side : {Placement::start, Placement::end}) {
        const GuardedBuffer<Element> to(memory.lanes, Placement{side, vectors * memory.lanes * sizeof(Element)});
        memory.stream(to.data(), values.data());
        EXPECT_TRUE(identical_bits(stored<Element>(values), to.span()));
        EXPECT_TRUE(to.check());
      }
    }
  });
}

// ---- Conversions ----

TEST_P(VocabularyTest, WidensEveryElement) {
  const auto expect_widened = [](auto element, float value) {
    // A signalling NaN may come quiet; its payload stays, and below it there are zeros.
    const uint32_t bits = bits_of(widened(element));
    return bits_of(value) == bits || (is_nan(element) && bits_of(value) == (bits | Number<float>::quiet));
  };
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const Bfloat bfloat{static_cast<uint16_t>(bits)};
    ASSERT_TRUE(expect_widened(half, vocabulary.widen_half(half))) << shown(half);
    ASSERT_TRUE(expect_widened(bfloat, vocabulary.widen_bfloat(bfloat))) << shown(bfloat);
  }
  on_each_memory([&]<class Element, class Value>(const Memory<Element, Value>& memory) {
    if constexpr (!std::is_same_v<Element, Value>) {
      std::vector<Element> elements(memory.lanes);
      std::vector<Value> out(memory.lanes);
      for (uint32_t bits = 0; bits <= 0xFFFF;) {
        for (Element& element : elements) element = {static_cast<uint16_t>(bits++)};
        memory.load(elements.data(), out.data());
        for (size_t j = 0; j < memory.lanes; ++j) ASSERT_TRUE(expect_widened(elements[j], out[j])) << shown(elements[j]);
      }
    }
  });
}

// Rounds what it is given, many at a time, and compares with the correct rounding.
template <class Element>
class Rounding {
 public:
  explicit Rounding(const Memory<Element, float>& memory) : memory_(memory) {}

  void operator()(float value) {
    values_.push_back(value);
    if (values_.size() == memory_.lanes) finish();
  }
  void finish() {
    if (values_.empty()) return;
    values_.resize(memory_.lanes);
    std::vector<Element> out(memory_.lanes);
    memory_.store(out.data(), values_.data());
    for (size_t j = 0; j < memory_.lanes; ++j) {
      if (same_bits(rounded<Element>(static_cast<double>(values_[j])), out[j])) continue;
      if (++wrong_ <= 5) ADD_FAILURE() << shown(values_[j]) << " is rounded to " << shown(out[j]);
    }
    values_.clear();
  }
  ~Rounding() {
    finish();
    EXPECT_EQ(wrong_, 0u);
  }

 private:
  const Memory<Element, float>& memory_;
  std::vector<float> values_;
  size_t wrong_ = 0;
};

// Whether a store to this format is made for the value: of NaN bf16 is given those whose lower half is zeros.
template <class Element>
bool is_rounded_to(float value) {
  return std::is_same_v<Element, Half> || !is_nan(value) || (bits_of(value) & 0xFFFF) == 0;
}

// A stride of all floats, or all; every denormal; the middle between every two neighbours, and what lies beside it; the
// border of overflow.
TEST_P(VocabularyTest, RoundsToNearestEven) {
  on_each_memory([]<class Element, class Value>(const Memory<Element, Value>& memory) {
    if constexpr (!std::is_same_v<Element, Value>) {
      using N = Number<Element>;
      Rounding<Element> expect_rounded(memory);
      const auto all_of = [&](uint64_t begin, uint64_t end, uint64_t step) {
        for (uint64_t bits = begin; bits < end; bits += step) {
          const float value = float_of(static_cast<uint32_t>(bits));
          if (is_rounded_to<Element>(value)) expect_rounded(value);
        }
      };
      all_of(0, uint64_t{1} << 32, input_stride());
      for (const uint64_t sign : {uint64_t{0}, uint64_t{0x80000000}}) {
        if (!exhaustive()) all_of(sign, sign + 0x00800000, emulated ? 1009 : 1);
        all_of(sign + 0x7f800000, sign + 0x80000000, 0x10000);  // infinity and NaN
      }
      for (uint32_t bits = 0; bits < N::infinity; ++bits) {
        const auto exact = [](uint32_t of) {  // beyond the largest: what would follow
          const double value =
              static_cast<double>(widened(from_bits<Element>(static_cast<uint16_t>(of & (N::infinity - 1)))));
          return of < N::infinity ? value : std::ldexp(1.0, 2 - N::lowest_exponent);
        };
        const uint32_t tie = bits_of(static_cast<float>((exact(bits) + exact(bits + 1)) / 2));
        for (const uint32_t near : {bits_of(static_cast<float>(exact(bits))), tie - 1, tie, tie + 1}) {
          expect_rounded(float_of(near));
          expect_rounded(float_of(near | 0x80000000));
        }
      }
    }
  });
}

TEST_P(VocabularyTest, WithoutPayload) {
  const auto expect = [](size_t lanes, auto operation) {
    const auto plain = [](float a) { return is_nan(a) ? float_of(0x7fc00000) : a; };
    expect_lanes(to_the_bit, lanes, operation, plain, special_values<float>());
    expect_lanes(to_the_bit, lanes, operation, plain, any_values<float>(many, 7));
  };
  expect(vocabulary.f32.lanes, vocabulary.f32_without_payload);
  expect(vocabulary.bfloats.lanes, vocabulary.bfloats_without_payload);
}

// ---- Arithmetic: one rounding each ----

TEST_P(VocabularyTest, Broadcast) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    for (const T value : special_values<T>()) {
      std::vector<T> out(arithmetic.lanes);
      arithmetic.broadcast(value, out.data());
      EXPECT_TRUE(identical_bits(std::vector<T>(arithmetic.lanes, value), out));
      arithmetic.in_register(value, out.data());
      EXPECT_TRUE(identical_bits(std::vector<T>(arithmetic.lanes, value), out));
    }
    std::vector<T> out(arithmetic.lanes);
    arithmetic.in_memory(out.data());
    EXPECT_TRUE(identical_bits(std::vector<T>(arithmetic.lanes, third<T>), out));
  });
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    for (const T value : special_values<T>()) {
      std::vector<T> out(arithmetic.lanes);
      computing.broadcast_bits(bits_of(value), out.data());
      EXPECT_TRUE(identical_bits(std::vector<T>(arithmetic.lanes, value), out));
    }
  });
}

// Special values with each other, any bits with any, and ordinary ones.
template <class T, class Operation, class Plain>
void expect_binary(size_t lanes, Operation operation, Plain plain, uint32_t seed) {
  const Pairs<T> pairs;
  expect_lanes(up_to_nan, lanes, operation, plain, pairs.a, pairs.b);
  expect_lanes(up_to_nan, lanes, operation, plain, any_values<T>(many, seed), any_values<T>(many, seed + 1));
  expect_lanes(up_to_nan, lanes, operation, plain, ordinary_values<T>(many, seed + 2),
               ordinary_values<T>(many, seed + 3, 1024.0f));
}

TEST_P(VocabularyTest, Add) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    expect_binary<T>(
        arithmetic.lanes, arithmetic.add, [](T a, T b) { return a + b; }, 10);
  });
}

TEST_P(VocabularyTest, Multiply) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    expect_binary<T>(
        arithmetic.lanes, arithmetic.multiply, [](T a, T b) { return a * b; }, 20);
  });
}

TEST_P(VocabularyTest, Subtract) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    expect_binary<T>(
        arithmetic.lanes, computing.subtract, [](T a, T b) { return a - b; }, 30);
  });
}

TEST_P(VocabularyTest, Divide) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    expect_binary<T>(
        arithmetic.lanes, computing.divide, [](T a, T b) { return a / b; }, 40);
  });
}

// One rounding, not two: a product that cancels against c shows the difference.
TEST_P(VocabularyTest, Fma) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    const size_t lanes = arithmetic.lanes;
    const auto plain = [](T a, T b, T c) { return std::fma(a, b, c); };
    const Pairs<T> pairs;
    using Limits = std::numeric_limits<T>;
    for (const T c : {T{0}, -T{0}, T{1}, -Limits::min(), Limits::max() / 2, Limits::infinity(), Limits::quiet_NaN()}) {
      expect_lanes(up_to_nan, lanes, computing.fma, plain, pairs.a, pairs.b, std::vector<T>(pairs.a.size(), c));
      expect_lanes(up_to_nan, lanes, computing.fma, plain, pairs.a, std::vector<T>(pairs.a.size(), c), pairs.b);
    }
    const std::vector<T> a = ordinary_values<T>(many, 40), b = ordinary_values<T>(many, 41);
    std::vector<T> cancelling(many);
    for (size_t i = 0; i < many; ++i) cancelling[i] = -(a[i] * b[i]);
    expect_lanes(up_to_nan, lanes, computing.fma, plain, a, b, cancelling);
    expect_lanes(up_to_nan, lanes, computing.fma, plain, any_values<T>(many, 42), any_values<T>(many, 43),
                 any_values<T>(many, 44));
  });
}

// Rounded as 1 + p, and once more where the result is denormal.
TEST_P(VocabularyTest, ScaleOnePlus) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    constexpr int lowest = sizeof(T) == 4 ? -150 : -1076, lift = sizeof(T) == 4 ? 24 : 54;
    std::vector<T> p, n, scale;
    for (int power = lowest; power <= 1; ++power) {
      for (const T fraction : ordinary_values<T>(200, static_cast<uint32_t>(power - lowest), 0.5f)) {
        p.push_back(fraction * T(0.82));
        n.push_back(static_cast<T>(power));
        scale.push_back(std::ldexp(T{1}, power + lift));
      }
    }
    const auto plain = [](T fraction, T power, T) { return std::ldexp(T{1} + fraction, static_cast<int>(power)); };
    expect_lanes(up_to_nan, arithmetic.lanes, computing.scale_one_plus, plain, p, n, scale);
  });
}

// ---- Comparisons are false for NaN; a select keeps every bit of what it takes ----

template <class T>
bool is_below_zero(T value) {
  return !is_nan(value) && (bits_of(value) & Number<T>::sign) != 0 && bits_of(value) != Number<T>::sign;
}
template <class T>
bool is_zero_or_below(T value) {
  return is_below_zero(value) || static_cast<BitsOf<T>>(bits_of(value) & ~Number<T>::sign) == 0;
}

template <class T>
std::vector<T> compared_values() {
  std::vector<T> values = special_values<T>(), others = any_values<T>(many / 10, 50);
  values.insert(values.end(), others.begin(), others.end());
  return values;
}

TEST_P(VocabularyTest, Select) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    const std::vector<T> c = compared_values<T>(), a = any_values<T>(c.size(), 51), b = any_values<T>(c.size(), 52);
    expect_lanes(
        to_the_bit, arithmetic.lanes, arithmetic.select_below_zero,
        [](T of, T yes, T no) { return is_below_zero(of) ? yes : no; }, c, a, b);
    expect_lanes(
        to_the_bit, arithmetic.lanes, arithmetic.select_zero_or_below,
        [](T of, T yes, T no) { return is_zero_or_below(of) ? yes : no; }, c, a, b);
    for (size_t count = 0; count <= arithmetic.lanes; ++count) {
      std::vector<T> expected = head(b, arithmetic.lanes), out(arithmetic.lanes);
      std::copy_n(a.begin(), count, expected.begin());
      arithmetic.select_first(count, a.data(), b.data(), out.data());
      EXPECT_TRUE(identical_bits(expected, out)) << count << " lanes";
    }
  });
}

TEST_P(VocabularyTest, ZeroWhere) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    const std::vector<T> c = compared_values<T>(), a = any_values<T>(c.size(), 53);
    expect_lanes(
        to_the_bit, arithmetic.lanes, computing.zero_where_below_zero,
        [](T of, T value) { return is_below_zero(of) ? T{0} : value; }, c, a);
    expect_lanes(
        to_the_bit, arithmetic.lanes, computing.zero_where_zero_or_below,
        [](T of, T value) { return is_zero_or_below(of) ? T{0} : value; }, c, a);
  });
}

TEST_P(VocabularyTest, ZeroWhereInPatterns) {
  const auto expect = []<class Element>(const Moving<Element>& moving) {
    std::vector<Element> c;  // every pattern, in every lane
    for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) c.push_back({static_cast<uint16_t>(bits)});
    for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) c.push_back({static_cast<uint16_t>(bits * 40503)});
    const std::vector<Element> a = any_values<Element>(c.size(), 54);
    expect_lanes(
        to_the_bit, moving.lanes, moving.zero_where_below_zero,
        [](Element of, Element value) { return is_below_zero(of) ? Element{} : value; }, c, a);
    expect_lanes(
        to_the_bit, moving.lanes, moving.zero_where_zero_or_below,
        [](Element of, Element value) { return is_zero_or_below(of) ? Element{} : value; }, c, a);
  };
  expect(vocabulary.f16_moving);
  expect(vocabulary.bf16_moving);
}

// The first only where it is truly greater: -0 and +0 are equal, and NaN is not compared.
TEST_P(VocabularyTest, GreaterOrSecond) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    const auto plain = [](T a, T b) { return a > b ? a : b; };
    const Pairs<T> pairs;
    expect_lanes(to_the_bit, arithmetic.lanes, arithmetic.greater_or_second, plain, pairs.a, pairs.b);
    expect_lanes(to_the_bit, arithmetic.lanes, arithmetic.greater_or_second, plain, any_values<T>(many, 55),
                 any_values<T>(many, 56));
  });
}

// Whatever the pattern of the mask, and whatever stands in the lanes it leaves out. `check` has a vector that is negative
// where the mask is to be set, and values.
template <class T, class Check>
void with_every_mask(size_t lanes, Check check) {
  const std::vector<T> specials = special_values<T>();
  const uint32_t patterns = 1u << std::min<size_t>(lanes, 16);
  for (uint32_t k = 0; k < patterns; k += emulated ? 7 : 1) {
    const uint32_t pattern = lanes <= 16 ? k : scrambled(k);
    std::vector<T> c(lanes), a(lanes), b(lanes);
    for (size_t j = 0; j < lanes; ++j) {
      c[j] = (pattern >> j & 1) != 0 ? T{-1} : T{1};
      a[j] = specials[(k + j * 31) % specials.size()];
      b[j] = specials[(k * 7 + j) % specials.size()];
    }
    SCOPED_TRACE(pattern);
    check(c, a, b, k);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_P(VocabularyTest, EveryMask) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    using Values = std::vector<T>;
    const size_t lanes = arithmetic.lanes;
    with_every_mask<T>(lanes, [&](const Values& c, const Values& a, const Values& b, uint32_t k) {
      const Values sum = ordinary_values<T>(lanes, k);
      Values out(lanes), expected(lanes);
      arithmetic.select_below_zero(c.data(), a.data(), b.data(), out.data());
      for (size_t j = 0; j < lanes; ++j) expected[j] = c[j] < 0 ? a[j] : b[j];
      EXPECT_TRUE(identical_bits(expected, out)) << "select";

      const auto expect_sums = [&](auto is_summed, const char* what) {
        for (size_t j = 0; j < lanes; ++j) {
          expected[j] = is_summed(j) ? std::fma(a[j], b[j], sum[j]) : sum[j];
          if (out[j] == 0 && expected[j] == 0) out[j] = expected[j];  // the sign of a zero sum is free
        }
        EXPECT_TRUE(same_bits(expected, out)) << what;
      };
      arithmetic.fma_where_below_zero(c.data(), a.data(), b.data(), sum.data(), out.data());
      expect_sums([&](size_t j) { return c[j] < 0; }, "fma_where");
      const size_t count = k % (lanes + 1);
      arithmetic.fma_where_first(count, a.data(), b.data(), sum.data(), out.data());
      expect_sums([&](size_t j) { return j < count; }, "fma_where the first");
    });
  });
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    using Values = std::vector<T>;
    const size_t lanes = arithmetic.lanes;
    with_every_mask<T>(lanes, [&](const Values& c, const Values& a, const Values&, uint32_t) {
      Values out(lanes), expected(lanes);
      computing.zero_where_below_zero(c.data(), a.data(), out.data());
      for (size_t j = 0; j < lanes; ++j) expected[j] = c[j] < 0 ? 0 : a[j];
      EXPECT_TRUE(identical_bits(expected, out)) << "zero_where";
    });
  });
}

// ---- Masks and the bits of a word ----

// Words with a bit, without one, and with any; the lanes' bits begin at each multiple of their number.
template <class Check>
void with_every_word(size_t lanes, Check check) {
  std::vector<uint64_t> words = {0, ~uint64_t{0}, 0x5555555555555555, 0xAAAAAAAAAAAAAAAA};
  for (uint32_t bit = 0; bit < 64; ++bit) words.insert(words.end(), {uint64_t{1} << bit, ~(uint64_t{1} << bit)});
  for (uint32_t i = 0; i < (emulated ? 1000 : 20000); ++i) words.push_back(uint64_t{scrambled(i)} << 32 | scrambled(~i));
  for (const uint64_t word : words) {
    for (size_t begin = 0; begin < 64; begin += lanes) {
      check(word, begin);
      ASSERT_FALSE(testing::Test::HasFailure()) << std::hex << "word " << word << std::dec << " from bit " << begin;
    }
  }
}

// What else stands in the word has no part in it.
TEST_P(VocabularyTest, MaskOfBits) {
  on_each_arithmetic([]<class T>(const Arithmetic<T>& arithmetic) {
    const size_t lanes = arithmetic.lanes;
    const std::vector<T> set = any_values<T>(lanes, 70), clear = any_values<T>(lanes, 71);
    std::vector<T> expected(lanes), out(lanes);
    with_every_word(lanes, [&](uint64_t word, size_t begin) {
      for (size_t j = 0; j < lanes; ++j) expected[j] = (word >> (begin + j) & 1) != 0 ? set[j] : clear[j];
      arithmetic.select_of_bits(word, begin, set.data(), clear.data(), out.data());
      EXPECT_TRUE(identical_bits(expected, out));
    });
  });
}

TEST_P(VocabularyTest, MaskOfBitsInPatterns) {
  const auto expect = []<class Element>(const Moving<Element>& moving) {
    const size_t lanes = moving.lanes;
    const std::vector<Element> values = any_values<Element>(lanes, 72), others = any_values<Element>(lanes, 73);
    std::vector<Element> expected(lanes), out(lanes);
    with_every_word(lanes, [&](uint64_t word, size_t begin) {
      const auto expect_where_set = [&](const std::vector<Element>& set) {
        for (size_t j = 0; j < lanes; ++j) expected[j] = (word >> (begin + j) & 1) != 0 ? set[j] : values[j];
        EXPECT_TRUE(identical_bits(expected, out));
      };
      moving.zero_where_bits(word, begin, values.data(), out.data());
      expect_where_set(std::vector<Element>(lanes));
      moving.select_of_bits(word, begin, others.data(), values.data(), out.data());
      expect_where_set(others);
    });
  };
  expect(vocabulary.f16_moving);
  expect(vocabulary.bf16_moving);
}

TEST_P(VocabularyTest, ProductOfPatterns) {
  if (vocabulary.multiply_patterns == nullptr) return;
  std::vector<Bfloat> a;
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) a.push_back({static_cast<uint16_t>(bits)});
  for (const float factor : {1.0f, -0.25f, 0.01f, 3.0f, 1e-20f, 1e30f, 0.0f}) {
    expect_lanes(
        up_to_nan, vocabulary.bf16_moving.lanes, vocabulary.multiply_patterns,
        [&](Bfloat value, float b) { return rounded<Bfloat>(double{vocabulary.widen_bfloat(value) * b}); }, a,
        std::vector<float>(a.size(), factor));
  }
}

// And no bit above those of the lanes.
TEST_P(VocabularyTest, BitsOfAMask) {
  const auto expect = []<class T>(size_t lanes, uint64_t (*bits_of_zero_or_below)(const T*), const std::vector<T>& values) {
    for (size_t i = 0; i + lanes <= values.size(); i += lanes) {
      uint64_t expected = 0;
      for (size_t j = 0; j < lanes; ++j) expected |= uint64_t{is_zero_or_below(values[i + j])} << j;
      ASSERT_EQ(expected, bits_of_zero_or_below(&values[i])) << "from value " << i;
    }
  };
  on_each_computing([&]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    expect(arithmetic.lanes, computing.bits_of_zero_or_below, compared_values<T>());
    with_every_mask<T>(arithmetic.lanes, [&](const std::vector<T>& c, const auto&, const auto&, uint32_t) {
      expect(arithmetic.lanes, computing.bits_of_zero_or_below, c);
    });
  });
  const auto expect_of_patterns = [&]<class Element>(const Moving<Element>& moving) {
    for (const uint32_t factor : {1u, 40503u}) {  // every pattern, in an order of its own
      std::vector<Element> values;
      for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) values.push_back({static_cast<uint16_t>(bits * factor)});
      expect(moving.lanes, moving.bits_of_zero_or_below, values);
    }
  };
  expect_of_patterns(vocabulary.f16_moving);
  expect_of_patterns(vocabulary.bf16_moving);
}

// ---- Bits and places ----

TEST_P(VocabularyTest, Transpose) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    const size_t lanes = arithmetic.lanes;
    const std::vector<T> rows = any_values<T>(lanes * lanes, 60);
    std::vector<T> expected(lanes * lanes), columns(lanes * lanes);
    for (size_t i = 0; i < lanes; ++i)
      for (size_t j = 0; j < lanes; ++j) expected[j * lanes + i] = rows[i * lanes + j];
    computing.transpose(rows.data(), columns.data());
    EXPECT_TRUE(identical_bits(expected, columns));
  });
}

TEST_P(VocabularyTest, Folds) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    const size_t lanes = arithmetic.lanes;
    for (const bool special : {true, false}) {
      std::vector<T> rows = special ? mixed_values<T>(lanes * lanes, 61) : ordinary_values<T>(lanes * lanes, 62),
                     sums(lanes), expected(lanes), one_by_one(lanes);
      computing.fold_across(rows.data(), sums.data());
      for (size_t i = 0; i < lanes; ++i) {
        T* const row = rows.data() + i * lanes;
        one_by_one[i] = computing.fold_lanes(row);
        for (size_t half = lanes / 2; half != 0; half /= 2) {
          for (size_t j = 0; j < half; ++j) row[j] = row[j] + row[j + half];
        }
        expected[i] = row[0];
      }
      EXPECT_TRUE(same_bits(expected, sums));
      EXPECT_TRUE(same_bits(expected, one_by_one));
    }
  });
}

TEST_P(VocabularyTest, Permuted) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    if (computing.permuted == nullptr) return;
    const size_t lanes = arithmetic.lanes;
    const std::vector<T> a = any_values<T>(lanes, 63);
    std::vector<T> numbers = any_values<T>(lanes, 64), expected(lanes), to(lanes);
    for (size_t step = 0; step < lanes; ++step) {  // the same lane in all, and lanes in various orders
      for (size_t j = 0; j < lanes; ++j) {
        const auto lane = static_cast<uint8_t>((1 + step * j) % lanes);
        std::memcpy(&numbers[j], &lane, 1);  // its lowest bits
        expected[j] = a[lane];
      }
      computing.permuted(a.data(), numbers.data(), to.data());
      EXPECT_TRUE(identical_bits(expected, to)) << step;
    }
  });
}

// A minimum of the words of 32 bits.
template <class Word, class Bits>
Bits smaller_words(Bits a, Bits b) {
  Bits least = 0;
  for (size_t shift = 0; shift < 8 * sizeof(Bits); shift += 32) {
    const Word p = static_cast<Word>(static_cast<uint32_t>(a >> shift)),
               q = static_cast<Word>(static_cast<uint32_t>(b >> shift));
    least |= Bits{static_cast<uint32_t>(std::min(p, q))} << shift;
  }
  return least;
}

TEST_P(VocabularyTest, Bits) {
  on_each_computing([]<class T>(const auto& computing, const Arithmetic<T>& arithmetic) {
    using Bits = BitsOf<T>;
    const size_t lanes = arithmetic.lanes;
    const auto of_bits = [](auto operation) {
      return [=](auto... values) { return from_bits<T>(operation(bits_of(values)...)); };
    };
    const Pairs<T> pairs;
    for (const bool special : {true, false}) {
      const std::vector<T> a = special ? pairs.a : any_values<T>(many, 61), b = special ? pairs.b : any_values<T>(many, 62);
      expect_lanes(to_the_bit, lanes, computing.min_unsigned, of_bits(smaller_words<uint32_t, Bits>), a, b);
      expect_lanes(to_the_bit, lanes, computing.min_signed, of_bits(smaller_words<int32_t, Bits>), a, b);
      expect_lanes(to_the_bit, lanes, computing.add_bits, of_bits([](Bits p, Bits q) { return p + q; }), a, b);
      const auto expect_shifted = [&](auto operation, int count) {
        expect_lanes(to_the_bit, lanes, operation, of_bits([=](Bits bits) { return bits << count; }), a);
      };
      expect_shifted(computing.through_bits, 0);
      expect_shifted(computing.shift_left_1, 1);
      expect_shifted(computing.shift_left_by_mantissa, Number<T>::precision - 1);
      expect_shifted(computing.shift_left_most, 8 * sizeof(T) - 1);
    }
  });
}

}  // namespace
}  // namespace rectify::tests
