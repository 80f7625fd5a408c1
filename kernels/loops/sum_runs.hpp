// dx and the parameter's gradient over runs, in the order of docs/numerics.md section 4: a leaf is a block of a run, summed
// on 64 or 32 lanes, which are then folded by halves.
//
// 64 lanes of f32, or 32 of f64, are 4 zmm, 8 ymm or 16 q registers of independent sums, more than the latency of an fma
// needs, so in long runs the sums ride along with dx in one loop. A short run would spend its time on the loop's ends:
// there the sums of some runs are taken first, with loads alone, and dx is written by a flat walk while they are in L1.
//
// Runs in between that are neighbours in memory are walked flat, in vectors that are aligned for dx whatever run they
// belong to: loads and stores that straddle lines cost twice, and else nearly all would.
//
// The last folds of all but long runs, of lanes within a vector, are done for as many leaves at a time as a vector has
// lanes. A fold need not know where in its vectors a leaf begins: rotated or not, it adds the same pairs.
//
// add(x, dy, sum) adds an element's part to the sum, nothing for x = 0; gradient(parameter, x, dy) is dx.
#pragma once

#include "map.hpp"
#include "pieces.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

template <class V>
constexpr size_t sum_lanes = 256 / sizeof(typename V::Scalar);
template <class V>
constexpr size_t sum_vectors = sum_lanes<V> / V::lanes;

// Runs from here on are walked as neighbours. On Zen 5 in L2 that takes 1.55 (inner = 49), 1.3 (81) and 1.1 (196) times as
// long as dx alone, where sums first take 2.3, 1.9 and 1.4. At 32 sums first are faster in half of the formats.
constexpr size_t shortest_neighbour = 33;
// And from here on each run by itself. At 784 f32 gains 2 % by that; 16 bits, whose runs are half as many lines, lose 10 %.
template <class Element>
constexpr size_t long_run = sizeof(Element) == 2 ? 1024 : 512;

// ---- One leaf after the other, each aligned by a head of its own ----

