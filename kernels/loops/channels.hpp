// map() over a tensor {outer, channels, inner} with one parameter per channel: which parameter meets which element.
//
// - Where the parameters repeat soon the pattern is laid out, once per task, and read as one more input that stays in L1.
// - Runs that end often: every vector picks its parameters (map_short_runs.hpp), where there is an instruction for it.
// - Otherwise a line is what has its parameters in order: a row of all channels where inner == 1, else a run of one.
//   Lines are walked flat, from vector to vector whatever line it belongs to: every store but the first and the last is
//   whole and aligned, and only a vector across the border of two lines has its parameters put together.
// - What remains of lines of less than a vector: the parameters are laid out, some at a time.
#pragma once

#include "map.hpp"
#include "map_short_runs.hpp"

namespace rectify {
namespace {

// The longest pattern, in elements: there is room for that of every line of less than a vector, and of less than two on 16
// lanes. Longer lines have few borders, and short patterns or none.
constexpr size_t longest_pattern = 2048;
template <class V>
RECTIFY_INLINE size_t longest_pattern_of(size_t line) {
  constexpr size_t few_borders = V::lanes > 16 ? 512 : 128;
  return line < 2 * V::lanes ? longest_pattern : line < few_borders ? longest_pattern / 2 : 0;
}

// Elements whose parameters are laid out at a time: 4 KiB of L1.
constexpr size_t laid_out_at_a_time = 1024;

// out = f(inputs...): no parameter, or the same for all, which f then knows. `inputs` are pointers to the whole tensors.
template <class V, class Element, Store how, Formula formula = Formula::brief, class F, class... Inputs>
RECTIFY_INLINE void map_elements(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  map<V, how, formula>(static_cast<Element*>(work.out) + begin, end - begin, f, (inputs + begin)...);
}

// The parameters of a row: one more contiguous input, that begins again in each.
template <class Format, class V = typename Format::Vector, class Slope = typename Format::Slope>
struct RowParameters {
  RECTIFY_INLINE RowParameters(const Slope* parameter, size_t channels) : parameter_(parameter) {
    store(ends_, V::load(parameter + channels - V::lanes));
    store(ends_ + V::lanes, V::load(parameter));
  }
  RECTIFY_INLINE V within(size_t offset) const { return Format::prepared(V::load(parameter_ + offset)); }
  RECTIFY_INLINE V across(size_t left) const { return Format::prepared(V::load(ends_ + V::lanes - left)); }
  RECTIFY_INLINE void next() {}

 private:
  const Slope* parameter_;
  typename V::Scalar ends_[2 * V::lanes];  // the last parameters and the first
};

// The parameters of a run: all the same.
template <class Format, class V = typename Format::Vector, class Slope = typename Format::Slope>
struct RunParameters {
  RECTIFY_INLINE RunParameters(const Slope* parameter, size_t channels, size_t channel)
      : parameter_(parameter), channels_(channels), channel_(channel), value_(of(channel)) {}
  RECTIFY_INLINE V within(size_t) const { return value_; }
  RECTIFY_INLINE V across(size_t left) const { return select(V::first(left), value_, of(following())); }
  RECTIFY_INLINE void next() {
    channel_ = following();
    value_ = of(channel_);
  }

