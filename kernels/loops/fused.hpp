// y = f(x + bias + residual) and the mask of that sum, each of the three there or not: one loop for all, so that memory is
// read while it is written, and one kernel an activation. What is there is asked once a turn, which the branch
// predictor knows from the second on. Each addition is rounded to the tensor's format, as a step of its own would.
//
// Elements of 16 bits are added, and multiplied, in two vectors of f32 (widened()), and are all else as they lie in memory:
// the activation's sides, the mask, what passes through.
//
// Bias and slopes are laid out in turns before they are read, as one more input each: two turns a long run, a piece of
// 4 KiB where they change from element to element, once per task where they repeat within that.
#pragma once

#include "channels.hpp"
#include "masks.hpp"

namespace rectify {
namespace {

// Parameters are laid out a vector at a time.
template <class Format>
using LaneOf = decltype(folded_to_vector(typename Format::Vector()));

// What a fused kernel's vectors V are computed in: themselves, or, where they are patterns, the two that these widen to.
template <class V>
RECTIFY_INLINE auto computed(V a) {
  if constexpr (requires { V::broadcast(0); })
    return a;
  else
    return widened(a);
}
template <class V>
using Computed = decltype(computed(V()));
// Back in V, to be stored.
template <class Element, class V>
RECTIFY_INLINE V in_vector(Computed<V> a) {
  if constexpr (is_same<Computed<V>, V>)
    return a;
  else
    return narrowed(a, Element());
}
// A sum as a tensor of the format would hold it.
template <class Element, class V>
RECTIFY_INLINE V rounded(Computed<V> a) {
  if constexpr (is_same<Computed<V>, V> && sizeof(Element) == 2)
    return {widened(narrowed(a.v, Element()), Element())};
  else
    return in_vector<Element, V>(a);
}

// Lines of parameters from some element on.
struct ParameterLines {
  size_t channels, inner;
  size_t channel, left;  // of the next element: its channel, and how many its run has left
  bool one;              // one channel
};

// Elements of a turn: four vectors of what is moved, and the bits of a word at most.
template <class Format>
constexpr size_t fused_turn = smaller(4 * Format::Moved::lanes, 64);

// Runs of so many elements are long: they have turns of their own. On Zen 5 100 elements take 1.15 times as long that way
// on AVX2, and 196 0.77 of the time (AVX-512, with slopes 0.86).
constexpr size_t long_fused_run = 128;

// Writes those of `count` elements, one each; the last store of a line reaches beyond it. Of long runs two turns: one of
// the run's own, and behind it that in which it ends. (A turn at a time, with a count for each of the two, and loops for
// what they have of each run, an end of a run took 38 cycles on Zen 5.)
template <class Scalar>
using WriteParameters = void (*)(const ParameterLines& lines, const void* parameters, Scalar* to, size_t count);

template <class Format>
RECTIFY_INLINE void lay_parameters(const ParameterLines& lines, const void* parameters, typename Format::Scalar* to,
                                   size_t count) {
  using Lane = LaneOf<Format>;
  constexpr size_t lanes = Lane::lanes;
  const auto* const from = static_cast<const typename Format::Slope*>(parameters);
  size_t channel = lines.channel, left = lines.one ? count : lines.left;
  if (lines.inner == 1 && !lines.one) {
    for (size_t k = 0; k < count; channel = 0) {
      const size_t stop = k + smaller(lines.channels - channel, count - k);
      for (; k + lanes <= stop; k += lanes, channel += lanes) store(to + k, Format::prepared(Lane::load(from + channel)));
      if (k < stop) store(to + k, Format::prepared(Lane::load_partial(from + channel, stop - k)));
      k = stop;
    }
    return;
  }
  if (!lines.one && lines.inner >= long_fused_run) {
    constexpr size_t turn = fused_turn<Format>;
    static_assert(turn <= long_fused_run);  // at most one run ends in a turn
    const Lane own = Format::prepared(Lane::broadcast(widen(from[channel])));
    const Lane next = Format::prepared(Lane::broadcast(widen(from[channel + 1 == lines.channels ? 0 : channel + 1])));
#pragma GCC unroll 8
    for (size_t k = 0; k < 2 * turn; k += lanes) store(to + k, own);
#pragma GCC unroll 8
    for (size_t k = 0; k < turn; k += lanes) store(to + turn + left % turn + k, next);
    return;
  }
  for (size_t k = 0; k < count; left = lines.inner) {
    const Lane value = Format::prepared(Lane::broadcast(widen(from[channel])));
    const size_t stop = k + smaller(left, count - k);
    for (; k < stop; k += lanes) store(to + k, value);
    k = stop;
    channel = channel + 1 == lines.channels ? 0 : channel + 1;
  }
}
// All of a fused kernel that depends on the format of slopes and biases, so that one kernel serves every one. Laid out in
// order, and then as a pair that shares registers has them.
template <class Format>
void write_parameters(const ParameterLines& lines, const void* parameters, typename Format::Scalar* to, size_t count) {
  using V = typename Format::Vector;
  lay_parameters<Format>(lines, parameters, to, count);
  if constexpr (V::registers == 2) {
    for (size_t k = 0; k < count; k += V::lanes) keep(to + k, V::load(to + k));
  }
}

// The parameters of successive elements: `bias` and `slope`, NULL where there are none, of the next turn. The turns of the
// next `same` elements share them; from then on they go on from turn to turn.
template <class Format>
class FusedParameters {
  using Scalar = typename Format::Scalar;
  static constexpr size_t turn = fused_turn<Format>;

