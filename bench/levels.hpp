// The levels of the memory and how many bytes a measurement touches to be at one of them.
#pragma once

#include <stddef.h>

#include <vector>

#include "machine.hpp"

namespace roofline {

enum class Level { l1 = 1, l2, l3, dram };

const char* name(Level level);

// The levels that this machine has.
std::vector<Level> levels(const Machine& machine);

// Bytes of all arrays together for `threads` threads at work on them: half of the caches of the level that these threads
// have, a quarter where several cores (in a virtual machine: strangers too) share one, and in DRAM several times the last
// cache.
size_t touched_bytes(const Machine& machine, Level level, size_t threads);

}  // namespace roofline
