// Every operation of the list as a kernel for every number format: a formula of activations/ put into a walk of loops/. A
// backend includes this after its vector.hpp and exports the table made here.
#pragma once

#include "activations/elu.hpp"
#include "activations/prelu.hpp"
#include "activations/relu.hpp"
#include "apart.hpp"
#include "backend.hpp"
#include "loops/fused.hpp"
#include "loops/map_in_steps.hpp"
#include "loops/sum_rows.hpp"
#include "loops/sum_runs.hpp"
#include "pair.hpp"

namespace rectify {
namespace {

// What a format is computed in, and what its elements are moved in where nothing is computed.
template <class E>
struct VectorsOf;
template <>
struct VectorsOf<float> {
  using Vector = F32;
  using Moved = F32;
};
template <>
struct VectorsOf<Half> {
  using Vector = F32;
  using Moved = Patterns<Half>;
};
template <>
struct VectorsOf<Bfloat> {
  using Vector = BfloatVector;
  using Moved = Patterns<Bfloat>;
};
template <>
struct VectorsOf<double> {
  using Vector = F64;
  using Moved = F64;
};

// A line of RECTIFY_FORMATS.
template <class E, class S>
struct Format {
  using Element = E;
  using Slope = S;
  using Vector = typename VectorsOf<E>::Vector;
  using Moved = typename VectorsOf<E>::Moved;
  using Scalar = typename Vector::Scalar;

  static const Element* x_of(const Work& work) { return static_cast<const Element*>(work.x); }
  static const Element* dy_of(const Work& work) { return static_cast<const Element*>(work.dy); }

  // A slope as products are to have it. That of a NaN takes over its payload, and has to survive the rounding to bf16.
  template <class V>
  static RECTIFY_INLINE V prepared(V slope) {
    if constexpr (is_same<Element, Bfloat> && is_same<Slope, float>) return without_payload(slope);
    return slope;
  }
};

// With slopes of the type that computes.
template <class E>
using WideSlopes = Format<E, typename Format<E, E>::Scalar>;

// Chooses the kind of store, once per task. Who runs the tasks fences the streaming ones.
template <class Walk>
RECTIFY_INLINE void with_store(bool streaming, Walk walk) {
  if (streaming) return walk.template operator()<Store::streaming>();
  walk.template operator()<Store::ordinary>();
}

// The same for a formula that is selecting as long as the caches hold its arrays.
template <class Walk>
RECTIFY_INLINE void with_selecting(const Work& work, Walk walk) {
  if (!work.beyond_cache) return walk.template operator()<Store::ordinary, Formula::selecting>();
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA { walk.template operator()<how, Formula::brief>(); });
}

template <class Walk>
RECTIFY_INLINE void with_sum_store(const Work& work, Walk walk) {
  if (work.out == nullptr) return walk.template operator()<Store::none>();
  with_store(work.streaming, walk);
}

// Whether least <= value <= most, both above zero: their bits are in that order too. A kernel asks no such question of a
// parameter in floating point, which could raise something.
template <class Scalar>
RECTIFY_INLINE bool is_within(Scalar value, Scalar least, Scalar most) {
  const auto bits = [](Scalar a) RECTIFY_LAMBDA {
    if constexpr (sizeof(Scalar) == sizeof(uint64_t))
      return __builtin_bit_cast(uint64_t, a);
    else
      return __builtin_bit_cast(uint32_t, a);
  };
  return bits(value) - bits(least) <= bits(most) - bits(least);
}

template <class Scalar>
constexpr auto least_above_zero = static_cast<Scalar>(sizeof(Scalar) == sizeof(double) ? 0x1p-1074 : 0x1p-149);

// ---- ReLU ----

template <class F>
void relu_forward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [](V x) RECTIFY_LAMBDA { return relu::forward(x); }, F::x_of(work));
  });
}

template <class F>
void relu_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_selecting(work, [&]<Store how, Formula formula>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how, formula>(
        work, begin, end, [](V x, V dy) RECTIFY_LAMBDA { return relu::backward(x, dy); }, F::x_of(work), F::dy_of(work));
  });
}

