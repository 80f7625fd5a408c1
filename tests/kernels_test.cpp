// Every kernel of each backend's tables against the scalar reference's, on tasks that the dispatcher may not cut today: any
// part of a tensor, any range of leaves and channels, every alignment, in place, ordinary and streaming stores. Outside its
// task a kernel writes nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "dispatch/select.hpp"
#include "kernels/backend.hpp"
#include "kernels/stages.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/masks.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify {

std::ostream& operator<<(std::ostream& stream, const Work& work) {
  return stream << "{" << work.outer << ", " << work.channels << ", " << work.inner << "}"
                << (work.streaming ? ", streaming" : "");
}

std::ostream& operator<<(std::ostream& stream, const SumPart& part) {
  return stream << "leaves " << part.leaf_begin << " to " << part.leaf_end << ", channels " << part.channel_begin << " to "
                << part.channel_end;
}

namespace tests {
namespace {

// The table of a format.
template <class Format>
constexpr const Kernels* const Backend::*table = nullptr;
#define RECTIFY_TABLE(name, Element, Slope) \
  template <>                               \
  constexpr const Kernels* const Backend::*table<formats::name> = &Backend::name;
RECTIFY_FORMATS(RECTIFY_TABLE)
#undef RECTIFY_TABLE

struct NamedMap {
  const char* name;
  MapKernel Kernels::*kernel;
  bool one_parameter;  // ELU's alpha; ReLU has none
};
constexpr NamedMap maps[] = {
#define RECTIFY_NAMED(activation, direction) \
  {#activation "_" #direction, &Kernels::activation##_##direction, std::string_view(#activation) != "prelu"},
    RECTIFY_MAPS(RECTIFY_NAMED)
#undef RECTIFY_NAMED
};

// What calls with masks and fused calls are made of.
struct NamedKernel {
  const char* name;
  MapKernel Kernels::*kernel;
};
constexpr NamedKernel stages[] = {
#define RECTIFY_NAMED(activation, direction) {#activation "_" #direction, &Kernels::activation##_##direction},
    RECTIFY_STAGES(RECTIFY_NAMED)
#undef RECTIFY_NAMED
};
constexpr NamedKernel fused_kernels[] = {
#define RECTIFY_NAMED(activation, direction) {#activation "_" #direction, &Kernels::activation##_##direction},
    RECTIFY_FUSED(RECTIFY_NAMED)
#undef RECTIFY_NAMED
};

struct NamedSum {
  const char* name;
  SumKernel Kernels::*kernel;
  bool one_parameter;
};
constexpr NamedSum sums[] = {
#define RECTIFY_NAMED(activation, direction) \
  {#activation "_" #direction, &Kernels::activation##_##direction, std::string_view(#activation) != "prelu"},
    RECTIFY_SUMS(RECTIFY_NAMED)
#undef RECTIFY_NAMED
};
constexpr NamedSum stage_sums[] = {
#define RECTIFY_NAMED(activation, direction) {#activation "_" #direction, &Kernels::activation##_##direction, false},
    RECTIFY_STAGE_SUMS(RECTIFY_NAMED)
#undef RECTIFY_NAMED
};

// A sequence of numbers that do not look like one, the same on every machine.
class Draw {
 public:
  explicit Draw(uint32_t seed) : state_(seed * 0x9e3779b9u) {}
  size_t below(size_t limit) { return scrambled(state_++) % limit; }
  size_t between(size_t first, size_t last) { return first + below(last - first + 1); }

 private:
  uint32_t state_;
};

// Shapes as the dispatcher hands them on: one channel, short patterns, rows that fill vectors or do not, one row, short
// runs and long ones, many narrow rows, short runs of few channels in many images.
rectify_shape drawn_shape(Draw& draw, bool one_channel) {
  const size_t kind = one_channel ? 0 : draw.below(11);
  if (kind == 0) return {1, 1, draw.between(1, draw.below(2) == 0 ? 300 : 20000)};
  if (kind == 1) return {draw.between(1, 200), draw.between(2, 70), 1};
  if (kind == 2) return {draw.between(1, 9), draw.between(1000, 1100), 1};
  if (kind == 3) return {draw.between(1, 20), draw.between(2, 40), draw.between(2, 70)};
  if (kind == 4) return {draw.between(1, 4), draw.between(2, 9), draw.between(700, 1300)};
  if (kind == 5) return {1, draw.between(2, 700), 1};
  if (kind == 6) return {draw.between(1, 300), 8 * draw.between(1, 40), 1};
  if (kind == 7) return {draw.between(1, 6), draw.between(2, 40), draw.between(30, 600)};
  if (kind == 8) return {draw.between(600, 2500), draw.below(2) == 0 ? 3 : draw.between(2, 9), 1};
  if (kind == 9) return {draw.between(16, 60), draw.between(2, 17), draw.between(4, 100)};
  return {draw.between(1, 3), draw.between(2, 4), draw.between(4090, 9000)};
}

// Drawn anew from the same seeds in every run: an exhaustive one goes on where the others stop.
uint32_t tasks_per_kernel() { return emulated ? 60 : exhaustive() ? 4000 : 1000; }

// Making values takes longer than what is done with them here: they are part of many that are made once.
template <class T, auto make>
std::vector<T> drawn(size_t count, uint32_t seed) {
  static const std::vector<T> many = make(size_t{1} << 18, 1);
  const auto first = many.begin() + static_cast<ptrdiff_t>(scrambled(seed) % (many.size() - count));
  return {first, first + static_cast<ptrdiff_t>(count)};
}
template <class T>
std::vector<T> drawn_mixed(size_t count, uint32_t seed) {
  return drawn<T, [](size_t n, uint32_t s) { return mixed_values<T>(n, s); }>(count, seed);
}
template <class T>
std::vector<T> drawn_ordinary(size_t count, uint32_t seed) {
  return drawn<T, [](size_t n, uint32_t s) { return ordinary_values<T>(n, s); }>(count, seed);
}

// An array whose first element is `offset` elements, less than a cache line, past the second line of its surroundings.
template <class T>
struct Placed {
  static constexpr size_t line = 64 / sizeof(T);
  Placed(const std::vector<T>& values, size_t offset) : memory(values.size() + 4 * line, unwritten<T>) {
    T* const begin = memory.data() + (0 - reinterpret_cast<uintptr_t>(memory.data())) / sizeof(T) % line;
    first = begin + line + offset % line;
    around = {begin, values.size() + 3 * line};
    std::copy(values.begin(), values.end(), first);
  }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  std::vector<T> memory;
  T* first;
  std::span<const T> around;
};

// A kernel's parameters: PReLU's slopes, or ELU's alpha, which is of the type that computes.
template <class Format>
struct KernelParameters {
  std::vector<typename Format::Slope> slopes;
  typename Format::Scalar alpha = 0;
  const void* data() const { return slopes.empty() ? static_cast<const void*>(&alpha) : slopes.data(); }
};

class KernelTable : public VectorsAgainstScalar {
 public:
  template <class Format>
  static constexpr bool takes_in_emulator = true;

 protected:
  void SetUp() override {
    VectorsAgainstScalar::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(select_backend(backend.c_str(), &tested), RECTIFY_OK);
    ASSERT_EQ(select_backend(scalar_backend.c_str(), &reference), RECTIFY_OK);
  }
  const Backend* tested = nullptr;
  const Backend* reference = nullptr;
};

RECTIFY_ON_EACH_FORMAT(KernelTable, MapsDoTheirPartOfATensor) {
  for (const NamedMap& map : maps) {
    for (uint32_t seed = 0; seed < tasks_per_kernel(); ++seed) {
      Draw draw(seed);
      const rectify_shape shape = drawn_shape(draw, map.one_parameter);
      const size_t n = shape.outer * shape.channels * shape.inner;
      KernelParameters<Format> parameter;
      parameter.alpha = seed % 3 == 0 ? 1.0f : 0.7f;
      if (!map.one_parameter) parameter.slopes = drawn_mixed<Slope>(shape.channels, seed + 1);
      const Placed<Element> x(drawn_mixed<Element>(n, seed + 2), draw.below(64)),
          dy(drawn_mixed<Element>(n, seed + 3), draw.below(64));
      Work work = {x.first,     dy.first,           nullptr,           parameter.data(), shape.outer, shape.channels,
                   shape.inner, draw.below(2) == 0, draw.below(2) == 0};
      const size_t begin = draw.below(n), end = draw.between(begin, n);

      // The output is an array of its own, or one of the inputs.
      const size_t place = work.streaming ? 0 : draw.below(3);
      const Values before =
          place == 0 ? Values(n, unwritten<Element>) : drawn_mixed<Element>(n, place == 1 ? seed + 2 : seed + 3);
      const size_t offset = draw.below(64);
      const Placed<Element> expected(before, offset), actual(before, offset);
      const auto run = [&](const Backend* which, Element* out) {
        work.out = out;
        if (place == 1) work.x = out;
        if (place == 2) work.dy = out;
        ((which->*table<Format>) ->*map.kernel)(work, begin, end);
      };
      run(reference, expected.first);
      run(tested, actual.first);
      ASSERT_TRUE(same_bits(expected.around, actual.around))
          << map.name << ": elements " << begin << " to " << end << " of " << work << ", place of the output " << place;
    }
  }
}

// The mask that a stage reads is any bits.
RECTIFY_ON_EACH_FORMAT(KernelTable, StagesDoTheirPartOfATensor) {
  for (const NamedKernel& stage : stages) {
    const std::string name = stage.name;
    // The others' result is read again at once.
    const bool streams = name.ends_with("from_mask");
    for (uint32_t seed = 0; seed < tasks_per_kernel(); ++seed) {
      Draw draw(seed + 2000);
      const rectify_shape shape = drawn_shape(draw, true);
      const size_t n = shape.outer * shape.channels * shape.inner;
      const Scalar parameter = static_cast<Scalar>(tried_slopes[seed % tried_slopes.size()]);
      const Placed<Element> dy(drawn_mixed<Element>(n, seed + 3), draw.below(64));
      std::vector<unsigned char> bits(mask_bytes(n));
      for (unsigned char& byte : bits) byte = static_cast<unsigned char>(draw.below(256));
      const size_t begin = draw.below(n), end = draw.between(begin, n);
      // Only the bytes of the part are readable.
      const size_t first_byte = begin / 8, bytes = end == begin ? 0 : mask_bytes(end) - first_byte;
      const GuardedBuffer<unsigned char> part_of_mask(
          std::vector<unsigned char>(bits.begin() + static_cast<ptrdiff_t>(first_byte),
                                     bits.begin() + static_cast<ptrdiff_t>(first_byte + bytes)),
          seed % 2 == 0 ? flush_to_end : flush_to_start);
      const void* const mask = reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(part_of_mask.data()) - first_byte);
      Work work = {mask,        dy.first,           nullptr,
                   &parameter,  shape.outer,        shape.channels,
                   shape.inner, draw.below(2) == 0, streams && draw.below(2) == 0};
      // The output is an array of its own, or dy.
      const bool over_dy = !work.streaming && draw.below(2) == 0;
      const Values before = over_dy ? drawn_mixed<Element>(n, seed + 3) : Values(n, unwritten<Element>);
      const size_t offset = draw.below(64);
      const Placed<Element> expected(before, offset), actual(before, offset);
      const auto run = [&](const Backend* which, Element* out) {
        work.out = out;
        if (over_dy) work.dy = out;
        ((which->*table<Format>) ->*stage.kernel)(work, begin, end);
      };
      run(reference, expected.first);
      run(tested, actual.first);
      ASSERT_TRUE(same_bits(expected.around, actual.around))
          << name << ": elements " << begin << " to " << end << " of " << work << ", in place " << over_dy;
    }
  }
}

// Bias, residual and mask are there or not; where the mask is, a part begins at a multiple of 64, and its bits past the end
// are 0 up to the byte's.
RECTIFY_ON_EACH_FORMAT(KernelTable, FusedKernelsDoTheirPartOfATensor) {
  for (const NamedKernel& kernel : fused_kernels) {
    const std::string name = kernel.name;
    for (uint32_t seed = 0; seed < tasks_per_kernel(); ++seed) {
      Draw draw(seed + 4000);
      const rectify_shape shape = drawn_shape(draw, false);
      const size_t n = shape.outer * shape.channels * shape.inner;
      KernelParameters<Format> parameter;
      parameter.alpha = static_cast<Scalar>(name == "fused_elu_forward" ? (seed % 3 == 0 ? 1.0 : 0.7)
                                                                        : tried_slopes[seed % tried_slopes.size()]);
      if (name == "fused_prelu_forward") parameter.slopes = drawn_mixed<Slope>(shape.channels, seed + 1);
      const Placed<Element> x(drawn_mixed<Element>(n, seed + 2), draw.below(64)),
          residual(drawn_mixed<Element>(n, seed + 3), draw.below(64));
      const std::vector<Slope> bias = drawn_mixed<Slope>(shape.channels, seed + 4);
      Work work = {x.first,           nullptr,        nullptr,     parameter.data(),
                   shape.outer,       shape.channels, shape.inner, draw.below(2) == 0,
                   draw.below(2) == 0};
      if (draw.below(2) == 0) work.bias = bias.data();
      if (draw.below(2) == 0) work.residual = residual.first;
      const bool masked = draw.below(2) == 0;
      const size_t begin = draw.below(n) / (masked ? 64 : 1) * (masked ? 64 : 1), end = draw.between(begin, n);

      // The output is an array of its own, or one of the inputs.
      const size_t place = work.streaming ? 0 : draw.below(3);
      const bool over_residual = place == 2 && work.residual != nullptr;
      const Values before = place == 1      ? drawn_mixed<Element>(n, seed + 2)
                            : over_residual ? drawn_mixed<Element>(n, seed + 3)
                                            : Values(n, unwritten<Element>);
      const size_t offset = draw.below(64);
      const Placed<Element> expected(before, offset), actual(before, offset);
      std::vector<unsigned char> expected_mask(mask_bytes(n) + 2, 0xA5), actual_mask = expected_mask;
      const auto run = [&](const Backend* which, Element* out, unsigned char* mask) {
        work.out = out;
        work.mask_out = masked ? mask : nullptr;
        if (place == 1) work.x = out;
        if (over_residual) work.residual = out;
        ((which->*table<Format>) ->*kernel.kernel)(work, begin, end);
      };
      run(reference, expected.first, expected_mask.data() + 1);
      run(tested, actual.first, actual_mask.data() + 1);
      ASSERT_TRUE(same_bits(expected.around, actual.around))
          << name << ": elements " << begin << " to " << end << " of " << work << ", place of the output " << place
          << ", bias " << (work.bias != nullptr) << ", residual " << (work.residual != nullptr) << ", mask " << masked;
      ASSERT_EQ(expected_mask, actual_mask) << name << ": elements " << begin << " to " << end << " of " << work;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(KernelTable, SumsDoTheirPartOfATensor) {
  std::vector<NamedSum> all(std::begin(sums), std::end(sums));
  all.insert(all.end(), std::begin(stage_sums), std::end(stage_sums));
  for (const NamedSum& sum : all) {
    const bool alone = std::string_view(sum.name) == "bias_backward";  // of x alone
    for (uint32_t seed = 0; seed < tasks_per_kernel(); ++seed) {
      Draw draw(seed + 1000);
      const rectify_shape shape = drawn_shape(draw, sum.one_parameter);
      const size_t n = shape.outer * shape.channels * shape.inner;
      const bool rows = shape.inner == 1 && shape.channels > 1;
      const size_t leaves =
          rows ? (shape.outer + row_block - 1) / row_block : shape.outer * ((shape.inner + run_block - 1) / run_block);
      KernelParameters<Format> parameter;
      parameter.alpha = 0.7f;
      if (!sum.one_parameter) parameter.slopes = drawn_mixed<Slope>(shape.channels, seed + 1);
      // Most inputs ordinary: a sum that is NaN hides what else went into it.
      const bool special = seed % 8 == 0;
      const Values inputs[] = {special ? drawn_mixed<Element>(n, seed + 2) : drawn_ordinary<Element>(n, seed + 2),
                               special ? drawn_mixed<Element>(n, seed + 3) : drawn_ordinary<Element>(n, seed + 3)};
      const Placed<Element> x(inputs[0], draw.below(64)), dy(inputs[1], draw.below(64));

      Work work = {x.first,           dy.first,       nullptr,     alone || seed % 4 == 0 ? nullptr : parameter.data(),
                   shape.outer,       shape.channels, shape.inner, draw.below(2) == 0,
                   draw.below(2) == 0};
      // What bias_backward sums may be yet to be made, in one stage or two.
      Stages made;
      made.element_size = sizeof(Element);
      const bool is_made = alone && can_be_made(work) && draw.below(2) == 0;
      if (is_made && draw.below(2) == 0) made.stage[made.count++] = {nullptr, work, false, true};
      if (is_made) made.stage[made.count++] = {nullptr, work, made.count == 1, false};
      const bool with_dx = work.parameter != nullptr;
      SumPart part = {};
      const size_t leaves_of_part = size_t{1} << draw.below(static_cast<size_t>(std::bit_width(leaves)) + 1);
      part.leaf_begin = draw.below((leaves + leaves_of_part - 1) / leaves_of_part) * leaves_of_part;
      part.leaf_end = std::min(leaves, part.leaf_begin + leaves_of_part);
      part.channel_begin = draw.below(shape.channels);
      if (draw.below(2) == 0) part.channel_begin = 0;
      part.channel_end = draw.between(part.channel_begin + 1, shape.channels);
      if (draw.below(2) == 0) part.channel_end = shape.channels;
      if (is_made && rows) part.channel_begin = 0, part.channel_end = shape.channels;

      const size_t width = part.channel_end - part.channel_begin, offset = draw.below(64);
      std::vector<Scalar> scratch(static_cast<size_t>(std::bit_width(leaves_of_part)) * width);
      // dx is an array of its own, or one of the inputs.
      const size_t place = work.streaming ? 0 : draw.below(3);
      const Values before = place == 0 ? Values(n, unwritten<Element>) : inputs[place - 1];
      const std::vector<Scalar> no_nodes(width, unwritten<Scalar>);
      const size_t offset_of_nodes = draw.below(64);
      const Placed<Element> expected_dx(before, offset), actual_dx(before, offset);
      const Placed<Scalar> expected(no_nodes, offset_of_nodes), actual(no_nodes, offset_of_nodes);
      part.scratch = scratch.data();
      part.nodes_are_sums = draw.below(2) == 0;
      const auto run = [&](const Backend* which, Element* dx, Scalar* nodes) {
        for (size_t s = 0; s < made.count; ++s) {
          const bool last = s + 1 == made.count;
          Stage& stage = made.stage[s];
          stage.kernel = (which->*table<Format>) ->*(last ? &Kernels::relu_backward : &Kernels::fused_sum_forward);
          if (last) stage.work.out = dx;
          if (place == 1) stage.work.x = dx;
          if (place == 2) stage.work.dy = dx;
        }
        if (is_made) {
          work.made = &made;
          work.x = work.dy = dx;
        }
        if (with_dx) work.out = dx;
        if (with_dx && place == 1) work.x = dx;
        if (with_dx && place == 2) work.dy = dx;
        part.nodes = nodes;
        ((which->*table<Format>) ->*sum.kernel)(work, part);
      };
      run(reference, expected_dx.first, expected.first);
      run(tested, actual_dx.first, actual.first);
      for (size_t c = 0; c < width; ++c)
        ASSERT_FALSE(identical_bits(actual.first[c], Scalar{-0.0f})) << sum.name << ": " << part;
      ASSERT_TRUE(same_bits(expected.around, actual.around)) << sum.name << ": " << part << " of " << work;
      ASSERT_TRUE(same_bits(expected_dx.around, actual_dx.around)) << sum.name << ", dx: " << part << " of " << work;
    }
  }
}

RECTIFY_ON_EACH_FORMAT(KernelTable, FoldAddsPairs) {
  for (uint32_t seed = 0; seed < tasks_per_kernel(); ++seed) {
    Draw draw(seed);
    const size_t count = draw.between(1, 300), channels = draw.between(1, 40);
    std::vector<Scalar> nodes =
        seed % 8 == 0 ? drawn_mixed<Scalar>(count * channels, seed) : drawn_ordinary<Scalar>(count * channels, seed);
    if (sizeof(Slope) < sizeof(Scalar)) {  // a NaN that a sum leaves is quiet, and has no payload that rounding could lose
      std::replace_if(
          nodes.begin(), nodes.end(), [](Scalar node) { return is_nan(node); }, nan_of<Scalar>);
    }
    const std::vector<Slope> no_sums(channels, unwritten<Slope>);
    const Placed<Slope> expected(no_sums, 0), actual(no_sums, 0);
    std::vector<Scalar> folded;
    // Divided by the slopes' magnitudes, or not.
    const std::vector<Slope> slopes = drawn_mixed<Slope>(channels, seed + 1);
    for (const Slope* const divisor : {static_cast<const Slope*>(nullptr), slopes.data()}) {
      folded = nodes;
      (reference->*table<Format>)->fold(folded.data(), count, channels, divisor, expected.first);
      folded = nodes;
      (tested->*table<Format>)->fold(folded.data(), count, channels, divisor, actual.first);
      ASSERT_TRUE(same_bits(expected.around, actual.around))
          << count << " nodes of " << channels << " channels" << (divisor == nullptr ? "" : ", divided");
    }
  }
}

}  // namespace
}  // namespace tests
}  // namespace rectify
