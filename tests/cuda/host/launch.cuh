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

// A GPU computes one NaN of f32, and its bits can overflow.
inline float rectify_gpu_nan(float result) { return result != result ? std::bit_cast<float>(0x7FFFFFFFu) : result; }

inline float __fadd_rn(float a, float b) { return rectify_gpu_nan(a + b); }
inline float __fsub_rn(float a, float b) { return rectify_gpu_nan(a - b); }
inline float __fmul_rn(float a, float b) { return rectify_gpu_nan(a * b); }
inline float __fmaf_rn(float a, float b, float c) { return rectify_gpu_nan(std::fma(a, b, c)); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

inline float __fdiv_rn(float a, float b) { return rectify_gpu_nan(a / b); }
inline double __ddiv_rn(double a, double b) { return a / b; }

inline uint32_t __umulhi(uint32_t a, uint32_t b) { return static_cast<uint32_t>(uint64_t{a} * b >> 32); }
inline uint64_t __umul64hi(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{a} * b >> 64);
}

inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline long long __double_as_longlong(double value) { return std::bit_cast<long long>(value); }
inline double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }
inline int __double2hiint(double value) { return static_cast<int>(__double_as_longlong(value) >> 32); }
inline int __double2loint(double value) { return static_cast<int>(__double_as_longlong(value)); }
inline double __hiloint2double(int high, int low) {
  return __longlong_as_double(
      static_cast<long long>(uint64_t{static_cast<unsigned>(high)} << 32 | static_cast<unsigned>(low)));
}

// ---- Threads that meet; `where` tells one place in the source from another ----

using rectify_place = std::source_location;

inline void __syncthreads(rectify_place where = rectify_place::current()) { rectify::executor::block_barrier(where); }

inline void __syncwarp(unsigned lanes = 0xffffffffu, rectify_place where = rectify_place::current()) {
  rectify::executor::warp_barrier(lanes, where);
}

// The value of lane `from`: of 32 bits, or of 64 in two halves, as on the device.
template <class T>
T rectify_exchange(unsigned lanes, T value, unsigned from, rectify_place where) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(rectify::executor::exchange(lanes, std::bit_cast<uint32_t>(value), from, where));
  } else {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    const uint64_t low = rectify::executor::exchange(lanes, static_cast<uint32_t>(bits), from, where);
    const uint64_t high = rectify::executor::exchange(lanes, static_cast<uint32_t>(bits >> 32), from, where);
    return std::bit_cast<T>(high << 32 | low);
  }
}

// `width` cuts a warp into parts that are shuffled each for itself; what would leave its part stays.
template <class T>
T __shfl_sync(unsigned lanes, T value, int source, int width = 32, rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width);
  return rectify_exchange(lanes, value, lane / part * part + static_cast<unsigned>(source) % part, where);
}

template <class T>
T __shfl_down_sync(unsigned lanes, T value, unsigned delta, int width = 32,
                   rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width);
  return rectify_exchange(lanes, value, lane % part + delta < part ? lane + delta : lane, where);
}

template <class T>
T __shfl_xor_sync(unsigned lanes, T value, int mask, int width = 32, rectify_place where = rectify_place::current()) {
  const unsigned lane = threadIdx.x % 32, part = static_cast<unsigned>(width), other = lane ^ static_cast<unsigned>(mask);
  return rectify_exchange(lanes, value, other < (lane / part + 1) * part ? other : lane, where);
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
