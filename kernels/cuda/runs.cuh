// Tensors of runs: outer * channels runs of `inner` contiguous elements with one parameter each, dx and the parameters'
// gradients in one pass. A run is cut into leaves of 4096 elements (docs/numerics.md, section 4), and a group of threads
// takes unit_leaves neighbouring leaves of one channel, one after the other: two divisions a group find out which.
//
// A group of 16 threads with four elements each is the contract's 64 lanes. Where a run does not begin with a piece of 16
// bytes its first element goes to lane `skew`, and all lanes are rotated: folding by halves then adds the same pairs. Runs
// of 32 and fewer elements leave lanes empty, and so get smaller groups. Where nothing is summed, any size serves.
#pragma once

#include "../backend.hpp"
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
template <class Operation, Access access>
RECTIFY_INLINE void take_leaf(const Tensors& leaf, size_t length, unsigned skew, unsigned group, unsigned thread,
                              const Elements<4>& parameter, Elements<4>& lanes) {
  const size_t step = size_t{group} * 4, stride = access == Access::pieces ? 1 : group;
  size_t first = size_t{thread} * (access == Access::pieces ? 4 : 1) - skew;
  if (skew != 0) {
    take<Operation, access, false, 1>(leaf, {first, stride, length}, 0, parameter, lanes);
    first += step;
  }
  for (; first + (cuda::in_flight - 1) * step + 3 * stride < length; first += cuda::in_flight * step) {
    take<Operation, access, true, cuda::in_flight>(leaf, {first, stride, length}, step, parameter, lanes);
  }
  for (; first < length; first += step) {
    if (first + 3 * stride < length) {
      take<Operation, access, true, 1>(leaf, {first, stride, length}, 0, parameter, lanes);
    } else {
      take<Operation, access, false, 1>(leaf, {first, stride, length}, 0, parameter, lanes);
    }
  }
}

// Adds the values of threads `distance` apart, in every thread of a warp.
RECTIFY_INLINE F32 add_across(F32 value, unsigned distance) {
  return value + broadcast(__shfl_xor_sync(0xFFFFFFFFu, value.v, static_cast<int>(distance)));
}

// The lanes of a group, folded by halves. Thread t holds lanes 4t, 4t + 1, 4t + 2, 4t + 3 or, one by one, t, t + group,
// t + 2 group, t + 3 group.
template <Access access>
RECTIFY_INLINE F32 fold_lanes(Elements<4> lanes, unsigned group) {
  if constexpr (access == Access::pieces) {
    for (unsigned distance = group / 2; distance != 0; distance /= 2) {
      RECTIFY_UNROLL for (unsigned v = 0; v < 4; ++v) lanes.v[v] = add_across(lanes.v[v], distance);
    }
  }
  F32 sum = (lanes.v[0] + lanes.v[2]) + (lanes.v[1] + lanes.v[3]);
  if constexpr (access == Access::singles) {
    for (unsigned distance = group / 2; distance != 0; distance /= 2) sum = add_across(sum, distance);
  }
  return sum;
}

template <class Operation, Access access>
__global__ void __launch_bounds__(cuda::block_threads)
    map_runs(const Tensors tensors, const Parameter parameter, float* const nodes, const Runs runs) {
  const unsigned thread = threadIdx.x % runs.group, groups = cuda::block_threads / runs.group;
  for (size_t base = size_t{blockIdx.x} * groups; base < runs.units; base += size_t{gridDim.x} * groups) {
    const size_t unit = base + threadIdx.x / runs.group;
    const size_t begin = unit / runs.channels * runs.unit_leaves, channel = unit % runs.channels;
    size_t count = 0, run = 0, block = 0;
    Elements<4> parameters = all<4>(broadcast(0));
    if (unit < runs.units) {
      count = runs.leaves - begin < runs.unit_leaves ? runs.leaves - begin : runs.unit_leaves;
      run = begin / runs.leaves_of_run * runs.channels + channel;
      block = begin % runs.leaves_of_run;
      if constexpr (Operation::writes) parameters = all<4>(parameter.of(channel));
    }
    Tree<cuda::most_levels> tree;
    // The threads of a warp fold their lanes together: all of them count to the same end.
    for (size_t leaf = 0; leaf < runs.unit_leaves; ++leaf) {
      Elements<4> lanes = all<4>(broadcast(0));
      if (leaf < count) {
        const size_t offset = block * run_block, at = run * runs.inner + offset;
        const size_t length = runs.inner - offset < run_block ? runs.inner - offset : run_block;
        const unsigned skew = access == Access::pieces ? (runs.skew + static_cast<unsigned>(at)) % 4 : 0;
        take_leaf<Operation, access>(tensors.from(at), length, skew, runs.group, thread, parameters, lanes);
        if (++block == runs.leaves_of_run) {
          block = 0;
          run += runs.channels;
        }
      }
      if constexpr (Operation::adds) {
        const F32 sum = fold_lanes<access>(lanes, runs.group);
        if (leaf < count) tree.add(sum);
      }
    }
    if constexpr (Operation::adds) {
      if (unit < runs.units && thread == 0) nodes[unit] = tree.sum().v;
    }
  }
}

}  // namespace
}  // namespace rectify