// ---- PReLU ----

// The parameter of a map that has next to no arithmetic beside it. 16 bits are converted, sums are added: there every
// operation counts, and one fewer is worth 3 to 9 %.
template <class F, class V = typename F::Vector>
RECTIFY_INLINE auto parameter_alone(V parameter) {
  if constexpr (is_same<typename F::Element, typename F::Scalar>)
    return apart(parameter);
  else
    return parameter;
}

// The formulas as the loops call them.
template <class F, class V = typename F::Vector>
constexpr auto prelu_value = [](V slope, V x) RECTIFY_LAMBDA { return prelu::forward(x, parameter_alone<F>(slope)); };
template <class F, class V = typename F::Vector>
constexpr auto prelu_value_of_small_slope =
    [](V slope, V x) RECTIFY_LAMBDA { return prelu::forward_of_small_slope(x, by_itself(slope)); };
template <class F, class V = typename F::Vector>
constexpr auto prelu_gradient =
    [](V slope, V x, V dy) RECTIFY_LAMBDA { return prelu::backward(x, dy, parameter_alone<F>(slope)); };

// A function of its own: a small call with one slope would save all registers and make room for a pattern.
template <class F, class Formula, auto... inputs>
[[gnu::noinline]] void prelu_of_channels(const Work& work, size_t begin, size_t end) {
  with_store(work.streaming,
             [&]<Store how>() RECTIFY_LAMBDA { map_channels<F, how>(work, begin, end, Formula(), inputs(work)...); });
}

template <class F, class Formula, auto... inputs, class V>
RECTIFY_INLINE void prelu_of_one_slope(const Work& work, size_t begin, size_t end, V slope) {
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [&](auto... v) RECTIFY_LAMBDA { return Formula()(slope, v...); }, inputs(work)...);
  });
}

// One slope no longer has a format of its own: where there are two, they share these.
template <class E, class F = WideSlopes<E>>
void prelu_forward_of_one_slope(const Work& work, size_t begin, size_t end, typename F::Scalar slope) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const V a = F::prepared(V::broadcast(slope));
  if (is_within<Scalar>(slope, least_above_zero<Scalar>, 1))
    return prelu_of_one_slope<F, decltype(prelu_value_of_small_slope<F>), F::x_of>(work, begin, end, a);
  prelu_of_one_slope<F, decltype(prelu_value<F>), F::x_of>(work, begin, end, a);
}
template <class E, class F = WideSlopes<E>>
void prelu_backward_of_one_slope(const Work& work, size_t begin, size_t end, typename F::Scalar slope) {
  const auto a = F::prepared(F::Vector::broadcast(slope));
  prelu_of_one_slope<F, decltype(prelu_gradient<F>), F::x_of, F::dy_of>(work, begin, end, a);
}

// Whether all channels' slopes are above zero and at most one. No NaN is. The first that is not ends the look.
template <class F>
bool has_small_slopes(const Work& work) {
  using V = decltype(folded_to_vector(typename F::Vector()));
  using Scalar = typename F::Scalar;
  const auto* slope = static_cast<const typename F::Slope*>(work.parameter);
  constexpr uint32_t every_lane = (1u << V::lanes) - 1;
  size_t c = 0;
  for (; c + V::lanes <= work.channels; c += V::lanes) {
    const V a = V::load(slope + c);
    const uint32_t small = bits_of(below_zero(V::broadcast(0) - a)) & bits_of(zero_or_below(a - V::broadcast(1)));
    if (small != every_lane) return false;
  }
  for (; c < work.channels; ++c) {
    if (!is_within<Scalar>(widen(slope[c]), least_above_zero<Scalar>, 1)) return false;
  }
  return true;
}

template <class F>
[[gnu::noinline]] void prelu_forward_of_small_slopes(const Work& work, size_t begin, size_t end) {
  map_channels<F, Store::ordinary>(work, begin, end, prelu_value_of_small_slope<F>, F::x_of(work));
}

