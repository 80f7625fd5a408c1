// out[i] = f(inputs[i]...) with one parameter for all, or each channel's own. A block takes tiles, all of its threads side
// by side: each has its loads of a whole tile on their way at once, however long a channel's runs are. The first and the
// last tile may be partial, and begin before the tensor where that starts between two pieces of 16 bytes; the same code
// does them, element by element.
#pragma once

#include "channels.cuh"
#include "elements.cuh"
#include "tuning.cuh"

namespace rectify {
namespace {

template <class Element>
inline constexpr size_t tile_elements = size_t{cuda::block_threads} * in_piece<Element>* cuda::in_flight;

// `skew` elements lie between the piece of 16 bytes that holds the first and the first.
template <class Operation, Access access, class Element, class Parameters>
__global__ void __launch_bounds__(cuda::block_threads, Operation::blocks(sizeof(Element), false))
    map(const Tensors<Element> tensors, const Parameters parameter, const size_t n, const unsigned skew) {
  constexpr unsigned width = in_piece<Element>;
  constexpr size_t step = size_t{cuda::block_threads} * width, tile_size = tile_elements<Element>;
  constexpr size_t stride = access == Access::pieces ? 1 : cuda::block_threads;
  const size_t mine = size_t{threadIdx.x} * (access == Access::pieces ? width : 1) - skew;
  const auto parameters = of_channel<width>(parameter, 0);
  Lanes<Computed<Element>, width> unused;
  for (size_t tile = blockIdx.x; tile * tile_size < n + skew; tile += gridDim.x) {
    const size_t first = tile * tile_size + mine;
    if (first < n && n - first > (cuda::in_flight - 1) * step + (width - 1) * stride) {
      take<Operation, access, true, cuda::in_flight>(tensors, {first, stride, n}, {step, step}, parameters, unused);
    } else {
      for (unsigned k = 0; k < cuda::in_flight; ++k) {
        take<Operation, access, false, 1>(tensors, {first + k * step, stride, n}, {}, parameters, unused);
      }
    }
  }
}

}  // namespace
}  // namespace rectify
