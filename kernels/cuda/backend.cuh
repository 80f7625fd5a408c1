// The CUDA backend for one type of elements: chooses each operation's kernel and its launch. Each backend_*.cu includes
// this and exports the table made here.
#pragma once

#include <algorithm>

#include "backend.hpp"
#include "formulas.cuh"
#include "fused.cuh"
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

template <class E>
Tensors<E> tensors_of(const Work& work) {
  return {static_cast<const E*>(work.x), static_cast<const E*>(work.dy), static_cast<E*>(work.out)};
}

template <class E>
using ScalarOf = typename Computed<E>::Scalar;

template <class E>
Parameter<E> parameter_of(const Request& request) {
  const ScalarOf<E>* const scalar = static_cast<const ScalarOf<E>*>(request.scalar);
  return {request.work.parameter, request.narrow_slopes, scalar == nullptr ? 0 : *scalar};
}

template <class E>
Sums<E> sums_of(const Request& request) {
  return {request.sums, request.narrow_slopes};
}

// Elements between the piece of 16 bytes that holds the first and the first.
template <class E>
unsigned skew_of(const void* p) {
  return static_cast<unsigned>(reinterpret_cast<uintptr_t>(p) / sizeof(E) % in_piece<E>);
}

// Whether pieces of 16 bytes of all tensors hold the same elements.
template <class E>
bool aligned_alike(const Work& work) {
  const unsigned skew = skew_of<E>(work.x);
  return (work.dy == nullptr || skew_of<E>(work.dy) == skew) && (work.out == nullptr || skew_of<E>(work.out) == skew);
}

// ---- No channels ----

// What each element's channel has, where walks know nothing of channels.
template <class E, class Parameters>
ChannelOfElements<E, Parameters> channel_of_elements(const Work& work, const Parameters& parameters, bool one) {
  return {parameters, Divisor::of(work.inner), Divisor::of(work.channels), one};
}

template <class Formula, class E, class Parameters>
int32_t launch_map(const Request& request, const Parameters& parameters) {
  using Map = Operation<Formula, Outputs::elements>;
  const Work& work = request.work;
  const bool pieces = aligned_alike<E>(work);
  const unsigned skew = pieces ? skew_of<E>(work.x) : 0;
  const size_t n = work.outer * work.channels * work.inner;
  return launch_blocks(divide_up(n + skew, tile_elements<E>),
                       pieces ? map<Map, Access::pieces, E, Parameters> : map<Map, Access::singles, E, Parameters>,
                       block_threads, request.stream, tensors_of<E>(work), parameters, n, skew);
}

template <class Formula, class E>
int32_t map_flat(const Request& request) {
  return launch_map<Formula, E>(request, parameter_of<E>(request));
}

// ---- Runs ----

Runs runs_of(const Work& work, unsigned group, size_t unit_leaves) {
  Runs runs = {};
  runs.channels = work.channels;
  runs.inner = work.inner;
  runs.leaves_of_run = divide_up(work.inner, run_block);
  runs.leaves = work.outer * runs.leaves_of_run;
  runs.unit_leaves = unit_leaves;
  runs.units = divide_up(runs.leaves, unit_leaves) * work.channels;
  runs.group = group;
  return runs;
}

template <class Operation, class E>
int32_t launch_runs(const Request& request, unsigned group, size_t unit_leaves, void* nodes) {
  const Work& work = request.work;
  const bool pieces = aligned_alike<E>(work);
  Runs runs = runs_of(work, group, unit_leaves);
  runs.skew = pieces ? skew_of<E>(work.x) : 0;
  return launch_blocks(divide_up(runs.units, block_threads / group),
                       pieces ? map_runs<Operation, Access::pieces, E> : map_runs<Operation, Access::singles, E>,
                       block_threads, request.stream, tensors_of<E>(work), parameter_of<E>(request),
                       static_cast<ScalarOf<E>*>(nodes), runs);
}

// ---- Rows ----

// Whether every row of tensors that are aligned alike begins at the same place of a piece.
template <class E>
bool rows_aligned_alike(const Work& work) {
  return work.channels % in_piece<E> == 0 || work.outer == 1;
}

// Columns of so many channels.
Rows rows_of(const Work& work, size_t parameters, size_t unit_rows, unsigned skew, unsigned width) {
  Rows rows = {};
  rows.rows = work.outer;
  rows.channels = work.channels;
  rows.parameters = parameters;
  rows.skew = skew;
  rows.columns = divide_up(work.channels + skew, width);
  rows.unit_rows = unit_rows;
  rows.units = rows.columns * divide_up(work.outer, unit_rows);
  return rows;
}

