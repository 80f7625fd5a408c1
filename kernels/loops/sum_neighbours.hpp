// Sums over runs of more than a vector that are neighbours in memory, and dx in the same loop: walked flat, in vectors that
// are aligned for dx whatever run they belong to. Loads and stores that straddle lines cost twice, and else nearly all
// would.
//
// The last folds, of lanes within a vector, are done for as many leaves at a time as a vector has lanes. A fold need not
// know where in its vectors a leaf begins: rotated or not, it adds the same pairs.
#pragma once

#include "sum_leaf.hpp"

namespace rectify {
namespace {

// Runs from here on are walked as neighbours. On Zen 5 in L2 that takes 1.55 (inner = 49), 1.3 (81) and 1.1 (196) times as
// long as dx alone, where sums first take 2.3, 1.9 and 1.4. At 32 sums first are faster in half of the formats.
constexpr size_t shortest_neighbour = 33;
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
        if constexpr (prefetched) prefetch_near<V, sum_lanes<V>>(x, dy);
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

}  // namespace
}  // namespace rectify
