// Every operation of the list as a kernel: a formula of activations/ put into a walk of loops/. A backend includes this
// after its vector.hpp and exports the table made here.
#pragma once

#include "activations/elu.hpp"
#include "activations/prelu.hpp"
#include "activations/relu.hpp"
#include "backend.hpp"
#include "loops/channels.hpp"
#include "loops/sum_rows.hpp"
#include "loops/sum_runs.hpp"

namespace rectify {
namespace {

// Chooses the kind of store, once per task. The fence orders streaming stores before what this thread writes next.
template <class Walk>
RECTIFY_INLINE void with_store(bool streaming, Walk walk) {
  if (!streaming) return walk.template operator()<Store::ordinary>();
  walk.template operator()<Store::streaming>();
  stream_fence();
}

template <class Walk>
RECTIFY_INLINE void with_sum_store(const Work& work, Walk walk) {
  if (work.out == nullptr) return walk.template operator()<Store::none>();
  with_store(work.streaming, walk);
}

const float* x_of(const Work& work) { return static_cast<const float*>(work.x); }
const float* dy_of(const Work& work) { return static_cast<const float*>(work.dy); }

void relu_forward(const Work& work, size_t begin, size_t end) {
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        work, begin, end, [](F32 x) RECTIFY_LAMBDA { return relu::forward(x); }, x_of(work));
  });
}

void relu_backward(const Work& work, size_t begin, size_t end) {
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        work, begin, end, [](F32 x, F32 dy) RECTIFY_LAMBDA { return relu::backward(x, dy); }, x_of(work), dy_of(work));
  });
}

// The input gradient and what an element adds to the slope's gradient, as the loops call them.
constexpr auto prelu_gradient = [](F32 slope, F32 x, F32 dy) RECTIFY_LAMBDA { return prelu::backward(x, dy, slope); };
constexpr auto prelu_add = [](F32 x, F32 dy, F32 sum) RECTIFY_LAMBDA {
  return fma_where(less(x, broadcast(0)), dy, prelu::parameter_factor(x), sum);
};

void prelu_forward(const Work& work, size_t begin, size_t end) {
  const float slope = *static_cast<const float*>(work.parameter);
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    if (work.channels == 1 && slope > 0 && slope <= 1) {
      const F32 a = broadcast(slope);
      return map_elements<how>(
          work, begin, end, [&](F32 x) RECTIFY_LAMBDA { return prelu::forward_of_small_slope(x, a); }, x_of(work));
    }
    map_channels<how>(
        work, begin, end, [](F32 a, F32 x) RECTIFY_LAMBDA { return prelu::forward(x, a); }, x_of(work));
  });
}

void prelu_backward(const Work& work, size_t begin, size_t end) {
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_channels<how>(work, begin, end, prelu_gradient, x_of(work), dy_of(work));
  });
}

void prelu_backward_with_parameter(const Work& work, const SumPart& part) {
  with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
    const auto dx_of = [&](size_t begin, size_t end) RECTIFY_LAMBDA { prelu_backward(work, begin, end); };
    if (work.inner == 1 && work.channels > 1) return sum_rows<how>(work, part, prelu_gradient, prelu_add, dx_of);
    sum_runs<how>(work, part, prelu_gradient, prelu_add, dx_of);
  });
}

// The walk of a lengthy formula, f(inputs...).
template <class F, class... Inputs>
RECTIFY_INLINE void map_lengthy(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  if (!work.beyond_cache) return map_elements<Store::ordinary, Formula::lengthy>(work, begin, end, f, inputs...);
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how, Formula::lengthy_from_dram>(work, begin, end, f, inputs...);
  });
}

// ELU's alpha is one for the whole tensor.
template <elu::Alpha range>
RECTIFY_INLINE void elu_forward_in_range(const Work& work, size_t begin, size_t end, F32 alpha) {
  map_lengthy(
      work, begin, end, [&](F32 x) RECTIFY_LAMBDA { return elu::forward<range>(x, alpha); }, x_of(work));
}

void elu_forward(const Work& work, size_t begin, size_t end) {
  const float alpha = *static_cast<const float*>(work.parameter);
  if (alpha == 1) return elu_forward_in_range<elu::Alpha::one>(work, begin, end, broadcast(1));
  if (alpha > 0 && alpha < 1) return elu_forward_in_range<elu::Alpha::to_one>(work, begin, end, broadcast(alpha));
  elu_forward_in_range<elu::Alpha::any>(work, begin, end, broadcast(alpha));
}

template <elu::Alpha range>
RECTIFY_INLINE void elu_backward_in_range(const Work& work, size_t begin, size_t end, F32 alpha) {
  map_lengthy(
      work, begin, end, [&](F32 x, F32 dy) RECTIFY_LAMBDA { return elu::backward<range>(x, dy, alpha); }, x_of(work),
      dy_of(work));
}

void elu_backward(const Work& work, size_t begin, size_t end) {
  const float alpha = *static_cast<const float*>(work.parameter);
  if (alpha == 1) return elu_backward_in_range<elu::Alpha::one>(work, begin, end, broadcast(1));
  elu_backward_in_range<elu::Alpha::any>(work, begin, end, broadcast(alpha));
}

void elu_backward_from_y(const Work& work, size_t begin, size_t end) {
  const F32 alpha = broadcast(*static_cast<const float*>(work.parameter));
  with_store(work.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        work, begin, end, [&](F32 y, F32 dy) RECTIFY_LAMBDA { return elu::backward_from_y(y, dy, alpha); }, x_of(work),
        dy_of(work));
  });
}

void elu_backward_with_parameter(const Work& work, const SumPart& part) {
  with_sum_store(work, [&]<Store how>() RECTIFY_LAMBDA {
    sum_long_runs<how>(
        work, part, [](F32 alpha, F32 x, F32 dy) RECTIFY_LAMBDA { return elu::backward<elu::Alpha::any>(x, dy, alpha); },
        [](F32 x, F32 dy, F32 sum)
            RECTIFY_LAMBDA { return fma_where(less(x, broadcast(0)), dy, elu::parameter_factor(x), sum); });
  });
}

void fold(void* nodes, size_t count, size_t channels, void* sums) {
  fold_nodes(static_cast<float*>(nodes), count, channels, static_cast<float*>(sums));
}

constexpr Kernels f32_kernels = {
#define RECTIFY_ENTRY(activation, direction) activation##_##direction,
    RECTIFY_MAPS(RECTIFY_ENTRY) RECTIFY_SUMS(RECTIFY_ENTRY)
#undef RECTIFY_ENTRY
        fold};

}  // namespace
}  // namespace rectify
