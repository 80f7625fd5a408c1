// The steps that a fused backward takes with each tile of its elements while they are in the first cache: one pass over
// memory whatever their number, with the bits of one pass each. What stands between two steps is a tile and not a tensor.
#pragma once

#include "backend.hpp"

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
};

namespace {

// Half of a small first cache: the stages' other tensors pass through the rest.
constexpr size_t tile_bytes = 16384;

// Kernels count elements from a tensor's first: where it would be if `from` were the tile's.
inline void* first_of_tile(void* tile, size_t from, size_t element_size) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(tile) - from * element_size);
}

inline const Work& last_of(const Stages& stages) { return stages.stage[stages.count - 1].work; }

[[gnu::noinline, maybe_unused]] void run_in_tiles(const Stages& stages, size_t begin, size_t end, void* out) {
  alignas(64) unsigned char tile[tile_bytes];
  const size_t at_a_time = tile_bytes / stages.element_size;
  for (size_t from = begin, to; from < end; from = to) {
    to = end - from < at_a_time ? end : from + at_a_time;
    void* const first = first_of_tile(tile, from, stages.element_size);
    for (size_t s = 0; s < stages.count; ++s) {
      const Stage& stage = stages.stage[s];
      Work work = stage.work;
      if (stage.from_tile) work.x = first;
      if (stage.to_tile) work.out = first;
      if (s + 1 == stages.count && out != work.out) {
        work.out = out;
        work.streaming = false;
      }
      stage.kernel(work, from, to);
    }
  }
}

// Elements [begin, end) through all stages, into `out`: where the last one's go, or where they are soon read.
inline void run_through(const Stages& stages, size_t begin, size_t end, void* out) {
  const Stage& first = stages.stage[0];
  if (stages.count == 1 && out == first.work.out) return first.kernel(first.work, begin, end);
  run_in_tiles(stages, begin, end, out);
}

}  // namespace
}  // namespace rectify
