// y = f(x + bias + residual) and the mask of that sum, each of the three there or not: one loop for all, so that memory is
// read while it is written, and one kernel an activation. What is there is asked once a turn of four vectors, which the
// branch predictor knows from the second on. Each addition is rounded to the tensor's format, as a step of its own would.
//
// Bias and slopes are laid out in turns before they are read, as one more input each: one turn where a run has one
// parameter, a piece of 4 KiB where they change from element to element, once per task where they repeat within that.
#pragma once

#include "channels.hpp"
#include "masks.hpp"

namespace rectify {
namespace {

// The parameters of successive elements: `bias` and `slope`, NULL where there are none, of the next turn, and how far they
// go on from turn to turn.
template <class Format>
class FusedParameters {
  using V = typename Format::Vector;
  using Slope = typename Format::Slope;
  using Scalar = typename Format::Scalar;
  using Lane = decltype(folded_to_vector(V()));
  static constexpr size_t lanes = Lane::lanes;

 public:
  static constexpr size_t turn = 4 * lanes;

  RECTIFY_INLINE FusedParameters(const Work& work, size_t begin, bool with_slopes)
      : from_{static_cast<const Slope*>(work.bias), with_slopes ? static_cast<const Slope*>(work.parameter) : nullptr},
        channels_(work.channels),
        inner_(work.inner),
        one_(work.channels == 1 || (from_[0] == nullptr && from_[1] == nullptr)) {
    if (one_) return;
    channel_ = begin / inner_ % channels_;
    left_ = inner_ - begin % inner_;
    if (inner_ > piece / channels_) return;
    const size_t once = channels_ * inner_;
    for (period_ = once; period_ % turn != 0 && period_ <= piece;) period_ += once;
    period_ = period_ <= piece ? piece / period_ * period_ : 0;
  }

  // Of the next elements, n at most: how many there are, in whole turns or to the end.
  RECTIFY_INLINE size_t next(size_t n) {
    if (one_) {
      if (!written_) write(turn);
      written_ = true;
      step = 0;
      return n;
    }
    return next_of_channels(n);
  }

  RECTIFY_INLINE const Scalar* bias() const { return from_[0] == nullptr ? nullptr : space_[0]; }
  RECTIFY_INLINE const Scalar* slope() const { return from_[1] == nullptr ? nullptr : space_[1]; }
  size_t step;

 private:
  [[gnu::noinline]] size_t next_of_channels(size_t n) {
    step = turn;
    if (period_ != 0 && n >= period_ && !written_) {
      write(period_);
      written_ = true;
    }
    if (written_) return smaller(n, period_);
    if (inner_ >= 4 * turn && left_ >= turn) {
      step = 0;
      const size_t count = n <= left_ ? n : left_ / turn * turn;
      write(turn);
      pass(count);
      return count;
    }
    // Of long runs the turn that crosses from the one to the next.
    const size_t count = smaller(n, inner_ < 4 * turn ? piece : turn);
    write(count);
    pass(count);
    return count;
  }

  RECTIFY_INLINE void pass(size_t count) {
    if (count < left_) {
      left_ -= count;
      return;
    }
    count -= left_;
    channel_ = (channel_ + 1 + count / inner_) % channels_;
    left_ = inner_ - count % inner_;
  }

  [[gnu::noinline]] void write(size_t count) {
    for (size_t p = 0; p < 2; ++p) {
      if (from_[p] == nullptr) continue;
      if (one_)
        write_runs(from_[p], space_[p], 0, count, count);
      else if (inner_ == 1)
        write_rows(from_[p], space_[p], count);
      else
        write_runs(from_[p], space_[p], channel_, left_, count);
    }
  }

  // The last store of a line reaches beyond it.
  RECTIFY_INLINE void write_rows(const Slope* from, Scalar* to, size_t count) const {
    size_t channel = channel_;
    for (size_t k = 0; k < count; channel = 0) {
      const size_t stop = k + smaller(channels_ - channel, count - k);
      for (; k + lanes <= stop; k += lanes, channel += lanes) store(to + k, prepared(Lane::load(from + channel)));
      if (k < stop) store(to + k, prepared(Lane::load_partial(from + channel, stop - k)));
      k = stop;
    }
  }
  RECTIFY_INLINE void write_runs(const Slope* from, Scalar* to, size_t channel, size_t left, size_t count) const {
    for (size_t k = 0; k < count; left = inner_) {
      const Lane value = prepared(Lane::broadcast(widen(from[channel])));
      const size_t stop = k + smaller(left, count - k);
      for (; k < stop; k += lanes) store(to + k, value);
      k = stop;
      channel = channel + 1 == channels_ ? 0 : channel + 1;
    }
  }
  static RECTIFY_INLINE Lane prepared(Lane parameters) { return Format::prepared(parameters); }

