// dx and the parameter's gradient over runs, in the order of docs/numerics.md section 4: a leaf is a block of a run, summed
// on 64 or 32 lanes, which are then folded by halves.
//
// 64 lanes of f32, or 32 of f64, are 4 zmm, 8 ymm or 16 q registers of independent sums, more than the latency of an fma
// needs, so in long runs the sums ride along with dx in one loop. A short run would spend its time on the loop's ends:
// there the sums of some runs are taken first, with loads alone, and dx is written by a flat walk while they are in L1. The
// last folds, of lanes within a vector, are done for as many runs at a time as a vector has lanes, transposed.
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

// Runs below this length are short.
constexpr size_t long_run = 512;

template <class V>
RECTIFY_INLINE typename V::Scalar fold_lanes(V* sum) {
  typename V::Scalar lane[V::lanes];
  store(lane, fold_halves<sum_vectors<V>>(sum));
#pragma GCC unroll 4
  for (size_t half = V::lanes / 2; half != 0; half /= 2) {
#pragma GCC unroll 8
    for (size_t j = 0; j < half; ++j) lane[j] = lane[j] + lane[j + half];
  }
  return lane[0];
}

//
// Stores to dx are aligned by taking its first `head` elements alone, as if a group of 64 had begun before the block and
// they were its end. From then on element i of the block sits in lane i - head (mod 64). The fold need not know: rotated or
// not, it adds the same pairs.
template <class V, Store how, Formula formula, class Element, class Gradient, class Add>
RECTIFY_INLINE typename V::Scalar sum_run(const Element* x, const Element* dy, Element* dx, size_t count, Gradient gradient,
                                          Add add) {
  constexpr size_t lanes = V::lanes;
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
    // the end of a brief one took 5 to 10 % of a run of 784.
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
  return fold_lanes(sum);
}

// gradient(parameter, x, dy) with the parameter of each channel of the part.
template <class V, class Element, Store how, Formula formula, class Gradient, class Add>
RECTIFY_INLINE void sum_long_runs(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                                  Gradient gradient, Add add) {
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  Element* dx = static_cast<Element*>(work.out);
  const size_t channels = work.channels, inner = work.inner, blocks = (inner + run_block - 1) / run_block;
  Trees<decltype(folded_to_vector(V()))> trees(part);
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    const size_t run = leaf / blocks * channels, offset = leaf % blocks * run_block;
    const size_t count = smaller(run_block, inner - offset);
    auto* sum = trees.leaf();
    for (size_t channel = part.channel_begin; channel < part.channel_end; ++channel) {
      const size_t at = (run + channel) * inner + offset;
      const V p = V::broadcast(how == Store::none ? 0 : parameter[channel - part.channel_begin]);
      *sum++ = sum_run<V, how, formula>(
          x + at, dy + at, how == Store::none ? dx : dx + at, count,
          [&](V vx, V vdy) RECTIFY_LAMBDA { return gradient(p, vx, vdy); }, add);
    }
    trees.add_leaf();
  }
}

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
RECTIFY_INLINE void sum_neighbours(const Element* x, const Element* dy, typename V::Scalar* sums, size_t runs, size_t inner,
                                   SumRun sum_run) {
  using Single = decltype(folded_to_vector(V()));
  constexpr size_t lanes = Single::lanes;
  for (size_t r = 0; r < runs; r += lanes) {
    const size_t count = smaller(lanes, runs - r);
    Single v[lanes];
    for (size_t k = 0; k < lanes; ++k) v[k] = Single::broadcast(0);
    for (size_t k = 0; k < count; ++k) v[k] = folded_to_vector(sum_run(x + (r + k) * inner, dy + (r + k) * inner));
    transpose(v);
    const Single folded = fold_halves<lanes>(v);
    if (count == lanes) {
      store(sums + r, folded);
    } else {
      store_partial(sums + r, folded, count);
    }
  }
}

// The sums of short runs, with code for each number of vectors.
template <class V, size_t vectors, class Element, class Add>
RECTIFY_INLINE void sum_short_runs(const Element* x, const Element* dy, typename V::Scalar* sums, size_t runs, size_t inner,
                                   Add add) {
  if (inner > sum_lanes<V>) {
    sum_neighbours<V>(x, dy, sums, runs, inner,
                      [&](auto... run) RECTIFY_LAMBDA { return sum_lanes_of<V>(run..., inner, add); });
  } else if (vectors == 1 || inner > (vectors - 1) * V::lanes) {
    sum_neighbours<V>(x, dy, sums, runs, inner,
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

template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_runs(const Work& work, const SumPart& part, const typename V::Scalar* parameter, MapKernel map_dx,
                             Gradient gradient, Add add) {
  const Element *x = static_cast<const Element*>(work.x), *dy = static_cast<const Element*>(work.dy);
  const size_t channels = work.channels, inner = work.inner;
  if (channels == 1 || inner >= long_run)
    return sum_long_runs<V, Element, how, Formula::brief>(work, part, parameter, gradient, add);

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
      if constexpr (how != Store::none) map_dx(work, at, at + leaves * channels * inner);
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
        if constexpr (how != Store::none) map_dx(work, unmapped, end);
        unmapped = next;
      }
    }
    trees.add_leaf();
  }
}

}  // namespace
}  // namespace rectify
