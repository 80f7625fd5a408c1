// A sum over one leaf after the other, in the order of docs/numerics.md section 4: a block of a run is summed on 64 lanes,
// or 32 of f64, which are then folded by halves. Stores are aligned by a head of the leaf's own.
//
// 64 lanes of f32, or 32 of f64, are 4 zmm, 8 ymm or 16 q registers of independent sums, more than the latency of an fma
// needs: dx is written in the same loop.
//
// add(x, dy, sum) adds an element's part to the sum, nothing for x = 0; gradient(parameter, x, dy) is dx.
#pragma once

#include "../pair.hpp"
#include "map.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

template <class V>
constexpr size_t sum_lanes = 256 / sizeof(typename V::Scalar);
template <class V>
constexpr size_t sum_vectors = sum_lanes<V> / V::lanes;

// What is left of a leaf beyond whole groups of lanes, of a lengthy formula: take(at, elements, x, dy, sum) returns the new
// sum. Written out it was a twelfth of the f32 object. Through memory, with code for one vector, the end of a brief formula
// took 5 to 10 % of a run of 784, and a call on 16 elements 7 % longer.
template <class V, class Element, class Take>
RECTIFY_INLINE void add_rest(V (&sum)[sum_vectors<V>], const Element* x, const Element* dy, size_t i, size_t count,
                             Take take) {
  constexpr size_t lanes = V::lanes;
  alignas(64) typename V::Scalar sums[sum_lanes<V>];
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) store(sums + v * lanes, sum[v]);
  typename V::Scalar* lane = sums;
  for (; i + lanes <= count; i += lanes, lane += lanes)
    store(lane, take(i, lanes, V::load_once(x + i), V::load_once(dy + i), V::load(lane)));
  if (i < count) {
    const size_t rest = count - i;
    store(lane, take(i, rest, V::load_partial(x + i, rest), V::load_partial(dy + i, rest), V::load(lane)));
  }
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) sum[v] = V::load(sums + v * lanes);
}

// The sum of a leaf of `count` elements, and its dx.
//
// Stores to dx are aligned by taking its first `head` elements alone, as if a group of 64 had begun before the block and
// they were its end. From then on element i of the block sits in lane i - head (mod 64).
template <class V, Store how, Formula formula, class Element, class Gradient, class Add>
RECTIFY_INLINE typename V::Scalar sum_leaf(const Element* x, const Element* dy, Element* dx, size_t count,
                                           Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes, vectors = brief_turn<V>;
  // Runs of 784 take 0.72 (f16), 0.80 (bf16) and 0.96 (f32) of the time with it, those of 4096 0.98, in f32 1.09 (Zen 5).
  // On AVX2 f32 takes 1.04, f64 1.0 (Zen 3).
  const bool prefetched = how == Store::streaming && formula == Formula::brief &&
                          (sizeof(Element) == 2 || (V::vector_registers == 32 && count < 1024));
  V sum[sum_vectors<V>];
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) sum[v] = V::broadcast(0);

  size_t i = 0;
  if constexpr (how != Store::none) i = smaller(count, elements_to_alignment<V>(dx));
  if (i != 0) {
    const V vx = V::load_partial(x, i), vdy = V::load_partial(dy, i);
    put_partial<how>(dx, gradient(vx, vdy), i);
    typename V::Scalar shifted[2 * lanes];
    store(shifted, V::broadcast(0));
    store(shifted + lanes, add(vx, vdy, V::broadcast(0)));
    sum[sum_vectors<V> - 1] = V::load(shifted + i);
  }
  for (; i + sum_lanes<V> <= count; i += sum_lanes<V>) {
    if (prefetched) prefetch_near<V, sum_lanes<V>>(x + i, dy + i);
#pragma GCC unroll 16
    for (size_t first = 0; first < sum_vectors<V>; first += vectors) {
      put_turn<V, how, vectors, loads_first<V, how>>(dx + i + first * lanes, [&](size_t v) RECTIFY_LAMBDA {
        const size_t at = i + (first + v) * lanes;
        const V vx = V::load_once(x + at), vdy = V::load_once(dy + at);
        sum[first + v] = add(vx, vdy, sum[first + v]);
        return gradient(vx, vdy);
      });
    }
  }
  if constexpr (formula == Formula::brief) {
#pragma GCC unroll 16
    for (size_t v = 0; v < sum_vectors<V>; ++v) {
      const size_t at = i + v * lanes;
      if (at + lanes <= count) {
        const V vx = V::load_once(x + at), vdy = V::load_once(dy + at);
        sum[v] = add(vx, vdy, sum[v]);
        put<how>(dx + at, gradient(vx, vdy));
      } else if (at < count) {
        const V vx = V::load_partial(x + at, count - at), vdy = V::load_partial(dy + at, count - at);
        sum[v] = add(vx, vdy, sum[v]);
        put_partial<how>(dx + at, gradient(vx, vdy), count - at);
      }
    }
  } else if (i < count) {
    add_rest(sum, x, dy, i, count, [&](size_t at, size_t elements, V vx, V vdy, V before) RECTIFY_LAMBDA {
      const V after = add(vx, vdy, before);
      if (elements == lanes)
        put<how>(dx + at, gradient(vx, vdy));
      else
        put_partial<how>(dx + at, gradient(vx, vdy), elements);
      return after;
    });
  }
  return fold_lanes(folded_to_vector(fold_halves<sum_vectors<V>>(sum)));
}

