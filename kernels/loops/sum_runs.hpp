// dx and the parameter's gradient over runs: which walk is taken for which length.
#pragma once

#include "sum_neighbours.hpp"
#include "sum_short_runs.hpp"

namespace rectify {
namespace {

// And from here on each run by itself. At 784 f32 gains 2 % by that; 16 bits, whose runs are half as many lines, lose 10 %.
template <class Element>
constexpr size_t long_run = sizeof(Element) == 2 ? 1024 : 512;

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
