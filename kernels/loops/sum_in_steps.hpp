// The sum of a leaf, without dx, of a formula that is a chain of steps: they are taken as in map_in_two_steps(). The lanes'
// sums do not fit beside it in 16 registers; each is added to in memory. ELU's takes 0.86 of the time of sum_leaf() on Zen
// 3, whose 64 lanes leave three registers for all of the formula.
#pragma once

#include "map_in_steps.hpp"
#include "sum_leaf.hpp"

namespace rectify {
namespace {

// add(Steps(x), x, dy, sum) adds an element's part to the sum.
template <class V, class Steps, class Element, class Add>
RECTIFY_INLINE typename V::Scalar sum_leaf_in_steps(const Element* x, const Element* dy, size_t count, Add add) {
  constexpr size_t lanes = V::lanes, vectors = V::in_steps, turn = vectors * lanes;
  V sum[sum_vectors<V>];
#pragma GCC unroll 16
  for (size_t v = 0; v < sum_vectors<V>; ++v) sum[v] = V::broadcast(0);
  size_t i = 0;
  if (sum_lanes<V> <= count) {
    decltype(reduced<Steps>(V())) begun[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) begun[v] = reduced<Steps>(V::load(x + v * lanes));
    for (; i + sum_lanes<V> <= count; i += sum_lanes<V>) {
#pragma GCC unroll 4
      for (size_t first = 0; first < sum_vectors<V>; first += vectors) {
        const Element* next = x + smaller(i + first * lanes + turn, count - turn);
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) {
          const size_t at = i + (first + v) * lanes;
          const auto ready = Steps::approximate(begun[v]);
          sum[first + v] = add(ready, V::load(x + at), V::load_once(dy + at), sum[first + v]);
          begun[v] = reduced<Steps>(V::load(next + v * lanes));
        }
      }
    }
  }
  if (i < count) {
    add_rest(sum, x, dy, i, count, [&](size_t, size_t, V vx, V vdy, V before) RECTIFY_LAMBDA {
      return add(approximated<Steps>(vx), vx, vdy, before);
    });
  }
  return fold_lanes(folded_to_vector(fold_halves<sum_vectors<V>>(sum)));
}

}  // namespace
}  // namespace rectify
