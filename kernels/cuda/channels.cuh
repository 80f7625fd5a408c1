// What the channels of a few elements have: the same in all lanes where the walk knows the channel, and where it does not
// what each piece finds for itself.
#pragma once

#include "divisor.cuh"
#include "elements.cuh"

namespace rectify {
namespace {

// `Parameters` has what a channel has: of(channel).
template <class Element, class Parameters = Parameter<Element>>
struct ChannelOfElements {
  Parameters parameters;
  cuda::Divisor inner, channels;
  bool one;  // channel

  // As for Lanes.
  RECTIFY_INLINE auto of(size_t before, const Place& place, bool whole) const {
    constexpr unsigned width = in_piece<Element>;
    if (one) return all<width>(parameters.of(0));
    auto found = all<width>(decltype(parameters.of(0)){});
    const auto is_inside = [&](unsigned v)
                               RECTIFY_LAMBDA { return whole || place.first + v * place.stride < place.length; };
    size_t offset, channel;
    if (place.stride != 1) {
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
        if (!is_inside(v)) continue;
        find(before + place.first + v * place.stride, offset, channel);
        found.v[v] = parameters.of(channel);
      }
      return found;
    }
    // The first of those inside: the place may itself lie before them.
    find(before + (is_inside(0) ? place.first : 0), offset, channel);
    if (offset + width <= inner.value) return all<width>(parameters.of(channel));
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      if (!is_inside(v)) continue;
      found.v[v] = parameters.of(channel);
      if (++offset == inner.value) {
        offset = 0;
        if (++channel == channels.value) channel = 0;
      }
    }
    return found;
  }

 private:
  RECTIFY_INLINE void find(size_t i, size_t& offset, size_t& channel) const {
    if (i >> 31 == 0)
      divide(static_cast<uint32_t>(i), offset, channel);
    else
      divide(uint64_t{i}, offset, channel);
  }
  template <class Index>
  RECTIFY_INLINE void divide(Index i, size_t& offset, size_t& channel) const {
    const Index run = inner.divide(i);
    offset = i - run * static_cast<Index>(inner.value);
    channel = run - channels.divide(run) * static_cast<Index>(channels.value);
  }
};

// What is the same for a whole walk, or for each of its runs.
template <unsigned width, class Parameters>
RECTIFY_INLINE auto of_channel(const Parameters& parameters, size_t channel) {
  return all<width>(parameters.of(channel));
}
template <unsigned width, class Element, class Parameters>
RECTIFY_INLINE auto of_channel(const ChannelOfElements<Element, Parameters>& parameters, size_t) {
  return parameters;
}

}  // namespace
}  // namespace rectify
