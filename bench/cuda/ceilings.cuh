// What the device's memory gives at best: its own copy, and plain kernels that move as much as ours and compute next to
// nothing. Several shapes of each, since no single one is the fastest everywhere.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

namespace roofline_cuda {

// The full-size arrays of one measurement, in whatever format.
struct Arrays {
  void* x;
  void* dy;
  void* out;
};

// out = x, or out = x + dy; every thread has `in_flight` pieces of 16 bytes of each input on their way.
template <int reads, int in_flight>
__global__ void move_pieces(const float4* x, const float4* dy, float4* out, size_t pieces) {
  const size_t first = size_t{blockIdx.x} * blockDim.x * in_flight + threadIdx.x;
  float4 a[in_flight], b[in_flight];
#pragma unroll
  for (int k = 0; k < in_flight; ++k) {
    const size_t i = first + size_t{blockDim.x} * k;
    if (i >= pieces) break;
    a[k] = x[i];
    if constexpr (reads == 2) b[k] = dy[i];
  }
#pragma unroll
  for (int k = 0; k < in_flight; ++k) {
    const size_t i = first + size_t{blockDim.x} * k;
    if (i >= pieces) break;
    if constexpr (reads == 2) a[k] = {a[k].x + b[k].x, a[k].y + b[k].y, a[k].z + b[k].z, a[k].w + b[k].w};
    out[i] = a[k];
  }
}

struct Ceiling {
  const char* name;
  int reads;
  void (*run)(const Arrays& arrays, size_t bytes);
};

template <int reads, int in_flight>
void run_pieces(const Arrays& arrays, size_t bytes) {
  constexpr unsigned threads = 256;
  const size_t pieces = bytes / sizeof(float4), of_block = size_t{threads} * in_flight;
  move_pieces<reads, in_flight><<<static_cast<unsigned>((pieces + of_block - 1) / of_block), threads>>>(
      static_cast<const float4*>(arrays.x), static_cast<const float4*>(arrays.dy), static_cast<float4*>(arrays.out),
      pieces);
}

inline const std::vector<Ceiling>& ceilings() {
  static const std::vector<Ceiling> all = {
      {"cudaMemcpy", 1,
       [](const Arrays& arrays, size_t bytes) { cudaMemcpyAsync(arrays.out, arrays.x, bytes, cudaMemcpyDeviceToDevice); }},
      {"copy kernel, 1 piece", 1, run_pieces<1, 1>},
      {"copy kernel, 2 pieces", 1, run_pieces<1, 2>},
      {"copy kernel, 4 pieces", 1, run_pieces<1, 4>},
      {"copy kernel, 8 pieces", 1, run_pieces<1, 8>},
      {"add kernel, 1 piece", 2, run_pieces<2, 1>},
      {"add kernel, 2 pieces", 2, run_pieces<2, 2>},
      {"add kernel, 4 pieces", 2, run_pieces<2, 4>},
      {"add kernel, 8 pieces", 2, run_pieces<2, 8>}};
  return all;
}

}  // namespace roofline_cuda
