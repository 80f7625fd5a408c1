// Memory accesses of 16 bytes and the conversions of 16-bit elements: the only file with inline PTX and, once one has been
// measured, cache hints. The accesses are written as PTX because nvcc takes a vector apart: it merges the elements' stores
// with those of the partial case, and most accesses were of 4 bytes then. Never ld.global.nc (__ldg): the output may be the
// input.
#pragma once

#include <cuda_runtime.h>
#include <stdint.h>

namespace rectify {
namespace {

struct Piece16 {
  uint32_t word[4];
};

// p is a multiple of 16 bytes in global memory.
__device__ __forceinline__ Piece16 load_16_bytes(const void* p) {
  Piece16 a;
  asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(a.word[0]), "=r"(a.word[1]), "=r"(a.word[2]), "=r"(a.word[3])
               : "l"(p)
               : "memory");
  return a;
}

__device__ __forceinline__ void store_16_bytes(void* p, const Piece16& a) {
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(p), "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]),
               "r"(a.word[3])
               : "memory");
}

// Exact; every NaN becomes the same one, here and below.
__device__ __forceinline__ float float_of_half(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

// Two values rounded to nearest even; denormals are kept.
__device__ __forceinline__ uint32_t halves_of_floats(float low, float high) {
#if __CUDA_ARCH__ >= 800
  uint32_t bits;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
#else
  uint16_t bits[2];
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits[0]) : "f"(low));
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits[1]) : "f"(high));
  return bits[0] | uint32_t{bits[1]} << 16;
#endif
}

__device__ __forceinline__ uint32_t bfloats_of_floats(float low, float high) {
#if __CUDA_ARCH__ >= 800
  uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
#else
  // Half a last place is added, less one bit where that is even; a carry runs on into the exponent, as it should. A NaN
  // would overflow.
  const auto rounded = [](float value) {
    const uint32_t bits = __float_as_uint(value);
    return value != value ? 0x7FFF0000 : bits + 0x7FFF + (bits >> 16 & 1);
  };
  return rounded(low) >> 16 | (rounded(high) & 0xFFFF0000);
#endif
}

}  // namespace
}  // namespace rectify
