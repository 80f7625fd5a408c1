// The CUDA backend: chooses each operation's kernel and its launch.
#include "backend.hpp"

#include <algorithm>

#include "formulas.cuh"
#include "launch.cuh"
#include "map.cuh"
#include "plan.hpp"
#include "rows.cuh"
#include "runs.cuh"

namespace rectify::cuda {
namespace {

// Enqueues a kernel with a thread or a few for each unit of work, at most as many blocks as the device holds at once.
template <class... P, class... A>
int32_t launch_blocks(size_t blocks, void (*kernel)(P...), unsigned threads, void* stream, A... arguments) {
  unsigned resident;
  if (const int32_t status = resident_blocks(kernel, threads, &resident)) return status;
  return launch(kernel, blocks < resident ? static_cast<unsigned>(blocks) : resident, threads, stream, arguments...);
}

Tensors tensors_of(const Work& work) {
  return {static_cast<const float*>(work.x), static_cast<const float*>(work.dy), static_cast<float*>(work.out)};
}

Parameter parameter_of(const Work& work, float value) { return {static_cast<const float*>(work.parameter), value}; }

// Elements between the piece of 16 bytes that holds the first and the first.
unsigned skew_of(const void* p) { return static_cast<unsigned>(reinterpret_cast<uintptr_t>(p) / sizeof(float) % 4); }

// Whether pieces of 16 bytes of all tensors hold the same elements.
bool aligned_alike(const Work& work) {
  const unsigned skew = skew_of(work.x);
  return (work.dy == nullptr || skew_of(work.dy) == skew) && (work.out == nullptr || skew_of(work.out) == skew);
}

// ---- One parameter for all ----

template <class Formula>
int32_t map_flat(const Work& work, float parameter, void* stream) {
  using Map = Operation<Formula, Outputs::elements>;
  const bool pieces = aligned_alike(work);
  const unsigned skew = pieces ? skew_of(work.x) : 0;
  const size_t n = work.outer * work.channels * work.inner;
  return launch_blocks(divide_up(n + skew, tile_elements), pieces ? map<Map, Access::pieces> : map<Map, Access::singles>,
                       block_threads, stream, tensors_of(work), parameter_of(work, parameter), n, skew);
}

// ---- Runs ----

template <class Operation>
int32_t launch_runs(const Work& work, float parameter, unsigned group, size_t unit_leaves, void* nodes, void* stream) {
  const bool pieces = aligned_alike(work);
  Runs runs = {};
  runs.channels = work.channels;
  runs.inner = work.inner;
  runs.leaves_of_run = divide_up(work.inner, run_block);
  runs.leaves = work.outer * runs.leaves_of_run;
  runs.unit_leaves = unit_leaves;
  runs.units = divide_up(runs.leaves, unit_leaves) * work.channels;
  runs.group = group;
  runs.skew = pieces ? skew_of(work.x) : 0;
  return launch_blocks(divide_up(runs.units, block_threads / group),
                       pieces ? map_runs<Operation, Access::pieces> : map_runs<Operation, Access::singles>, block_threads,
                       stream, tensors_of(work), parameter_of(work, parameter), static_cast<float*>(nodes), runs);
}

// ---- Rows ----

// Channel c has parameter c modulo `parameters`.
template <class Operation>
int32_t launch_rows(const Work& work, size_t parameters, size_t unit_rows, void* nodes, void* stream) {
  const bool pieces = aligned_alike(work) && (work.channels % 4 == 0 || work.outer == 1);
  Rows rows = {};
  rows.rows = work.outer;
  rows.channels = work.channels;
  rows.parameters = parameters;
  rows.skew = pieces ? skew_of(work.x) : 0;
  rows.columns = pieces ? divide_up(work.channels + rows.skew, 4) : work.channels;
  rows.unit_rows = unit_rows;
  rows.units = rows.columns * divide_up(work.outer, unit_rows);
  return launch_blocks(divide_up(rows.units, block_threads),
                       pieces ? map_rows<Operation, Access::pieces> : map_rows<Operation, Access::singles>, block_threads,
                       stream, tensors_of(work), parameter_of(work, 0), static_cast<float*>(nodes), rows);
}

// Rows without sums: as many at a time as keep all threads busy.
template <class Map>
int32_t launch_map_rows(const Work& work, size_t parameters, void* stream) {
  const size_t rows = work.outer * divide_up(work.channels, 4) / wanted_threads;
  return launch_rows<Map>(work, parameters, std::clamp(rows, size_t{in_flight}, row_block), nullptr, stream);
}

// Rows of whole pieces of 16 bytes: four neighbouring rows are always that, if not one. Up to three are left for a launch
// of their own.
template <class Map>
int32_t map_all_rows(const Work& work, void* stream) {
  if (work.channels % 4 == 0 || work.outer < 4 || !aligned_alike(work)) {
    return launch_map_rows<Map>(work, work.channels, stream);
  }
  Work fours = work;
  fours.outer = work.outer / 4;
  fours.channels = work.channels * 4;
  const int32_t status = launch_map_rows<Map>(fours, work.channels, stream);
  if (status != RECTIFY_OK || work.outer % 4 == 0) return status;
  Work rest = work;
  rest.outer = work.outer % 4;
  const size_t done = fours.outer * fours.channels;
  rest.x = static_cast<const float*>(work.x) + done;
  if (work.dy != nullptr) rest.dy = static_cast<const float*>(work.dy) + done;
  rest.out = static_cast<float*>(work.out) + done;
  return launch_map_rows<Map>(rest, work.channels, stream);
}

// ---- A parameter per channel ----

template <class Formula>
int32_t map_channels(const Work& work, float parameter, void* stream) {
  using Map = Operation<Formula, Outputs::elements>;
  if (work.channels == 1) return map_flat<Formula>(work, parameter, stream);
  if (has_rows(work)) return map_all_rows<Map>(work, stream);
  const size_t group = std::min(power_of_two(divide_up(work.inner, 4 * in_flight)), size_t{most_threads_of_a_run});
  return launch_runs<Map>(work, parameter, static_cast<unsigned>(group), 1, nullptr, stream);
}

int32_t launch_fold(const float* nodes, size_t count, size_t channels, void* sums, void* stream) {
  const size_t wanted = power_of_two(divide_up(count, 8));
  const unsigned threads = static_cast<unsigned>(std::min(wanted, size_t{fold_threads}));
  const size_t each = power_of_two(divide_up(count, threads));
  return launch_blocks(divide_up(channels, fold_threads / threads), fold_nodes, fold_threads, stream, nodes, count,
                       channels, static_cast<float*>(sums), threads, each);
}

template <class Operation>
int32_t launch_leaves(const Work& work, float parameter, size_t unit_leaves, void* nodes, void* stream) {
  if constexpr (Operation::per_channel) {
    if (has_rows(work)) return launch_rows<Operation>(work, work.channels, unit_leaves * row_block, nodes, stream);
  }
  return launch_runs<Operation>(work, parameter, sum_group(work.inner), unit_leaves, nodes, stream);
}

template <class Operation>
int32_t map_and_sum(const Work& work, float parameter, void* scratch, void* sums, void* stream) {
  const SumPlan plan = plan_sum(work);
  void* const nodes = plan.nodes == 1 ? sums : scratch;
  const int32_t status = launch_leaves<Operation>(work, parameter, plan.unit_leaves, nodes, stream);
  if (status != RECTIFY_OK || plan.nodes == 1) return status;
  return launch_fold(static_cast<const float*>(nodes), plan.nodes, work.channels, sums, stream);
}

template <class Formula>
int32_t sum_channels(const Work& work, float parameter, void* scratch, void* sums, void* stream) {
  if (work.out == nullptr) return map_and_sum<Operation<Formula, Outputs::sums>>(work, parameter, scratch, sums, stream);
  return map_and_sum<Operation<Formula, Outputs::both>>(work, parameter, scratch, sums, stream);
}

}  // namespace

int32_t available() { return device_status(); }

int32_t relu_forward(const Work& work, float parameter, void* stream) {
  return map_flat<ReluForward>(work, parameter, stream);
}

int32_t relu_backward(const Work& work, float parameter, void* stream) {
  return map_flat<ReluBackward>(work, parameter, stream);
}

int32_t prelu_forward(const Work& work, float parameter, void* stream) {
  return map_channels<PreluForward>(work, parameter, stream);
}

int32_t prelu_backward(const Work& work, float parameter, void* stream) {
  return map_channels<PreluBackward>(work, parameter, stream);
}

int32_t elu_forward(const Work& work, float parameter, void* stream) {
  return map_flat<EluForward>(work, parameter, stream);
}

int32_t elu_backward(const Work& work, float parameter, void* stream) {
  return map_flat<EluBackward>(work, parameter, stream);
}

int32_t elu_backward_from_y(const Work& work, float parameter, void* stream) {
  return map_flat<EluBackwardFromY>(work, parameter, stream);
}

int32_t prelu_backward_with_parameter(const Work& work, float parameter, void* scratch, void* sums, void* stream) {
  return sum_channels<PreluBackward>(work, parameter, scratch, sums, stream);
}

int32_t elu_backward_with_parameter(const Work& work, float parameter, void* scratch, void* sums, void* stream) {
  return sum_channels<EluBackward>(work, parameter, scratch, sums, stream);
}

int32_t clear_sums(size_t channels, void* sums, void* stream) { return launch_fold(nullptr, 0, channels, sums, stream); }

}  // namespace rectify::cuda
