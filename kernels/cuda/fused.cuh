// Bias, residual and masks with an activation, in one pass: z = x + bias[channel] + residual takes the place of x. What of
// them is there is asked while a kernel runs, alike for all threads: a kernel for each choice would be hundreds.
//
// Here a thread always takes neighbouring elements, as many as 16 bytes hold: in one access where all tensors allow that,
// else one by one. 8 elements are a byte of a mask: of 16-bit elements each thread has one, of f32 two threads share it, of
// f64 four, which put their bits together by shuffles. A warp's bytes are neighbours, one request and the sectors that
// words would be, so that a mask may begin anywhere. Read, a byte comes to each of those that share it in one request too.
#pragma once

#include "channels.cuh"
#include "elements.cuh"
#include "formulas.cuh"
#include "runs.cuh"
#include "tuning.cuh"

namespace rectify {
namespace {

// What Tensors are to the other operations.
template <class Element>
struct FusedTensors {
  const Element* x;         // NULL: each is 1
  const Element* residual;  // or NULL
  const Element* dy;
  Element* out;               // or NULL
  const unsigned char* mask;  // or NULL: it says which elements of x, which is y then, are of the slope's side
  unsigned char* mask_out;    // or NULL
  bool adds_bias;
  bool adds_parameter;  // the gradient of the activation's parameter is asked for
  bool pieces;          // all tensors' pieces of 16 bytes hold the same elements
  size_t at;            // elements before those that a Place counts

  RECTIFY_INLINE FusedTensors from(size_t offset) const {
    FusedTensors moved = *this;
    moved.at += offset;
    return moved;
  }
};

// ---- What channels have, and where they sum ----

// What a channel has, or what their gradients are summed from: dx, and the parts of the parameter's.
template <class V>
struct FusedPair {
  V bias, parameter;
};

template <class Element>
struct FusedParameters {
  Parameter<Element> bias;
  Parameter<Element> parameter;  // of the activation

  RECTIFY_INLINE FusedPair<Computed<Element>> of(size_t channel) const { return {bias.of(channel), parameter.of(channel)}; }
};
template <class V>
RECTIFY_INLINE FusedPair<V> operator+(FusedPair<V> a, FusedPair<V> b) {
  return {a.bias + b.bias, a.parameter + b.parameter};
}
template <class V>
RECTIFY_INLINE FusedPair<V> add_across(FusedPair<V> sum, unsigned distance) {
  return {add_across(sum.bias, distance), add_across(sum.parameter, distance)};
}

// Where the nodes of both go; NULL: nowhere.
template <class Scalar>
struct FusedNodes {
  Scalar* bias;
  Scalar* parameter;
};
template <class Scalar, class V>
RECTIFY_INLINE void set_node(const FusedNodes<Scalar>& nodes, size_t node, FusedPair<V> sum) {
  if (nodes.bias != nullptr) nodes.bias[node] = sum.bias.v;
  if (nodes.parameter != nullptr) nodes.parameter[node] = sum.parameter.v;
}

// The elements of one thread. Those of a mask's first or last byte, or of a row's, may lie outside.
struct Part {
  Place place;
  bool whole;   // all lie inside
  bool pieces;  // and are one piece of 16 bytes in every tensor

