// Every kernel of each backend's table against the scalar reference's, on tasks that the dispatcher may not cut today: any
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
#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify {

std::ostream& operator<<(std::ostream& stream, const MapTask& task) {
  return stream << "elements " << task.begin << " to " << task.end << ", " << task.channels << " channels, inner "
                << task.inner << (task.streaming ? ", streaming" : "");
}

std::ostream& operator<<(std::ostream& stream, const SumTask& task) {
  return stream << "leaves " << task.leaf_begin << " to " << task.leaf_end << ", channels " << task.channel_begin << " to "
                << task.channel_end << " of {" << task.outer << ", " << task.channels << ", " << task.inner << "}"
                << (task.streaming ? ", streaming" : "");
}

namespace tests {
namespace {

using Values = std::vector<float>;

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

// A sequence of numbers that do not look like one, the same on every machine.
class Draw {
 public:
  explicit Draw(uint32_t seed) : state_(seed * 0x9e3779b9u) {}
  size_t below(size_t limit) { return scrambled(state_++) % limit; }
  size_t between(size_t first, size_t last) { return first + below(last - first + 1); }

 private:
  uint32_t state_;
};

// Shapes as the dispatcher hands them on: one channel, short patterns, rows, runs.
rectify_shape drawn_shape(Draw& draw, bool one_channel) {
  const size_t kind = one_channel ? 0 : draw.below(6);
  if (kind == 0) return {1, 1, draw.between(1, draw.below(2) == 0 ? 300 : 20000)};
  if (kind == 1) return {draw.between(1, 200), draw.between(2, 70), 1};
  if (kind == 2) return {draw.between(1, 9), draw.between(1000, 1100), 1};
  if (kind == 3) return {draw.between(1, 20), draw.between(2, 40), draw.between(2, 70)};
  if (kind == 4) return {draw.between(1, 4), draw.between(2, 9), draw.between(700, 1300)};
  return {draw.between(1, 3), draw.between(2, 4), draw.between(4090, 9000)};
}

constexpr float untouched = -12345.0f;
constexpr uint32_t tasks_per_kernel = emulated ? 60 : 1500;

// An array whose first element is `offset` < 16 elements past the second cache line of its surroundings.
struct Placed {
  Placed(const Values& values, size_t offset) : memory(values.size() + 64, untouched) {
    float* const line = memory.data() + (0 - reinterpret_cast<uintptr_t>(memory.data())) / sizeof(float) % 16;
    first = line + 16 + offset;
    around = {line, values.size() + 48};
    std::copy(values.begin(), values.end(), first);
  }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  Values memory;
  float* first;
  std::span<const float> around;
};

class KernelTable : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    rectify_options options{};
    reach(GetParam(), options);
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(select_backend(GetParam().c_str(), &backend), RECTIFY_OK);
    reach(scalar_backend, options);
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(select_backend(scalar_backend.c_str(), &reference), RECTIFY_OK);
  }
  const Backend* backend = nullptr;
  const Backend* reference = nullptr;
};

INSTANTIATE_TEST_SUITE_P(, KernelTable, testing::ValuesIn(vector_backends()),
                         [](const testing::TestParamInfo<std::string>& tested) { return tested.param; });

TEST_P(KernelTable, MapsDoTheirPartOfATensor) {
  for (const NamedMap& map : maps) {
    for (uint32_t seed = 0; seed < tasks_per_kernel; ++seed) {
      Draw draw(seed);
      const rectify_shape shape = drawn_shape(draw, map.one_parameter);
      const size_t n = shape.outer * shape.channels * shape.inner;
      const Values parameter =
          map.one_parameter ? Values{seed % 3 == 0 ? 1.0f : 0.7f} : mixed_values(shape.channels, seed + 1);
      const Placed x(mixed_values(n, seed + 2), draw.below(16)), dy(mixed_values(n, seed + 3), draw.below(16));
      MapTask task = {x.first,     dy.first,      nullptr, parameter.data(),  shape.channels,
                      shape.inner, draw.below(n), 0,       draw.below(2) == 0};
      task.end = draw.between(task.begin, n);

      // The output is an array of its own, or one of the inputs.
      const size_t place = task.streaming ? 0 : draw.below(3);
      const Values before = place == 0 ? Values(n, untouched) : mixed_values(n, place == 1 ? seed + 2 : seed + 3);
      const size_t offset = draw.below(16);
      const Placed expected(before, offset), actual(before, offset);
      const auto run = [&](const Backend* table, float* out) {
        task.out = out;
        if (place == 1) task.x = out;
        if (place == 2) task.dy = out;
        (table->f32.*map.kernel)(task);
      };
      run(reference, expected.first);
      run(backend, actual.first);
      ASSERT_TRUE(same_bits(expected.around, actual.around))
          << map.name << ": " << task << ", place of the output " << place;
    }
  }
}

