// Sums over rows of less than a vector, of as many leaves as a vector has lanes: a lane is a leaf, and none is idle.
#pragma once

#include "../pair.hpp"
#include "stores.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

// Rows that are better summed transposed: where they leave half of a vector S idle, where a partial load is a loop of its
// own, and where memory wants to be told what comes next. With 3 channels on Zen 3: f32 in 0.7 of the time in L2 and 0.4 in
// DRAM, f16 and bf16 in 0.2 and 0.3.
template <class S, class Element>
constexpr bool is_transposed(size_t channels, bool beyond_cache) {
  return channels < S::lanes && (2 * channels <= S::lanes || sizeof(Element) == 2 || beyond_cache);
}

// Of 3 channels so many leaves gain by being taken transposed, beside as many that need not be as fill the lanes: 14112
// rows take 0.94 of the time (Zen 5, L2). Other numbers of channels lose by it.
constexpr size_t few_leaves = 3;

// The vectors at `at` of as many neighbouring leaves as S has lanes, from `first` on, in the order of reversed bits and
// transposed. The leaves lie one after the other, but are read side by side: what follows them does not come by itself, and
// from DRAM is asked for, evenly and in the order in which it lies (asked for side by side it takes 1.3 times as long on
// Zen 3).
template <class S, class Element>
RECTIFY_INLINE void take_leaves(const Element* first, size_t at, size_t leaf, bool from_dram, S (&v)[S::lanes]) {
  constexpr size_t lanes = S::lanes;
  constexpr BitReversed<lanes> order;
#pragma GCC unroll 16
  for (size_t k = 0; k < lanes; ++k) v[k] = S::load(first + at + order.of[k] * leaf);
  if (from_dram) {
    constexpr size_t line = 64 / sizeof(Element);
    const Element* const next = first + lanes * (leaf + at);
#pragma GCC unroll 16
    for (size_t l = 0; l < lanes * lanes; l += line) __builtin_prefetch(next + l);
  }
  transpose(v);
}

// The sums of such rows, of as many leaves as S has lanes: a lane is a leaf, and none is idle. Those of channel c
// are left at sums[c].
template <class S, class Element, class Add>
[[gnu::noinline]] void sum_leaves_of_narrow_rows(const Element* x, const Element* dy, size_t channels, S (&sum)[S::lanes],
                                                 bool from_dram, Add add) {
  constexpr size_t lanes = S::lanes;
  const size_t leaf = row_block * channels;
  for (size_t c = 0; c < channels; ++c) sum[c] = S::broadcast(0);
  const auto take = [&](const Element* from, size_t at, S* to) RECTIFY_LAMBDA {
    S v[lanes];
    take_leaves(from, at, leaf, from_dram, v);
#pragma GCC unroll 16
    for (size_t k = 0; k < lanes; ++k) to[k] = v[k];
  };
  // As many rows at a time as there are lanes: that is a whole number of vectors of each leaf.
  for (size_t at = 0; at < leaf; at += channels * lanes) {
    S vx[lanes * lanes], vdy[lanes * lanes];
    for (size_t v = 0; v < channels; ++v) {
      take(x, at + v * lanes, vx + v * lanes);
      take(dy, at + v * lanes, vdy + v * lanes);
    }
    for (size_t c = 0; c < channels; ++c) {
      const S *of_x = vx + c, *of_dy = vdy + c;
#pragma GCC unroll 16
      for (size_t row = 0; row < lanes; ++row, of_x += channels, of_dy += channels) sum[c] = add(*of_x, *of_dy, sum[c]);
    }
  }
}

// The same for three channels: as their number is known, the sums stay in registers and grow with every vector, where above
// 16 rows of one channel are a chain that fills the reorder buffer. A vector ends with another channel than it began with,
// so the sums change places.
//
// dx, unless that is done apart (`how` is none), is written after the shuffles have read its x and dy, and while those of
// the next vectors run, which the memory's time then hides. pattern: the parameters of `channels` vectors.
template <class S, Store how, class Element, class Gradient, class Add>
[[gnu::noinline]] void sum_leaves_of_three(const Element* x, const Element* dy, Element* dx,
                                           const typename S::Scalar* pattern, S (&sums)[S::lanes], bool from_dram,
                                           Gradient gradient, Add add) {
  constexpr size_t lanes = S::lanes, channels = 3, leaf = row_block * channels;
  S sum[channels];
#pragma GCC unroll 4
  for (size_t c = 0; c < channels; ++c) sum[c] = S::broadcast(0);
  for (size_t at = 0, phase = 0; at < leaf; at += lanes) {
    S vx[lanes], vdy[lanes], next[channels];
    take_leaves(x, at, leaf, from_dram, vx);
    take_leaves(dy, at, leaf, from_dram, vdy);
#pragma GCC unroll 16
    for (size_t k = 0; k < lanes; ++k) sum[k % channels] = add(vx[k], vdy[k], sum[k % channels]);
#pragma GCC unroll 4
    for (size_t c = 0; c < channels; ++c) next[c] = sum[(c + lanes) % channels];
#pragma GCC unroll 4
    for (size_t c = 0; c < channels; ++c) sum[c] = next[c];
    if constexpr (how != Store::none) {
      const S parameters = S::load_once(pattern + phase * lanes);
      phase = phase + 1 == channels ? 0 : phase + 1;
#pragma GCC unroll 16
      for (size_t k = 0; k < lanes; ++k) {
        const size_t i = at + k * leaf;
        put<how>(dx + i, gradient(parameters, S::load_once(x + i), S::load_once(dy + i)));
      }
    }
  }
#pragma GCC unroll 4
  for (size_t c = 0; c < channels; ++c) sums[c] = sum[c];
}

}  // namespace
}  // namespace rectify
