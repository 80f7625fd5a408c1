// Tensors of rows: `rows` rows of `channels` contiguous elements with a parameter each (inner == 1), dx and the parameters'
// gradients in one pass. A thread keeps the parameters and sums of one or four neighbouring channels in registers and goes
// down unit_rows rows, in ascending order; where sums are taken, a leaf is 64 of them (docs/numerics.md, section 4).
#pragma once

#include "../backend.hpp"
#include "elements.cuh"
#include "tree.cuh"
#include "tuning.cuh"

namespace rectify {
namespace {

struct Rows {
  size_t rows, channels;
  size_t parameters;  // channel c has parameter c modulo this
  size_t columns;     // of one or four channels
  size_t unit_rows;   // where sums are taken: 64 times a power of two
  size_t units;       // neighbours belong to neighbouring columns
  unsigned skew;      // elements between the piece of 16 bytes that holds a row's first and the first
};

// The rows [row, end) of a column, of no more than a leaf.
template <class Operation, Access access, bool whole, unsigned width>
RECTIFY_INLINE void take_rows(const Tensors& tensors, size_t row, size_t end, const Place& place,
                              const Elements<width>& parameters, Elements<width>& sums) {
  const size_t channels = place.length;
  for (; row + cuda::in_flight <= end; row += cuda::in_flight) {
    take<Operation, access, whole, cuda::in_flight>(tensors.from(row * channels), place, channels, parameters, sums);
  }
  for (; row < end; ++row) {
    take<Operation, access, whole, 1>(tensors.from(row * channels), place, channels, parameters, sums);
  }
}

template <class Operation, Access access, bool whole, unsigned width>
RECTIFY_INLINE void take_unit(const Tensors& tensors, const Parameter& parameter, float* nodes, const Rows& rows,
                              size_t unit, const Place& place) {
  Elements<width> parameters = all<width>(broadcast(0)), sums = parameters;
  if constexpr (Operation::writes) {
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const size_t channel = place.first + v;
      if (whole || channel < rows.channels) parameters.v[v] = parameter.of(channel % rows.parameters);
    }
  }
  const size_t begin = unit * rows.unit_rows;
  const size_t end = rows.rows - begin < rows.unit_rows ? rows.rows : begin + rows.unit_rows;
  if constexpr (!Operation::adds) {
    take_rows<Operation, access, whole>(tensors, begin, end, place, parameters, sums);
  } else {
    Tree<cuda::most_levels> trees[width];
    for (size_t row = begin; row < end; row += row_block) {
      sums = all<width>(broadcast(0));
      take_rows<Operation, access, whole>(tensors, row, end - row < row_block ? end : row + row_block, place, parameters,
                                          sums);
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) trees[v].add(sums.v[v]);
    }
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) sums.v[v] = trees[v].sum();
    store<Access::singles, whole>(nodes + unit * rows.channels, place, sums);
  }
}

template <class Operation, Access access>
__global__ void __launch_bounds__(cuda::block_threads)
    map_rows(const Tensors tensors, const Parameter parameter, float* const nodes, const Rows rows) {
  constexpr unsigned width = access == Access::pieces ? 4 : 1;
  const size_t threads = size_t{gridDim.x} * cuda::block_threads;
  for (size_t index = size_t{blockIdx.x} * cuda::block_threads + threadIdx.x; index < rows.units; index += threads) {
    const size_t unit = index / rows.columns, column = index % rows.columns;
    const Place place = {column * width - rows.skew, 1, rows.channels};
    if (place.first < rows.channels && rows.channels - place.first >= width) {
      take_unit<Operation, access, true, width>(tensors, parameter, nodes, rows, unit, place);
    } else {
      take_unit<Operation, access, false, width>(tensors, parameter, nodes, rows, unit, place);
    }
  }
}

}  // namespace
}  // namespace rectify
