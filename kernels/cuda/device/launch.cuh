// How a kernel is started and what device it runs on: the only file with calls of the CUDA runtime and its launch syntax.
// A test puts another file of this name in its place, which a C++ compiler can read and which runs a kernel on the CPU.
#pragma once

#include <cuda_runtime.h>
#include <rectify/rectify.h>
#include <stdint.h>

#define RECTIFY_UNROLL _Pragma("unroll")

namespace rectify::cuda {

// RECTIFY_OK, or what a CUDA error is to the caller. It is taken back from the runtime: the next cudaGetLastError() is
// the caller's own.
inline int32_t status_of(cudaError_t error) {
  if (error == cudaSuccess) return RECTIFY_OK;
  cudaGetLastError();
  const bool missing = error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver || error == cudaErrorStubLibrary;
  return missing ? RECTIFY_ERROR_NO_DEVICE : RECTIFY_ERROR_CUDA;
}

// Whether the calling thread has a device to work on.
inline int32_t device_status() {
  int device;
  return status_of(cudaGetDevice(&device));
}

// Blocks of `threads` threads of this kernel that the current device holds at once, all multiprocessors together.
template <class... P>
int32_t resident_blocks(void (*kernel)(P...), unsigned threads, unsigned* blocks) {
  int device, multiprocessors, each;
  if (const int32_t status = status_of(cudaGetDevice(&device))) return status;
  if (const int32_t status = status_of(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device))) {
    return status;
  }
  if (const int32_t status =
          status_of(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, static_cast<int>(threads), 0))) {
    return status;
  }
  *blocks = static_cast<unsigned>(multiprocessors) * static_cast<unsigned>(each < 1 ? 1 : each);
  return RECTIFY_OK;
}

// Enqueues the kernel on the stream, a cudaStream_t, and returns at once.
template <class... P, class... A>
int32_t launch(void (*kernel)(P...), unsigned blocks, unsigned threads, void* stream, A... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.stream = static_cast<cudaStream_t>(stream);
  return status_of(cudaLaunchKernelEx(&config, kernel, arguments...));
}

}  // namespace rectify::cuda
