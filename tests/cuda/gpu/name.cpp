// Prints the CUDA devices, one a line. Exits with 77 where there is none, with 1 where one does not work.
#include <cuda_runtime.h>

#include <cstdio>

int main() {
  int count = 0, driver = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    std::fprintf(stderr, "no CUDA device: %s\n", cudaGetErrorString(error));
    // Without a driver the runtime says that it is insufficient, too.
    const bool none = error == cudaSuccess || error == cudaErrorNoDevice ||
                      (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0);
    if (!none && driver != 0) {
      std::fprintf(stderr, "the driver is for CUDA %d.%d, this was built for %d.%d\n", driver / 1000, driver % 100 / 10,
                   CUDART_VERSION / 1000, CUDART_VERSION % 100 / 10);
    }
    return none ? 77 : 1;
  }
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return 1;
    std::printf("%s, compute capability %d.%d\n", properties.name, properties.major, properties.minor);
  }
  // The sanitizer is tried on this: it needs a device that works.
  void* memory = nullptr;
  if (cudaMalloc(&memory, 1024) == cudaSuccess && cudaMemset(memory, 0, 1024) == cudaSuccess &&
      cudaDeviceSynchronize() == cudaSuccess && cudaFree(memory) == cudaSuccess) {
    return 0;
  }
  std::fprintf(stderr, "the CUDA device does not work: %s\n", cudaGetErrorString(cudaGetLastError()));
  return 1;
}
