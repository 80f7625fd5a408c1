// Sums over short runs, some runs at a time, with loads alone: one by one they would spend their time on the loop's ends
// and on the last folds. What is done before and after, dx for one, is done apart, while they are in L1.
#pragma once

#include "pieces.hpp"
#include "sum_leaf.hpp"

namespace rectify {
namespace {

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

}  // namespace
}  // namespace rectify
