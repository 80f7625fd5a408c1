#include "dispatch/sum_plan.hpp"

#include <algorithm>
#include <bit>

#include "dispatch/tasks.hpp"

namespace rectify {
namespace {

// A sum's task takes whole rows up to this many channels, or neighbouring runs up to this many elements, so that it walks
// memory in long pieces.
constexpr size_t tile_channels = 4096;
constexpr size_t tile_elements = 16384;

// Large sums over runs are shared out in about so many tasks: enough for any number of threads, and each a long piece of
// memory. From DRAM a task that goes over to another channel or image takes some 0.5 to 1 us for it (Zen 5), as for 2000 to
// 5000 elements: with pieces of 12544 dx and dslope took up to 1.2 times as long as in one walk.
constexpr size_t tasks_of_large = 256;

}  // namespace

SumPlan plan_sum(const Work& work, size_t nodes, bool whole) noexcept {
  SumPlan plan;
  size_t leaf_elements, elements = task_elements;
  if (has_rows(work)) {
    plan.leaves = divide_up(work.outer, row_block);
    leaf_elements = std::min(work.outer, row_block);
    plan.tile = std::min(work.channels, work.outer == 1 ? task_elements : tile_channels);
  } else {
    const size_t run_leaves = divide_up(work.inner, run_block);
    plan.leaves = work.outer * run_leaves;
    leaf_elements = std::min(work.inner, run_block);
    plan.tile = std::min(work.channels, tile_channels);
    if (run_leaves > 1 && plan.tile > 1) plan.tile = std::clamp<size_t>(leaves_in_order / run_leaves, 1, plan.tile);
    const size_t share = work.outer * work.channels * work.inner / (whole ? 1 : tasks_of_large);
    if (run_leaves > 1) elements = std::max(elements, share);
    if (!whole && plan.tile > 1) {
      const size_t runs = run_leaves > 1 ? elements / work.inner : divide_up(std::max(tile_elements, share), work.inner);
      plan.tile = std::clamp<size_t>(runs, 1, plan.tile);
    }
  }
  plan.tiles = plan.tile == work.channels ? 1 : divide_up(work.channels, plan.tile);
  if (whole && plan.tiles == 1) {
    plan.task_leaves = std::bit_ceil(plan.leaves);
  } else {
    const size_t wanted = std::max(divide_up(elements, leaf_elements * plan.tile), divide_up(plan.leaves, nodes));
    plan.task_leaves = std::bit_ceil(std::min(wanted, plan.leaves));
  }
  plan.levels = static_cast<size_t>(std::countr_zero(plan.task_leaves));
  plan.nodes = ((plan.leaves - 1) >> plan.levels) + 1;
  return plan;
}

}  // namespace rectify
