// How the leaves and channels of a sum are shared out among tasks. Each takes a part of the leaves of a tile of channels, a
// node of the tree: that changes no bit.
#pragma once

#include <stddef.h>

#include <algorithm>

#include "kernels/backend.hpp"

namespace rectify {

constexpr size_t divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }

struct SumPlan {
  size_t leaves;       // per channel
  size_t task_leaves;  // a power of two, so that a task's leaves fold into one node of the tree
  size_t nodes;        // per channel
  size_t tile;         // channels of a task
  size_t tiles;
  size_t levels;  // rows of scratch that a task needs

  size_t tasks() const noexcept { return nodes * tiles; }
};

// Most nodes per channel that the tasks leave for the final fold: bounds the scratch whatever outer and inner are.
inline constexpr size_t most_nodes = 256;

// And where a task goes over its part more than once: as many as keep the part in the second cache, if the channels are
// few.
constexpr size_t most_nodes_of_stages(size_t channels) { return std::max(most_nodes, 65536 / channels); }

// `whole`: the work is not shared out, so a task may be all of it, and leaves no nodes to be folded. It is several where a
// task has not all channels: it would go through memory once for each tile.
SumPlan plan_sum(const Work& work, size_t nodes, bool whole) noexcept;

}  // namespace rectify
