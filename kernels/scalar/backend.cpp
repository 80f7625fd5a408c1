// The reference backend: plain loops over the formulas of formulas.hpp, and what runs on a CPU with nothing better.
// fma is the one library function used: glibc computes it exactly with or without the instruction.
#include "../backend.hpp"
#include "../stages.hpp"
#include "conversions.hpp"
#include "formulas.hpp"

namespace rectify {
namespace {

using namespace scalar;

template <class Element>
using Computed = typename ComputedIn<Element>::Type;

template <class Element>
Computed<Element> element(const void* tensor, size_t i) {
  return widen(static_cast<const Element*>(tensor)[i]);
}

template <class Element>
void set_element(void* tensor, size_t i, Computed<Element> value) {
  narrow(value, &static_cast<Element*>(tensor)[i]);
}

// Applies f(x, dy, parameter) to elements [begin, end); a forward has no dy.
template <class Element, class Slope, class F>
void map(const Work& work, size_t begin, size_t end, F f) {
  size_t channel = begin / work.inner % work.channels, run_end = begin - begin % work.inner + work.inner;
  for (size_t i = begin; i < end; ++i) {
    if (i == run_end) {
      run_end += work.inner;
      channel = channel + 1 == work.channels ? 0 : channel + 1;
    }
    const Computed<Element> x = element<Element>(work.x, i), dy = work.dy ? element<Element>(work.dy, i) : 0;
    set_element<Element>(work.out, i, f(x, dy, work.parameter ? element<Slope>(work.parameter, channel) : 0));
  }
}

template <class Element, class Slope, class T = Computed<Element>>
struct Maps {
  static void relu_forward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, [](T x, T, T) { return relu(x); });
  }
  static void relu_backward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, [](T x, T dy, T) { return relu_gradient(x, dy); });
  }
  static void prelu_forward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, [](T x, T, T slope) { return prelu(x, slope); });
  }
  static void prelu_backward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, prelu_gradient<T>);
  }
  static void elu_forward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, [](T x, T, T alpha) { return elu(x, alpha); });
  }
  static void elu_backward(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, elu_gradient<T>);
  }
  static void elu_backward_from_y(const Work& work, size_t begin, size_t end) {
    map<Element, Slope>(work, begin, end, elu_gradient_from_y<T>);
  }
};

// Element i of a mask is bit i % 8 of byte i / 8: set where x is neither negative nor zero.
template <class Element>
struct Masks {
  using T = Computed<Element>;
  static bool bit(const Work& work, size_t i) { return static_cast<const unsigned char*>(work.x)[i / 8] >> i % 8 & 1; }

  static void mask_backward(const Work& work, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const T y = element<Element>(work.dy, i);
      set_element<Element>(work.out, i, bit(work, i) ? y : minus_magnitude(y));
    }
  }
  static void relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      set_element<Element>(work.out, i, bit(work, i) ? element<Element>(work.dy, i) : 0);
    }
  }
  static void leaky_relu_backward_from_mask(const Work& work, size_t begin, size_t end) {
    const T slope = *static_cast<const T*>(work.parameter);
    for (size_t i = begin; i < end; ++i) {
      const T dy = element<Element>(work.dy, i);
      set_element<Element>(work.out, i, bit(work, i) ? dy : slope * dy);
    }
  }
};

// f(z, slope), z = x + bias + residual, and z's mask.
template <class Element, class Slope, class T = Computed<Element>>
struct Fused {
  static T rounded(T value) {
    Element stored;
    narrow(value, &stored);
    return widen(stored);
  }

  template <class F>
  static void map(const Work& work, size_t begin, size_t end, F f) {
    unsigned char* const mask = static_cast<unsigned char*>(work.mask_out);
    for (size_t i = begin; i < end; ++i) {
      const size_t channel = i / work.inner % work.channels;
      T z = element<Element>(work.x, i);
      if (work.bias) z = rounded(z + element<Slope>(work.bias, channel));
      if (work.residual) z = rounded(z + element<Element>(work.residual, i));
      if (mask && i % 8 == 0) mask[i / 8] = 0;
      if (mask) mask[i / 8] = static_cast<unsigned char>(mask[i / 8] | !(z <= 0) << i % 8);
      set_element<Element>(work.out, i, f(z, channel));
    }
  }

  static void sum_forward(const Work& work, size_t begin, size_t end) {
    map(work, begin, end, [](T z, size_t) { return z; });
  }
  static void relu_forward(const Work& work, size_t begin, size_t end) {
    map(work, begin, end, [](T z, size_t) { return relu(z); });
  }
  static void leaky_relu_forward(const Work& work, size_t begin, size_t end) {
    map(work, begin, end, [&](T z, size_t) { return prelu(z, *static_cast<const T*>(work.parameter)); });
  }
  static void prelu_forward(const Work& work, size_t begin, size_t end) {
    map(work, begin, end, [&](T z, size_t channel) { return prelu(z, element<Slope>(work.parameter, channel)); });
  }
  static void elu_forward(const Work& work, size_t begin, size_t end) {
    map(work, begin, end, [&](T z, size_t) { return elu(z, *static_cast<const T*>(work.parameter)); });
  }
};

// The gradients of one activation, element by element: dx is written, and what the element adds to its channel is added.
template <class Element, class T, T gradient(T x, T dy, T parameter), T added(T x, T dy, T sum)>
struct Gradients {
  static constexpr size_t lanes = sizeof(T) == 4 ? 64 : 32;
  const Work& work;
  T parameter;