template <class F>
void prelu_forward(const Work& work, size_t begin, size_t end) {
  if (work.channels != 1) {
    // Worth a look at the slopes in caches, where each serves many elements: on Zen 3 f32 takes 0.70 to 0.84 of the time in
    // L1, about the same in L2, 16 bits 0.80 to 0.98. Not f64, which gains nothing, nor with masks, which spare the select.
    if constexpr (F::Vector::vector_registers == 16 && is_same<typename F::Scalar, float>) {
      if (!work.streaming && (end - begin) / 32 >= work.channels && has_small_slopes<F>(work))
        return prelu_forward_of_small_slopes<F>(work, begin, end);
    }
    return prelu_of_channels<F, decltype(prelu_value<F>), F::x_of>(work, begin, end);
  }
  prelu_forward_of_one_slope<typename F::Element>(work, begin, end,
                                                  widen(*static_cast<const typename F::Slope*>(work.parameter)));
}

template <class F>
void prelu_backward(const Work& work, size_t begin, size_t end) {
  if (work.channels != 1) return prelu_of_channels<F, decltype(prelu_gradient<F>), F::x_of, F::dy_of>(work, begin, end);
  prelu_backward_of_one_slope<typename F::Element>(work, begin, end,
                                                   widen(*static_cast<const typename F::Slope*>(work.parameter)));
}

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

// ---- ELU: alpha is one for the whole tensor, of the type that computes ----

// The walk of a lengthy formula, finish(Steps(x), x, others...).
template <class F, class Steps, class Finish, class... Inputs>
RECTIFY_INLINE void map_lengthy(const Work& work, size_t begin, size_t end, Finish finish, const Inputs*... others) {
  using V = typename F::Vector;
  using Element = typename F::Element;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    if constexpr (V::in_steps != 0) {
      map_in_steps<V, how, Steps>(static_cast<Element*>(work.out) + begin, end - begin, finish, F::x_of(work) + begin,
                                  (others + begin)...);
    } else {
      const auto f = [&](V x, auto... v) RECTIFY_LAMBDA { return finish(approximated<Steps>(x), x, v...); };
      map_elements<V, Element, how, Formula::lengthy>(work, begin, end, f, F::x_of(work), others...);
    }
  });
}

template <class F>
typename F::Scalar alpha_of(const Work& work) {
  return *static_cast<const typename F::Scalar*>(work.parameter);
}

template <class F, Alpha range, class V = typename F::Vector>
RECTIFY_INLINE void elu_forward_in_range(const Work& work, size_t begin, size_t end, V alpha) {
  map_lengthy<F, Expm1<V>>(work, begin, end,
                           [&](auto a, V x) RECTIFY_LAMBDA { return elu::finish_forward<range>(a, x, alpha); });
}

template <class F>
void elu_forward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const Scalar alpha = alpha_of<F>(work);
  if (is_within<Scalar>(alpha, 1, 1)) return elu_forward_in_range<F, Alpha::one>(work, begin, end, V::broadcast(1));
  if (is_within<Scalar>(alpha, Exponential<V>::least_alpha, 1))
    return elu_forward_in_range<F, Alpha::to_one>(work, begin, end, V::broadcast(alpha));
  elu_forward_in_range<F, Alpha::any>(work, begin, end, V::broadcast(alpha));
}

template <class F, Alpha range, class V = typename F::Vector>
RECTIFY_INLINE void elu_backward_in_range(const Work& work, size_t begin, size_t end, V alpha) {
  map_lengthy<F, Exp<V>>(
      work, begin, end, [&](auto a, V x, V dy) RECTIFY_LAMBDA { return elu::finish_backward<range>(a, x, dy, alpha); },
      F::dy_of(work));
}

template <class F>
void elu_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  using Scalar = typename F::Scalar;
  const Scalar alpha = alpha_of<F>(work);
  if (is_within<Scalar>(alpha, 1, 1)) return elu_backward_in_range<F, Alpha::one>(work, begin, end, V::broadcast(1));
  elu_backward_in_range<F, Alpha::any>(work, begin, end, V::broadcast(alpha));
}

