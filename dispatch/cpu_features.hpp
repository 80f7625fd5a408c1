// What the CPU and the operating system offer.
#pragma once

#include <stdint.h>

namespace rectify {

// Features as in kernels/backend.hpp: an instruction set counts only if the operating system saves its registers.
uint32_t cpu_features() noexcept;

}  // namespace rectify
