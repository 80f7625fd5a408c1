// Cuts a checked call into tasks by its shape alone, never by the number of threads, and runs them.
#pragma once

#include "dispatch/call.hpp"

namespace rectify {

void run_map(MapKernel kernel, Call& call) noexcept;

// Also writes call.work.channels sums. Fails only for want of memory, and then before anything is written.
int32_t run_sum(SumKernel kernel, Call& call) noexcept;

}  // namespace rectify
