// Prints the CUDA devices, one a line; fails without.
#include <cuda_runtime.h>

#include <cstdio>

int main() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    std::fprintf(stderr, "no CUDA device: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return 1;
    std::printf("%s, compute capability %d.%d\n", properties.name, properties.major, properties.minor);
  }
  // The sanitizer is tried on this: it needs a device that works.
  void* memory = nullptr;
  return cudaMalloc(&memory, 1024) == cudaSuccess && cudaMemset(memory, 0, 1024) == cudaSuccess &&
                 cudaDeviceSynchronize() == cudaSuccess && cudaFree(memory) == cudaSuccess
             ? 0
             : 1;
}
