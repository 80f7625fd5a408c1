// Cuts a checked call into tasks and runs them. Where a map is cut changes no bit; a sum is cut at nodes of its tree, which
// depends on the shape alone.
#pragma once

#include "dispatch/call.hpp"
#include "dispatch/fp_environment.hpp"
#include "dispatch/stages.hpp"

namespace rectify {

// Says in `work`, a part of the call's own, whether what the call touches is too large for the caches, and so whether to
// store past them: streaming stores skip the read of the line to be written, but send it to DRAM. Not in place, where the
// line is in the cache already, nor what is read again.
void choose_stores(const Call& call, bool read_again, Work& work) noexcept;

// Elements of a task: 128 KiB of f32 per array, some microseconds of work against a fraction of one for a task's start.
inline constexpr size_t task_elements = 32768;

// A map of more than one task.
void run_map_in_tasks(MapKernel kernel, Call& call) noexcept;

// Inline, with the short way of a small call: what is not too large for a task is not too large for the caches either.
inline void run_map(MapKernel kernel, Call& call) noexcept {
  if (call.elements > task_elements) return run_map_in_tasks(kernel, call);
  const FpEnvironment environment;
  kernel(call.work, 0, call.elements);
}

// Whether a sum of no more than a task's elements has one leaf for each channel, which the kernel leaves where the caller
// wants it: the short way of a sum.
[[gnu::always_inline]] inline bool is_one_leaf(const Call& call) noexcept {
  const Work& work = call.work;
  const bool one_leaf = has_rows(work) ? work.outer <= row_block : work.outer == 1 && work.inner <= run_block;
  return one_leaf && call.format->slope_size == call.format->scalar_size;
}
[[gnu::always_inline]] inline SumPart part_of_one_leaf(const Call& call) noexcept {
  return {0, 1, 0, call.work.channels, call.sums, nullptr};
}

// Also writes call.work.channels sums. Fails only for want of memory, and then before anything is written.
int32_t run_sum(SumKernel kernel, Call& call) noexcept;

// A sum that is taken part by part, in a fused call once the stages have been through the part.
struct Sum {
  SumKernel kernel;
  Work work;
  FoldKernel fold;
  const void* divisor;  // slopes, or NULL
  void* sums;           // shape.channels values,
  size_t sum_size;      // of so many bytes
};

// A fused call without sums.
void run_stages(const Stages& stages, const Call& call) noexcept;

// Sums over the same shape, taken together.
struct SumPass {
  const Stages* stages;
  const Sum* sums;
  size_t count;
  const Work* shape;
};

inline constexpr size_t most_sums = 2, most_passes = 2;

// One pass after the other. Fails only for want of memory, and then before anything is written.
int32_t run_sums(const SumPass* passes, size_t count, const Call& call) noexcept;

}  // namespace rectify