// Channel c has parameter c modulo `parameters`.
template <class Operation, class E>
int32_t launch_rows(const Request& request, size_t parameters, size_t unit_rows, void* nodes) {
  const Work& work = request.work;
  const bool pieces = aligned_alike<E>(work) && rows_aligned_alike<E>(work);
  const Rows rows = pieces ? rows_of(work, parameters, unit_rows, skew_of<E>(work.x), in_piece<E>)
                           : rows_of(work, parameters, unit_rows, 0, 1);
  return launch_blocks(divide_up(rows.units, block_threads),
                       pieces ? map_rows<Operation, Access::pieces, E> : map_rows<Operation, Access::singles, E>,
                       block_threads, request.stream, tensors_of<E>(work), parameter_of<E>(request),
                       static_cast<ScalarOf<E>*>(nodes), rows);
}

// Rows without sums: as many at a time as keep all threads busy.
template <class E>
size_t rows_at_a_time(const Work& work) {
  const size_t rows = work.outer * divide_up(work.channels, in_piece<E>) / wanted_threads;
  return std::clamp(rows, size_t{in_flight}, row_block);
}

template <class Map, class E>
int32_t launch_map_rows(const Request& request, size_t parameters) {
  return launch_rows<Map, E>(request, parameters, rows_at_a_time<E>(request.work), nullptr);
}

// Rows of whole pieces of 16 bytes: as many neighbouring rows as a piece has elements are always that, if not one. Those
// that are left over have a launch of their own.
template <class Map, class E>
int32_t map_all_rows(const Request& request) {
  constexpr size_t together = in_piece<E>;
  const Work& work = request.work;
  if (work.channels % together == 0 || work.outer < together || !aligned_alike<E>(work)) {
    return launch_map_rows<Map, E>(request, work.channels);
  }
  Request joined = request;
  joined.work.outer = work.outer / together;
  joined.work.channels = work.channels * together;
  const int32_t status = launch_map_rows<Map, E>(joined, work.channels);
  if (status != RECTIFY_OK || work.outer % together == 0) return status;
  Request rest = request;
  rest.work.outer = work.outer % together;
  const size_t done = joined.work.outer * joined.work.channels;
  rest.work.x = static_cast<const E*>(work.x) + done;
  if (work.dy != nullptr) rest.work.dy = static_cast<const E*>(work.dy) + done;
  rest.work.out = static_cast<E*>(work.out) + done;
  return launch_map_rows<Map, E>(rest, work.channels);
}

// ---- A parameter per channel ----

template <class Formula, class E>
int32_t map_channels(const Request& request) {
  const Work& work = request.work;
  if (work.channels == 1) return map_flat<Formula, E>(request);
  if (has_rows(work)) return map_all_rows<Operation<Formula, Outputs::elements>, E>(request);
  return launch_map<Formula, E>(request, channel_of_elements<E>(work, parameter_of<E>(request), false));
}

template <class E>
int32_t launch_fold(void* stream, const void* nodes, size_t count, size_t channels, const Sums<E>& sums,
                    const Parameter<E>& divisor = {}) {
  const size_t wanted = power_of_two(divide_up(count, 8));
  const unsigned threads = static_cast<unsigned>(std::min(wanted, size_t{fold_threads}));
  const size_t each = power_of_two(divide_up(count, threads));
  return launch_blocks(divide_up(channels, fold_threads / threads), fold_nodes<E>, fold_threads, stream,
                       static_cast<const ScalarOf<E>*>(nodes), count, channels, sums, threads, each, divisor);
}

template <class Operation, class E>
int32_t launch_leaves(const Request& request, size_t unit_leaves, void* nodes) {
  const Work& work = request.work;
  if constexpr (Operation::per_channel) {
    if (has_rows(work)) return launch_rows<Operation, E>(request, work.channels, unit_leaves * row_block, nodes);
  }
  return launch_runs<Operation, E>(request, sum_group(work.inner, sizeof(E)), unit_leaves, nodes);
}

template <class Operation, class E>
int32_t map_and_sum(const Request& request) {
  const SumPlan plan = plan_sum(request.work, sizeof(E));
  const bool done = is_sum(plan, request.narrow_slopes);
  const int32_t status = launch_leaves<Operation, E>(request, plan.unit_leaves, done ? request.sums : request.scratch);
  if (status != RECTIFY_OK || done) return status;
  return launch_fold<E>(request.stream, request.scratch, plan.nodes, request.work.channels, sums_of<E>(request));
}

template <class Formula, class E>
int32_t sum_channels(const Request& request) {
  if (request.work.out == nullptr) return map_and_sum<Operation<Formula, Outputs::sums>, E>(request);
  return map_and_sum<Operation<Formula, Outputs::both>, E>(request);
}

template <class E>
int32_t clear_sums(const Request& request) {
  return launch_fold<E>(request.stream, nullptr, 0, request.work.channels, sums_of<E>(request));
}

// ---- Fused ----

