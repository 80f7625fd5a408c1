// Which backend a call uses.
#pragma once

#include <stdint.h>

#include "kernels/backend.hpp"

namespace rectify {

// Sets *backend to the one named, or to the best for NULL, among those that the CPU, the operating system and RECTIFY_ISA
// offer. Returns a status of rectify.h.
int32_t select_backend(const char* name, const Backend** backend) noexcept;

}  // namespace rectify
