// Calls drawn by lot, with the function, the shape, the place of every tensor, what stands in place of what and the threads
// all at once: what the other families vary one by one. The lots are the same in every run; RECTIFY_DRAW=NUMBER draws
// others, RECTIFY_EXHAUSTIVE=1 a hundred times as many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/effort.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/masks.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/public_calls.hpp"

namespace rectify::tests {
namespace {

class Lots {
 public:
  explicit Lots(uint64_t seed) : bits_(seed) {}

  size_t below(size_t n) { return bits_() % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& of(std::span<const T> list) {
    return list[below(list.size())];
  }

  // Up to `most`, of any magnitude, and often at a power of two or beside one.
  size_t size(size_t most) {
    size_t magnitude = 1;
    while (magnitude <= most / 2 && !one_in(8)) magnitude *= 2;
    const size_t n = one_in(3) ? magnitude + below(3) - 1 : magnitude + below(magnitude);
    return std::clamp<size_t>(n, 1, most);
  }

  rectify_shape shape(size_t most) {
    if (one_in(4)) return {1, 1, size(most)};
    const size_t inner = one_in(3) ? 1 : size(most), channels = size(most / inner);
    return {size(most / inner / channels), channels, inner};
  }

  template <class T>
  Placement place() {
    const size_t distance = below(33);
    return one_in(2) ? elements_from_start<T>(distance) : elements_from_end<T>(distance);
  }

 private:
  std::mt19937_64 bits_;
};

enum class Output { own, x, dy };  // where it is written

struct Drawn {
  PublicCall call;
  Output output;
  size_t threads;
};

std::ostream& operator<<(std::ostream& stream, const Drawn& drawn) {
  constexpr const char* place[] = {"", ", in place of x", ", in place of dy"};
  return stream << drawn.call << place[static_cast<size_t>(drawn.output)] << ", " << drawn.threads << " threads";
}

template <class Format>
Drawn drawn_call(Lots& lots, size_t most) {
  static constexpr double slopes[] = {0.1, 0.01, -0.5, 1.5, 1.0, 0.0, -0.0, 1e-45};
  static constexpr double alphas[] = {1.0, 1.6732632423543772, 0.5, -2.0, 1e-40, 0.0};
  const rectify_shape shape = lots.shape(most);
  std::vector<PublicCall> calls;
  if (shape.channels == 1 && shape.outer == 1 && Format::has_scalar_slopes && lots.one_in(2))
    add_flat_calls<Format>(calls, shape.inner, lots.of<double>(slopes), lots.of<double>(alphas));
  else
    add_shaped_calls<Format>(calls, shape);
  return {lots.of<PublicCall>(calls), static_cast<Output>(lots.below(3)), lots.below(6)};
}

// The call over tensors that lie anywhere has these results, and touches nothing else.
template <class Format>
testing::AssertionResult gives(const Drawn& drawn, const Results<Format>& expected,
                               const std::vector<typename Format::Element>& x,
                               const std::vector<typename Format::Element>& dy,
                               const std::vector<typename Format::Slope>& slope, const rectify_options& options,
                               Lots& lots) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  const PublicCall& call = drawn.call;
  const size_t n = call.elements();
  const GuardedBuffer<Element> at_x(x, lots.place<Element>()), at_dy(dy, lots.place<Element>());
  const GuardedBuffer<Slope> at_slope(slope, lots.place<Slope>());
  const GuardedBuffer<Element> own(call.has_out ? n : 0, lots.place<Element>());
  const GuardedBuffer<Slope> sums(call.sum_count, lots.place<Slope>()), dbias(call.bias_count, lots.place<Slope>());
  GuardedBuffer<unsigned char> mask(call.mask == Mask::none ? 0 : mask_bytes(n), lots.place<unsigned char>());
  if (call.mask == Mask::read) mask.fill(mask_of(std::span(x)));

  Element* const out = drawn.output == Output::x ? at_x.data() : drawn.output == Output::dy ? at_dy.data() : own.data();
  const Tensors tensors = {at_x.data(), at_dy.data(), at_slope.data(),
                           out,         sums.data(),  call.mask == Mask::none ? nullptr : mask.data(),
                           dbias.data()};
  Results<Format> results;
  results.status = call.run(tensors, &options);
  // These take the parameter's gradient from dy when dx is written.
  const bool reads_dy_again =
      call.sum_count != 0 && (call.name.starts_with("fused_") || call.name.starts_with("prelu_backward_from_mask"));
  if (reads_dy_again && drawn.output == Output::dy) {
    if (results.status == RECTIFY_ERROR_OVERLAP) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "dx in place of dy was accepted";
  }
  if (call.has_out) results.out.assign(out, out + n);
  results.sums.assign(sums.begin(), sums.end());
  results.dbias.assign(dbias.begin(), dbias.end());
  results.mask.assign(mask.begin(), mask.end());
  if (const testing::AssertionResult same = same_results(expected, results); !same) return same;

  for (const testing::AssertionResult& untouched :
       {at_x.check(), at_dy.check(), at_slope.check(), own.check(), sums.check(), dbias.check(), mask.check()}) {
    if (!untouched) return untouched;
  }
  const auto holds = [](const auto& buffer, const auto& values) {
    return std::memcmp(buffer.data(), values.data(), values.size() * sizeof values[0]) == 0;
  };
  if ((out != at_x.data() && !holds(at_x, x)) || (out != at_dy.data() && !holds(at_dy, dy)) || !holds(at_slope, slope)) {
    return testing::AssertionFailure() << "an input was changed";
  }
  return testing::AssertionSuccess();
}

class AnyCall : public VectorsAgainstScalar {};

RECTIFY_ON_EACH_FORMAT(AnyCall, HasTheBitsOfTheReference) {
  const char* const given = std::getenv("RECTIFY_DRAW");
  Lots lots(given == nullptr ? 1 : std::strtoull(given, nullptr, 10));
  const int calls = exhaustive() ? 40000 : 400;
  for (int i = 0; i < calls; ++i) {
    // Within a task, some tasks, and what streams past many a last cache.
    const size_t most = emulated ? 4000 : lots.one_in(50) ? 6000000 : lots.one_in(4) ? 400000 : 20000;
    const Drawn drawn = drawn_call<Format>(lots, most);
    const size_t n = drawn.call.elements();
    const uint32_t seed = static_cast<uint32_t>(lots.below(size_t{1} << 32));
    const bool finite = drawn.call.has_sums();
    const Values x = finite ? ordinary_values<Element>(n, seed, 4.0f) : mixed_values<Element>(n, seed);
    const Values dy = finite ? ordinary_values<Element>(n, seed + 1) : mixed_values<Element>(n, seed + 1);
    std::vector<Slope> slope = ordinary_values<Slope>(drawn.call.shape.channels, seed + 2);
    if (lots.one_in(2))  // as a layer has them: in (0, 1]
      std::generate(slope.begin(), slope.end(), [&] { return rounded<Slope>(1 / static_cast<double>(1 + lots.below(9))); });
    const Results<Format> expected = run_call<Format>(drawn.call, x.data(), dy.data(), slope.data(), &scalar);
    options.threads = drawn.threads;
    ASSERT_TRUE(gives<Format>(drawn, expected, x, dy, slope, options, lots)) << drawn << ", the call number " << i;
  }
}

}  // namespace
}  // namespace rectify::tests
