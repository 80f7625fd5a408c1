// The reference backend: plain loops over the formulas of formulas.hpp, and what runs on a CPU with nothing better.
// fmaf is the one library function used: glibc computes it exactly with or without the instruction.
#include "../backend.hpp"
#include "formulas.hpp"

namespace rectify {
namespace {

using namespace scalar;

// Applies f(x, dy, parameter) to the task's elements; a forward has no dy.
template <class F>
void map(const MapTask& task, F f) {
  const float* x = static_cast<const float*>(task.x);
  const float* dy = static_cast<const float*>(task.dy);
  const float* parameter = static_cast<const float*>(task.parameter);
  float* out = static_cast<float*>(task.out);
  size_t channel = task.begin / task.inner % task.channels, run_end = task.begin - task.begin % task.inner + task.inner;
  for (size_t i = task.begin; i < task.end; ++i) {
    if (i == run_end) {
      run_end += task.inner;
      channel = channel + 1 == task.channels ? 0 : channel + 1;
    }
    out[i] = f(x[i], dy ? dy[i] : 0.0f, parameter ? parameter[channel] : 0.0f);
  }
}

void relu_forward(const MapTask& task) {
  map(task, [](float x, float, float) { return relu(x); });
}
void relu_backward(const MapTask& task) {
  map(task, [](float x, float dy, float) { return relu_gradient(x, dy); });
}
void prelu_forward(const MapTask& task) {
  map(task, [](float x, float, float slope) { return prelu(x, slope); });
}
void prelu_backward(const MapTask& task) { map(task, prelu_gradient); }
void elu_forward(const MapTask& task) {
  map(task, [](float x, float, float alpha) { return elu(x, alpha); });
}
void elu_backward(const MapTask& task) { map(task, elu_gradient); }
void elu_backward_from_y(const MapTask& task) { map(task, elu_gradient_from_y); }

// The gradients of one activation, element by element: dx is written, and what the element adds to its channel is added.
template <float gradient(float x, float dy, float parameter), float factor(float x)>
struct Gradients {
  const SumTask& task;
  float parameter;

  void element(size_t i, float* sum) const {
    const float x = static_cast<const float*>(task.x)[i], dy = static_cast<const float*>(task.dy)[i];
    if (task.dx) static_cast<float*>(task.dx)[i] = gradient(x, dy, parameter);
    if (x < 0) *sum = fmaf(dy, factor(x), *sum);
  }

  // A leaf of a run: element i of the block belongs to lane i mod 64; the lanes are folded by halves.
  float run_leaf(size_t channel, size_t leaf) const {
    const size_t blocks = (task.inner + run_block - 1) / run_block;
    const size_t run = (leaf / blocks * task.channels + channel) * task.inner;
    const size_t begin = leaf % blocks * run_block;
    const size_t count = task.inner - begin < run_block ? task.inner - begin : run_block;
    float lane[64] = {};
    for (size_t i = 0; i < count; ++i) element(run + begin + i, &lane[i % 64]);
    for (size_t half = 32; half != 0; half /= 2) {
      for (size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
    }
    return lane[0];
  }

  // A leaf of rows: one channel of up to 64 rows, in ascending order.
  float row_leaf(size_t channel, size_t leaf) const {
    const size_t begin = leaf * row_block;
    const size_t end = task.outer - begin < row_block ? task.outer : begin + row_block;
    float sum = 0;
    for (size_t row = begin; row < end; ++row) element(row * task.channels + channel, &sum);
    return sum;
  }

  // The pairwise tree over leaves [begin, end): the left part is the largest power of two that leaves something to the
  // right.
  float node(size_t channel, size_t begin, size_t end) const {
    if (end - begin == 1) {
      return task.inner == 1 && task.channels > 1 ? row_leaf(channel, begin) : run_leaf(channel, begin);
    }
    size_t left = 1;
    while (left * 2 < end - begin) left *= 2;
    const float first = node(channel, begin, begin + left);
    return first + node(channel, begin + left, end);
  }
};

template <float gradient(float, float, float), float factor(float)>
void sum(const SumTask& task) {
  const float* parameter = static_cast<const float*>(task.parameter);
  for (size_t channel = task.channel_begin; channel < task.channel_end; ++channel) {
    const Gradients<gradient, factor> gradients = {task, task.dx ? parameter[channel] : 0.0f};
    static_cast<float*>(task.nodes)[channel - task.channel_begin] = gradients.node(channel, task.leaf_begin, task.leaf_end);
  }
}

void fold(const FoldTask& task) {
  float* node = static_cast<float*>(task.nodes);
  float* sums = static_cast<float*>(task.sums);
  for (size_t channel = 0; channel < task.channels; ++channel) {
    for (size_t count = task.count; count > 1; count = (count + 1) / 2) {
      for (size_t k = 0; k < count / 2; ++k) {
        node[k * task.channels + channel] =
            node[2 * k * task.channels + channel] + node[(2 * k + 1) * task.channels + channel];
      }
      if (count % 2 != 0) node[count / 2 * task.channels + channel] = node[(count - 1) * task.channels + channel];
    }
    sums[channel] = node[channel] + 0.0f;
  }
}

}  // namespace

extern const Backend scalar_backend;
constexpr Backend scalar_backend = {
    "scalar",
    0,
    {relu_forward, relu_backward, prelu_forward, prelu_backward, elu_forward, elu_backward, elu_backward_from_y,
     sum<prelu_gradient, prelu_parameter_factor>, sum<elu_gradient, elu_parameter_factor>, fold}};

}  // namespace rectify
