// map() over a tensor {outer, channels, inner} with one parameter per channel: which parameter meets which element.
//   one channel          the parameter is a constant
//   a short pattern      parameters repeat every channels*inner elements; up to 1024 they are laid out in a table, and the
//   task is
//                        one flat walk whatever the shape
//   inner == 1           rows: the parameters are a second contiguous input, row by row
//   otherwise            runs: a constant per run
#pragma once

#include "map.hpp"

namespace rectify {
namespace {

constexpr size_t longest_table = 1024;  // 4 KiB of a task's 128 KiB: 1/32 more stores to fill it, all in L1

// out = f(inputs...): no parameter, or the same for all, which f then knows. `inputs` are pointers to the whole tensors.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE void map_elements(const MapTask& task, size_t begin, size_t end, F f, const Inputs*... inputs) {
  map<how>(static_cast<float*>(task.out) + begin, end - begin, f, Contiguous{inputs + begin}...);
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

  if (channels <= longest_table && inner <= longest_table / channels) {
    float table[longest_table + Periodic::ahead];
    const size_t period = channels * inner;
    size_t i = 0;
    for (size_t c = 0; c < channels; ++c) {
      for (size_t k = 0; k < inner; ++k) table[i++] = parameter[c];
    }
    for (; i < period + Periodic::ahead; ++i) table[i] = table[i - period];
    return map<how>(out + task.begin, task.end - task.begin, f, Periodic{table, period, task.begin % period},
                    Contiguous{inputs + task.begin}...);
  }

  // The first piece may start inside a row or run.
  const size_t length = inner == 1 ? channels : inner;
  size_t begin = task.begin, offset = begin % length, channel = begin / inner % channels;
  while (begin < task.end) {
    const size_t end = smaller(task.end, begin + (length - offset));
    if (inner == 1) {
      map<how>(out + begin, end - begin, f, Contiguous{parameter + offset}, Contiguous{inputs + begin}...);
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
