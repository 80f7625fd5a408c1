// map() over a tensor {outer, channels, inner} with one parameter per channel: which parameter meets which element.
//
// - One channel: the parameter is a constant.
// - A short pattern: parameters repeat every channels*inner elements; where that is short it is laid out, once per task.
// - inner == 1: rows; the parameters are one more contiguous input, row by row.
// - Otherwise: runs; a constant for each.
#pragma once

#include "map.hpp"

namespace rectify {
namespace {

// Four rows of 2 KiB of three arrays lie in six of the eight ways of an L1 set; twice as much would evict itself.
constexpr size_t longest_pattern = 512;

// out = f(inputs...): no parameter, or the same for all, which f then knows. `inputs` are pointers to the whole tensors.
template <Store how, Formula formula = Formula::brief, class F, class... Inputs>
RECTIFY_INLINE void map_elements(const MapTask& task, size_t begin, size_t end, F f, const Inputs*... inputs) {
  map<how, formula>(static_cast<float*>(task.out) + begin, end - begin, f, (inputs + begin)...);
}

// The case of a short pattern; false if it is not one, or occurs too seldom to be worth laying out.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE bool map_short_pattern(const MapTask& task, F f, const Inputs*... inputs) {
  constexpr size_t lanes = F32::lanes;
  const float* parameter = static_cast<const float*>(task.parameter);
  float* out = static_cast<float*>(task.out) + task.begin;
  const size_t channels = task.channels, inner = task.inner, n = task.end - task.begin;
  if (channels > longest_pattern || inner > longest_pattern / channels) return false;
  // Repeated until whole vectors and at least four of them are reached.
  size_t period = channels * inner;
  while (period % lanes != 0 || period < 4 * lanes) period += channels * inner;
  if (period > longest_pattern || period > n / 8) return false;

  alignas(64) float space[lanes + longest_pattern];
  float* pattern = space + lanes;
  const size_t head = elements_to_alignment(out);
  size_t channel = task.begin / inner % channels, left = inner - task.begin % inner;
  for (float* p = pattern - head; p != pattern + period; ++p) {
    *p = parameter[channel];
    if (--left == 0) {
      left = inner;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
  }
  map_pattern<how>(out, n, head, pattern, period, f, (inputs + task.begin)...);
  return true;
}

// out = f(parameter, inputs...), with each element's own channel's parameter.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE void map_channels(const MapTask& task, F f, const Inputs*... inputs) {
  float* out = static_cast<float*>(task.out);
  const float* parameter = static_cast<const float*>(task.parameter);
  const size_t channels = task.channels, inner = task.inner;

  const auto constant = [&](size_t begin, size_t end, float value) RECTIFY_LAMBDA {
    const F32 p = broadcast(value);
    map_elements<how>(
        task, begin, end, [&](auto... v) RECTIFY_LAMBDA { return f(p, v...); }, inputs...);
  };
  if (channels == 1) return constant(task.begin, task.end, parameter[0]);
  if (map_short_pattern<how>(task, f, inputs...)) return;

  // The first piece may start inside a row or run.
  const size_t length = inner == 1 ? channels : inner;
  size_t begin = task.begin, offset = begin % length, channel = begin / inner % channels;
  while (begin < task.end) {
    const size_t end = smaller(task.end, begin + (length - offset));
    if (inner == 1) {
      map<how, Formula::brief>(out + begin, end - begin, f, parameter + offset, (inputs + begin)...);
    } else {
      constant(begin, end, parameter[channel]);
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
    begin = end;
    offset = 0;
  }
}

}  // namespace
}  // namespace rectify
