// What the CUDA sources ask of the compiler and the runtime, for a C++ compiler: the counterpart of
// kernels/cuda/device/launch.cuh. Kernels are plain functions, and a launch goes to the executor.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "rectify/rectify.h"
#include "tests/cuda/host/executor.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define RECTIFY_UNROLL
// One block runs at a time. The executor spoils this section before each.
#define __shared__ static __attribute__((section("cuda_shared")))

inline constexpr const rectify::executor::Index& threadIdx = rectify::executor::thread_index;
inline constexpr const rectify::executor::Index& blockIdx = rectify::executor::block_index;
inline constexpr const rectify::executor::Index& blockDim = rectify::executor::block_size;
inline constexpr const rectify::executor::Index& gridDim = rectify::executor::grid_size;

struct alignas(16) float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }

// ---- Threads that meet; `where` tells one place in the source from another ----

using rectify_place = std::source_location;

inline void __syncthreads(rectify_place where = rectify_place::current()) { rectify::executor::block_barrier(where); }

inline void __syncwarp(unsigned lanes = 0xffffffffu, rectify_place where = rectify_place::current()) {
  rectify::executor::warp_barrier(lanes, where);
}

// Values of 32 bits. `width` cuts a warp into parts that are shuffled each for itself; what would leave its part stays.
template <class T>
T __shfl_sync(unsigned lanes, T value, int source, int width = 32, rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width);
  const unsigned from = lane / part * part + static_cast<unsigned>(source) % part;
  return std::bit_cast<T>(rectify::executor::exchange(lanes, std::bit_cast<uint32_t>(value), from, where));
}

template <class T>
T __shfl_down_sync(unsigned lanes, T value, unsigned delta, int width = 32,
                   rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width);
  const unsigned from = lane % part + delta < part ? lane + delta : lane;
  return std::bit_cast<T>(rectify::executor::exchange(lanes, std::bit_cast<uint32_t>(value), from, where));
}

template <class T>
T __shfl_xor_sync(unsigned lanes, T value, int mask, int width = 32, rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width), other = lane ^ static_cast<unsigned>(mask);
  const unsigned from = other < (lane / part + 1) * part ? other : lane;
  return std::bit_cast<T>(rectify::executor::exchange(lanes, std::bit_cast<uint32_t>(value), from, where));
}

// ---- The runtime ----

namespace rectify::cuda {

inline int32_t device_status() { return executor::device().status; }

// As many as the test says: results may not depend on it.
template <class... P>
int32_t resident_blocks(void (*)(P...), unsigned, unsigned* blocks) {
  *blocks = executor::device().resident_blocks;
  return executor::device().status;
}

// As on the device: the arguments are copied now, the kernel runs later.
template <class... P, class... A>
int32_t launch(void (*kernel)(P...), unsigned blocks, unsigned threads, void* stream, A... arguments) {
  if (const int32_t status = executor::device().status) return status;
  executor::enqueue({blocks, threads, stream, [=] { kernel(static_cast<P>(arguments)...); }});
  return RECTIFY_OK;
}

}  // namespace rectify::cuda
