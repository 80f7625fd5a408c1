// One row of channels, and so a parameter an element: dx and the sums are two outputs of a map.
#pragma once

#include "../backend.hpp"
#include "../pair.hpp"
#include "stores.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE bool is_one_row(const Work& work) { return has_rows(work) && work.outer == 1; }

// parameters(i) are those of a vector, from channel i on; parameters(i, count) of the first `count` lanes.
template <class V, Store how, Store how_sums, class Element, class Parameters, class Gradient, class Add>
RECTIFY_INLINE void map_one_row(const Element* x, const Element* dy, Element* dx, typename V::Scalar* sums, size_t width,
                                Parameters parameters, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
  size_t c = 0;
  const auto take = [&]<size_t vectors>() RECTIFY_LAMBDA {
    V sum[vectors], result[vectors];
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) {
      const size_t at = c + v * lanes;
      const V vx = V::load_once(x + at), vdy = V::load_once(dy + at);
      sum[v] = add(vx, vdy, V::broadcast(0)) + V::broadcast(0);
      if constexpr (how != Store::none) result[v] = gradient(parameters(at), vx, vdy);
    }
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) {
      if constexpr (how != Store::none) put<how>(dx + c + v * lanes, result[v]);
    }
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) put<how_sums>(sums + c + v * lanes, sum[v]);
    c += vectors * lanes;
  };
  const auto take_partial = [&](size_t count) RECTIFY_LAMBDA {
    if (count == 0) return;
    const V vx = V::load_partial(x + c, count), vdy = V::load_partial(dy + c, count);
    store_partial(sums + c, add(vx, vdy, V::broadcast(0)) + V::broadcast(0), count);
    if constexpr (how != Store::none) put_partial<how>(dx + c, gradient(parameters(c, count), vx, vdy), count);
    c += count;
  };
  take_partial(smaller(width, how == Store::none ? elements_to_alignment<V>(sums) : elements_to_alignment<V>(dx)));
  while (c + 2 * lanes <= width) take.template operator()<2>();
  while (c + lanes <= width) take.template operator()<1>();
  take_partial(width - c);
}

template <class V, class Element, Store how, class Parameters, class Gradient, class Add>
RECTIFY_INLINE void sum_one_row(const Work& work, const SumPart& part, Parameters parameters, Gradient gradient, Add add) {
  const size_t first = part.channel_begin, width = part.channel_end - first;
  const Element *x = static_cast<const Element*>(work.x) + first, *dy = static_cast<const Element*>(work.dy) + first;
  Element* const dx = how == Store::none ? nullptr : static_cast<Element*>(work.out) + first;
  auto* const sums = static_cast<typename V::Scalar*>(part.nodes);
  if constexpr (how == Store::streaming) {
    if (part.nodes_are_sums && elements_to_alignment<V>(sums) == elements_to_alignment<V>(dx))
      return map_one_row<V, how, Store::streaming>(x, dy, dx, sums, width, parameters, gradient, add);
  }
  map_one_row<V, how, Store::ordinary>(x, dy, dx, sums, width, parameters, gradient, add);
}

}  // namespace
}  // namespace rectify
