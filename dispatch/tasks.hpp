// Cuts a tensor into tasks by its shape alone, never by the number of threads, and runs them.
#pragma once

#include <rectify/rectify.h>

#include "kernels/backend.hpp"

namespace rectify {

// What a call works on, checked, the shape collapsed: channels == 1 means {1, 1, n}.
struct Work {
  const void* x;
  const void* dy;  // NULL in a forward
  void* out;       // y or dx; NULL where only sums are wanted
  const void* parameter;
  rectify_shape shape;
  size_t elements;  // outer * channels * inner, not 0
  size_t element_size;
};

void run_map(MapKernel kernel, const Work& work, const rectify_options& options) noexcept;

// Also writes shape.channels sums. Fails only for want of memory, and then before anything is written.
int32_t run_sum(SumKernel kernel, FoldKernel fold, const Work& work, void* sums, const rectify_options& options) noexcept;

}  // namespace rectify
