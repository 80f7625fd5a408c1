// Memory accesses of 16 bytes and the conversions of f16: the only file with inline PTX and, once one has been measured,
// cache hints. The accesses are written as PTX because nvcc takes a vector apart: it merges the elements' stores with those
// of the partial case, and most accesses were of 4 bytes then. Never ld.global.nc (__ldg): the output may be the input.
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

// Exact, but for the payload of a NaN.
__device__ __forceinline__ float float_of_half(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

// Rounded to nearest even; denormals are kept.
__device__ __forceinline__ uint16_t half_of_float(float value) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

}  // namespace
}  // namespace rectify
