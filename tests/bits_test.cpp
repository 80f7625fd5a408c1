// Every backend gives the bits of the scalar reference: for every input, parameter, length, alignment and aliasing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

template <class T>
void run(const Operation& operation, const std::vector<T>& x, const std::vector<T>& dy, std::vector<T>& out,
         const rectify_options& options) {
  out.resize(x.size());
  EXPECT_EQ(operation.call(x.size(), x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
}

template <class T>
std::vector<T> run(const Operation& operation, const std::vector<T>& x, const std::vector<T>& dy,
                   const rectify_options& options) {
  std::vector<T> out(x.size(), unwritten<T>);
  run(operation, x, dy, out, options);
  return out;
}

// Says which inputs led to a difference.
template <class T>
testing::AssertionResult same_outputs(const Operation& operation, const std::vector<T>& x, const std::vector<T>& dy,
                                      const std::vector<T>& expected, const std::vector<T>& actual) {
  const testing::AssertionResult result = same_bits(expected, actual);
  if (result) return result;
  size_t i = 0;
  while (same_bits(expected[i], actual[i])) ++i;
  return testing::AssertionFailure() << operation << " at x = " << shown(x[i]) << ", dy = " << shown(dy[i]) << ": "
                                     << result.message();
}

// One case per operation, so that an exhaustive run shows its progress.
class AllInputs : public VectorsAgainstScalar {
 public:
  template <class Format>
  static constexpr bool takes_in_emulator = stands_for_element_type<Format>;
  template <class Format>
  static std::vector<std::string> variants() {
    std::vector<std::string> names;
    for (const Operation& operation : default_operations<Format>()) names.push_back(operation.name);
    return names;
  }

 protected:
  std::vector<Operation> of_this_case(std::vector<Operation> operations) const {
    std::erase_if(operations, [&](const Operation& operation) { return operation.name != variant; });
    EXPECT_FALSE(operations.empty());
    return operations;
  }

  enum class Gradients { ones, scrambled };  // ones show the factor of dy as it is; scrambled ones have any bits

  // Walks through all patterns of T in steps of `stride`, with gradients that depend on the seed.
  template <class T>
  void expect_scalar_bits(const Operation& operation, uint64_t stride, Gradients gradients, uint32_t seed = 0) {
    constexpr uint64_t chunk = uint64_t{1} << 18, last = static_cast<BitsOf<T>>(~BitsOf<T>{0});
    const uint64_t total = last / stride + 1;
    std::vector<T> x, dy, expected, actual;
    for (uint64_t first = 0; first < total; first += chunk) {
      const size_t count = static_cast<size_t>(std::min(chunk, total - first));
      x.resize(count);
      dy.assign(count, rounded<T>(1.0));
      for (size_t i = 0; i < count; ++i) x[i] = from_bits<T>(static_cast<BitsOf<T>>((first + i) * stride));
      if (gradients == Gradients::scrambled) {
        // From the input's own bits, as far as 32 bits go.
        for (size_t i = 0; i < count; ++i) {
          const uint64_t bits = (first + i) * stride;
          dy[i] = scrambled_value<T>(static_cast<uint32_t>(bits ^ bits >> 32) + (seed << 16));
        }
      }
      run(operation, x, dy, expected, scalar);
      run(operation, x, dy, actual, options);
      ASSERT_TRUE(same_outputs(operation, x, dy, expected, actual));
    }
  }
};

// Of the patterns of a 16-bit format none is left out, of the others one in so many. f64 has too many to be exhaustive.
template <class T>
uint64_t stride_of(uint64_t of_f32) {
  if (is_sixteen_bit<T>) return 1;
  if (sizeof(T) == 4) return of_f32;
  return (uint64_t{1} << 42) / (emulated ? 1 : exhaustive() ? 64 : 4) * of_f32 / 251 + 1;
}

RECTIFY_ON_EACH_FORMAT(AllInputs, DefaultParameter) {
  for (const Operation& operation : of_this_case(default_operations<Format>())) {
    expect_scalar_bits<Element>(operation, stride_of<Element>(input_stride()), Gradients::ones);
    if (operation.is_forward) continue;
    // Of the gradients of a 16-bit format more than one goes with each input.
    const uint32_t seeds = is_sixteen_bit<Element> && !emulated ? 16 : 1;
    for (uint32_t seed = 0; seed < seeds; ++seed) {
      expect_scalar_bits<Element>(operation, stride_of<Element>(input_stride()), Gradients::scrambled, seed);
    }
  }
}

RECTIFY_ON_EACH_FORMAT(AllInputs, EveryParameter) {
  for (const Operation& operation : of_this_case(all_operations<Format>())) {
    // There a maximum may stand for the select, which is proved on all inputs: an exhaustive run is that proof.
    const bool by_maximum = operation.is_forward && operation.parameter > 0 && operation.parameter <= 1;
    const uint64_t stride = by_maximum ? input_stride() : emulated ? 1000003 : 16411;
    expect_scalar_bits<Element>(operation, stride_of<Element>(stride), Gradients::scrambled);
  }
}

// Every special x with every special dy, for every parameter.
RECTIFY_ON_EACH_FORMAT(AllInputs, SpecialValues) {
  const Values specials = special_values<Element>();
  Values x, dy;
  for (const Element a : specials) {
    for (const Element b : specials) {
      x.push_back(a);
      dy.push_back(b);
    }
  }
  for (const Operation& operation : of_this_case(all_operations<Format>())) {
    if (operation.is_forward) {
      EXPECT_TRUE(same_outputs(operation, specials, specials, run(operation, specials, specials, scalar),
                               run(operation, specials, specials, options)));
    } else {
      EXPECT_TRUE(same_outputs(operation, x, dy, run(operation, x, dy, scalar), run(operation, x, dy, options)));
    }
  }
}

// Here the scalar backend is tried as well: its bits must not depend on length, alignment or aliasing either.
class Bits : public AgainstScalar {};

// Every length up to four registers of 64 bytes and one more, then up to four groups of 64, then around blocks.
std::vector<size_t> tried_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= 4 * 64 + 1; ++n) lengths.push_back(n);
  for (const size_t border : {size_t{1024}, size_t{4096}, size_t{32768}, size_t{65536}}) {
    for (size_t n = border - 1; n <= border + 1; ++n) lengths.push_back(n);
  }
  return lengths;
}