// The sum of a leaf of `count` elements, and its dx.
//
// Stores to dx are aligned by taking its first `head` elements alone, as if a group of 64 had begun before the block and
// they were its end. From then on element i of the block sits in lane i - head (mod 64).
template <class V, Store how, Formula formula, class Element, class Gradient, class Add>
RECTIFY_INLINE typename V::Scalar sum_leaf(const Element* x, const Element* dy, Element* dx, size_t count,
                                           Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
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
    if (prefetched) prefetch_far<Element, sum_lanes<V>>(x + i, dy + i);
#pragma GCC unroll 16
    for (size_t v = 0; v < sum_vectors<V>; ++v) {
      const size_t at = i + v * lanes;
      const V vx = V::load_once(x + at), vdy = V::load_once(dy + at);
      sum[v] = add(vx, vdy, sum[v]);
      put<how>(dx + at, gradient(vx, vdy));
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
    // Written out like that, a lengthy formula was a twelfth of the f32 object. Through memory, with code for one vector,
    // the end of a brief one took 5 to 10 % of a run of 784, and a call on 16 elements 7 % longer.
    alignas(64) typename V::Scalar in_memory[sum_lanes<V>];
#pragma GCC unroll 16
    for (size_t v = 0; v < sum_vectors<V>; ++v) store(in_memory + v * lanes, sum[v]);
    typename V::Scalar* lane = in_memory;
    for (; i + lanes <= count; i += lanes, lane += lanes) {
      const V vx = V::load_once(x + i), vdy = V::load_once(dy + i);
      store(lane, add(vx, vdy, V::load(lane)));
      put<how>(dx + i, gradient(vx, vdy));
    }
    if (i < count) {
      const V vx = V::load_partial(x + i, count - i), vdy = V::load_partial(dy + i, count - i);
      store(lane, add(vx, vdy, V::load(lane)));
      put_partial<how>(dx + i, gradient(vx, vdy), count - i);
    }
#pragma GCC unroll 16
    for (size_t v = 0; v < sum_vectors<V>; ++v) sum[v] = V::load(in_memory + v * lanes);
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

// ---- Neighbours ----

// Runs of at least a vector that follow each other in memory, each of them a leaf, walked in vectors that are aligned for
// dx. One in which a run ends is loaded once: its first lanes are the run's end, the others the next one's begin, which
// stores it. Where the walk stands:
template <class V, class Element>
struct Neighbours {
  using Scalar = typename V::Scalar;

  RECTIFY_INLINE Neighbours(const Element* x_begin, const Element* dy_begin, Element* dx_begin, size_t run_count,
                            size_t run_length, const Scalar* parameters, size_t channels)
      : left(run_count), inner(run_length), next(parameters), begin(parameters), end(parameters + channels) {
    before = reinterpret_cast<uintptr_t>(dx_begin) / sizeof(Element) % V::lanes;
    is_first = before != 0;
    // What comes before the first run does not belong to the part: in a copy.
    alignas(64) Element copy[2][V::lanes] = {};
    __builtin_memcpy(copy[0] + before, x_begin, (V::lanes - before) * sizeof(Element));
    __builtin_memcpy(copy[1] + before, dy_begin, (V::lanes - before) * sizeof(Element));
    vx = V::load(copy[0]), vdy = V::load(copy[1]);
    x = x_begin - before, dy = dy_begin - before, dx = dx_begin - before;
  }

  const Element *x, *dy;  // the vector in which the next run begins,
  Element* dx;
  V vx, vdy;                         // loaded,
  size_t before;                     // and how many of its lanes do not belong to the run
  V previous = V::broadcast(0);      // their parameter
  size_t left, inner;                // runs to come, and their length
  const Scalar *next, *begin, *end;  // their parameters, again and again
  bool is_first;                     // those lanes are not dx's
};

// The next `runs` of them, each folded to one vector: whose lanes are rotated, as the vectors of its sums were, by where
// the run begins. A call, for some runs at a time: with what becomes of the sums in one function it would have no
// registers. Runs of a few vectors need about 80 instructions, and feel where code lies that they jump to.
template <class V, Store how, class Element, class Gradient, class Add>
[[gnu::noinline]] void sum_neighbours(Neighbours<V, Element>& walk, size_t runs, decltype(folded_to_vector(V()))* folded,
                                      Gradient gradient, Add add) {
  using Scalar = typename V::Scalar;
  constexpr size_t lanes = V::lanes, vectors = sum_vectors<V>;
  static_assert(lanes < shortest_neighbour);
  // See sum_leaf(). In runs of 196 f32 would lose 5 to 8 %, f64 gains 19 (Zen 5).
  constexpr bool prefetched = how == Store::streaming && sizeof(Element) != sizeof(float);
  const V zero = V::broadcast(0);
  const Element *x = walk.x, *dy = walk.dy;
  Element* dx = walk.dx;
  V vx = walk.vx, vdy = walk.vdy, previous = walk.previous;
  size_t before = walk.before;
  auto of_previous = V::first(before);
  const Scalar* next = walk.next;
  bool is_first = walk.is_first;
  const size_t others = walk.left - runs;
  while (runs-- != 0) {
    const V parameter = V::broadcast(*next++);
    if (next == walk.end) next = walk.begin;
    V sum[vectors];
#pragma GCC unroll 16
    for (size_t v = 1; v < vectors; ++v) sum[v] = zero;
    sum[0] = add(select(of_previous, zero, vx), vdy, zero);
    const V begin = gradient(select(of_previous, previous, parameter), vx, vdy);
    if (!is_first) [[likely]] {
      put<how>(dx, begin);
    } else {
      alignas(64) Element copy[lanes];
      store(copy, begin);
      __builtin_memcpy(dx + before, copy + before, (lanes - before) * sizeof(Element));
      is_first = false;
    }
    const size_t rest = before + walk.inner;  // from that vector on
    size_t whole = rest / lanes - 1;
    before = rest % lanes;
    of_previous = V::first(before);
    x += lanes, dy += lanes, dx += lanes;

    const auto take = [&](size_t i, V& to) RECTIFY_LAMBDA {
      const V wx = V::load_once(x + i), wdy = V::load_once(dy + i);
      to = add(wx, wdy, to);
      put<how>(dx + i, gradient(parameter, wx, wdy));
    };
    if (whole >= vectors) [[unlikely]] {
      do {
        if constexpr (prefetched) prefetch_far<Element, sum_lanes<V>>(x, dy);
#pragma GCC unroll 16
        for (size_t v = 0; v < vectors; ++v) take(v * lanes, sum[(v + 1) % vectors]);
        x += vectors * lanes, dy += vectors * lanes, dx += vectors * lanes;
        whole -= vectors;
      } while (whole >= vectors);
    }
    const auto end = [&](V& to) RECTIFY_LAMBDA {
      x += whole * lanes, dy += whole * lanes, dx += whole * lanes;
      if (runs + others != 0) [[likely]] {
        vx = V::load_once(x), vdy = V::load_once(dy);
      } else if (before != 0) {
        vx = V::load_partial(x, before), vdy = V::load_partial(dy, before);
        put_partial<how>(dx, gradient(parameter, vx, vdy), before);
      }
      to = add(select(of_previous, vx, zero), vdy, to);
    };
    const auto finish = [&]<size_t v>(auto self) RECTIFY_LAMBDA -> void {
      if (v + 1 == vectors || whole == v) return end(sum[(v + 1) % vectors]);
      take(v * lanes, sum[(v + 1) % vectors]);
      if constexpr (v + 1 < vectors) self.template operator()<v + 1>(self);
    };
    finish.template operator()<0>(finish);
    *folded++ = folded_to_vector(fold_halves<vectors>(sum));
    previous = parameter;
  }
  walk.vx = vx, walk.vdy = vdy, walk.previous = previous;
  walk.x = x, walk.dy = dy, walk.dx = dx;
  walk.before = before, walk.next = next, walk.left = others;
  walk.is_first = is_first;
}

// `parameter`: those of the part's channels.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_short_leaves(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                                     Gradient gradient, Add add) {
  using Single = decltype(folded_to_vector(V()));
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  Element* dx = static_cast<Element*>(work.out);
  const size_t channels = work.channels, inner = work.inner, width = part.channel_end - part.channel_begin;
  Trees<Single> trees(part);
  // Neighbours are the runs of a leaf's channels, and those of all leaves if the part has all channels.
  const size_t leaves = width == channels ? part.leaf_end - part.leaf_begin : 1;
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; leaf += leaves) {
    const size_t at = (leaf * channels + part.channel_begin) * inner;
    Neighbours<V, Element> walk(x + at, dy + at, dx + at, leaves * width, inner, parameter, width);
    while (walk.left != 0) {
      const size_t runs = smaller(smaller(walk.left, Single::lanes), trees.room());
      Single folded[Single::lanes];
      sum_neighbours<V, how>(walk, runs, folded, gradient, add);
      fold_some(folded, runs, trees.next());
      trees.add(runs);
    }
  }
}

