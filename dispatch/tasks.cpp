#include "dispatch/tasks.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>

#include "dispatch/cpu_features.hpp"
#include "dispatch/fp_environment.hpp"
#include "dispatch/parallel.hpp"

namespace rectify {
namespace {

// Elements of a task: 128 KiB of f32 per array, some microseconds of work against a fraction of one for a task's start.
constexpr size_t task_elements = 32768;

// A sum's task takes whole rows up to this many channels, or neighbouring runs up to this many elements, so that it walks
// memory in long pieces.
constexpr size_t tile_channels = 4096;
constexpr size_t tile_elements = 16384;

// Most nodes per channel that the tasks leave for the final fold: bounds the scratch whatever outer and inner are.
constexpr size_t most_nodes = 256;

constexpr size_t divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }

// Streaming stores skip the read of the line to be written, but send the result to DRAM. Measured on Zen 4 they win from
// 0.6 to 0.75 of the last-level cache on and lose 1.8x when used too early. In place the line is in the cache already.
bool worth_streaming(const Work& work) noexcept {
  const size_t bytes = work.elements * work.element_size, limit = last_level_cache_bytes() / 10 * 7;
  if (bytes < (work.dy == nullptr ? limit / 2 : limit / 3)) return false;
  return work.out != nullptr && work.out != work.x && work.out != work.dy;
}

struct MapJob {
  MapKernel kernel;
  MapTask whole;
};

void run_map_task(const void* context, size_t index) {
  const MapJob& job = *static_cast<const MapJob*>(context);
  MapTask task = job.whole;
  task.begin = index * task_elements;
  task.end = std::min(task.end, task.begin + task_elements);
  job.kernel(task);
}

// How the leaves and channels of a sum are shared out: task = (part of the leaves, tile of the channels).
struct SumPlan {
  size_t leaves;       // per channel
  size_t task_leaves;  // a power of two, so that a task's leaves fold into one node of the tree
  size_t nodes;        // per channel
  size_t tile;         // channels of a task
  size_t tiles;
  size_t levels;  // rows of scratch that a task needs
};

SumPlan plan_sum(const rectify_shape& shape) noexcept {
  SumPlan plan;
  size_t leaf_elements;
  if (shape.inner == 1 && shape.channels > 1) {
    plan.leaves = divide_up(shape.outer, row_block);
    leaf_elements = std::min(shape.outer, row_block);
    plan.tile = std::min(shape.channels, tile_channels);
  } else {
    plan.leaves = shape.outer * divide_up(shape.inner, run_block);
    leaf_elements = std::min(shape.inner, run_block);
    // Where a run has several leaves, the next leaf of the same channel is the next piece of memory.
    plan.tile = shape.inner > run_block ? 1 : std::min(shape.channels, divide_up(tile_elements, shape.inner));
  }
  const size_t wanted = std::max(divide_up(task_elements, leaf_elements * plan.tile), divide_up(plan.leaves, most_nodes));
  plan.task_leaves = std::bit_ceil(std::min(wanted, plan.leaves));
  plan.nodes = divide_up(plan.leaves, plan.task_leaves);
  plan.tiles = divide_up(shape.channels, plan.tile);
  plan.levels = static_cast<size_t>(std::countr_zero(plan.task_leaves));
  return plan;
}

struct SumJob {
  SumKernel kernel;
  SumTask whole;
  SumPlan plan;
  std::byte* nodes;
  std::byte* scratch;
  size_t element_size;
};

void run_sum_task(const void* context, size_t index) {
  const SumJob& job = *static_cast<const SumJob*>(context);
  const SumPlan& plan = job.plan;
  const size_t part = index / plan.tiles, tile = index % plan.tiles;
  SumTask task = job.whole;
  task.leaf_begin = part * plan.task_leaves;
  task.leaf_end = std::min(plan.leaves, task.leaf_begin + plan.task_leaves);
  task.channel_begin = tile * plan.tile;
  task.channel_end = std::min(task.channels, task.channel_begin + plan.tile);
  task.nodes = job.nodes + (part * task.channels + task.channel_begin) * job.element_size;
  task.scratch = job.scratch + index * plan.levels * plan.tile * job.element_size;
  job.kernel(task);
}

struct FoldJob {
  FoldKernel kernel;
  FoldTask task;
};

void run_fold(const void* context, size_t) {
  const FoldJob& job = *static_cast<const FoldJob*>(context);
  job.kernel(job.task);
}

}  // namespace

void run_map(MapKernel kernel, const Work& work, const rectify_options& options) noexcept {
  const MapJob job = {kernel,
                      {work.x, work.dy, work.out, work.parameter, work.shape.channels, work.shape.inner, 0, work.elements,
                       worth_streaming(work)}};
  run_tasks(divide_up(work.elements, task_elements), options, run_map_task, &job);
}

int32_t run_sum(SumKernel kernel, FoldKernel fold, const Work& work, void* sums, const rectify_options& options) noexcept {
  const SumPlan plan = plan_sum(work.shape);
  const size_t tasks = plan.nodes * plan.tiles;

  // One node per channel needs no space of its own: it is folded where it is delivered.
  const size_t node_values = plan.nodes == 1 ? 0 : plan.nodes * work.shape.channels;
  const size_t scratch_values = tasks * plan.levels * plan.tile;
  alignas(64) std::byte stack[8192];
  std::unique_ptr<std::byte[]> heap;
  std::byte* space = stack;
  const size_t bytes = (node_values + scratch_values) * work.element_size;
  if (bytes > sizeof stack) {
    heap.reset(new (std::nothrow) std::byte[bytes]);
    if (heap == nullptr) return RECTIFY_ERROR_OUT_OF_MEMORY;
    space = heap.get();
  }

  SumJob job;
  job.kernel = kernel;
  job.whole = {work.x, work.dy, work.out, work.parameter, work.shape.outer, work.shape.channels,  work.shape.inner, 0,
               0,      0,       0,        nullptr,        nullptr,          worth_streaming(work)};
  job.plan = plan;
  job.nodes = node_values == 0 ? static_cast<std::byte*>(sums) : space;
  job.scratch = space + node_values * work.element_size;
  job.element_size = work.element_size;
  run_tasks(tasks, options, run_sum_task, &job);

  const FoldJob last = {fold, {job.nodes, plan.nodes, work.shape.channels, sums}};
  run_tasks(1, options, run_fold, &last);
  return RECTIFY_OK;
}

}  // namespace rectify
