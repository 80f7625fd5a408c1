// Memory accesses of 16 bytes: the only file with inline PTX and, once one has been measured, cache hints. Written as PTX
// because nvcc takes a float4 apart: it merges the elements' stores with those of the partial case, and most accesses were
// of 4 bytes then. Never ld.global.nc (__ldg): the output may be the input.
#pragma once

#include <cuda_runtime.h>

namespace rectify {
namespace {

// p is a multiple of 16 bytes in global memory.
__device__ __forceinline__ float4 load_16_bytes(const float* p) {
  float4 a;
  asm volatile("ld.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(a.x), "=f"(a.y), "=f"(a.z), "=f"(a.w) : "l"(p) : "memory");
  return a;
}

__device__ __forceinline__ void store_16_bytes(float* p, float4 a) {
  asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(p), "f"(a.x), "f"(a.y), "f"(a.z), "f"(a.w) : "memory");
}

}  // namespace
}  // namespace rectify
