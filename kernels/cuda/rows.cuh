// Tensors of rows: `rows` rows of `channels` contiguous elements with a parameter each (inner == 1), dx and the parameters'
// gradients in one pass. A thread keeps the parameters and sums of one channel, or of the neighbouring ones in a piece of
// 16 bytes, in registers and goes down unit_rows rows, in ascending order; where sums are taken, a leaf is 64 of them
// (docs/numerics.md, section 4).
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
  size_t columns;     // of one channel or a piece
  size_t unit_rows;   // where sums are taken: 64 times a power of two
  size_t units;       // neighbours belong to neighbouring columns
  unsigned skew;      // elements between the piece of 16 bytes that holds a row's first and the first
};

// The rows [row, end) of a column, of no more than a leaf.
template <class Operation, Access access, bool whole, class Inputs, class Parameters, class Columns>
RECTIFY_INLINE void take_rows(const Inputs& tensors, size_t row, size_t end, const Place& place,
                              const Parameters& parameters, Columns& sums) {
  const size_t channels = place.length;
  for (; row + Operation::in_flight <= end; row += Operation::in_flight) {
    take<Operation, access, whole, Operation::in_flight>(tensors.from(row * channels), place, {channels, 0}, parameters,
                                                         sums);
  }
  for (; row < end; ++row) {
    take<Operation, access, whole, 1>(tensors.from(row * channels), place, {}, parameters, sums);
  }
}

template <class Operation, Access access, bool whole, unsigned width, class Element, class Nodes>
RECTIFY_INLINE void take_unit(const typename Operation::template Inputs<Element>& tensors,
                              const typename Operation::template Parameters<Element>& parameter, const Nodes& nodes,
                              const Rows& rows, size_t unit, const Place& place) {
  using Sum = typename Operation::template Sum<Computed<Element>>;
  auto parameters = all<width>(decltype(parameter.of(0)){});
  auto sums = all<width>(Sum{});
  if constexpr (Operation::writes) {
    // Of a first channel that lies before the row only the ones that lie in it count.
    size_t channel = place.first % rows.parameters;
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const bool inside = whole || place.first + v < rows.channels;
      if (!whole && place.first + v == 0) channel = 0;
      if (inside) parameters.v[v] = parameter.of(channel);
      if (++channel == rows.parameters) channel = 0;
    }
  }
  const size_t begin = unit * rows.unit_rows;
  const size_t end = rows.rows - begin < rows.unit_rows ? rows.rows : begin + rows.unit_rows;
  if constexpr (!Operation::adds) {
    take_rows<Operation, access, whole>(tensors, begin, end, place, parameters, sums);
  } else {
    Tree<Sum, cuda::most_levels> trees[width];
    for (size_t row = begin; row < end; row += row_block) {
      sums = all<width>(Sum{});
      take_rows<Operation, access, whole>(tensors, row, end - row < row_block ? end : row + row_block, place, parameters,
                                          sums);
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) trees[v].add(sums.v[v]);
    }
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const size_t channel = place.first + v;
      if (whole || channel < rows.channels) set_node(nodes, unit * rows.channels + channel, trees[v].sum());
    }
  }
}

template <class Operation, Access access, class Element, class Scalar = typename Computed<Element>::Scalar>
__global__ void __launch_bounds__(cuda::block_threads, Operation::blocks(sizeof(Element), true))
    map_rows(const typename Operation::template Inputs<Element> tensors,
             const typename Operation::template Parameters<Element> parameter,
             const typename Operation::template Nodes<Scalar> nodes, const Rows rows) {
  constexpr unsigned width = access == Access::pieces ? in_piece<Element> : 1;
  const size_t threads = size_t{gridDim.x} * cuda::block_threads;
  for (size_t index = size_t{blockIdx.x} * cuda::block_threads + threadIdx.x; index < rows.units; index += threads) {
    const size_t unit = index / rows.columns, column = index % rows.columns;
    const Place place = {column * width - rows.skew, 1, rows.channels};
    const bool whole = width == 1 || (place.first < rows.channels && rows.channels - place.first >= width);
    if (Operation::has_whole_pieces && whole) {
      take_unit<Operation, access, Operation::has_whole_pieces, width, Element>(tensors, parameter, nodes, rows, unit,
                                                                                place);
    } else {
      take_unit<Operation, access, false, width, Element>(tensors, parameter, nodes, rows, unit, place);
    }
  }
}

}  // namespace
}  // namespace rectify
