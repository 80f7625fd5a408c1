// Bias, residual and masks with an activation, in one pass: z = x + bias[channel] + residual takes the place of x. What is
// there, and which activation it is, is asked while a kernel runs, alike for all threads: a kernel for each would be
// hundreds.
//
// Here a thread always takes neighbouring elements, as many as 16 bytes hold: in one access where all tensors allow that,
// else one by one. 8 elements are a byte of a mask: of 16-bit elements each thread has one, of f32 two threads share it, of
// f64 four, which put their bits together by shuffles. A warp's bytes are neighbours, one request and the sectors that
// words would be, so that a mask may begin anywhere. Read, a byte comes to each of those that share it in one request too.
#pragma once

#include "backend.hpp"
#include "divisor.cuh"
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
  Element* out;                  // or NULL
  const unsigned char* mask;     // or NULL: it says which elements of x, which is y then, are of the slope's side
  unsigned char* mask_out;       // or NULL
  Parameter<Element> bias;       // without values: none
  Parameter<Element> parameter;  // of the activation
  cuda::Divisor inner, channels;
  cuda::Activation activation;
  bool adds_parameter;  // its gradient is asked for
  bool pieces;          // all tensors' pieces of 16 bytes hold the same elements
  size_t at;            // elements before those that a Place counts

  RECTIFY_INLINE FusedTensors from(size_t offset) const {
    FusedTensors moved = *this;
    moved.at += offset;
    return moved;
  }
};

// Sums of dx and of what the parameter's gradient is made of.
template <class V>
struct FusedSum {
  V bias, parameter;
};
template <class V>
RECTIFY_INLINE FusedSum<V> operator+(FusedSum<V> a, FusedSum<V> b) {
  return {a.bias + b.bias, a.parameter + b.parameter};
}
template <class V>
RECTIFY_INLINE FusedSum<V> add_across(FusedSum<V> sum, unsigned distance) {
  return {add_across(sum.bias, distance), add_across(sum.parameter, distance)};
}

// Where the nodes of both go; NULL: nowhere.
template <class Scalar>
struct FusedNodes {
  Scalar* bias;
  Scalar* parameter;
};
template <class Scalar, class V>
RECTIFY_INLINE void set_node(const FusedNodes<Scalar>& nodes, size_t node, FusedSum<V> sum) {
  if (nodes.bias != nullptr) nodes.bias[node] = sum.bias.v;
  if (nodes.parameter != nullptr) nodes.parameter[node] = sum.parameter.v;
}

struct FusedForward {
  static constexpr bool reads_dy = false;
  template <class V, class Z, class Dy>
  static RECTIFY_INLINE auto of(cuda::Activation activation, V parameter, Z z, Dy dy) {
    if (activation == cuda::Activation::relu) return ReluForward::of(parameter, z, dy);
    if (activation == cuda::Activation::elu) return EluForward::of(parameter, z, dy);
    return PreluForward::of(parameter, z, dy);
  }
};

struct FusedBackward {
  static constexpr bool reads_dy = true;
  template <class V, class Z, class Dy>
  static RECTIFY_INLINE auto of(cuda::Activation activation, V parameter, Z z, Dy dy) {
    if (activation == cuda::Activation::relu) return ReluBackward::of(parameter, z, dy);
    if (activation == cuda::Activation::elu) return EluBackward::of(parameter, z, dy);
    return PreluBackward::of(parameter, z, dy);
  }
  template <class V>
  static RECTIFY_INLINE V add(cuda::Activation activation, V z, V dy, V sum) {
    if (activation == cuda::Activation::elu) return EluBackward::add<V>(z, dy, sum);
    return PreluBackward::add<V>(z, dy, sum);
  }
};

template <class Formula, Outputs outputs>
struct FusedOperation : Formula {
  static constexpr bool writes = true, adds = outputs != Outputs::elements, has_whole_pieces = false;
  static constexpr unsigned in_flight = cuda::fused_in_flight;
  template <class Element>
  using Inputs = FusedTensors<Element>;
  template <class V>
  using Sum = FusedSum<V>;
  template <class Scalar>
  using Nodes = FusedNodes<Scalar>;
};

// As it would come back from a tensor.
template <class Element>
RECTIFY_INLINE auto rounded(Computed<Element> value) {
  Element element;
  narrow(value, &element);
  return loaded(element);
}

// The elements of one thread. Those of a mask's first or last byte, or of a row's, may lie outside.
struct Part {
  Place place;
  bool whole;   // all lie inside
  bool pieces;  // and are one piece of 16 bytes in every tensor

  RECTIFY_INLINE bool has(unsigned v) const { return whole || place.first + v < place.length; }
};

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