  RECTIFY_INLINE bool has(unsigned v) const { return whole || place.first + v < place.length; }
};

template <class Element>
using FusedChannelOfElements = ChannelOfElements<Element, FusedParameters<Element>>;

// `of_channels`: a run or a column of the walk has one channel.
template <class Formula, Outputs outputs, bool of_channels = true>
struct FusedOperation : Formula {
  static constexpr bool writes = true, adds = outputs != Outputs::elements, has_whole_pieces = false;
  static constexpr unsigned in_flight = cuda::fused_in_flight;
  static constexpr unsigned blocks(size_t element_size, bool) { return cuda::fused_blocks(adds, element_size); }
  template <class Element>
  using Inputs = FusedTensors<Element>;
  template <class Element>
  using Parameters = std::conditional_t<of_channels, FusedParameters<Element>, FusedChannelOfElements<Element>>;
  template <class V>
  using Sum = FusedPair<V>;
  template <class Scalar>
  using Nodes = FusedNodes<Scalar>;
};

// ---- The elements of one thread ----

template <class Element>
RECTIFY_INLINE void load_piece(const Part& part, const Element* p, Piece<Element>& to) {
  if (part.pieces) {
    to.words = load_16_bytes(p + part.place.first);
    return;
  }
  RECTIFY_UNROLL for (unsigned v = 0; v < in_piece<Element>; ++v) {
    if (part.has(v)) to.set(v, p[part.place.first + v]);
  }
}

template <class Element>
RECTIFY_INLINE void store_piece(const Part& part, Element* p, const Piece<Element>& from) {
  if (part.pieces) return store_16_bytes(p + part.place.first, from.words);
  RECTIFY_UNROLL for (unsigned v = 0; v < in_piece<Element>; ++v) {
    if (part.has(v)) p[part.place.first + v] = from.get(v);
  }
}

// The bits of the elements; the first is element at + place.first of the mask.
template <unsigned width>
RECTIFY_INLINE unsigned load_bits(const Part& part, const unsigned char* mask, size_t at) {
  const size_t first = at + part.place.first;
  const unsigned shift = static_cast<unsigned>(first % 8);
  unsigned bits = 0;
  if (part.whole) {
    bits = mask[first / 8];
    if (shift + width > 8) bits |= unsigned{mask[first / 8 + 1]} << 8;
    return bits >> shift;
  }
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
    if (part.has(v)) bits |= (unsigned{mask[(first + v) / 8]} >> (first + v) % 8 & 1) << v;
  }
  return bits;
}

// Every thread of a warp has `width` bits; those that share a byte put it together, and the first of them stores it.
template <unsigned width>
RECTIFY_INLINE void store_bits(unsigned char* mask, const Place& place, unsigned bits) {
  constexpr unsigned sharing = 8 / width;
  const unsigned mine = threadIdx.x % sharing;
  bits <<= mine * width;
  RECTIFY_UNROLL for (unsigned distance = 1; distance < sharing; distance *= 2) {
    bits |= __shfl_xor_sync(0xFFFFFFFFu, bits, static_cast<int>(distance));
  }
  if (mine == 0 && place.first < place.length) mask[place.first / 8] = static_cast<unsigned char>(bits);
}

// As it would come back from a tensor.
template <class Element>
RECTIFY_INLINE auto rounded(Computed<Element> value) {
  Element element;
  narrow(value, &element);
  return loaded(element);
}

template <class Element>
RECTIFY_INLINE Piece<Element> ones() {
  Element one;
  narrow(Computed<Element>::broadcast(1), &one);
  Piece<Element> piece = {};
  RECTIFY_UNROLL for (unsigned v = 0; v < in_piece<Element>; ++v) piece.set(v, one);
  return piece;
}

// `count` places as for Tensors; what is whole is found out here. Where it may have a mask to write it is called by all
// threads of a warp together.
template <class Operation, unsigned count, bool writes_mask, class Element, class Parameters, unsigned width>
RECTIFY_INLINE void take_fused(const FusedTensors<Element>& tensors, const Place& place, Step step,
                               const Parameters& parameters, Lanes<FusedPair<Computed<Element>>, width>& sums) {
  using V = Computed<Element>;
  static_assert(width == in_piece<Element>);
  Part part[count];
  size_t at[count];
  Piece<Element> x[count] = {}, residual[count] = {}, dy[count] = {};
  unsigned bits[count] = {};
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    const size_t first = place.first + k * step.within;
    const bool whole = first < place.length && place.length - first >= width;
    part[k] = {{first, 1, place.length}, whole, whole && tensors.pieces};
    at[k] = tensors.at + k * (step.elements - step.within);
    if (tensors.x != nullptr)
      load_piece(part[k], tensors.x + at[k], x[k]);
    else
      x[k] = ones<Element>();
    if (tensors.residual != nullptr) load_piece(part[k], tensors.residual + at[k], residual[k]);
    if constexpr (Operation::reads_dy) {
      load_piece(part[k], tensors.dy + at[k], dy[k]);
      if (tensors.mask != nullptr) bits[k] = load_bits<width>(part[k], tensors.mask, at[k]);
    }
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    const auto& own = parameters.of(at[k], part[k].place, part[k].whole);
    // Each question outside of its loop: nvcc would write a loop for every answer otherwise.
    using Value = decltype(loaded(Element()));
    Value z[width];
    RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) z[v] = loaded(x[k].get(v));
    if (tensors.adds_bias) {
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) z[v] = rounded<Element>(z[v] + own.v[v].bias);
    }
    if (tensors.residual != nullptr) {
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) z[v] = rounded<Element>(z[v] + loaded(residual[k].get(v)));
    }
    if constexpr (Operation::reads_dy) {
      V side[width];
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) side[v] = z[v];
      if (tensors.mask != nullptr) {
        RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
          side[v] = prelu::scaled_x(Mask{(bits[k] >> v & 1) == 0}, side[v]);
        }
      }
      decltype(Operation::of(V(), V(), Value())) results[width];
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
        results[v] = Operation::of(own.v[v].parameter, side[v], loaded(dy[k].get(v)));
      }
      x[k].set(results);
      if constexpr (Operation::adds) {
        RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
          if (part[k].has(v)) sums.v[v].bias = sums.v[v].bias + widen(x[k].get(v));
        }
      }
      if constexpr (Operation::adds && Operation::has_parameter) {
        if (tensors.adds_parameter) {
          RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
            V& sum = sums.v[v].parameter;
            if (part[k].has(v)) sum = Operation::template add<V>(side[v], widen(dy[k].get(v)), sum);
          }
        }
      }
    } else {
      decltype(Operation::of(V(), Value(), V())) results[width];
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
        if constexpr (writes_mask) bits[k] |= unsigned{part[k].has(v) && !zero_or_below(z[v]).v} << v;
        results[v] = Operation::of(own.v[v].parameter, z[v], V());
      }
      x[k].set(results);
    }
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    if (tensors.out != nullptr) store_piece(part[k], tensors.out + at[k], x[k]);
    if constexpr (writes_mask) {
      if (tensors.mask_out != nullptr) store_bits<width>(tensors.mask_out, part[k].place, bits[k]);
    }
  }
}

