// What the CPU and the operating system offer.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace rectify {

// Features as in kernels/backend.hpp: an instruction set counts only if the operating system saves its registers.
uint32_t cpu_features() noexcept;

// Bytes of the caches that one core can fill: of level 2, and of the last level. Read from the machine once.
struct CacheSizes {
  size_t second, last;
};
CacheSizes cache_sizes() noexcept;

}  // namespace rectify
