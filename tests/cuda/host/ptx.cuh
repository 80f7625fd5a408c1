// Memory accesses of 16 bytes, for a C++ compiler: the counterpart of kernels/cuda/device/ptx.cuh.
#pragma once

#include "launch.cuh"

namespace rectify {
namespace {

__forceinline__ float4 load_16_bytes(const float* p) { return *reinterpret_cast<const float4*>(p); }
__forceinline__ void store_16_bytes(float* p, float4 a) { *reinterpret_cast<float4*>(p) = a; }

}  // namespace
}  // namespace rectify
