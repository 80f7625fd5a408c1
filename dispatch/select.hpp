// Which backend a call uses.
#pragma once

#include <stdint.h>

#include <atomic>

#include "kernels/backend.hpp"

namespace rectify {

// Sets *backend to the one named, or to the best for NULL, among those that the CPU, the operating system and RECTIFY_ISA
// offer. Returns a status of rectify.h.
int32_t select_backend(const char* name, const Backend** backend) noexcept;

extern constinit std::atomic<const Backend*> known_best;

// The best, or NULL as long as no call has asked select_backend() for it, or where none is offered.
inline const Backend* best_backend() noexcept { return known_best.load(std::memory_order_relaxed); }

}  // namespace rectify
