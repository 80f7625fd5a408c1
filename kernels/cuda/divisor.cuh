// Division by a number that a launch knows, without dividing: which channel an element of a tensor belongs to.
#pragma once

#include <stdint.h>

#include "launch.cuh"

namespace rectify::cuda {

// n / value for n < 2^63, as floor(n * magic / 2^(63 + l)) with 2^(l-1) < value <= 2^l and magic = floor(2^(63+l) / value)
// + 1: value * magic is above 2^(63 + l) by at most 2^l, too little to reach the next quotient (Granlund and Montgomery
// 1994).
struct Divisor {
  uint64_t value;
  uint64_t magic;  // 0 where the value is 1
  unsigned shift;  // l - 1

  static constexpr Divisor of(uint64_t value) {
    Divisor divisor = {value, 0, 0};
    if (value < 2) return divisor;
    while ((value - 1) >> divisor.shift >> 1 != 0) ++divisor.shift;
    uint64_t remainder = uint64_t{1} << divisor.shift;
    for (int bit = 0; bit < 64; ++bit) {
      remainder *= 2;
      const bool fits = remainder >= value;
      divisor.magic = 2 * divisor.magic + fits;
      if (fits) remainder -= value;
    }
    ++divisor.magic;
    return divisor;
  }

  __device__ __forceinline__ uint64_t divide(uint64_t n) const { return magic == 0 ? n : __umul64hi(n, magic) >> shift; }

  // For n < 2^31, by the same with 32 bits in the place of 64: a third of the instructions. Where the value has more than
  // 32 the quotient is 0.
  __device__ __forceinline__ uint32_t divide(uint32_t n) const {
    const uint32_t short_magic = static_cast<uint32_t>((magic - 1) >> 32) + 1;
    return magic == 0 ? n : static_cast<uint32_t>(uint64_t{__umulhi(n, short_magic)} >> shift);
  }
};

}  // namespace rectify::cuda
