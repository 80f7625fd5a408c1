// map() over a tensor {outer, channels, inner} with one parameter per channel: which parameter meets which element.
//
// - One channel: the parameter is a constant.
// - Otherwise a line is what has its parameters in order: a row of all channels where inner == 1, else a run of one.
//   Lines are walked flat, from vector to vector whatever line it belongs to: every store but the first and the last is
//   whole and aligned, and only a vector across the border of two lines has its parameters put together. For 7x7 maps in L2
//   this reaches 91 to 99 % of what one slope for all does; a loop per line with a masked tail of its own 63 %.
// - Where the parameters repeat soon the pattern is laid out, once per task, and has no borders: for 64 channels 7.4
//   instructions a vector on AVX2, as lines 9.9.
// - Other lines of less than a vector: the parameters are laid out piece by piece, and read as one more input.
#pragma once

#include "map.hpp"

namespace rectify {
namespace {

// The longest pattern, in elements. Rows of less than a vector all have one: of 15 channels with 16 lanes it is 240 long.
constexpr size_t longest_pattern = 256;

// Elements whose parameters are laid out at a time: 4 KiB of L1.
constexpr size_t piece = 1024;

// out = f(inputs...): no parameter, or the same for all, which f then knows. `inputs` are pointers to the whole tensors.
template <Store how, Formula formula = Formula::brief, class F, class... Inputs>
RECTIFY_INLINE void map_elements(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  map<how, formula>(static_cast<float*>(work.out) + begin, end - begin, f, (inputs + begin)...);
}

// The parameters of a row: one more contiguous input, that begins again in each.
struct RowParameters {
  RECTIFY_INLINE RowParameters(const float* parameter, size_t channels) : parameter_(parameter) {
    store(ends_, load(parameter + channels - F32::lanes));
    store(ends_ + F32::lanes, load(parameter));
  }
  RECTIFY_INLINE F32 within(size_t offset) const { return load(parameter_ + offset); }
  RECTIFY_INLINE F32 across(size_t left) const { return load(ends_ + F32::lanes - left); }
  RECTIFY_INLINE void next() {}

 private:
  const float* parameter_;
  float ends_[2 * F32::lanes];  // the last parameters and the first
};

// The parameters of a run: all the same.
struct RunParameters {
  RECTIFY_INLINE RunParameters(const float* parameter, size_t channels, size_t channel)
      : parameter_(parameter), channels_(channels), channel_(channel), value_(broadcast(parameter[channel])) {}
  RECTIFY_INLINE F32 within(size_t) const { return value_; }
  RECTIFY_INLINE F32 across(size_t left) const { return select(first(left), value_, broadcast(parameter_[following()])); }
  RECTIFY_INLINE void next() {
    channel_ = following();
    value_ = broadcast(parameter_[channel_]);
  }

