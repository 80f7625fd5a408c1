// Tensors of runs: outer * channels runs of `inner` contiguous elements with one parameter each, dx and the parameters'
// gradients in one pass. A run is cut into leaves of 4096 elements (docs/numerics.md, section 4), and a group of threads
// takes unit_leaves neighbouring leaves of one channel, one after the other: two divisions a group find out which.
//
// A group of threads with a piece of 16 bytes each is the contract's 64 lanes: 16 threads of f32, 8 of 16-bit elements; in
// f64 it is 16, of 32 lanes. Where a run does not begin with a piece its first element goes to lane `skew`, and all lanes
// are rotated: folding by halves then adds the same pairs. Runs that leave half of the lanes empty get smaller groups.
#pragma once

#include "../backend.hpp"
#include "channels.cuh"
#include "elements.cuh"
#include "tree.cuh"
#include "tuning.cuh"

namespace rectify {
namespace {

struct Runs {
  size_t channels, inner;
  size_t leaves_of_run, leaves;  // of a run, of a channel
  size_t unit_leaves;            // a power of two
  size_t units;                  // units of leaves, all channels together; neighbours belong to neighbouring channels
  unsigned group;                // threads that share a unit: a power of two
  unsigned skew;                 // elements between the piece of 16 bytes that holds the tensor's first and the first
};

// The elements of one leaf.
template <class Operation, Access access, class Inputs, class Parameters, class Sum, unsigned width>
RECTIFY_INLINE void take_leaf(const Inputs& leaf, size_t length, unsigned skew, unsigned group, unsigned thread,
                              const Parameters& parameter, Lanes<Sum, width>& lanes) {
  const size_t step = size_t{group} * width, stride = access == Access::pieces ? 1 : group;
  if constexpr (!Operation::has_whole_pieces) {
    for (size_t i = size_t{thread} * width; i < length + skew; i += Operation::in_flight * step) {
      take<Operation, access, false, Operation::in_flight>(leaf, {i - skew, 1, length}, {step, step}, parameter, lanes);
    }
    return;
  }
  constexpr unsigned most = Operation::in_flight;
  // From the piece on that holds the run's first element: what comes before that is not the run's.
  size_t from = size_t{thread} * (access == Access::pieces ? width : 1);
  for (const size_t end = length + skew; from < end; from += step) {
    const Place place = {from - skew, stride, length};
    const size_t last = from + (width - 1) * stride;
    if (from < skew || last >= end) {
      take<Operation, access, false, 1>(leaf, place, {}, parameter, lanes);
    } else if (last + (most - 1) * step >= end) {
      take<Operation, access, true, 1>(leaf, place, {}, parameter, lanes);
    } else {
      take<Operation, access, true, most>(leaf, place, {step, step}, parameter, lanes);
      from += (most - 1) * step;
    }
  }
}

// Adds the values of threads `distance` apart, in every thread of a warp.
template <class V>
RECTIFY_INLINE V add_across(V value, unsigned distance) {
  return value + V{__shfl_xor_sync(0xFFFFFFFFu, value.v, static_cast<int>(distance))};
}

// The lanes of a group, folded by halves. Of `width` lanes a thread, thread t holds those from width*t on or, one by one,
// t, t + group, t + 2 group, …
template <Access access, class V, unsigned width>
RECTIFY_INLINE V fold_lanes(Lanes<V, width> lanes, unsigned group) {
  if constexpr (access == Access::pieces) {
    for (unsigned distance = group / 2; distance != 0; distance /= 2) {
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) lanes.v[v] = add_across(lanes.v[v], distance);
    }
  }
  RECTIFY_UNROLL for (unsigned half = width / 2; half != 0; half /= 2) {
    RECTIFY_UNROLL for (unsigned v = 0; v < half; ++v) lanes.v[v] = lanes.v[v] + lanes.v[v + half];
  }
  V sum = lanes.v[0];
  if constexpr (access == Access::singles) {
    for (unsigned distance = group / 2; distance != 0; distance /= 2) sum = add_across(sum, distance);
  }
  return sum;
}

template <class Operation, Access access, class Element, class Scalar = typename Computed<Element>::Scalar>
__global__ void __launch_bounds__(cuda::block_threads, Operation::blocks(sizeof(Element), false))
    map_runs(const typename Operation::template Inputs<Element> tensors,
             const typename Operation::template Parameters<Element> parameter,
             const typename Operation::template Nodes<Scalar> nodes, const Runs runs) {
  using Sum = typename Operation::template Sum<Computed<Element>>;
  constexpr unsigned width = in_piece<Element>;
  const unsigned thread = threadIdx.x % runs.group, groups = cuda::block_threads / runs.group;
  for (size_t base = size_t{blockIdx.x} * groups; base < runs.units; base += size_t{gridDim.x} * groups) {
    const size_t unit = base + threadIdx.x / runs.group;
    const size_t begin = unit / runs.channels * runs.unit_leaves, channel = unit % runs.channels;
    size_t count = 0, run = 0, block = 0;
    const auto parameters = [&]() RECTIFY_LAMBDA {
      if constexpr (Operation::writes)
        return of_channel<width>(parameter, channel);
      else
        return all<width>(Computed<Element>{});
    }();
    if (unit < runs.units) {
      count = runs.leaves - begin < runs.unit_leaves ? runs.leaves - begin : runs.unit_leaves;
      run = begin / runs.leaves_of_run * runs.channels + channel;
      block = begin % runs.leaves_of_run;
    }
    Tree<Sum, cuda::most_levels> tree;
    // The threads of a warp fold their lanes together: all of them count to the same end.
    for (size_t leaf = 0; leaf < runs.unit_leaves; ++leaf) {
      auto lanes = all<width>(Sum{});
      if (leaf < count) {
        const size_t offset = block * run_block, at = run * runs.inner + offset;
        const size_t length = runs.inner - offset < run_block ? runs.inner - offset : run_block;
        const unsigned skew = access == Access::pieces ? (runs.skew + static_cast<unsigned>(at)) % width : 0;
        take_leaf<Operation, access>(tensors.from(at), length, skew, runs.group, thread, parameters, lanes);
        if (++block == runs.leaves_of_run) {
          block = 0;
          run += runs.channels;
        }
      }
      if constexpr (Operation::adds) {
        const Sum sum = fold_lanes<access>(lanes, runs.group);
        if (leaf < count) tree.add(sum);
      }
    }
    if constexpr (Operation::adds) {
      if (unit < runs.units && thread == 0) set_node(nodes, unit, tree.sum());
    }
  }
}

}  // namespace
}  // namespace rectify
