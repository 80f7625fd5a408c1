#include "dispatch/stages.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rectify {
namespace {

// Half of a small first cache: the stages' other tensors pass through the rest.
constexpr size_t tile_bytes = 16384;

}  // namespace

void Stages::run(size_t begin, size_t end) const noexcept {
  alignas(64) std::byte tile[tile_bytes];
  const size_t at_a_time = tile_bytes / element_size;
  for (size_t from = begin, to; from < end; from = to) {
    to = std::min(end, from + at_a_time);
    // Kernels count elements from a tensor's first: where it would be if `from` were the tile's.
    void* const first = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(tile) - from * element_size);
    for (size_t s = 0; s < count; ++s) {
      Work work = stage[s].work;
      if (stage[s].from_tile) work.x = first;
      if (stage[s].to_tile) work.out = first;
      stage[s].kernel(work, from, to);
    }
  }
}

void Stages::run(const Work& shape, const SumPart& part) const noexcept {
  if (count == 0) return;
  const size_t channels = shape.channels, inner = shape.inner;
  if (has_rows(shape)) {
    const size_t row_end = std::min(shape.outer, part.leaf_end * row_block);
    size_t row = part.leaf_begin * row_block;
    if (part.channel_begin == 0 && part.channel_end == channels) return run(row * channels, row_end * channels);
    for (; row < row_end; ++row) run(row * channels + part.channel_begin, row * channels + part.channel_end);
    return;
  }
  const size_t blocks = inner / run_block + (inner % run_block != 0);
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    const size_t run_of_first = leaf / blocks * channels, offset = leaf % blocks * run_block;
    if (blocks == 1) {
      run((run_of_first + part.channel_begin) * inner, (run_of_first + part.channel_end) * inner);
      continue;
    }
    for (size_t channel = part.channel_begin; channel < part.channel_end; ++channel) {
      const size_t at = (run_of_first + channel) * inner + offset;
      run(at, at + std::min(run_block, inner - offset));
    }
  }
}

}  // namespace rectify