// Bias and parameter of each element.
template <class Element, unsigned width>
RECTIFY_INLINE void find_parameters(const FusedTensors<Element>& tensors, size_t at, const Part& part,
                                    Lanes<Computed<Element>, width>& bias, Lanes<Computed<Element>, width>& parameter) {
  if (tensors.bias.values == nullptr && tensors.parameter.values == nullptr) {
    parameter = all<width>(tensors.parameter.of(0));
    return;
  }
  // The first of those inside: it may itself lie before them.
  const size_t i = at + (part.has(0) ? part.place.first : 0);
  size_t run = tensors.inner.divide(i), offset = i - run * tensors.inner.value;
  size_t channel = run - tensors.channels.divide(run) * tensors.channels.value;
  if (offset + width <= tensors.inner.value) {
    bias = all<width>(tensors.bias.of(channel));
    parameter = all<width>(tensors.parameter.of(channel));
    return;
  }
  RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
    if (!part.has(v)) continue;
    bias.v[v] = tensors.bias.of(channel);
    parameter.v[v] = tensors.parameter.of(channel);
    if (++offset == tensors.inner.value) {
      offset = 0;
      if (++channel == tensors.channels.value) channel = 0;
    }
  }
}

// As for Tensors; what is whole is found out here. A forward is called by all threads of a warp together.
template <class Operation, Access access, bool, unsigned count, class Element, unsigned width>
RECTIFY_INLINE void take(const FusedTensors<Element>& tensors, const Place& place, Step step,
                         const Lanes<Computed<Element>, width>&, Lanes<FusedSum<Computed<Element>>, width>& sums) {
  using V = Computed<Element>;
  static_assert(access == Access::pieces && width == in_piece<Element>);
  Part part[count];
  size_t at[count];
  Piece<Element> x[count] = {}, residual[count] = {}, dy[count] = {};
  unsigned bits[count] = {};
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    const size_t first = place.first + k * step.within;
    const bool whole = first < place.length && place.length - first >= width;
    part[k] = {{first, 1, place.length}, whole, whole && tensors.pieces};
    at[k] = tensors.at + k * (step.elements - step.within);
    if (tensors.x != nullptr) load_piece(part[k], tensors.x + at[k], x[k]);
    if (tensors.residual != nullptr) load_piece(part[k], tensors.residual + at[k], residual[k]);
    if constexpr (Operation::reads_dy) {
      load_piece(part[k], tensors.dy + at[k], dy[k]);
      if (tensors.mask != nullptr) bits[k] = load_bits<width>(part[k], tensors.mask, at[k]);
    }
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    auto bias = all<width>(V{}), parameter = bias;
    find_parameters(tensors, at[k], part[k], bias, parameter);
    const auto z_of = [&](unsigned v) {
      auto z = tensors.x != nullptr ? loaded(x[k].get(v)) : rounded<Element>(V::broadcast(1));
      if (tensors.bias.values != nullptr) z = rounded<Element>(z + bias.v[v]);
      if (tensors.residual != nullptr) z = rounded<Element>(z + loaded(residual[k].get(v)));
      return z;
    };
    using Value = decltype(z_of(0));
    if constexpr (Operation::reads_dy) {
      decltype(Operation::of(tensors.activation, V(), V(), Value())) results[width];
      V z[width];
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
        z[v] = z_of(v);
        if (tensors.mask != nullptr) z[v] = prelu::scaled_x(Mask{(bits[k] >> v & 1) == 0}, z[v]);
        results[v] = Operation::of(tensors.activation, parameter.v[v], z[v], loaded(dy[k].get(v)));
      }
      x[k].set(results);
      if constexpr (Operation::adds) {
        RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
          if (!part[k].has(v)) continue;
          FusedSum<V>& sum = sums.v[v];
          sum.bias = sum.bias + widen(x[k].get(v));
          if (!tensors.adds_parameter) continue;
          sum.parameter = Operation::template add<V>(tensors.activation, z[v], widen(dy[k].get(v)), sum.parameter);
        }
      }
    } else {
      decltype(Operation::of(tensors.activation, V(), Value(), V())) results[width];
      RECTIFY_UNROLL for (unsigned v = 0; v < width; ++v) {
        const Value z = z_of(v);
        bits[k] |= unsigned{part[k].has(v) && !zero_or_below(z).v} << v;
        results[v] = Operation::of(tensors.activation, parameter.v[v], z, V());
      }
      x[k].set(results);
    }
  }
  RECTIFY_UNROLL for (unsigned k = 0; k < count; ++k) {
    if (tensors.out != nullptr) store_piece(part[k], tensors.out + at[k], x[k]);
    if constexpr (!Operation::reads_dy) {
      if (tensors.mask_out != nullptr) store_bits<width>(tensors.mask_out, part[k].place, bits[k]);
    }
  }
}

template <class Element>
inline constexpr size_t fused_tile_elements = size_t{cuda::block_threads} * in_piece<Element>* cuda::fused_in_flight;

// Without sums: tiles as in map.cuh. All threads of a warp go round together, so that they can put masks together.
template <class Operation, class Element>
__global__ void __launch_bounds__(cuda::block_threads) map_fused(const FusedTensors<Element> tensors, const size_t n) {
  constexpr unsigned width = in_piece<Element>;
  constexpr size_t step = size_t{cuda::block_threads} * width, tile_size = fused_tile_elements<Element>;
  const auto parameters = all<width>(Computed<Element>{});
  Lanes<FusedSum<Computed<Element>>, width> unused;
  for (size_t tile = blockIdx.x; tile * tile_size < n; tile += gridDim.x) {
    const size_t first = tile * tile_size + size_t{threadIdx.x} * width;
    take<Operation, Access::pieces, false, cuda::fused_in_flight>(tensors, {first, 1, n}, {step, step}, parameters, unused);
  }
}

}  // namespace
}  // namespace rectify