 public:
  RECTIFY_INLINE FusedParameters(const Work& work, size_t begin, bool with_slopes, WriteParameters<Scalar> write_parameters)
      : from_{work.bias, with_slopes ? work.parameter : nullptr},
        write_parameters_(write_parameters),
        lines_{work.channels, work.inner, 0, 0, work.channels == 1 || (from_[0] == nullptr && from_[1] == nullptr)} {
    if (lines_.one) return;
    lines_.channel = begin / lines_.inner % lines_.channels;
    lines_.left = lines_.inner - begin % lines_.inner;
    if (lines_.inner >= long_fused_run || lines_.inner > laid_out_at_a_time / lines_.channels) return;
    const size_t once = lines_.channels * lines_.inner;
    for (period_ = once; period_ % turn != 0 && period_ <= laid_out_at_a_time;) period_ += once;
    period_ = period_ <= laid_out_at_a_time ? laid_out_at_a_time / period_ * period_ : 0;
  }

  // Of the next elements, n at most: how many there are, in whole turns or to the end.
  RECTIFY_INLINE size_t next(size_t n) {
    if (lines_.one) {
      if (!written_) write(turn);
      written_ = true;
      same = n;
      return n;
    }
    return next_of_channels(n);
  }

  RECTIFY_INLINE const Scalar* bias() const { return from_[0] == nullptr ? nullptr : space_[0] + first_; }
  RECTIFY_INLINE const Scalar* slope() const { return from_[1] == nullptr ? nullptr : space_[1] + first_; }
  size_t same = 0;

 private:
  [[gnu::noinline]] size_t next_of_channels(size_t n) {
    if (lines_.inner >= long_fused_run) {
      write(2 * turn);
      same = lines_.left / turn * turn;
      first_ = same == 0 ? turn : 0;
      const size_t count = smaller(n, same + turn);
      pass(count);
      return count;
    }
    if (period_ != 0 && n >= period_ && !written_) {
      write(period_);
      written_ = true;
    }
    if (written_) return smaller(n, period_);
    const size_t count = smaller(n, laid_out_at_a_time);
    write(count);
    pass(count);
    return count;
  }

  RECTIFY_INLINE void pass(size_t count) {
    if (count < lines_.left) {
      lines_.left -= count;
      return;
    }
    count -= lines_.left;
    lines_.channel = (lines_.channel + 1 + count / lines_.inner) % lines_.channels;
    lines_.left = lines_.inner - count % lines_.inner;
  }

  RECTIFY_INLINE void write(size_t count) {
    for (size_t p = 0; p < 2; ++p) {
      if (from_[p] != nullptr) write_parameters_(lines_, from_[p], space_[p], count);
    }
  }

