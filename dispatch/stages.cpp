#include "dispatch/stages.hpp"

#include <algorithm>
#include <cstddef>

namespace rectify {

void run_part(const Stages& stages, const Work& shape, const SumPart& part) noexcept {
  if (stages.count == 0) return;
  const auto run = [&](size_t begin, size_t end) { run_through(stages, begin, end, last_of(stages).out); };
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
