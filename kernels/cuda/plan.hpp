// How much of a sum a thread does before it leaves a node in the caller's scratch. Found from the shape alone, without a
// device: the size of the scratch depends on it.
#pragma once

#include <stddef.h>

#include "../backend.hpp"
#include "tuning.cuh"

namespace rectify::cuda {

constexpr size_t divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }

// The smallest power of two, at least `least`, that is not below a.
constexpr size_t power_of_two(size_t a, size_t least = 1) {
  while (least < a) least *= 2;
  return least;
}

struct SumPlan {
  size_t leaves;       // per channel
  size_t unit_leaves;  // a power of two
  size_t nodes;        // per channel
};

// Elements in a piece of 16 bytes.
constexpr size_t piece_elements(size_t element_size) { return 16 / element_size; }

// Threads with a piece each that share the lanes of a run, as many as it fills.
constexpr unsigned sum_group(size_t inner, size_t element_size) {
  const size_t lanes = element_size == sizeof(double) ? 32 : 64;
  const size_t filled = inner > lanes / 2 ? lanes : inner;
  return static_cast<unsigned>(power_of_two(divide_up(filled, piece_elements(element_size))));
}

// For a tensor that is not empty.
constexpr SumPlan plan_sum(const Work& work, size_t element_size) {
  const bool rows = has_rows(work);
  SumPlan plan = {};
  plan.leaves = rows ? divide_up(work.outer, row_block) : work.outer * divide_up(work.inner, run_block);
  const size_t threads = plan.leaves * (rows ? divide_up(work.channels, piece_elements(element_size))
                                             : work.channels * sum_group(work.inner, element_size));
  plan.unit_leaves = 1;
  while (plan.unit_leaves < size_t{1} << most_levels && plan.unit_leaves < plan.leaves &&
         threads / wanted_threads >= 2 * plan.unit_leaves) {
    plan.unit_leaves *= 2;
  }
  plan.nodes = divide_up(plan.leaves, plan.unit_leaves);
  return plan;
}

// Whether a channel's only node is its sum, and no scratch is needed. A narrow sum has to be rounded.
constexpr bool is_sum(const SumPlan& plan, bool narrow_sums) { return plan.nodes == 1 && !narrow_sums; }

constexpr size_t scratch_bytes(const Work& work, size_t element_size, bool narrow_sums) {
  if (work.outer == 0 || work.channels == 0 || work.inner == 0) return 0;
  const SumPlan plan = plan_sum(work, element_size);
  const size_t node_size = element_size == sizeof(double) ? sizeof(double) : sizeof(float);
  return is_sum(plan, narrow_sums) ? 0 : plan.nodes * work.channels * node_size;
}

// Of a fused call, whichever sums it takes: both in one order, or one after the other.
constexpr size_t fused_scratch_bytes(const Work& work, size_t element_size, bool narrow_sums) {
  const Work flat = {nullptr, nullptr, nullptr, nullptr, 1, 1, work.outer * work.channels * work.inner, false, false};
  const size_t both = 2 * scratch_bytes(work, element_size, narrow_sums), one = scratch_bytes(flat, element_size, false);
  return both > one ? both : one;
}

}  // namespace rectify::cuda
