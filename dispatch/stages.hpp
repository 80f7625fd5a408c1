// The steps that a fused backward takes with each tile of its elements while they are in the first cache: one pass over
// memory whatever their number, with the bits of one pass each. What stands between two steps is a tile and not a tensor.
#pragma once

#include <stddef.h>

#include "kernels/backend.hpp"

namespace rectify {

struct Stage {
  MapKernel kernel;
  Work work;
  bool from_tile;  // x is the tile
  bool to_tile;    // so is out
};

struct Stages {
  Stage stage[2];
  size_t count = 0;
  size_t element_size = 0;

  void add(const Stage& next) noexcept { stage[count++] = next; }

  // Elements [begin, end) through all stages.
  void run(size_t begin, size_t end) const noexcept;

  // The elements of a part of `shape`, piece by piece as they lie in memory.
  void run(const Work& shape, const SumPart& part) const noexcept;
};

}  // namespace rectify
