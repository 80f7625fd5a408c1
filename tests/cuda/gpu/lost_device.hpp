// A fault in a kernel stays: whatever this process asks of the device afterwards fails too, and would be taken for failures
// of the cases that come next. So it ends, within the case at fault, and on_device.sh goes on after that case in a new one.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

namespace rectify::tests {

inline void end_if_device_is_lost() {
  cudaGetLastError();
  const cudaError_t error = cudaDeviceSynchronize();
  if (error == cudaSuccess) return;
  std::printf("The device is lost to this process: %s\n", cudaGetErrorString(error));
  std::fflush(stdout);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace rectify::tests
