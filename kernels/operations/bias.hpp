// dbias, the sum of dx, and the top of every sum.
#pragma once

#include "../activations/prelu.hpp"
#include "../loops/sum_one_row.hpp"
#include "../loops/sum_rows.hpp"
#include "../loops/sum_runs.hpp"
#include "format.hpp"

namespace rectify {
namespace {

template <class F, class E = typename F::Element>
[[gnu::noinline]] void sum_pieces(const Work& work, const SumPart& part, Pieces<E>& pieces) {
  using V = typename F::Vector;
  constexpr auto add = [](auto dz, auto, auto sum) RECTIFY_LAMBDA { return sum + dz; };
  if (is_one_row(work)) return sum_one_row<V, E, Store::none>(work, part, Nothing(), Nothing(), add);
  if (has_rows(work)) return sum_rows<V, E, Store::none>(work, part, nullptr, pieces, Nothing(), add);
  sum_runs<V, E, Store::none>(work, part, nullptr, pieces, Nothing(), add);
}

template <class F, class E = typename F::Element>
[[gnu::noinline]] void sum_made_twice(const Work& work, const SumPart& part) {
  static_assert(run_block <= longest_piece<E> && stretch + most_made_channels <= longest_piece<E>);
  alignas(64) E tile[longest_piece<E>];
  Pieces<E> pieces = {.x = nullptr, .dy = nullptr, .made_by = work.made, .tile = tile};
  sum_pieces<F>(work, part, pieces);
}

template <class F>
void bias_backward(const Work& work, const SumPart& part) {
  if (work.made != nullptr && last_of(*work.made).streaming) return sum_made_twice<F>(work, part);
  Pieces<typename F::Element> pieces = {.x = F::x_of(work), .dy = F::dy_of(work), .made_by = work.made};
  sum_pieces<F>(work, part, pieces);
}

template <class F>
void fold(void* nodes, size_t count, size_t channels, const void* slopes, void* sums) {
  using V = typename F::Vector;
  auto* node = static_cast<typename F::Scalar*>(nodes);
  const auto* slope = static_cast<const typename F::Slope*>(slopes);
  fold_nodes<V>(node, count, channels);
  if (slope != nullptr) {
    using Single = decltype(folded_to_vector(V()));
    combine<Single>(
        node, channels, [](Single sum, Single a) RECTIFY_LAMBDA { return prelu::over_magnitude(sum, a); }, node, slope);
  }
  combine<V>(
      static_cast<typename F::Slope*>(sums), channels, [](V sum) RECTIFY_LAMBDA { return sum; }, node);
}

}  // namespace
}  // namespace rectify
