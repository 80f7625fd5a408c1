// The numbers by which the kernels are launched. None of them changes a bit of any result, except that scratch is laid out
// by wanted_threads and most_levels; the sums' order stays.
//
// DERIVED, NOT MEASURED: no GPU has run these kernels yet. An H100 moves 3.35 TB/s at a latency of some 600 ns: 2 MB have
// to be in flight, 15 KB per multiprocessor. A thread with two inputs asks for 8 pieces of 16 bytes at a time, so 128
// threads would do; three resident blocks of 256 are six times that.
#pragma once

#include <stddef.h>

namespace rectify::cuda {

constexpr unsigned warp = 32;
constexpr unsigned block_threads = 256;
constexpr unsigned fold_threads = 1024;

// Pieces of 16 bytes of one input that a thread asks for before it uses the first. Rows with sums ask for one per row.
constexpr unsigned in_flight = 4;
// Of each input of a fused call, which may have three. Two are 24 to 32 KB for each on an sm_90 multiprocessor, with sums
// 16; one, for which more threads have room, 20 to 32 and with sums 8 to 12.
constexpr unsigned fused_in_flight = 2;

// Blocks that a multiprocessor is to hold at least. This is not for more of them, but for registers: left to itself ptxas
// saves them by asking for a piece when it has done with the one before, one or two of eight at a time. With 64 registers,
// 80 for an exponential of 16 or 64 bits and for a sum, and 128 for both, a thread asks for all or most of them first, and
// spills nothing or next to nothing (scripts/cuda-bounds). Rows of 16 bits have eight channels a thread.
constexpr unsigned blocks(bool sums, bool exponential, size_t element_size, bool in_rows) {
  const bool wide = exponential && (sums || element_size != 4);
  return (sums ? 3u : 4u) - (wide ? 1 : 0) - (in_rows && element_size == 2 ? 1 : 0);
}

// Blocks of a fused kernel that a multiprocessor is to hold at least, which leaves a thread 128 registers where it sums and
// 64, of 16-bit elements 80, where it does not: as many as spill nothing, or next to nothing.
constexpr unsigned fused_blocks(bool sums, size_t element_size) { return sums ? 2 : element_size == 2 ? 3 : 4; }

// Threads that a tensor is cut for where it is large enough: four times what an H100 can hold (132 * 2048), so that the
// last wave costs little. Larger tensors give each thread more leaves.
#ifndef RECTIFY_CUDA_SMALL_TUNING
constexpr size_t wanted_threads = size_t{1} << 20;
#else  // a test: small tensors are cut like large ones
constexpr size_t wanted_threads = 16;
#endif

// Leaves that one group of threads folds before it leaves a node, at most: 2^10.
#ifndef RECTIFY_CUDA_SMALL_TUNING
constexpr unsigned most_levels = 10;
#else
constexpr unsigned most_levels = 3;
#endif

}  // namespace rectify::cuda