  const Slope* from_[2];
  size_t channels_, inner_, channel_ = 0, left_ = 0, period_ = 0;
  bool one_, written_ = false;
  alignas(64) Scalar space_[2][piece + lanes];
};

// A sum as a tensor of the format would hold it.
template <class Element, class V>
RECTIFY_INLINE V rounded(V z) {
  if constexpr (is_same<Element, typename V::Scalar>)
    return z;
  else
    return {widened(narrowed(z.v, Element()), Element())};
}

// Vectors V compute, or, where nothing is added (`adds`), move. f(z, slope); slope is 0 where there are none.
template <class Format, class V, bool adds, Formula formula = Formula::brief, class F>
RECTIFY_INLINE void map_fused(const Work& work, size_t begin, size_t end, bool with_slopes, F f) {
  using Element = typename Format::Element;
  using Scalar = typename Format::Scalar;
  // The bits of a turn are a word at most.
  constexpr size_t lanes = V::lanes, vectors = lanes <= 16 ? 4 : 64 / lanes, turn = vectors * lanes;
  const Element* const x = static_cast<const Element*>(work.x);
  const Element* const residual = adds ? static_cast<const Element*>(work.residual) : nullptr;
  Element* const out = static_cast<Element*>(work.out);
  unsigned char* const mask = static_cast<unsigned char*>(work.mask);
  // Turns begin where the stores are aligned; but with a mask where its bytes begin.
  const size_t to_alignment = elements_to_alignment<V>(out + begin);
  const bool streaming = work.streaming && (mask == nullptr || to_alignment == 0);

  [[maybe_unused]] const auto add = [](auto z, auto other) RECTIFY_LAMBDA { return rounded<Element>(z + other); };
  const auto slope_at = [&](const Scalar* slope, size_t v) RECTIFY_LAMBDA {
    if constexpr (adds)
      return slope == nullptr ? V::broadcast(0) : V::load(slope + v * lanes);
    else
      return V();
  };
  const auto put_mask = [&](size_t at, uint64_t sides, size_t count) RECTIFY_LAMBDA {
    sides = ~sides;
    if (count == turn) return static_cast<void>(__builtin_memcpy(mask + at / 8, &sides, turn / 8));
    sides &= (uint64_t{1} << count) - 1;
    for (size_t b = 0; b < count; b += 8) mask[(at + b) / 8] = static_cast<unsigned char>(sides >> b);
  };

  const auto whole = [&](size_t at, const Scalar* bias, const Scalar* slope) RECTIFY_LAMBDA {
    if (formula != Formula::brief && work.beyond_cache) {
      prefetch<Element, turn>(x + at);
      if (residual != nullptr) prefetch<Element, turn>(residual + at);
    }
    V z[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) z[v] = V::load_once(x + at + v * lanes);
    if constexpr (adds) {
      if (bias != nullptr) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) z[v] = add(z[v], V::load(bias + v * lanes));
      }
      if (residual != nullptr) {
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; ++v) z[v] = add(z[v], V::load(residual + at + v * lanes));
      }
    }
    if (mask != nullptr) {
      uint64_t sides = 0;
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) sides |= static_cast<uint64_t>(bits_of(zero_or_below(z[v]))) << v * lanes;
      put_mask(at, sides, turn);
    }
    V y[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) y[v] = f(z[v], slope_at(slope, v));
    if (streaming) {
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) stream(out + at + v * lanes, y[v]);
    } else {
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) store(out + at + v * lanes, y[v]);
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
        if (bias != nullptr) z = add(z, V::load(bias + v * lanes));
        if (residual != nullptr) z = add(z, take(residual));
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
      for (; i + turn <= stop; i += turn) {
        whole(i, bias, slope);
        if (bias != nullptr) bias += parameters.step;
        if (slope != nullptr) slope += parameters.step;
      }
      if (i < stop) part(i, stop - i, bias, slope);
      i = stop;
    }
  };
  if constexpr (adds) {
    FusedParameters<Format> parameters(work, begin, with_slopes);
    walk(parameters);
  } else {
    struct {
      size_t step = 0;
      size_t next(size_t n) { return n; }
      const Scalar* bias() const { return nullptr; }
      const Scalar* slope() const { return nullptr; }
    } none;
    walk(none);
  }
}

}  // namespace
}  // namespace rectify