// ---- Short runs ----

// The sums of a run of more than 64 elements, folded to one vector.
template <class V, class Element, class Add>
RECTIFY_INLINE V sum_lanes_of(const Element* x, const Element* dy, size_t count, Add add) {
  constexpr size_t lanes = V::lanes;
  V sum[sum_vectors<V>];
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) sum[v] = V::broadcast(0);
  size_t i = 0;
  for (; i + sum_lanes<V> <= count; i += sum_lanes<V>) {
#pragma GCC unroll 16
    for (size_t v = 0; v < sum_vectors<V>; ++v) {
      const size_t at = i + v * lanes;
      sum[v] = add(V::load(x + at), V::load(dy + at), sum[v]);
    }
  }
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) {
    const size_t at = i + v * lanes;
    if (at + lanes <= count) {
      sum[v] = add(V::load(x + at), V::load(dy + at), sum[v]);
    } else if (at < count) {
      sum[v] = add(V::load_partial(x + at, count - at), V::load_partial(dy + at, count - at), sum[v]);
    }
  }
  return fold_halves<sum_vectors<V>>(sum);
}

// The same for `vectors` vectors, the last of which may be partial: each lane has one element, and those beyond are zeros
// that need no adding.
template <class V, size_t vectors, class Element, class Add>
RECTIFY_INLINE V sum_vectors_of(const Element* x, const Element* dy, size_t count, Add add) {
  constexpr size_t lanes = V::lanes, last = (vectors - 1) * lanes;
  const size_t rest = count - last;
  V sum[vectors];
#pragma GCC unroll 16
  for (size_t v = 0; v + 1 < vectors; ++v) sum[v] = add(V::load(x + v * lanes), V::load(dy + v * lanes), V::broadcast(0));
  sum[vectors - 1] = rest == lanes
                         ? add(V::load(x + last), V::load(dy + last), V::broadcast(0))
                         : add(V::load_partial(x + last, rest), V::load_partial(dy + last, rest), V::broadcast(0));
#pragma GCC unroll 4
  for (size_t half = sum_vectors<V> / 2; half != 0; half /= 2) {
#pragma GCC unroll 8
    for (size_t v = 0; v < half; ++v) {
      if (v + half < vectors) sum[v] = sum[v] + sum[v + half];
    }
  }
  return sum[0];
}

