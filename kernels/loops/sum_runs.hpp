// dx and the parameter's gradient over runs, in the order of docs/numerics.md section 4: a leaf is a block of a run, summed
// on 64 or 32 lanes, which are then folded by halves.
//
// 64 lanes of f32, or 32 of f64, are 4 zmm, 8 ymm or 16 q registers of independent sums, more than the latency of an fma
// needs, so in long runs the sums ride along with dx in one loop. A short run would spend its time on the loop's ends:
// there the sums of some runs are taken first, with loads alone, and dx is written by a flat walk while they are in L1.
//
// Runs in between that are neighbours in memory are walked flat, in vectors that are aligned for dx whatever run they
// belong to: loads and stores that straddle lines cost twice, and else nearly all would. A vector across the border of two
// runs is read for both, and written by the second.
//
// The last folds of all but long runs, of lanes within a vector, are done for as many leaves at a time as a vector has
// lanes. A fold need not know where in its vectors a leaf begins: rotated or not, it adds the same pairs.
//
// add(x, dy, sum) adds an element's part to the sum, nothing for x = 0; gradient(parameter, x, dy) is dx.
#pragma once

#include "map.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

template <class V>
constexpr size_t sum_lanes = 256 / sizeof(typename V::Scalar);
template <class V>
constexpr size_t sum_vectors = sum_lanes<V> / V::lanes;

// Runs from here on are walked as neighbours. On Zen 4 in L2 that takes 1.03 (inner = 400) to 1.27 (100) times as long as
// dx alone, where sums first take 1.7; below, the ends of a run cost more than lines that are straddled.
constexpr size_t shortest_neighbour = 96;
// And from here on each run by itself: what ends a row of neighbours costs more then, 2 to 5 %, than what ends a run.
constexpr size_t long_run = 512;

template <class V>
RECTIFY_INLINE typename V::Scalar fold_lanes(V folded) {
  typename V::Scalar lane[V::lanes];
  store(lane, folded);
#pragma GCC unroll 4
  for (size_t half = V::lanes / 2; half != 0; half /= 2) {
#pragma GCC unroll 8
    for (size_t j = 0; j < half; ++j) lane[j] = lane[j] + lane[j + half];
  }
  return lane[0];
}

// The sums of the lanes of `count` vectors, which are no more than a vector has lanes. The others are overwritten. A call:
// it is long, and seldom needed.
template <class V>
[[gnu::noinline]] void fold_some(V (&v)[V::lanes], size_t count, typename V::Scalar* sums) {
  if (count <= V::lanes / 4) {
    for (size_t k = 0; k < count; ++k) sums[k] = fold_lanes(v[k]);
    return;
  }
  for (size_t k = count; k < V::lanes; ++k) v[k] = V::broadcast(0);
  const V folded = fold_across(v);
  if (count == V::lanes) {
    store(sums, folded);
  } else {
    store_partial(sums, folded, count);
  }
}

// ---- One leaf after the other, each aligned by a head of its own ----

