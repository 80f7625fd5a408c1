// map() over {outer, channels, inner} where runs end so often that every vector picks its parameters, from a vector with
// those of as many channels as it has lanes: one load of indices and one permutation, and nothing happens where a run ends.
//
// The indices repeat after `inner` vectors, which are as many runs as a vector has lanes, but touch one more where a run
// does not begin with the first vector. So they are taken in two halves, each with parameters of its own.
#pragma once

#include "../apart.hpp"
#include "map.hpp"

namespace rectify {
namespace {

// Runs of fewer elements are short. Forward in L2 on Zen 5, map_lines() of channels.hpp takes 1.4 times as long for 7x7
// maps on AVX-512, 2.3 times for 5x5 (AVX2 1.5); beyond four vectors it is the faster.
template <class V>
constexpr size_t long_run_of = 4 * V::lanes;

// The parameters of the channels in turn, over and over, from any one on.
template <class Format, class V = typename Format::Vector, class Slope = typename Format::Slope>
struct ParametersInTurn {
  RECTIFY_INLINE ParametersInTurn(const Slope* parameter, size_t channels)
      : parameter_(parameter), begin_(channels < V::lanes ? 0 : channels - V::lanes) {
    if (channels >= V::lanes) {
      store(end_, V::load(parameter + begin_));
      store(end_ + V::lanes, V::load(parameter));
      return;
    }
    for (size_t k = 0, channel = 0; k < 2 * V::lanes; ++k, ++channel) {
      if (channel == channels) channel = 0;
      end_[k] = widen(parameter[channel]);
    }
  }
  RECTIFY_INLINE V from(size_t channel) const {
    return Format::prepared(channel < begin_ ? V::load(parameter_ + channel) : V::load(end_ + (channel - begin_)));
  }

 private:
  const Slope* parameter_;
  size_t begin_;                          // of the last channels, from which on a vector reaches beyond
  typename V::Scalar end_[2 * V::lanes];  // those, and the first again
};

// The lanes' numbers.
template <class V>
struct LaneNumbers {
  alignas(64) typename V::Scalar of[V::lanes];
  constexpr LaneNumbers() : of{} {
    for (size_t lane = 0; lane < V::lanes; ++lane) of[lane] = static_cast<typename V::Scalar>(lane);
  }
};
template <class V>
constexpr LaneNumbers<V> lane_numbers;

// 1 / n, rounded.
template <class V>
struct Reciprocals {
  typename V::Scalar of[long_run_of<V>];
  constexpr Reciprocals() : of{} {
    for (size_t n = 1; n < long_run_of<V>; ++n) of[n] = 1 / static_cast<typename V::Scalar>(n);
  }
};
template <class V>
constexpr Reciprocals<V> reciprocals;

// The indices of `vectors` vectors, the first element of which has `before` others of its run before it: how many runs end
// before each. That is n / inner rounded down, or (n + 1/2) / inner - 1/2 to the nearest, from which it is never less than
// 1/2 / inner away; and the sum with 3/2 of a power of two leaves it in the lowest bits. No branch goes by where a run
// ends.
template <class V>
RECTIFY_INLINE void lay_indices(uint8_t* index, size_t vectors, size_t before, size_t inner) {
  using Scalar = typename V::Scalar;
  constexpr Scalar integers = sizeof(Scalar) == sizeof(float) ? Scalar(0x1.8p23) : Scalar(0x1.8p52);
  const auto length = static_cast<Scalar>(inner);
  const V step = V::broadcast(Scalar(V::lanes));
  const auto reciprocal = apart(V::broadcast(reciprocals<V>.of[inner])), magic = apart(V::broadcast(integers));
  V n = V::load(lane_numbers<V>.of) + V::broadcast(static_cast<Scalar>(before) + (1 - length) / 2);
  for (size_t v = 0; v < vectors; ++v, n = n + step) store_index(index + v * V::lanes, reciprocal * n + magic);
}

// For n elements from `begin` on, of which `head` align out; n is several times what the indices are for.
template <class Format, Store how, class F, class... Inputs>
RECTIFY_INLINE void map_short_runs(const Work& work, size_t begin, size_t n, size_t head, F f, const Inputs*... inputs) {
  using V = typename Format::Vector;
  constexpr size_t lanes = V::lanes, vectors = brief_turn<V>;
  // A turn's parameters before anything is stored: dx 0.97 to 0.98 of the time in L2, forward up to 1.05 (Zen 5).
  constexpr bool picked_first = sizeof...(Inputs) > 1;
  auto* out = static_cast<typename Format::Element*>(work.out) + begin;
  const size_t channels = work.channels, inner = work.inner, whole = inner * lanes, half = inner / 2 * lanes;

  // The first vector begins `before` elements ahead of the first element, where there is a head.
  const size_t before = head == 0 ? 0 : lanes - head, first = begin + channels * whole - before, in_run = first % inner;
  alignas(64) uint8_t index[lanes * long_run_of<V>];
  const size_t runs = (in_run + half) / inner;  // that end in the first half
  lay_indices<V>(index, inner / 2, in_run, inner);
  lay_indices<V>(index + half, inner - inner / 2, in_run + half - runs * inner, inner);

  // The next half's are loaded a half ahead: what comes after a mispredicted branch does not wait for them.
  size_t channel = first / inner % channels, step = runs % channels, next_step = (lanes - runs) % channels;
  const auto pass_half = [&]() RECTIFY_LAMBDA {
    channel += step;
    if (channel >= channels) channel -= channels;
    const size_t other = step;
    step = next_step;
    next_step = other;
  };
  const ParametersInTurn<Format> parameters(static_cast<const typename Format::Slope*>(work.parameter), channels);
  V values = parameters.from(channel);
  pass_half();
  V following = parameters.from(channel);
  size_t i = head, e = 0, stop = half;
  if (head != 0) {
    put_partial<how>(out, f(permuted(values, index + before), V::load_partial(inputs, head)...), head);
    e = lanes;
  }
  for (;;) {
    const size_t end = e + smaller(stop - e, (n - i) / lanes * lanes);
    for (; e + vectors * lanes <= end; e += vectors * lanes, i += vectors * lanes) {
      const auto picked = [&](size_t v) RECTIFY_LAMBDA { return permuted(values, index + e + v * lanes); };
      V turn[vectors];
      if constexpr (picked_first) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) turn[v] = picked(v);
      }
      put_turn<V, how, vectors, loads_first<V, how>>(out + i, [&](size_t v) RECTIFY_LAMBDA {
        return f(picked_first ? turn[v] : picked(v), V::load_once(inputs + i + v * lanes)...);
      });
    }
    for (; e < end; e += lanes, i += lanes) put<how>(out + i, f(permuted(values, index + e), V::load_once(inputs + i)...));
    if (e == stop) {
      values = following;
      pass_half();
      following = parameters.from(channel);
      stop = stop == half ? whole : half;
      if (e == whole) e = 0;
    }
    if (n - i < lanes) break;
  }
  if (i != n) put_partial<how>(out + i, f(permuted(values, index + e), V::load_partial(inputs + i, n - i)...), n - i);
}

}  // namespace
}  // namespace rectify
