// Memory accesses of 16 bytes: the only file for inline PTX and cache hints. There are none yet: a hint has to be measured
// first. Never ld.global.nc (__ldg): the output may be the input.
#pragma once

#include <cuda_runtime.h>

namespace rectify {
namespace {

// p is a multiple of 16 bytes.
__device__ __forceinline__ float4 load_16_bytes(const float* p) { return *reinterpret_cast<const float4*>(p); }
__device__ __forceinline__ void store_16_bytes(float* p, float4 a) { *reinterpret_cast<float4*>(p) = a; }

}  // namespace
}  // namespace rectify