// The sum of a leaf of `count` elements, and its dx.
//
// Stores to dx are aligned by taking its first `head` elements alone, as if a group of 64 had begun before the block and
// they were its end. From then on element i of the block sits in lane i - head (mod 64).
template <class V, Store how, Formula formula, class Element, class Gradient, class Add>
RECTIFY_INLINE typename V::Scalar sum_leaf(const Element* x, const Element* dy, Element* dx, size_t count,
                                           Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
  // Runs of 784 take 0.72 (f16) and 0.80 (bf16) of the time with it, of 4096 0.98; in f32 0.96 and 1.09 (Zen 5).
  constexpr bool prefetched = how == Store::streaming && sizeof(Element) == 2;
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
    if constexpr (prefetched) prefetch<Element, sum_lanes<V>>(x + i, dy + i);
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

// sum_at(at, count, channel): the sum of the `count` elements from `at` on, of a channel of the part.
template <class V, class SumAt>
RECTIFY_INLINE void sum_each_leaf(const Work& work, const SumPart& part, SumAt sum_at) {
  const size_t channels = work.channels, inner = work.inner, blocks = (inner + run_block - 1) / run_block;
  Trees<decltype(folded_to_vector(V()))> trees(part);
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    const size_t offset = leaf % blocks * run_block, count = smaller(run_block, inner - offset);
    auto* sum = trees.leaf();
    for (size_t channel = part.channel_begin; channel < part.channel_end; ++channel) {
      const size_t at = (leaf / blocks * channels + channel) * inner + offset;
      *sum++ = sum_at(at, count, channel - part.channel_begin);
    }
    trees.add_leaf();
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

// A run at x, dy and dx: `count` elements, the first of which has `before` others before it in its aligned vector. Those
// are the run's before it, with parameter `previous`, unless it is the first of the neighbours. The vector in which it ends
// is left to the next, unless it is the last. Returns its sums, folded to one vector.
//
// The vectors of a group are rotated by one, the lanes by `before`. A call: as part of its caller it would have no
// registers.
template <class V, Store how, class Element, class Gradient, class Add>
[[gnu::noinline]] auto sum_neighbour(const Element* x, const Element* dy, Element* dx, size_t before, size_t count,
                                     bool is_first, bool is_last, V previous, V parameter, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes, vectors = sum_vectors<V>;
  const V zero = V::broadcast(0);
  V sum[vectors];
#pragma GCC unroll 16
  for (size_t v = 0; v < vectors; ++v) sum[v] = zero;

  if (before != 0) {
    const auto others = V::first(before);
    const auto begin = [&](V vx, V vdy) RECTIFY_LAMBDA {
      sum[vectors - 1] = add(select(others, zero, vx), vdy, zero);
      return gradient(select(others, previous, parameter), vx, vdy);
    };
    const size_t own = lanes - before;
    if (is_first) {  // the others do not belong to the part: in a copy
      alignas(64) Element copy_of_x[lanes] = {}, copy_of_dy[lanes] = {}, copy_of_dx[lanes];
      __builtin_memcpy(copy_of_x + before, x, own * sizeof(Element));
      __builtin_memcpy(copy_of_dy + before, dy, own * sizeof(Element));
      store(copy_of_dx, begin(V::load_once(copy_of_x), V::load_once(copy_of_dy)));
      __builtin_memcpy(dx, copy_of_dx + before, own * sizeof(Element));
    } else {
      put<how>(dx - before, begin(V::load_once(x - before), V::load_once(dy - before)));
    }
    x += own, dy += own, dx += own, count -= own;
  }
  const auto take = [&](size_t i, V& to) RECTIFY_LAMBDA {
    const V vx = V::load_once(x + i), vdy = V::load_once(dy + i);
    to = add(vx, vdy, to);
    put<how>(dx + i, gradient(parameter, vx, vdy));
  };
  const size_t whole = count / lanes * lanes, rest = count - whole;
  size_t i = 0;
  for (; i + vectors * lanes <= whole; i += vectors * lanes) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) take(i + v * lanes, sum[v]);
  }
#pragma GCC unroll 16
  for (size_t v = 0; v + 1 < vectors; ++v) {
    if (i + v * lanes < whole) take(i + v * lanes, sum[v]);
  }
  if (rest != 0) {
    V vx, vdy;
    if (is_last) {
      vx = V::load_partial(x + whole, rest), vdy = V::load_partial(dy + whole, rest);
      put_partial<how>(dx + whole, gradient(parameter, vx, vdy), rest);
    } else {
      vx = select(V::first(rest), V::load_once(x + whole), zero), vdy = V::load_once(dy + whole);
    }
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      if (i + v * lanes == whole) sum[v] = add(vx, vdy, sum[v]);
    }
  }
  return folded_to_vector(fold_halves<vectors>(sum));
}

// Runs of at least a vector, each of them a leaf. `parameter`: those of the part's channels.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_neighbours(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                                   Gradient gradient, Add add) {
  using Single = decltype(folded_to_vector(V()));
  constexpr size_t lanes = V::lanes;
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  Element* dx = static_cast<Element*>(work.out);
  const size_t channels = work.channels, inner = work.inner, width = part.channel_end - part.channel_begin;
  Trees<Single> trees(part);
  Single folded[Single::lanes];  // of leaves whose last folds are to come
  size_t kept = 0, channel = 0;  // the next of them is that channel's
  const auto fold = [&]() RECTIFY_LAMBDA {
    typename V::Scalar sums[Single::lanes];
    fold_some(folded, kept, sums);
    for (size_t k = 0, some; k < kept; k += some) {
      some = smaller(kept - k, width - channel);
      __builtin_memcpy(trees.leaf() + channel, sums + k, some * sizeof *sums);
      channel += some;
      if (channel != width) break;
      trees.add_leaf();
      channel = 0;
    }
    kept = 0;
  };
  // Neighbours are the runs of a leaf's channels, and those of all leaves if the part has all channels.
  const bool all = width == channels;
  V previous = V::broadcast(0);
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    for (size_t c = 0; c < width; ++c) {
      const size_t at = (leaf * channels + part.channel_begin + c) * inner;
      const bool is_first = c == 0 && (!all || leaf == part.leaf_begin);
      const bool is_last = c + 1 == width && (!all || leaf + 1 == part.leaf_end);
      const V p = V::broadcast(parameter[c]);
      folded[kept] =
          sum_neighbour<V, how>(x + at, dy + at, dx + at, reinterpret_cast<uintptr_t>(dx + at) / sizeof(Element) % lanes,
                                inner, is_first, is_last, previous, p, gradient, add);
      previous = p;
      if (++kept == Single::lanes) fold();
    }
  }
  if (kept != 0) fold();
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