template <class F>
void elu_backward_from_y(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  const auto alpha = parameter_alone<F>(V::broadcast(alpha_of<F>(work)));
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<V, typename F::Element, how>(
        work, begin, end, [&](V y, V dy) RECTIFY_LAMBDA { return elu::backward_from_y(y, dy, alpha); }, F::x_of(work),
        F::dy_of(work));
  });
}

// With 32 registers dx and the sum are one loop. With 16 both spill there: the sum of a leaf is taken first, and then dx by
// the map's kernel, while the leaf is in a cache.
template <class F>
void elu_backward_with_parameter(const Work& work, const SumPart& part) {
  using V = typename F::Vector;
  using E = typename F::Element;
  constexpr auto add = [](V x, V dy, V sum) RECTIFY_LAMBDA { return elu::add(x, dy, sum); };
  if constexpr (V::vector_registers == 16) {
    sum_each_leaf<V>(work, part, [&](size_t at, size_t count, size_t) RECTIFY_LAMBDA {
      const auto sum = sum_leaf<V, Store::none, Formula::lengthy>(
          F::x_of(work) + at, F::dy_of(work) + at, static_cast<E*>(nullptr), count,
          [](V, V dy) RECTIFY_LAMBDA { return dy; }, add);
      if (work.out != nullptr) elu_backward<F>(work, at, at + count);
      return sum;
    });
  } else {
    const auto* alpha = static_cast<const typename F::Scalar*>(work.parameter);
    with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
      sum_leaves<V, E, how, Formula::lengthy>(
          work, part, alpha, [](V a, V x, V dy) RECTIFY_LAMBDA { return elu::backward<Alpha::any>(x, dy, a); }, add);
    });
  }
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

// ---- Masks ----

template <class F>
void relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
  using V = typename F::Moved;
  with_selecting(work, [&]<Store how, Formula formula>() RECTIFY_LAMBDA {
    map_masked<V, typename F::Element, how, formula>(
        work, begin, end, [](auto slope_side, V dy) RECTIFY_LAMBDA { return relu::gradient(slope_side, dy); },
        F::dy_of(work));
  });
}

template <class F>
void leaky_relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  const auto slope = parameter_alone<F>(V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter)));
  const auto gradient = [&](auto slope_side, auto dy) RECTIFY_LAMBDA { return prelu::gradient(slope_side, dy, slope); };
  constexpr Formula formula = is_same<typename F::Element, typename F::Scalar> ? Formula::brief : Formula::lengthy;
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    // Where two vectors share their elements, these are selected as they are: the mask need not be put apart for both.
    if constexpr (V::registers == 1)
      map_masked<V, typename F::Element, how, formula>(work, begin, end, gradient, F::dy_of(work));
    else
      map_masked<typename F::Moved, typename F::Element, how, formula>(work, begin, end, gradient, F::dy_of(work));
  });
}

template <class F>
void mask_backward(const Work& work, size_t begin, size_t end) {
  using V = typename F::Vector;
  map_masked<V, typename F::Element, Store::ordinary>(
      work, begin, end, [](auto slope_side, V y) RECTIFY_LAMBDA { return prelu::scaled_x(slope_side, y); }, F::dy_of(work));
}

// ---- Fused ----

// One kernel for every format of slopes and biases, which only `write` knows.

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_sum(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  map_fused<E, V, true>(work, begin, end, false, write, [](V z, V) RECTIFY_LAMBDA { return z; });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_relu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  using Moved = typename F::Moved;
  constexpr auto value = [](auto z, auto) RECTIFY_LAMBDA { return relu::forward(z); };
  if constexpr (!is_same<V, Moved>) {
    if (work.bias == nullptr && work.residual == nullptr)
      return map_fused<E, Moved, false>(work, begin, end, false, write, value);
  }
  map_fused<E, V, true>(work, begin, end, false, write, value);
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_leaky_relu(const Work& work, size_t begin, size_t end,
                                        WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  const V a = F::prepared(V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter)));
  map_fused<E, V, true>(work, begin, end, false, write, [&](V z, V) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_prelu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  map_fused<E, V, true>(work, begin, end, true, write, [](V z, V a) RECTIFY_LAMBDA { return prelu::forward(z, a); });
}