// The sums of `runs` neighbouring runs, each of which sum_run(x, dy) folds to one vector.
template <class V, class Element, class SumRun>
RECTIFY_INLINE void sum_runs_apart(const Element* x, const Element* dy, typename V::Scalar* sums, size_t runs, size_t inner,
                                   SumRun sum_run) {
  using Single = decltype(folded_to_vector(V()));
  constexpr size_t lanes = Single::lanes;
  for (size_t r = 0; r < runs; r += lanes) {
    const size_t count = smaller(lanes, runs - r);
    Single v[lanes];
    for (size_t k = 0; k < count; ++k) v[k] = folded_to_vector(sum_run(x + (r + k) * inner, dy + (r + k) * inner));
    fold_some(v, count, sums + r);
  }
}

// The sums of short runs, with code for each number of vectors.
template <class V, size_t vectors, class Element, class Add>
RECTIFY_INLINE void sum_short_runs(const Element* x, const Element* dy, typename V::Scalar* sums, size_t runs, size_t inner,
                                   Add add) {
  if (inner > sum_lanes<V>) {
    sum_runs_apart<V>(x, dy, sums, runs, inner,
                      [&](auto... run) RECTIFY_LAMBDA { return sum_lanes_of<V>(run..., inner, add); });
  } else if (vectors == 1 || inner > (vectors - 1) * V::lanes) {
    sum_runs_apart<V>(x, dy, sums, runs, inner,
                      [&](auto... run) RECTIFY_LAMBDA { return sum_vectors_of<V, vectors>(run..., inner, add); });
  } else if constexpr (vectors > 1) {
    sum_short_runs<V, vectors - 1>(x, dy, sums, runs, inner, add);
  }
}

// A call: of the kernels that differ in their stores alone one is enough.
template <class V, class Element, class Add>
[[gnu::noinline]] void sum_runs_alone(const Element* x, const Element* dy, typename V::Scalar* sums, size_t runs,
                                      size_t inner, Add add) {
  sum_short_runs<V, sum_vectors<V>>(x, dy, sums, runs, inner, add);
}

// Runs of up to a stretch, some at a time, so that their last folds are one. A call: the kernels that differ in their
// stores alone share it.
template <class V, class Element, class Add>
[[gnu::noinline]] void sum_runs_first(const Work& work, const SumPart& part, Pieces<Element>& pieces, Add add) {
  const size_t channels = work.channels, inner = work.inner;
  // Whole vectors of runs, if so many fit.
  size_t runs = stretch / inner;
  if (runs > V::lanes) runs = runs / V::lanes * V::lanes;
  Trees<decltype(folded_to_vector(V()))> trees(part);
  const size_t width = part.channel_end - part.channel_begin;
  const size_t leaves = width == channels ? part.leaf_end - part.leaf_begin : 1;
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; leaf += leaves) {
    size_t at = (leaf * channels + part.channel_begin) * inner, summed = at;  // the pieces from there on are not yet done
    for (size_t left = leaves * width, count; left != 0; left -= count) {
      count = smaller(smaller(runs, left), trees.room());
      const size_t end = at + count * inner;
      pieces.before(at, end);
      sum_runs_alone<V>(pieces.x + at, pieces.dy + at, trees.next(), count, inner, add);
      trees.add(count);
      at = end;
      if (at - summed < stretch && left != count) continue;
      pieces.after(summed, at);
      summed = at;
    }
  }
}

// gradient(parameter, x, dy) with the parameter of each channel of the part. `pieces`, where dx is done apart.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_runs(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                             Pieces<Element>& pieces, Gradient gradient, Add add) {
  // Sums alone of runs one by one take 2.6 times as long at 49 elements, 1.8 at 196, 1.1 at 784 (Zen 3, L2).
  constexpr size_t longest_first = how == Store::none ? stretch : shortest_neighbour - 1;
  if (work.channels > 1 && work.inner <= longest_first) return sum_runs_first<V>(work, part, pieces, add);
  if constexpr (how == Store::none) {
    sum_each_leaf<V>(work, part, [&](size_t at, size_t count, size_t) RECTIFY_LAMBDA {
      typename V::Scalar sum;
      pieces.before(at, at + count);
      sum_runs_alone<V>(pieces.x + at, pieces.dy + at, &sum, 1, count, add);
      pieces.after(at, at + count);
      return sum;
    });
  } else if (work.channels > 1 && work.inner < long_run<Element>) {
    sum_short_leaves<V, Element, how>(work, part, parameter, gradient, add);
  } else {
    sum_leaves<V, Element, how, Formula::brief>(work, part, parameter, gradient, add);
  }
}

}  // namespace
}  // namespace rectify