RECTIFY_ON_EACH_FORMAT(Bits, DoNotDependOnTheLength) {
  const std::vector<size_t> lengths = tried_lengths();
  const Values x = mixed_values<Element>(lengths.back(), 1);
  const Values dy = mixed_values<Element>(lengths.back(), 2);
  for (const Operation& operation : default_operations<Format>()) {
    const Values expected = run(operation, x, dy, scalar);
    Values out(lengths.back() + 1);
    for (const size_t n : lengths) {
      std::fill(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n + 1), unwritten<Element>);
      ASSERT_EQ(operation.call(n, x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(std::span(expected).first(n), std::span(out).first(n))) << operation << ", n = " << n;
      ASSERT_TRUE(identical_bits(out[n], unwritten<Element>)) << operation << " wrote past its end, n = " << n;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Bits, DoNotDependOnTheAlignment) {
  constexpr size_t longest = 4099, offsets = 64 / sizeof(Element);
  const Values x = mixed_values<Element>(longest, 3);
  const Values dy = mixed_values<Element>(longest, 4);
  const auto shifted = [](const Values& values, size_t offset) {
    Values result(values.size() + offsets);
    std::copy(values.begin(), values.end(), result.begin() + static_cast<std::ptrdiff_t>(offset));
    return result;
  };
  Values out(longest + offsets);
  for (const Operation& operation : default_operations<Format>()) {
    const Values expected = run(operation, x, dy, scalar);
    for (size_t offset = 0; offset < offsets; ++offset) {
      const Values shifted_x = shifted(x, offset), shifted_dy = shifted(dy, offset);
      for (const size_t n : {size_t{5}, size_t{16}, size_t{33}, size_t{70}, size_t{257}, longest}) {
        const auto expect_bits = [&](const Element* x_at, const Element* dy_at, Element* out_at, const char* what) {
          std::fill(out.begin(), out.end(), unwritten<Element>);
          ASSERT_EQ(operation.call(n, x_at, dy_at, out_at, &options), RECTIFY_OK) << operation;
          ASSERT_TRUE(same_bits(std::span(expected).first(n), std::span<const Element>(out_at, n)))
              << operation << ", n = " << n << ", " << what << " at an offset of " << offset << " elements";
        };
        expect_bits(shifted_x.data() + offset, dy.data(), out.data(), "x");
        expect_bits(x.data(), shifted_dy.data() + offset, out.data(), "dy");
        expect_bits(x.data(), dy.data(), out.data() + offset, "the output");
        expect_bits(shifted_x.data() + offset, shifted_dy.data() + offset, out.data() + offset, "everything");
      }
    }
  }
}

RECTIFY_ON_EACH_FORMAT(Bits, DoNotDependOnAliasing) {
  for (const size_t n : {size_t{1}, size_t{15}, size_t{64}, size_t{71}, size_t{4097}, size_t{100003}}) {
    const Values x = mixed_values<Element>(n, 5);
    const Values dy = mixed_values<Element>(n, 6);
    for (const Operation& operation : default_operations<Format>()) {
      const Values expected = run(operation, x, dy, scalar);
      Values over_x = x;
      ASSERT_EQ(operation.call(n, over_x.data(), dy.data(), over_x.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected, over_x)) << operation << ", over x, n = " << n;
      if (operation.is_forward) continue;

      Values over_dy = dy;
      ASSERT_EQ(operation.call(n, x.data(), over_dy.data(), over_dy.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected, over_dy)) << operation << ", over dy, n = " << n;

      const Values expected_of_one = run(operation, x, x, scalar);
      Values all = x;
      ASSERT_EQ(operation.call(n, all.data(), all.data(), all.data(), &options), RECTIFY_OK) << operation;
      ASSERT_TRUE(same_bits(expected_of_one, all)) << operation << ", x is dy is dx, n = " << n;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
