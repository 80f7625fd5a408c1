// dx and the parameters' gradients over rows of channels: which walk is taken for which rows.
#pragma once

#include "sum_rows_in_pieces.hpp"

namespace rectify {
namespace {

// Rows of whole vectors, which dx is written for as they are summed.
template <class V, Store how, class Rows, class Gradient, class Add>
RECTIFY_INLINE void sum_whole_rows(const Work& work, const SumPart& part, Rows all, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
  const size_t width = all.width;
  Trees<decltype(folded_to_vector(V()))> trees(part);
  V parameters[double_row<V>];
  if (is_narrow<V>(width)) {
    for (size_t v = 0; v < width / lanes; ++v) parameters[v] = load_kept<V>(all.parameter + v * lanes);
    all.parameters = parameters;
  }
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    const Rows rows = all.from(leaf * row_block);
    const size_t count = smaller(row_block, work.outer - leaf * row_block);
    auto* const sums = trees.next();
    if (width <= narrow_row<V> * lanes) {
      sum_narrow_leaf<V, how, narrow_row<V>>(rows, count, sums, gradient, add);
    } else if (is_narrow<V>(width)) {
      sum_narrow_rows<V, how, 1, double_row<V>>(rows, count, sums, gradient, add);
    } else {
      combine<V>(sums, width, []() RECTIFY_LAMBDA { return V::broadcast(0); });
      // Past the caches two rows of dx at a time take up to 14 times as long as one, if x, dy and dx begin at about the
      // same place of their pages, and 0.87 to 1.4 otherwise, in f16 2.3 to 3.3 (Zen 3).
      if (how == Store::ordinary && is_taken_together<V>(width))
        add_rows_together<V, how>(rows, count, sums, gradient, add);
      else
        add_rows<V, how>(rows, count, sums, gradient, add);
      put_in_order<V>(sums, width);
    }
    trees.add_leaf();
  }
}

// `parameter`: those of the part's channels, as Rows has them. `pieces`, where dx is done apart.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_rows(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                             Pieces<Element>& pieces, Gradient gradient, Add add) {
  if constexpr (how != Store::none) {
    const size_t first = part.channel_begin, width = part.channel_end - first;
    Element* const dx = static_cast<Element*>(work.out);
    if ((work.channels | first | width) % V::lanes == 0 && (how != Store::streaming || elements_to_alignment<V>(dx) == 0)) {
      const Rows<V, Element> all = {pieces.x + first, pieces.dy + first, dx + first, parameter,
                                    nullptr,          work.channels,     width};
      return sum_whole_rows<V, how>(work, part, all, gradient, add);
    }
  }
  sum_rows_in_pieces<V>(work, part, parameter, pieces, gradient, add);
}

}  // namespace
}  // namespace rectify