// Whether pieces of 16 bytes of all tensors hold the same elements; `skew` is then that of each.
template <class E>
bool aligned_alike(const FusedRequest& request, unsigned* skew) {
  const Work& work = request.work;
  const void* const first = work.out != nullptr ? work.out : work.dy;
  *skew = skew_of<E>(first);
  for (const void* tensor : {work.x, work.dy, request.work.residual}) {
    if (tensor != nullptr && skew_of<E>(tensor) != *skew) return false;
  }
  return true;
}

template <class E>
FusedTensors<E> fused_tensors_of(const FusedRequest& request, bool pieces) {
  const Work& work = request.work;
  FusedTensors<E> tensors = {};
  tensors.x = static_cast<const E*>(work.x);
  tensors.residual = static_cast<const E*>(request.work.residual);
  tensors.dy = static_cast<const E*>(work.dy);
  tensors.out = static_cast<E*>(work.out);
  tensors.mask = static_cast<const unsigned char*>(request.mask);
  tensors.mask_out = static_cast<unsigned char*>(request.work.mask_out);
  tensors.adds_bias = request.work.bias != nullptr;
  tensors.adds_parameter = request.sums != nullptr;
  tensors.pieces = pieces;
  return tensors;
}

template <class E>
FusedParameters<E> fused_parameters_of(const FusedRequest& request) {
  return {{request.work.bias, request.narrow_slopes, 0}, parameter_of<E>(request)};
}

inline bool has_one_channel(const FusedRequest& request) {
  return request.work.channels == 1 || (request.work.bias == nullptr && request.work.parameter == nullptr);
}

template <class E>
FusedChannelOfElements<E> fused_channel_of_elements(const FusedRequest& request) {
  return channel_of_elements<E>(request.work, fused_parameters_of<E>(request), has_one_channel(request));
}

// In the order of `work`, which has the tensors' elements and perhaps other channels. `pieces`, `skew`: aligned_alike().
template <class Operation, class E>
int32_t launch_fused_rows(const FusedRequest& request, const Work& work, size_t unit_rows, bool pieces, unsigned skew,
                          const FusedNodes<ScalarOf<E>>& nodes) {
  pieces = pieces && rows_aligned_alike<E>(work);
  const Rows rows = rows_of(work, work.channels, unit_rows, pieces ? skew : 0, in_piece<E>);
  return launch_blocks(divide_up(rows.units, block_threads), map_rows<Operation, Access::pieces, E>, block_threads,
                       request.stream, fused_tensors_of<E>(request, pieces), fused_parameters_of<E>(request), nodes, rows);
}

template <class Operation, class E>
int32_t launch_fused_runs(const FusedRequest& request, const Work& work, unsigned group, size_t unit_leaves, bool pieces,
                          unsigned skew, const FusedNodes<ScalarOf<E>>& nodes,
                          const typename Operation::template Parameters<E>& parameters) {
  Runs runs = runs_of(work, group, unit_leaves);
  runs.skew = pieces ? skew : 0;
  return launch_blocks(divide_up(runs.units, block_threads / group), map_runs<Operation, Access::pieces, E>, block_threads,
                       request.stream, fused_tensors_of<E>(request, pieces), parameters, nodes, runs);
}

// Without sums. Rows find what their channels have once, and not for each piece; but a mask is put together by the threads
// of a warp, from neighbours.
template <class Operation, class E>
int32_t map_fused_elements(const FusedRequest& request) {
  const Work& work = request.work;
  unsigned skew;
  const bool pieces = aligned_alike<E>(request, &skew);
  if (has_rows(work) && !has_one_channel(request) && request.work.mask_out == nullptr && pieces &&
      rows_aligned_alike<E>(work)) {
    return launch_fused_rows<Operation, E>(request, work, rows_at_a_time<E>(work), pieces, skew, {});
  }
  const size_t n = work.outer * work.channels * work.inner;
  return launch_blocks(divide_up(n, fused_tile_elements<E>), map_fused<Operation, E>, block_threads, request.stream,
                       fused_tensors_of<E>(request, pieces && skew == 0), fused_channel_of_elements<E>(request), n);
}