// sum_at(at, count, channel): the sum of the `count` elements from `at` on, of a channel of the part. The leaves of a run
// are taken one after the other, then those of the next channel's, which lie behind them: from DRAM a step to another place
// takes as long as some hundred vectors.
template <class V, class SumAt>
RECTIFY_INLINE void sum_each_leaf(const Work& work, const SumPart& part, SumAt sum_at) {
  const size_t inner = work.inner, blocks = (inner + run_block - 1) / run_block, row = work.channels * inner;
  const size_t width = part.channel_end - part.channel_begin;
  Trees<decltype(folded_to_vector(V()))> trees(part);
  // Where a leaf begins in its run, and the run of the part's first channel: counted on, for divisions would be half of a
  // leaf's end.
  size_t offset = 0, run = part.channel_begin * inner, block = 0;
  if (part.leaf_begin != 0) {
    block = part.leaf_begin % blocks;
    offset = block * run_block;
    run += part.leaf_begin / blocks * row;
  }
  size_t leaves = part.leaf_end - part.leaf_begin;
  for (size_t count; leaves != 0; leaves -= count) {
    count = smaller(leaves, blocks - block);
    while (count * width > trees.room()) count = (count + 1) / 2;
    typename V::Scalar* const sums = trees.next();
    for (size_t channel = 0; channel < width; ++channel) {
      size_t at = offset;
      for (size_t b = 0; b < count; ++b, at += run_block)
        sums[b * width + channel] = sum_at(run + channel * inner + at, smaller(run_block, inner - at), channel);
    }
    trees.add(count * width);
    block += count;
    offset += count * run_block;
    if (block < blocks) continue;
    block = offset = 0;
    run += row;
  }
}

// gradient(parameter, x, dy) with the parameter of each channel of the part.
template <class V, class Element, Store how, Formula formula, class Gradient, class Add>
RECTIFY_INLINE void sum_leaves(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                               Gradient gradient, Add add) {
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  Element* dx = static_cast<Element*>(work.out);
  sum_each_leaf<V>(work, part, [&](size_t at, size_t count, size_t channel) RECTIFY_LAMBDA {
    const V p = V::broadcast(how == Store::none ? 0 : parameter[channel]);
    return sum_leaf<V, how, formula>(
        x + at, dy + at, how == Store::none ? dx : dx + at, count,
        [&](V vx, V vdy) RECTIFY_LAMBDA { return gradient(p, vx, vdy); }, add);
  });
}

}  // namespace
}  // namespace rectify
