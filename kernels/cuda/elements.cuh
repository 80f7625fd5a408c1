// The few elements that a thread takes from memory at a time, and how an operation is done on them. `access` says how a
// group of threads shares neighbouring elements: in pieces of 16 bytes, four elements of a thread side by side, or one by
// one, neighbouring elements to neighbouring threads. Every element is loaded before its result is stored, and never
// again: in place is safe.
#pragma once

#include "ptx.cuh"
#include "vector.cuh"

namespace rectify {
namespace {

enum class Access { pieces, singles };

struct Tensors {
  const float* x;
  const float* dy;
  float* out;

  RECTIFY_INLINE Tensors from(size_t offset) const { return {x + offset, dy + offset, out + offset}; }
};

template <unsigned width>
struct Elements {
  F32 v[width];
};

// Elements first, first + stride, … of a range of `length` elements; of those that lie outside, which are +0, nothing is
// touched. `first` may lie before the range: it has wrapped around then, and is past the end. `whole`: all lie inside.
struct Place {
  size_t first, stride, length;
};

template <Access access, bool whole, unsigned width>
RECTIFY_INLINE void load(const float* p, const Place& place, Elements<width>& to) {
  if constexpr (whole && access == Access::pieces) {
    static_assert(width == 4);
    const float4 piece = load_16_bytes(p + place.first);
    to = {{{piece.x}, {piece.y}, {piece.z}, {piece.w}}};
  } else {
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const size_t i = place.first + v * place.stride;
      to.v[v] = broadcast(whole || i < place.length ? p[i] : 0.0f);
    }
  }
}

template <Access access, bool whole, unsigned width>
RECTIFY_INLINE void store(float* p, const Place& place, const Elements<width>& from) {
  if constexpr (whole && access == Access::pieces) {
    static_assert(width == 4);
    store_16_bytes(p + place.first, {from.v[0].v, from.v[1].v, from.v[2].v, from.v[3].v});
  } else {
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const size_t i = place.first + v * place.stride;
      if (whole || i < place.length) p[i] = from.v[v].v;
    }
  }
}

// `count` times the elements of `place`, `step` elements apart: their results are stored, and what they add to the
// parameter's gradient is added to sums. All loads are on their way before the first result is computed.
template <class Operation, Access access, bool whole, unsigned count, unsigned width>
RECTIFY_INLINE void take(const Tensors& tensors, const Place& place, size_t step, const Elements<width>& parameter,
                         Elements<width>& sums) {
  Elements<width> x[count], dy[count];
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    load<access, whole>(tensors.x + k * step, place, x[k]);
    if constexpr (Operation::reads_dy) load<access, whole>(tensors.dy + k * step, place, dy[k]);
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
      const F32 vx = x[k].v[v], vdy = Operation::reads_dy ? dy[k].v[v] : broadcast(0);
      if constexpr (Operation::adds) sums.v[v] = Operation::add(vx, vdy, sums.v[v]);
      if constexpr (Operation::writes) x[k].v[v] = Operation::of(parameter.v[v], vx, vdy);
    }
  }
  if constexpr (Operation::writes) {
    RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) store<access, whole>(tensors.out + k * step, place, x[k]);
  }
}

// One value for all channels, or an array of one per channel on the device.
struct Parameter {
  const float* values;
  float value;

  RECTIFY_INLINE F32 of(size_t channel) const { return broadcast(values == nullptr ? value : values[channel]); }
};

template <unsigned width>
RECTIFY_INLINE Elements<width> all(F32 value) {
  Elements<width> elements;
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) elements.v[v] = value;
  return elements;
}

}  // namespace
}  // namespace rectify
