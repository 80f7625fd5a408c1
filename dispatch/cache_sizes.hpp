// What a core's caches hold.
#pragma once

#include <stddef.h>

namespace rectify {

// Bytes of the caches that one core can fill: of level 2, and of the last level. Read from the machine once.
struct CacheSizes {
  size_t second, last;
};
CacheSizes cache_sizes() noexcept;

}  // namespace rectify
