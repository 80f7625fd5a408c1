// PReLU's input gradient and the slopes' in one pass.
#pragma once

#include "../loops/sum_one_row.hpp"
#include "../loops/sum_rows.hpp"
#include "../loops/sum_runs.hpp"
#include "prelu.hpp"

namespace rectify {
namespace {

constexpr auto prelu_part = [](auto x, auto dy, auto sum) RECTIFY_LAMBDA { return prelu::add(x, dy, sum); };
template <class V>
constexpr auto prelu_dx = [](V slope, V x, V dy) RECTIFY_LAMBDA { return prelu::backward(x, dy, slope); };

// A slope an element, each read once.
template <class F>
[[gnu::noinline]] void sum_prelu_of_one_row(const Work& work, const SumPart& part) {
  using V = typename F::Vector;
  const auto* slope = static_cast<const typename F::Slope*>(work.parameter);
  const auto slopes = [slope, first = part.channel_begin](size_t at, auto... count) RECTIFY_LAMBDA {
    if constexpr (sizeof...(count) == 0)
      return F::prepared(V::load(slope + first + at));
    else
      return F::prepared(V::load_partial(slope + first + at, count...));
  };
  with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
    sum_one_row<V, typename F::Element, how>(work, part, slopes, prelu_dx<V>, prelu_part);
  });
}

// With the slopes of the part's channels; map_dx finds its own in `work`. The largest of all kernels: one serves every
// format of slopes.
template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void sum_prelu(const Work& work, const SumPart& part, const typename F::Scalar* slope, MapKernel map_dx) {
  using V = typename F::Vector;
  with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
    Pieces<E> pieces = {F::x_of(work), F::dy_of(work), how == Store::none ? nullptr : map_dx, &work};
    if (has_rows(work)) return sum_rows<V, E, how>(work, part, slope, pieces, prelu_dx<V>, prelu_part);
    sum_runs<V, E, how>(work, part, slope, pieces, prelu_dx<V>, prelu_part);
  });
}

// 16-bit tensors have their slopes prepared in f32 first, a tile of channels at a time.
template <class F>
void prelu_backward_with_parameter(const Work& work, const SumPart& part) {
  using E = typename F::Element;
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const typename F::Slope* slope = static_cast<const typename F::Slope*>(work.parameter);
  if (is_one_row(work)) return sum_prelu_of_one_row<F>(work, part);
  if constexpr (is_same<E, Scalar>) {
    sum_prelu<E>(work, part, slope == nullptr ? slope : slope + part.channel_begin, prelu_backward<F>);
  } else {
    constexpr size_t most = 4096;
    alignas(64) Scalar prepared[most];
    const bool in_rows = has_rows(work);
    SumPart tile = part;
    for (; tile.channel_begin < part.channel_end; tile.channel_begin = tile.channel_end) {
      const size_t first = tile.channel_begin, count = smaller(most, part.channel_end - first);
      tile.channel_end = first + count;
      tile.nodes = static_cast<Scalar*>(part.nodes) + (first - part.channel_begin);
      for (size_t c = 0; slope != nullptr && c < count; c += V::lanes) {
        const size_t rest = count - c;
        if (rest < V::lanes)
          store(prepared + c, F::prepared(V::load_partial(slope + first + c, rest)));
        else if (in_rows)
          keep(prepared + c, F::prepared(V::load(slope + first + c)));
        else
          store(prepared + c, F::prepared(V::load(slope + first + c)));
      }
      sum_prelu<E>(work, tile, prepared, prelu_backward<F>);
    }
  }
}

}  // namespace
}  // namespace rectify