template <class E, class F = WideSlopes<E>>
[[gnu::noinline]] void fused_elu(const Work& work, size_t begin, size_t end, WriteParameters<typename F::Scalar> write) {
  using V = LaneOf<F>;
  const V alpha = V::broadcast(*static_cast<const typename F::Scalar*>(work.parameter));
  map_fused<E, V, true, Formula::lengthy>(work, begin, end, false, write,
                                          [&](V z, V) RECTIFY_LAMBDA { return elu::forward<Alpha::any>(z, alpha); });
}

#define RECTIFY_FUSED_KERNEL(activation, direction)                           \
  template <class F>                                                          \
  void activation##_##direction(const Work& work, size_t begin, size_t end) { \
    activation<typename F::Element>(work, begin, end, write_parameters<F>);   \
  }
RECTIFY_FUSED(RECTIFY_FUSED_KERNEL)
#undef RECTIFY_FUSED_KERNEL

template <class F, class E = typename F::Element>
[[gnu::noinline]] void sum_pieces(const Work& work, const SumPart& part, Pieces<E>& pieces) {
  using V = typename F::Vector;
  constexpr auto no_gradient = [](auto...) RECTIFY_LAMBDA { return V::broadcast(0); };
  constexpr auto add = [](auto dz, auto, auto sum) RECTIFY_LAMBDA { return sum + dz; };
  if (is_one_row(work)) return sum_one_row<V, E, Store::none>(work, part, no_gradient, no_gradient, add);
  if (has_rows(work)) return sum_rows<V, E, Store::none>(work, part, nullptr, pieces, no_gradient, add);
  sum_runs<V, E, Store::none>(work, part, nullptr, pieces, no_gradient, add);
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

// ---- The table ----

// A kernel as a table has it: with no upper halves of registers left in use. GCC sees to that but where a function's last
// call takes a vector or a half of one (256 elements of 64 channels and the caller's code behind it took 2.8 times as long
// on Zen 3).
template <auto kernel>
struct Entry;
template <class... Arguments, void (*kernel)(Arguments...)>
struct Entry<kernel> {
  static void run(Arguments... arguments) {
    kernel(arguments...);
    empty_upper_halves();
  }
};

template <class E, class S>
constexpr Kernels kernels = [] {
  using prelu_format = Format<E, S>;
  using relu_format = Format<E, typename prelu_format::Scalar>;  // which have no slopes: one kernel for all
  using leaky_relu_format = relu_format;
  using elu_format = relu_format;
  using mask_format = relu_format;
  // Biases are of the slopes' format.
  using fused_sum_format = prelu_format;
  using fused_relu_format = prelu_format;
  using fused_leaky_relu_format = prelu_format;
  using fused_prelu_format = prelu_format;
  using fused_elu_format = prelu_format;
  return Kernels{
#define RECTIFY_ENTRY(activation, direction) Entry<activation##_##direction<activation##_format>>::run,
      RECTIFY_MAPS(RECTIFY_ENTRY) RECTIFY_FUSED(RECTIFY_ENTRY) RECTIFY_STAGES(RECTIFY_ENTRY) RECTIFY_SUMS(RECTIFY_ENTRY)
      // Sums are of the type that computes: one kernel for all formats of biases.
      Entry<bias_backward<relu_format>>::run,
#undef RECTIFY_ENTRY
      Entry<fold<prelu_format>>::run, rounds_by_itself && is_same<E, typename relu_format::Scalar>};
}();

}  // namespace
}  // namespace rectify

// The tables of a backend's element: with slopes of the type that computes, and of the element's own 16 bits.
#define RECTIFY_EXPORT_KERNELS(name, Element, Slope) \
  namespace rectify {                                \
  extern const Kernels name;                         \
  constexpr Kernels name = kernels<Element, Slope>;  \
  }
