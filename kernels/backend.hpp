// What a backend is: for each line of RECTIFY_FORMATS a constant table of kernels, one per operation and stage of
// kernels/activations/list.hpp.
//
// A kernel works on a part of a call's tensors, as the dispatcher has cut them. It sees them as
// {outer, channels, inner} with the channel's parameter at parameter[channel]; the dispatcher has collapsed the shape, so
// channels == 1 means "one parameter for everything" and then outer == 1.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "activations/list.hpp"
#include "formats.hpp"

namespace rectify {

struct Stages;

// The whole tensors of a call. Described once: every kernel of the call reads this.
struct Work {
  const void* x;          // what the sign is taken from: x, y for backward_from_y, or the mask
  const void* dy;         // NULL in a forward
  void* out;              // y or dx; may be x or dy; NULL where only sums are wanted
  const void* parameter;  // PReLU's slopes, `channels` of them, or one scalar of the type that computes; unused by ReLU
  size_t outer;
  size_t channels;
  size_t inner;
  bool beyond_cache;  // too large for the caches
  bool streaming;     // store past them, which the thread fences later; never for an output that is an input

  // Of fused kernels alone; each may be NULL.
  const void* bias = nullptr;      // `channels` values, of the slopes' format
  const void* residual = nullptr;  // like x
  void* mask_out = nullptr;        // then a part begins at a multiple of 64 elements
  const Stages* made = nullptr;    // of bias_backward, in place of x and dy: what writes them
};

namespace {

// Whether a tensor's parameters lie along its rows, each of all channels, and not one along each run.
constexpr bool has_rows(const Work& work) { return work.inner == 1 && work.channels > 1; }

}  // namespace

// A part of dx and the parameter's gradient in one pass. The unit is a leaf: one channel's block of the summation tree
// (4096 elements of a run, or 64 rows where inner == 1). A part covers leaves [leaf_begin, leaf_end) of channels
// [channel_begin, channel_end), writes their part of dx, and folds each channel's leaves into one node of its tree, which
// is never -0.
struct SumPart {
  size_t leaf_begin;
  size_t leaf_end;
  size_t channel_begin;
  size_t channel_end;
  void* nodes;                  // out: one per channel of the range, of the type that computes
  void* scratch;                // log2(leaves of the part), rounded up, such values per channel of the range
  bool nodes_are_sums = false;  // the caller's, which are not read again
};

inline constexpr size_t run_block = 4096;  // elements of a run that make a leaf
inline constexpr size_t row_block = 64;    // rows that make a leaf where inner == 1

// Leaves of a task's channels that are taken run by run, as they lie in memory, where a run has several; their sums are
// kept meanwhile.
inline constexpr size_t leaves_in_order = 1024;

// y = f(x) or dx = f(x, dy): elements [begin, end) in memory order.
using MapKernel = void (*)(const Work& work, size_t begin, size_t end);

using SumKernel = void (*)(const Work& work, const SumPart& part);

// bias_backward can sum what it has made, a piece at a time, of runs, or of rows of so many channels that are all in one
// part.
inline constexpr size_t fewest_made_channels = 16, most_made_channels = 2048;
constexpr bool can_be_made(const Work& work) {
  if (!has_rows(work)) return work.inner > 1;
  return work.outer > 1 && work.channels >= fewest_made_channels && work.channels <= most_made_channels;
}

// The top of the trees: `count` nodes per channel, node k of channel c at nodes[k * channels + c], folded in place by
// pairs; the result is divided by the magnitudes of `slopes` unless that is NULL, rounded to the slopes' format and written
// to sums[c].
using FoldKernel = void (*)(void* nodes, size_t count, size_t channels, const void* slopes, void* sums);

// The kernels of one line of RECTIFY_FORMATS.
struct Kernels {
#define RECTIFY_MEMBER(activation, direction) MapKernel activation##_##direction;
  RECTIFY_MAPS(RECTIFY_MEMBER)
  RECTIFY_FUSED(RECTIFY_MEMBER)
  RECTIFY_STAGES(RECTIFY_MEMBER)
#undef RECTIFY_MEMBER
#define RECTIFY_MEMBER(activation, direction) SumKernel activation##_##direction;
  RECTIFY_SUMS(RECTIFY_MEMBER)
  RECTIFY_STAGE_SUMS(RECTIFY_MEMBER)
#undef RECTIFY_MEMBER
  FoldKernel fold;
  // Maps of one activation, but those with an exponential, round to nearest even and raise nothing whatever the
  // environment, as long as it keeps denormals.
  bool maps_round_by_themselves;
};

// What a backend needs of the CPU and the operating system.
enum Feature : uint32_t {
  feature_avx2 = 1u << 0,
  feature_fma = 1u << 1,
  feature_f16c = 1u << 2,
  feature_avx512f = 1u << 3,
  feature_avx512bw = 1u << 4,
  feature_avx512dq = 1u << 5,
  feature_avx512vl = 1u << 6,
  feature_neon = 1u << 7,
};

struct Backend {
  const char* name;
  uint32_t required_features;
#define RECTIFY_MEMBER(name, Element, Slope) const Kernels* name;
  RECTIFY_FORMATS(RECTIFY_MEMBER)
#undef RECTIFY_MEMBER
};

}  // namespace rectify