 private:
  RECTIFY_INLINE V of(size_t channel) const { return Format::prepared(V::broadcast(widen(parameter_[channel]))); }
  RECTIFY_INLINE size_t following() const { return channel_ + 1 == channels_ ? 0 : channel_ + 1; }
  const Slope* parameter_;
  size_t channels_, channel_;
  V value_;
};

// out = f(parameter, inputs...) for n elements, the first of which has `left` elements of its line before it, itself
// included. within(offset) are the parameters of a vector in its line; across(left) those of one with `left` elements in
// its line, or none, and the others in the next. Lines are at least a vector long.
template <class V, Store how, class Element, class Parameters, class F, class... Inputs>
RECTIFY_INLINE void map_lines(Element* out, size_t n, size_t length, size_t left, Parameters line, F f,
                              const Inputs*... inputs) {
  constexpr size_t lanes = V::lanes, vectors = brief_turn<V>;
  // A pair's formula is nearly lengthy: bf16 in runs of 784 gains 10 % forward, 7 % backward (Zen 5). And where lines are
  // so short that their ends keep loads from running ahead, 7x7 maps forward 6 to 9 % (Zen 3), longer ones would lose 5
  // to 8.
  constexpr bool nearly_lengthy = conversions_prefetched<V, Element, how> || (V::registers == 2 && how == Store::streaming);
  constexpr bool ends_often = V::vector_registers == 16 && how == Store::streaming && sizeof...(Inputs) == 1;
  [[maybe_unused]] const size_t ahead = nearly_lengthy || length < 128 ? near_ahead<V, sizeof...(Inputs)> : 0;
  size_t i = 0, end = left;  // of the line
  const auto within = [&](size_t at) RECTIFY_LAMBDA { return line.within(length - end + at); };
  const auto pass = [&]() RECTIFY_LAMBDA {
    line.next();
    end += length;
  };
  const auto part = [&](size_t count) RECTIFY_LAMBDA {
    const size_t rest = end - i;
    const V parameters = rest < lanes ? line.across(rest) : within(i);
    if (rest < count) pass();
    put_partial<how>(out + i, f(parameters, V::load_partial(inputs + i, count)...), count);
    i += count;
  };

  if (const size_t head = smaller(n, elements_to_alignment<V>(out))) part(head);
  for (;;) {
    const size_t stop = smaller(end, n);
    for (; i + vectors * lanes <= stop; i += vectors * lanes) {
      if constexpr (nearly_lengthy || ends_often) prefetch<vectors * lanes>(ahead, (inputs + i)...);
      put_turn<V, how, vectors, true>(out + i, [&](size_t v) RECTIFY_LAMBDA {
        return f(within(i + v * lanes), V::load_once(inputs + i + v * lanes)...);
      });
    }
    for (; i + lanes <= stop; i += lanes) put<how>(out + i, f(within(i), V::load_once(inputs + i)...));
    if (i + lanes > n) break;
    // The line ends in this vector, or before it.
    const V parameters = line.across(end - i);
    pass();  // before the store, which might alias what both read
    put<how>(out + i, f(parameters, V::load_once(inputs + i)...));
    i += lanes;
  }
  if (i != n) part(n - i);
}

// The parameters of the elements from `begin` on, one each, laid out some at a time.
template <class Format, class V = typename Format::Vector, class Slope = typename Format::Slope>
class LaidOut {
 public:
  RECTIFY_INLINE LaidOut(const Work& work, size_t begin)
      : parameter_(static_cast<const Slope*>(work.parameter)), channels_(work.channels), inner_(work.inner), left_(inner_) {
    if (begin == 0) return;  // divisions are a tenth of a call on 4096 elements
    channel_ = begin / inner_ % channels_;
    left_ -= begin % inner_;
  }
  // The last store reaches up to a vector beyond. A call: all walks over a format's parameters have one.
  [[gnu::noinline]] void write(typename V::Scalar* to, size_t count) {
    size_t k = 0;
    if (inner_ == 1) {  // as the parameters lie
      for (size_t row; k < count; k += row) {
        row = smaller(channels_ - channel_, count - k);
        size_t c = 0;
        for (; c + V::lanes <= row; c += V::lanes) store(to + k + c, Format::prepared(V::load(parameter_ + channel_ + c)));
        for (; c < row; ++c) to[k + c] = widen(parameter_[channel_ + c]);
        channel_ = channel_ + row == channels_ ? 0 : channel_ + row;
      }
      for (k = 0; k < count; k += V::lanes) store(to + k, Format::prepared(V::load(to + k)));
      return;
    }
    for (;;) {
      const V value = Format::prepared(V::broadcast(widen(parameter_[channel_])));
      const size_t stop = smaller(k + left_, count);
      left_ -= stop - k;
      do {
        store(to + k, value);
        k += V::lanes;
      } while (k < stop);
      k = stop;
      if (left_ == 0) {
        left_ = inner_;
        channel_ = channel_ + 1 == channels_ ? 0 : channel_ + 1;
      }
      if (k == count) return;
    }
  }

