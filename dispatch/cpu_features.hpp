// What the CPU and the operating system offer.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace rectify {

// Features as in kernels/backend.hpp: an instruction set counts only if the operating system saves its registers.
uint32_t cpu_features() noexcept;

// Bytes of the last-level cache that one core can fill; read from the machine once.
size_t last_level_cache_bytes() noexcept;

}  // namespace rectify