// The sums that are asked for, in the order of `work`, which has the tensors' elements and perhaps other channels.
template <class Formula, class E>
int32_t sum_fused(const FusedRequest& request, const Work& work) {
  using Operation = FusedOperation<Formula, Outputs::both>;
  using Scalar = ScalarOf<E>;
  const SumPlan plan = plan_sum(work, sizeof(E));
  const bool narrow_sums = request.per_channel && request.narrow_slopes;
  Scalar* scratch = static_cast<Scalar*>(request.scratch);
  const auto nodes_of = [&](void* sums, bool narrow) -> Scalar* {
    if (sums == nullptr) return nullptr;
    if (is_sum(plan, narrow)) return static_cast<Scalar*>(sums);
    Scalar* const nodes = scratch;
    scratch += plan.nodes * work.channels;
    return nodes;
  };
  const FusedNodes<Scalar> nodes = {nodes_of(request.dbias, request.narrow_slopes), nodes_of(request.sums, narrow_sums)};

  unsigned skew;
  const bool pieces = aligned_alike<E>(request, &skew);
  const unsigned group = sum_group(work.inner, sizeof(E));
  int32_t status = RECTIFY_OK;
  if (has_rows(work)) {
    status = launch_fused_rows<Operation, E>(request, work, plan.unit_leaves * row_block, pieces, skew, nodes);
  } else if (!Formula::has_parameter || work.channels == request.work.channels || has_one_channel(request)) {
    status = launch_fused_runs<Operation, E>(request, work, group, plan.unit_leaves, pieces, skew, nodes,
                                             fused_parameters_of<E>(request));
  } else if constexpr (Formula::has_parameter) {
    using OfElements = FusedOperation<Formula, Outputs::both, false>;
    status = launch_fused_runs<OfElements, E>(request, work, group, plan.unit_leaves, pieces, skew, nodes,
                                              fused_channel_of_elements<E>(request));
  }
  if (status == RECTIFY_OK && nodes.bias != nullptr && nodes.bias != request.dbias) {
    status = launch_fold<E>(request.stream, nodes.bias, plan.nodes, work.channels, {request.dbias, request.narrow_slopes});
  }
  if (status == RECTIFY_OK && nodes.parameter != nullptr && (nodes.parameter != request.sums || request.divides_by_slope)) {
    status = launch_fold<E>(request.stream, nodes.parameter, plan.nodes, work.channels, {request.sums, narrow_sums},
                            request.divides_by_slope ? parameter_of<E>(request) : Parameter<E>{});
  }
  return status;
}

template <class Formula, class E>
int32_t fused_backward_of(const FusedRequest& request) {
  const Work& work = request.work;
  if (request.dbias == nullptr && request.sums == nullptr) {
    return map_fused_elements<FusedOperation<Formula, Outputs::elements>, E>(request);
  }
  if (request.sums == nullptr || request.per_channel || work.channels == 1) return sum_fused<Formula, E>(request, work);

  // One sum of all channels and one of each have orders of their own: the second is taken of dx, as it was stored.
  FusedRequest first = request;
  first.dbias = nullptr;
  const Work flat = {nullptr, nullptr, nullptr, nullptr, 1, 1, work.outer * work.channels * work.inner, false, false};
  const int32_t status = sum_fused<Formula, E>(first, flat);
  if (status != RECTIFY_OK || request.dbias == nullptr) return status;
  FusedRequest second = {};
  second.work = {nullptr, work.out, nullptr, nullptr, work.outer, work.channels, work.inner, false, false};
  second.narrow_slopes = request.narrow_slopes;
  second.dbias = request.dbias;
  second.scratch = request.scratch;
  second.stream = request.stream;
  return sum_fused<ReluBackward, E>(second, work);
}

template <class E>
int32_t fused_forward(const FusedRequest& request) {
  switch (request.activation) {
    case Activation::relu:
      return map_fused_elements<FusedOperation<ReluForward, Outputs::elements>, E>(request);
    case Activation::elu:
      return map_fused_elements<FusedOperation<EluForward, Outputs::elements>, E>(request);
    default:
      return map_fused_elements<FusedOperation<PreluForward, Outputs::elements>, E>(request);
  }
}

template <class E>
int32_t fused_backward(const FusedRequest& request) {
  switch (request.activation) {
    case Activation::relu:
      return fused_backward_of<ReluBackward, E>(request);
    case Activation::elu:
      return fused_backward_of<EluBackward, E>(request);
    default:
      return fused_backward_of<PreluBackward, E>(request);
  }
}

template <class E>
constexpr Operations operations = {.relu_forward = map_flat<ReluForward, E>,
                                   .relu_backward = map_flat<ReluBackward, E>,
                                   .prelu_forward = map_channels<PreluForward, E>,
                                   .prelu_backward = map_channels<PreluBackward, E>,
                                   .elu_forward = map_flat<EluForward, E>,
                                   .elu_backward = map_flat<EluBackward, E>,
                                   .elu_backward_from_y = map_flat<EluBackwardFromY, E>,
                                   .prelu_backward_with_parameter = sum_channels<PreluBackward, E>,
                                   .elu_backward_with_parameter = sum_channels<EluBackward, E>,
                                   .clear_sums = clear_sums<E>,
                                   .fused_forward = fused_forward<E>,
                                   .fused_backward = fused_backward<E>};

}  // namespace
}  // namespace rectify::cuda

#define RECTIFY_CUDA_EXPORT(name, Element)                             \
  namespace rectify::cuda {                                            \
  extern constexpr Operations operations_##name = operations<Element>; \
  }