 private:
  RECTIFY_INLINE size_t following() const { return channel_ + 1 == channels_ ? 0 : channel_ + 1; }
  const float* parameter_;
  size_t channels_, channel_;
  F32 value_;
};

// out = f(parameter, inputs...) for n elements, the first of which has `left` elements of its line before it, itself
// included. within(offset) are the parameters of a vector in its line, across(left) those of one with `left` elements in
// its line and the others in the next. Lines are at least a vector long.
template <Store how, class Parameters, class F, class... Inputs>
RECTIFY_INLINE void map_lines(float* out, size_t n, size_t length, size_t left, Parameters line, F f,
                              const Inputs*... inputs) {
  constexpr size_t lanes = F32::lanes;
  const auto parameters = [&]() RECTIFY_LAMBDA { return left < lanes ? line.across(left) : line.within(length - left); };
  const auto pass = [&](size_t count) RECTIFY_LAMBDA {
    if (count < left) {
      left -= count;
    } else {
      left += length - count;
      line.next();
    }
  };

  size_t i = smaller(n, elements_to_alignment(out));
  if (i != 0) {
    put_partial<how>(out, f(parameters(), load_partial(inputs, i)...), i);
    pass(i);
  }
  while (i + lanes <= n) {
    const size_t within = smaller(left, n - i) / lanes * lanes, stop = i + within;
    size_t offset = length - left;
    for (; i + 4 * lanes <= stop; i += 4 * lanes, offset += 4 * lanes) {
      F32 result[4];
#pragma GCC unroll 4
      for (size_t v = 0; v < 4; ++v) result[v] = f(line.within(offset + v * lanes), load_once(inputs + i + v * lanes)...);
#pragma GCC unroll 4
      for (size_t v = 0; v < 4; ++v) put<how>(out + i + v * lanes, result[v]);
    }
    for (; i < stop; i += lanes, offset += lanes) put<how>(out + i, f(line.within(offset), load_once(inputs + i)...));
    pass(within);
    if (left < lanes && i + lanes <= n) {
      put<how>(out + i, f(line.across(left), load_once(inputs + i)...));
      i += lanes;
      pass(lanes);
    }
  }
  const size_t rest = n - i;
  if (rest != 0) put_partial<how>(out + i, f(parameters(), load_partial(inputs + i, rest)...), rest);
}

// Writes the parameters of `count` elements, one each.
RECTIFY_INLINE void lay_out(const Work& work, size_t begin, float* to, size_t count) {
  const float* parameter = static_cast<const float*>(work.parameter);
  size_t channel = begin / work.inner % work.channels, left = work.inner - begin % work.inner;
  const size_t once = smaller(count, work.channels * work.inner);
  for (size_t k = 0; k < once; ++k) {
    to[k] = parameter[channel];
    if (--left != 0) continue;
    left = work.inner;
    channel = channel + 1 == work.channels ? 0 : channel + 1;
  }
  // From there on it repeats. In whole vectors, where the copy does not run into itself.
  size_t k = once;
  if (once >= F32::lanes) {
    for (; k + F32::lanes <= count; k += F32::lanes) store(to + k, load(to + k - once));
  }
  for (; k < count; ++k) to[k] = to[k - once];
}

// The same for lines of less than a vector, piece by piece, one store a parameter, the last of which reaches beyond.
class LaidOut {
 public:
  RECTIFY_INLINE LaidOut(const Work& work, size_t begin)
      : parameter_(static_cast<const float*>(work.parameter)),
        channels_(work.channels),
        inner_(work.inner),
        channel_(begin / work.inner % work.channels),
        left_(work.inner - begin % work.inner) {}
  RECTIFY_INLINE void write(float* to, size_t count) {
    size_t k = 0;
    for (;;) {
      store(to + k, broadcast(parameter_[channel_]));
      const size_t stop = smaller(k + left_, count);
      left_ -= stop - k;
      k = stop;
      if (left_ == 0) {
        left_ = inner_;
        channel_ = channel_ + 1 == channels_ ? 0 : channel_ + 1;
      }
      if (k == count) return;
    }
  }

 private:
  const float* parameter_;
  size_t channels_, inner_, channel_, left_;
};

// The length of a pattern of parameters that repeats after whole vectors, as long as there is room for; 0 where there is
// none, n elements are too few to be worth laying it out, or lines are so long that they have few borders.
RECTIFY_INLINE size_t pattern_period(const Work& work, size_t n) {
  if (work.channels > longest_pattern || work.inner > longest_pattern / work.channels) return 0;
  const size_t once = work.channels * work.inner;
  if ((work.inner == 1 ? once : work.inner) >= longest_pattern / 2) return 0;
  size_t period = once;
  while (period % F32::lanes != 0) period += once;
  if (period > longest_pattern || n < 8 * period) return 0;
  return n < 32 * longest_pattern ? period : longest_pattern / period * period;
}

// out = f(parameter, inputs...) for elements [begin, end), with each element's own channel's parameter.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE void map_channels(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  constexpr size_t lanes = F32::lanes;
  const float* parameter = static_cast<const float*>(work.parameter);
  const size_t channels = work.channels, inner = work.inner, n = end - begin;
  const size_t length = inner == 1 ? channels : inner;
  float* out = static_cast<float*>(work.out) + begin;

  if (channels == 1) {
    const F32 p = broadcast(parameter[0]);
    return map_elements<how>(
        work, begin, end, [&](auto... v) RECTIFY_LAMBDA { return f(p, v...); }, inputs...);
  }
  const size_t head = smaller(n, elements_to_alignment(out));
  if (const size_t period = pattern_period(work, n)) {
    alignas(64) float space[lanes + longest_pattern];
    const float* pattern = parameter;  // which is one itself where whole rows of whole vectors begin here
    if (inner != 1 || period != channels || begin % channels != 0 || head != 0) {
      pattern = space + lanes;
      lay_out(work, begin, space + lanes - head, head + period);
    }
    return map_pattern<how>(out, n, head, pattern, period, f, (inputs + begin)...);
  }
  if (length < lanes) {
    alignas(64) float space[piece + 2 * lanes];
    LaidOut parameters(work, begin);
    size_t count = smaller(n, head + piece);
    for (size_t i = 0; i < n; i += count, count = smaller(n - i, piece)) {
      parameters.write(space, count);
      map<how, Formula::brief>(out + i, count, f, space, (inputs + begin + i)...);
    }
    return;
  }
  const size_t left = length - begin % length;
  if (inner == 1) {
    map_lines<how>(out, n, length, left, RowParameters(parameter, channels), f, (inputs + begin)...);
  } else {
    map_lines<how>(out, n, length, left, RunParameters(parameter, channels, begin / inner % channels), f,
                   (inputs + begin)...);
  }
}

}  // namespace
}  // namespace rectify