// map_dx writes dx, unless it is NULL. A call: the kernels that differ in their stores alone share it.
template <class V, class Element, class Add>
[[gnu::noinline]] void sum_runs_first(const Work& work, const SumPart& part, MapKernel map_dx, Add add) {
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  const size_t channels = work.channels, inner = work.inner;
  // Whole vectors of runs, if so many fit.
  size_t runs = stretch / inner;
  if (runs > V::lanes) runs = runs / V::lanes * V::lanes;
  using Single = decltype(folded_to_vector(V()));
  Trees<Single> trees(part);
  if (part.channel_end - part.channel_begin == channels && channels % Single::lanes != 0 && 2 * channels <= runs) {
    // Where a leaf's runs leave lanes of the folds empty, several leaves at a time: their runs are neighbours too.
    typename V::Scalar sums[stretch / 2];
    for (size_t leaf = part.leaf_begin, leaves; leaf < part.leaf_end; leaf += leaves) {
      leaves = smaller(runs / channels, part.leaf_end - leaf);
      const size_t at = leaf * channels * inner;
      sum_runs_alone<V>(x + at, dy + at, sums, leaves * channels, inner, add);
      for (size_t l = 0; l < leaves; ++l) {
        __builtin_memcpy(trees.leaf(), sums + l * channels, channels * sizeof *sums);
        trees.add_leaf();
      }
      if (map_dx != nullptr) map_dx(work, at, at + leaves * channels * inner);
    }
    return;
  }
  size_t unmapped = (part.leaf_begin * channels + part.channel_begin) * inner;  // dx is still to be written from here on
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    for (size_t channel = part.channel_begin, count; channel < part.channel_end; channel += count) {
      count = smaller(runs, part.channel_end - channel);
      const size_t at = (leaf * channels + channel) * inner, end = at + count * inner;
      sum_runs_alone<V>(x + at, dy + at, trees.leaf() + (channel - part.channel_begin), count, inner, add);
      const bool leaf_ends = channel + count == part.channel_end;
      const size_t next = leaf_ends ? ((leaf + 1) * channels + part.channel_begin) * inner : end;
      if (end - unmapped >= stretch || next != end || (leaf_ends && leaf + 1 == part.leaf_end)) {
        if (map_dx != nullptr) map_dx(work, unmapped, end);
        unmapped = next;
      }
    }
    trees.add_leaf();
  }
}

// gradient(parameter, x, dy) with the parameter of each channel of the part; map_dx writes dx where that is done apart.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_runs(const Work& work, const SumPart& part, const typename V::Scalar* parameter, MapKernel map_dx,
                             Gradient gradient, Add add) {
  if (work.channels > 1 && work.inner < shortest_neighbour)
    return sum_runs_first<V, Element>(work, part, how == Store::none ? nullptr : map_dx, add);
  if constexpr (how == Store::none) {
    const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
    sum_each_leaf<V>(work, part, [&](size_t at, size_t count, size_t) RECTIFY_LAMBDA {
      typename V::Scalar sum;
      sum_runs_alone<V>(x + at, dy + at, &sum, 1, count, add);
      return sum;
    });
  } else if (work.channels > 1 && work.inner < long_run) {
    sum_neighbours<V, Element, how>(work, part, parameter, gradient, add);
  } else {
    sum_leaves<V, Element, how, Formula::brief>(work, part, parameter, gradient, add);
  }
}

}  // namespace
}  // namespace rectify
