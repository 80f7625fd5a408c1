// The reference backend: plain loops over the formulas of formulas.hpp, and what runs on a CPU with nothing better.
// fmaf is the one library function used: glibc computes it exactly with or without the instruction.
#include "../backend.hpp"
#include "formulas.hpp"

namespace rectify {
namespace {

using namespace scalar;

// Applies f(x, dy, parameter) to elements [begin, end); a forward has no dy.
template <class F>
void map(const Work& work, size_t begin, size_t end, F f) {
  const float* x = static_cast<const float*>(work.x);
  const float* dy = static_cast<const float*>(work.dy);
  const float* parameter = static_cast<const float*>(work.parameter);
  float* out = static_cast<float*>(work.out);
  size_t channel = begin / work.inner % work.channels, run_end = begin - begin % work.inner + work.inner;
  for (size_t i = begin; i < end; ++i) {
    if (i == run_end) {
      run_end += work.inner;
      channel = channel + 1 == work.channels ? 0 : channel + 1;
    }
    out[i] = f(x[i], dy ? dy[i] : 0.0f, parameter ? parameter[channel] : 0.0f);
  }
}

void relu_forward(const Work& work, size_t begin, size_t end) {
  map(work, begin, end, [](float x, float, float) { return relu(x); });
}
void relu_backward(const Work& work, size_t begin, size_t end) {
  map(work, begin, end, [](float x, float dy, float) { return relu_gradient(x, dy); });
}
void prelu_forward(const Work& work, size_t begin, size_t end) {
  map(work, begin, end, [](float x, float, float slope) { return prelu(x, slope); });
}
void prelu_backward(const Work& work, size_t begin, size_t end) { map(work, begin, end, prelu_gradient<float>); }
void elu_forward(const Work& work, size_t begin, size_t end) {
  map(work, begin, end, [](float x, float, float alpha) { return elu(x, alpha); });
}
void elu_backward(const Work& work, size_t begin, size_t end) { map(work, begin, end, elu_gradient<float>); }
void elu_backward_from_y(const Work& work, size_t begin, size_t end) { map(work, begin, end, elu_gradient_from_y<float>); }

// The gradients of one activation, element by element: dx is written, and what the element adds to its channel is added.
template <float gradient(float x, float dy, float parameter), float factor(float x)>
struct Gradients {
  const Work& work;
  float parameter;

  void element(size_t i, float* sum) const {
    const float x = static_cast<const float*>(work.x)[i], dy = static_cast<const float*>(work.dy)[i];
    if (work.out) static_cast<float*>(work.out)[i] = gradient(x, dy, parameter);
    if (x < 0) *sum = fmaf(dy, factor(x), *sum);
  }

  // A leaf of a run: element i of the block belongs to lane i mod 64; the lanes are folded by halves.
  float run_leaf(size_t channel, size_t leaf) const {
    const size_t blocks = (work.inner + run_block - 1) / run_block;
    const size_t run = (leaf / blocks * work.channels + channel) * work.inner;
    const size_t begin = leaf % blocks * run_block;
    const size_t count = work.inner - begin < run_block ? work.inner - begin : run_block;
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
    const size_t end = work.outer - begin < row_block ? work.outer : begin + row_block;
    float sum = 0;
    for (size_t row = begin; row < end; ++row) element(row * work.channels + channel, &sum);
    return sum;
  }

  // The pairwise tree over leaves [begin, end): the left part is the largest power of two that leaves something to the
  // right.
  float node(size_t channel, size_t begin, size_t end) const {
    if (end - begin == 1) {
      return work.inner == 1 && work.channels > 1 ? row_leaf(channel, begin) : run_leaf(channel, begin);
    }
    size_t left = 1;
    while (left * 2 < end - begin) left *= 2;
    const float first = node(channel, begin, begin + left);
    return first + node(channel, begin + left, end);
  }
};

template <float gradient(float, float, float), float factor(float)>
void sum(const Work& work, const SumPart& part) {
  const float* parameter = static_cast<const float*>(work.parameter);
  for (size_t channel = part.channel_begin; channel < part.channel_end; ++channel) {
    const Gradients<gradient, factor> gradients = {work, work.out ? parameter[channel] : 0.0f};
    static_cast<float*>(part.nodes)[channel - part.channel_begin] =
        gradients.node(channel, part.leaf_begin, part.leaf_end) + 0.0f;
  }
}

void fold(void* nodes, size_t count, size_t channels, void* sums) {
  float* node = static_cast<float*>(nodes);
  for (; count > 1; count = (count + 1) / 2) {
    for (size_t k = 0; k < count; k += 2) {
      for (size_t c = 0; c < channels; ++c) {
        const float first = node[k * channels + c];
        node[k / 2 * channels + c] = k + 1 < count ? first + node[(k + 1) * channels + c] : first;
      }
    }
  }
  for (size_t c = 0; c < channels; ++c) static_cast<float*>(sums)[c] = node[c];
}

}  // namespace

extern const Backend scalar_backend;
constexpr Backend scalar_backend = {
    "scalar",
    0,
    {relu_forward, relu_backward, prelu_forward, prelu_backward, elu_forward, elu_backward, elu_backward_from_y,
     sum<prelu_gradient, prelu_parameter_factor>, sum<elu_gradient, elu_parameter_factor>, fold}};

}  // namespace rectify
