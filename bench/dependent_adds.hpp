// A chain of integer additions, each waiting for the one before: the clock that counts cycles. Both operands are registers,
// since recent cores carry out an addition of a small constant while renaming, in no time.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace roofline {

inline constexpr size_t dependent_adds_per_turn = 32;

#if defined(__x86_64__)
#define ROOFLINE_ADD "add %1, %0\n\t"
#elif defined(__aarch64__)
#define ROOFLINE_ADD "add %0, %0, %1\n\t"
#else
#error "no dependent addition for this architecture"
#endif
#define ROOFLINE_ADD_4 ROOFLINE_ADD ROOFLINE_ADD ROOFLINE_ADD ROOFLINE_ADD
#define ROOFLINE_ADD_16 ROOFLINE_ADD_4 ROOFLINE_ADD_4 ROOFLINE_ADD_4 ROOFLINE_ADD_4

inline uint64_t dependent_adds(uint64_t sum, size_t turns) {
  const uint64_t addend = sum | 1;
  for (size_t t = 0; t < turns; ++t) asm volatile(ROOFLINE_ADD_16 ROOFLINE_ADD_16 : "+r"(sum) : "r"(addend) : "cc");
  return sum;
}

}  // namespace roofline