  const void* from_[2];
  WriteParameters<Scalar> write_parameters_;
  ParameterLines lines_;
  size_t period_ = 0, first_ = 0;
  bool written_ = false;
  alignas(64) Scalar space_[2][laid_out_at_a_time + Format::Vector::lanes];
};

// f(z, slope) on vectors V; slope is 0 where there are none. `adds`: whether there may be a bias or a residual.
template <class Format, class V, bool adds, Formula formula = Formula::brief, class F>
RECTIFY_INLINE void map_fused(const Work& work, size_t begin, size_t end, bool with_slopes,
                              WriteParameters<typename Format::Scalar> write, F f) {
  using Element = typename Format::Element;
  using Scalar = typename Format::Scalar;
  using C = Computed<V>;
  constexpr size_t lanes = V::lanes, turn = fused_turn<Format>, vectors = turn / lanes;
  // Halves are widened as they come from memory: on AVX2 that takes half of the operations.
  constexpr bool halves = !is_same<C, V> && Format::Vector::registers == 1;
  constexpr bool prefetched = formula != Formula::brief || (adds && sizeof(Element) == 2 && V::vector_registers == 16);
  const Element* const x = static_cast<const Element*>(work.x);
  const Element* const residual = adds ? static_cast<const Element*>(work.residual) : nullptr;
  Element* const out = static_cast<Element*>(work.out);
  unsigned char* const mask = static_cast<unsigned char*>(work.mask_out);
  // Turns begin where the stores are aligned; but with a mask where its bytes begin.
  const size_t to_alignment = elements_to_alignment<V>(out + begin);
  const bool streaming = work.streaming && (mask == nullptr || to_alignment == 0);

  const auto slope_at = [&](const Scalar* slope, size_t v) RECTIFY_LAMBDA {
    if constexpr (adds)
      return slope == nullptr ? C::broadcast(0) : load_kept<C>(slope + v * lanes);
    else
      return C();
  };
  const auto put_mask = [&](size_t at, uint64_t sides, size_t count) RECTIFY_LAMBDA {
    sides = ~sides;
    if (count == turn) return static_cast<void>(__builtin_memcpy(mask + at / 8, &sides, turn / 8));
    sides &= (uint64_t{1} << count) - 1;
    for (size_t b = 0; b < count; b += 8) mask[(at + b) / 8] = static_cast<unsigned char>(sides >> b);
  };

  const auto whole = [&](size_t at, const Scalar* bias, const Scalar* slope) RECTIFY_LAMBDA {
    if (prefetched && work.beyond_cache) {
      if (residual != nullptr)
        prefetch_near<V, turn>(x + at, residual + at);
      else
        prefetch_near<V, turn>(x + at);
    }
    V z[vectors];
    if (!halves || bias == nullptr) {
#pragma GCC unroll 8
      for (size_t v = 0; v < vectors; ++v) z[v] = V::load_once(x + at + v * lanes);
    }
    if constexpr (adds) {
      const auto widened_at = [&](const Element* p) RECTIFY_LAMBDA {
        if constexpr (halves)
          return C{Format::Vector::load(p), Format::Vector::load(p + lanes / 2)};
        else
          return computed(V::load(p));
      };
      if (bias != nullptr) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; ++v) {
          const C before = halves ? widened_at(x + at + v * lanes) : computed(z[v]);
          z[v] = rounded<Element, V>(before + load_kept<C>(bias + v * lanes));
        }
      }
      if (residual != nullptr) {
#pragma GCC unroll 8
        for (size_t v = 0; v < vectors; ++v)
          z[v] = rounded<Element, V>(computed(z[v]) + widened_at(residual + at + v * lanes));
      }
    }
    if (mask != nullptr) {
      uint64_t sides = 0;
#pragma GCC unroll 8
      for (size_t v = 0; v < vectors; ++v) sides |= static_cast<uint64_t>(bits_of(zero_or_below(z[v]))) << v * lanes;
      put_mask(at, sides, turn);
    }
    // Stored as they are there: with a mask 0.86 to 0.9 of the time in L2 (Zen 5) that all four take at the end.
    if (streaming) {
#pragma GCC unroll 8
      for (size_t v = 0; v < vectors; ++v) stream(out + at + v * lanes, f(z[v], slope_at(slope, v)));
    } else {
#pragma GCC unroll 8
      for (size_t v = 0; v < vectors; ++v) store(out + at + v * lanes, f(z[v], slope_at(slope, v)));
    }
  };
  const auto part = [&](size_t at, size_t count, const Scalar* bias, const Scalar* slope) RECTIFY_LAMBDA {
    uint64_t sides = 0;
    for (size_t v = 0; v * lanes < count; ++v) {
      const size_t i = at + v * lanes, here = smaller(lanes, count - v * lanes);
      const auto take = [&](const Element* p)
                            RECTIFY_LAMBDA { return here < lanes ? V::load_partial(p + i, here) : V::load(p + i); };
      V z = take(x);
      if constexpr (adds) {
        if (bias != nullptr) z = rounded<Element, V>(computed(z) + load_kept<C>(bias + v * lanes));
        if (residual != nullptr) z = rounded<Element, V>(computed(z) + computed(take(residual)));
      }
      sides |= static_cast<uint64_t>(bits_of(zero_or_below(z))) << v * lanes;
      const V y = f(z, slope_at(slope, v));
      if (here < lanes)
        store_partial(out + i, y, here);
      else
        store(out + i, y);
    }
    if (mask != nullptr) put_mask(at, sides, count);
  };

  const auto walk = [&](auto& parameters) RECTIFY_LAMBDA {
    size_t i = begin;
    if (mask == nullptr && to_alignment != 0) {
      const size_t head = smaller(end - begin, to_alignment);
      // A step of its own: the turns, and with them a period, begin behind it.
      parameters.next(head);
      part(i, head, parameters.bias(), parameters.slope());
      i += head;
    }
    while (i < end) {
      const size_t count = parameters.next(end - i), stop = i + count;
      const Scalar *bias = parameters.bias(), *slope = parameters.slope();
      const size_t same = i + parameters.same;
      while (i + turn <= stop) {
        whole(i, bias, slope);
        i += turn;
        if (i < same) continue;
        if (bias != nullptr) bias += turn;
        if (slope != nullptr) slope += turn;
      }
      if (i < stop) part(i, stop - i, bias, slope);
      i = stop;
    }
  };
  if constexpr (adds) {
    FusedParameters<Format> parameters(work, begin, with_slopes, write);
    walk(parameters);
  } else {
    struct {
      size_t same = 0;
      size_t next(size_t n) { return n; }
      const Scalar* bias() const { return nullptr; }
      const Scalar* slope() const { return nullptr; }
    } none;
    walk(none);
  }
}

}  // namespace
}  // namespace rectify