// As for Tensors.
template <class Operation, Access access, bool, unsigned count, class Element, class Parameters, unsigned width>
RECTIFY_INLINE void take(const FusedTensors<Element>& tensors, const Place& place, Step step, const Parameters& parameters,
                         Lanes<FusedPair<Computed<Element>>, width>& sums) {
  static_assert(access == Access::pieces);
  take_fused<Operation, count, false>(tensors, place, step, parameters, sums);
}

// ---- A walk without sums, and without channels ----

template <class Element>
inline constexpr size_t fused_tile_elements = size_t{cuda::block_threads} * in_piece<Element>* cuda::fused_in_flight;

// Tiles as in map.cuh. All threads of a warp go round together, so that they can put masks together.
template <class Operation, class Element>
__global__ void __launch_bounds__(cuda::block_threads, Operation::blocks(sizeof(Element), false))
    map_fused(const FusedTensors<Element> tensors, const FusedChannelOfElements<Element> parameters, const size_t n) {
  constexpr unsigned width = in_piece<Element>;
  constexpr size_t step = size_t{cuda::block_threads} * width, tile_size = fused_tile_elements<Element>;
  Lanes<FusedPair<Computed<Element>>, width> unused;
  for (size_t tile = blockIdx.x; tile * tile_size < n; tile += gridDim.x) {
    const size_t first = tile * tile_size + size_t{threadIdx.x} * width;
    take_fused<Operation, cuda::fused_in_flight, !Operation::reads_dy>(tensors, {first, 1, n}, {step, step}, parameters,
                                                                       unused);
  }
}

}  // namespace
}  // namespace rectify