TEST_P(KernelTable, SumsDoTheirPartOfATensor) {
  for (const NamedSum& sum : sums) {
    for (uint32_t seed = 0; seed < tasks_per_kernel; ++seed) {
      Draw draw(seed + 1000);
      const rectify_shape shape = drawn_shape(draw, sum.one_parameter);
      const size_t n = shape.outer * shape.channels * shape.inner;
      const bool rows = shape.inner == 1 && shape.channels > 1;
      const size_t leaves =
          rows ? (shape.outer + row_block - 1) / row_block : shape.outer * ((shape.inner + run_block - 1) / run_block);
      const Values parameter = sum.one_parameter ? Values{0.7f} : mixed_values(shape.channels, seed + 1);
      // Most inputs ordinary: a sum that is NaN hides what else went into it.
      const bool special = seed % 8 == 0;
      const Values inputs[] = {special ? mixed_values(n, seed + 2) : ordinary_values(n, seed + 2),
                               special ? mixed_values(n, seed + 3) : ordinary_values(n, seed + 3)};
      const Placed x(inputs[0], draw.below(16)), dy(inputs[1], draw.below(16));

      SumTask task = {};
      task.x = x.first;
      task.dy = dy.first;
      task.parameter = parameter.data();
      task.outer = shape.outer, task.channels = shape.channels, task.inner = shape.inner;
      const size_t part = size_t{1} << draw.below(static_cast<size_t>(std::bit_width(leaves)) + 1);
      task.leaf_begin = draw.below((leaves + part - 1) / part) * part;
      task.leaf_end = std::min(leaves, task.leaf_begin + part);
      task.channel_begin = draw.below(shape.channels);
      task.streaming = draw.below(2) == 0;
      if (task.streaming && rows) task.channel_begin -= task.channel_begin % 16;  // tiles of rows start on a vector
      task.channel_end = draw.between(task.channel_begin + 1, shape.channels);
      const bool with_dx = draw.below(4) != 0;

      const size_t width = task.channel_end - task.channel_begin, offset = draw.below(16);
      Values scratch(static_cast<size_t>(std::bit_width(part) + 2) * width);
      // dx is an array of its own, or one of the inputs.
      const size_t place = task.streaming ? 0 : draw.below(3);
      const Values before = place == 0 ? Values(n, untouched) : inputs[place - 1];
      const Placed expected_dx(before, offset), actual_dx(before, offset);
      const Placed expected(Values(width, untouched), 0), actual(Values(width, untouched), 0);
      task.scratch = scratch.data();
      const auto run = [&](const Backend* table, float* dx, float* nodes) {
        if (with_dx) task.dx = dx;
        if (with_dx && place == 1) task.x = dx;
        if (with_dx && place == 2) task.dy = dx;
        task.nodes = nodes;
        (table->f32.*sum.kernel)(task);
      };
      run(reference, expected_dx.first, expected.first);
      run(backend, actual_dx.first, actual.first);
      for (size_t c = 0; c < width; ++c) {
        if (expected.first[c] == 0 && actual.first[c] == 0)
          actual.first[c] = expected.first[c];  // the final +0 hides its sign
      }
      ASSERT_TRUE(same_bits(expected.around, actual.around)) << sum.name << ": " << task;
      ASSERT_TRUE(same_bits(expected_dx.around, actual_dx.around)) << sum.name << ", dx: " << task;
    }
  }
}

TEST_P(KernelTable, FoldAddsPairs) {
  for (uint32_t seed = 0; seed < tasks_per_kernel; ++seed) {
    Draw draw(seed);
    const size_t count = draw.between(1, 300), channels = draw.between(1, 40);
    const Values nodes = seed % 8 == 0 ? mixed_values(count * channels, seed) : ordinary_values(count * channels, seed);
    const Placed expected(Values(channels, untouched), 0), actual(Values(channels, untouched), 0);
    Values folded = nodes;
    reference->f32.fold({folded.data(), count, channels, expected.first});
    folded = nodes;
    backend->f32.fold({folded.data(), count, channels, actual.first});
    ASSERT_TRUE(same_bits(expected.around, actual.around)) << count << " nodes of " << channels << " channels";
    for (size_t c = 0; c < channels; ++c) ASSERT_FALSE(identical_bits(actual.first[c], -0.0f));
  }
}

}  // namespace
}  // namespace tests
}  // namespace rectify