  void add(size_t i, T* sum) const {
    if (work.made) run_through(*work.made, i, i + 1, last_of(*work.made).out);
    const T x = element<Element>(work.x, i), dy = work.dy ? element<Element>(work.dy, i) : 0;
    if (work.out) set_element<Element>(work.out, i, gradient(x, dy, parameter));
    *sum = added(x, dy, *sum);
  }

  // A leaf of a run: element i of the block belongs to lane i mod 64 (f64: 32); the lanes are folded by halves.
  T run_leaf(size_t channel, size_t leaf) const {
    const size_t blocks = (work.inner + run_block - 1) / run_block;
    const size_t run = (leaf / blocks * work.channels + channel) * work.inner;
    const size_t begin = leaf % blocks * run_block;
    const size_t count = work.inner - begin < run_block ? work.inner - begin : run_block;
    T lane[lanes] = {};
    for (size_t i = 0; i < count; ++i) add(run + begin + i, &lane[i % lanes]);
    for (size_t half = lanes / 2; half != 0; half /= 2) {
      for (size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
    }
    return lane[0];
  }

  // A leaf of rows: one channel of up to 64 rows, in ascending order.
  T row_leaf(size_t channel, size_t leaf) const {
    const size_t begin = leaf * row_block;
    const size_t end = work.outer - begin < row_block ? work.outer : begin + row_block;
    T sum = 0;
    for (size_t row = begin; row < end; ++row) add(row * work.channels + channel, &sum);
    return sum;
  }

  // The pairwise tree over leaves [begin, end): the left part is the largest power of two that leaves something to the
  // right.
  T node(size_t channel, size_t begin, size_t end) const {
    if (end - begin == 1) {
      return has_rows(work) ? row_leaf(channel, begin) : run_leaf(channel, begin);
    }
    size_t left = 1;
    while (left * 2 < end - begin) left *= 2;
    const T first = node(channel, begin, begin + left);
    return first + node(channel, begin + left, end);
  }
};

template <class Element, class Slope, class T, T gradient(T, T, T), T added(T, T, T)>
void sum(const Work& work, const SumPart& part) {
  for (size_t channel = part.channel_begin; channel < part.channel_end; ++channel) {
    const T parameter = work.out ? element<Slope>(work.parameter, channel) : 0;
    const Gradients<Element, T, gradient, added> gradients = {work, parameter};
    static_cast<T*>(part.nodes)[channel - part.channel_begin] = gradients.node(channel, part.leaf_begin, part.leaf_end) + 0;
  }
}

template <class Slope, class T>
void fold(void* nodes, size_t count, size_t channels, const void* slopes, void* sums) {
  T* node = static_cast<T*>(nodes);
  for (; count > 1; count = (count + 1) / 2) {
    for (size_t k = 0; k < count; k += 2) {
      for (size_t c = 0; c < channels; ++c) {
        const T first = node[k * channels + c];
        node[k / 2 * channels + c] = k + 1 < count ? first + node[(k + 1) * channels + c] : first;
      }
    }
  }
  for (size_t c = 0; c < channels; ++c) {
    if (slopes) node[c] = node[c] / (-minus_magnitude<T>(element<Slope>(slopes, c)) + 0);  // of either zero +0
    set_element<Slope>(sums, c, node[c]);
  }
}

template <class Element, class Slope, class T = Computed<Element>>
constexpr Kernels kernels = {.relu_forward = Maps<Element, T>::relu_forward,
                             .relu_backward = Maps<Element, T>::relu_backward,
                             .prelu_forward = Maps<Element, Slope>::prelu_forward,
                             .prelu_backward = Maps<Element, Slope>::prelu_backward,
                             .elu_forward = Maps<Element, T>::elu_forward,
                             .elu_backward = Maps<Element, T>::elu_backward,
                             .elu_backward_from_y = Maps<Element, T>::elu_backward_from_y,
                             .fused_sum_forward = Fused<Element, Slope>::sum_forward,
                             .fused_relu_forward = Fused<Element, Slope>::relu_forward,
                             .fused_leaky_relu_forward = Fused<Element, Slope>::leaky_relu_forward,
                             .fused_prelu_forward = Fused<Element, Slope>::prelu_forward,
                             .fused_elu_forward = Fused<Element, Slope>::elu_forward,
                             .relu_backward_from_mask = Masks<Element>::relu_backward_from_mask,
                             .leaky_relu_backward_from_mask = Masks<Element>::leaky_relu_backward_from_mask,
                             .mask_backward = Masks<Element>::mask_backward,
                             .prelu_backward_with_parameter = sum<Element, Slope, T, prelu_gradient, prelu_add>,
                             .elu_backward_with_parameter = sum<Element, T, T, elu_gradient, elu_add>,
                             .bias_backward = sum<Element, T, T, prelu_gradient, bias_add>,
                             .fold = fold<Slope, T>,
                             .maps_round_by_themselves = false};

}  // namespace

extern const Backend scalar_backend;
constexpr Backend scalar_backend = {"scalar", 0,
#define RECTIFY_ENTRY(name, Element, Slope) &kernels<Element, Slope>,
                                    RECTIFY_FORMATS(RECTIFY_ENTRY)
#undef RECTIFY_ENTRY
};

}  // namespace rectify