 private:
  const Slope* parameter_;
  size_t channels_, inner_, channel_ = 0, left_;
};

// The same of `count` elements, once and as often as it takes to fill a vector; from there on it repeats in whole vectors,
// from as far back as can be: what has just been stored is not loaded before it has left the store queue, unless it is one
// whole store.
template <class Format>
RECTIFY_INLINE void lay_out(const Work& work, size_t begin, typename Format::Scalar* to, size_t count) {
  using V = typename Format::Vector;
  const size_t once = work.channels * work.inner;
  size_t distance = once < V::lanes ? (V::lanes + once - 1) / once * once : once;
  size_t k = smaller(count, distance);
  LaidOut<Format>(work, begin).write(to, k);
  for (; k + V::lanes <= count; k += V::lanes) {
    if (k >= 2 * distance) distance *= 2;
    store(to + k, V::load(to + k - distance));
  }
  for (; k < count; ++k) to[k] = to[k - distance];
}

// The length of a pattern of parameters that repeats after whole turns, as long as there is room for; 0 where there is
// none, n elements are too few to be worth laying it out, or lines are so long that they have few borders. It is always
// worth more than laying out pieces, which is what becomes of lines of less than a vector.
template <class V>
RECTIFY_INLINE size_t pattern_period(const Work& work, size_t n) {
  constexpr size_t turn = brief_turn<V> * V::lanes;
  if (work.channels > longest_pattern || work.inner > longest_pattern) return 0;
  const size_t once = work.channels * work.inner, line = work.inner == 1 ? once : work.inner;
  if (n < 128 || n < once + V::lanes) return 0;
  // The least common multiple of once and turn, a power of two.
  const size_t period = (once >> __builtin_ctzll(once | turn)) * turn;
  return period <= longest_pattern_of<V>(line) && (line < V::lanes || n >= 2 * period) ? period : 0;
}

// out = f(parameter, inputs...) for elements [begin, end), with each element's own channel's parameter; there are several.
template <class Format, Store how, class F, class... Inputs>
RECTIFY_INLINE void map_channels(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  using V = typename Format::Vector;
  using Scalar = typename V::Scalar;
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  constexpr size_t lanes = V::lanes;
  const Slope* parameter = static_cast<const Slope*>(work.parameter);
  const size_t channels = work.channels, inner = work.inner, n = end - begin;
  const size_t length = inner == 1 ? channels : inner;
  Element* out = static_cast<Element*>(work.out) + begin;

  if constexpr (how == Store::streaming) {
    // A slope an element, each read once, from DRAM. Folded into a product under a mask, as in rows, its load would wait
    // for that mask, i.e. for x: f32 forward takes a third longer, bf16 8 % (Zen 5). Where the cache has the slopes that is
    // 15 % faster.
    if (work.outer == 1 && inner == 1) {
      return map<V, how, Formula::brief>(
          out, n, [&](V a, auto... v) RECTIFY_LAMBDA { return f(Format::prepared(a), v...); }, parameter + begin,
          (inputs + begin)...);
    }
  }
  const size_t head = smaller(n, elements_to_alignment<V>(out));
  if (const size_t period = pattern_period<V>(work, n)) {
    if constexpr (V::registers == 1 && is_same<Slope, Scalar>) {  // the parameters as they lie
      if (period == channels && begin + head == 0)
        return map_pattern<V, how>(out, n, head, V::broadcast(0), parameter, period, f, inputs...);
    }
    alignas(64) Scalar pattern[longest_pattern + 2 * lanes];
    const size_t laid = smaller(period, n) + lanes;
    lay_out<Format>(work, begin + head, pattern, laid);
    const size_t once = channels * inner, before_head = head == 0 ? 0 : (head + once - 1) / once * once - head;
    const V head_parameters = Format::prepared(V::load(pattern + before_head));
    if constexpr (V::registers > 1 || !is_same<Slope, Scalar>) {
      for (size_t k = 0; k < laid; k += lanes) keep(pattern + k, Format::prepared(V::load(pattern + k)));
    }
    return map_pattern<V, how>(out, n, head, head_parameters, pattern, period, f, (inputs + begin)...);
  }
  if constexpr (V::permutes && how == Store::ordinary) {
    if (inner >= lanes / 4 && inner < long_run_of<V> && n >= 4 * lanes * inner) {
      return map_short_runs<Format, how>(work, begin, n, head, f, (inputs + begin)...);
    }
  }
  if (length < lanes) {
    alignas(64) Scalar space[laid_out_at_a_time + 2 * lanes];
    LaidOut<Format> parameters(work, begin);
    size_t count = smaller(n, head + laid_out_at_a_time);
    for (size_t i = 0; i < n; i += count, count = smaller(n - i, laid_out_at_a_time)) {
      parameters.write(space, count);
      map<V, how, Formula::brief>(out + i, count, f, space, (inputs + begin + i)...);
    }
    return;
  }
  const size_t left = length - begin % length;
  if (inner == 1) {
    map_lines<V, how>(out, n, length, left, RowParameters<Format>(parameter, channels), f, (inputs + begin)...);
  } else {
    map_lines<V, how>(out, n, length, left, RunParameters<Format>(parameter, channels, begin / inner % channels), f,
                      (inputs + begin)...);
  }
}

}  // namespace
}  // namespace rectify
