// Every operation of the list as a kernel: a formula of activations/ put into a walk of loops/. A backend includes this
// after its vector.hpp and exports the table made here.
#pragma once

#include "activations/elu.hpp"
#include "activations/prelu.hpp"
#include "activations/relu.hpp"
#include "backend.hpp"
#include "loops/channels.hpp"
#include "loops/reduce.hpp"

namespace rectify {
namespace {

// Chooses the kind of store, once per task.
template <class Walk>
RECTIFY_INLINE void with_store(bool streaming, Walk walk) {
  if (!streaming) return walk.template operator()<Store::ordinary>();
  walk.template operator()<Store::streaming>();
  stream_fence();
}

const float* x_of(const MapTask& task) { return static_cast<const float*>(task.x); }
const float* dy_of(const MapTask& task) { return static_cast<const float*>(task.dy); }

void relu_forward(const MapTask& task) {
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        task, task.begin, task.end, [](F32 x) RECTIFY_LAMBDA { return relu::forward(x); }, x_of(task));
  });
}

void relu_backward(const MapTask& task) {
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        task, task.begin, task.end, [](F32 x, F32 dy) RECTIFY_LAMBDA { return relu::backward(x, dy); }, x_of(task),
        dy_of(task));
  });
}

void prelu_forward(const MapTask& task) {
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_channels<how>(
        task, [](F32 slope, F32 x) RECTIFY_LAMBDA { return prelu::forward(x, slope); }, x_of(task));
  });
}

void prelu_backward(const MapTask& task) {
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_channels<how>(
        task, [](F32 slope, F32 x, F32 dy) RECTIFY_LAMBDA { return prelu::backward(x, dy, slope); }, x_of(task),
        dy_of(task));
  });
}

// ELU's alpha is one for the whole tensor; alpha = 1 has code of its own.
template <class WithAlpha>
RECTIFY_INLINE void with_alpha(const MapTask& task, WithAlpha with) {
  const float alpha = *static_cast<const float*>(task.parameter);
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    if (alpha == 1.0f) return with.template operator()<how, true>(broadcast(1.0f));
    with.template operator()<how, false>(broadcast(alpha));
  });
}

void elu_forward(const MapTask& task) {
  with_alpha(task, [&]<Store how, bool unit>(F32 alpha) RECTIFY_LAMBDA {
    map_elements<how, Formula::lengthy>(
        task, task.begin, task.end, [&](F32 x) RECTIFY_LAMBDA { return elu::forward<unit>(x, alpha); }, x_of(task));
  });
}

void elu_backward(const MapTask& task) {
  with_alpha(task, [&]<Store how, bool unit>(F32 alpha) RECTIFY_LAMBDA {
    map_elements<how, Formula::lengthy>(
        task, task.begin, task.end, [&](F32 x, F32 dy) RECTIFY_LAMBDA { return elu::backward<unit>(x, dy, alpha); },
        x_of(task), dy_of(task));
  });
}

void elu_backward_from_y(const MapTask& task) {
  const F32 alpha = broadcast(*static_cast<const float*>(task.parameter));
  with_store(task.streaming, [&]<Store how>() RECTIFY_LAMBDA {
    map_elements<how>(
        task, task.begin, task.end, [&](F32 y, F32 dy) RECTIFY_LAMBDA { return elu::backward_from_y(y, dy, alpha); },
        x_of(task), dy_of(task));
  });
}

void prelu_backward_with_parameter(const SumTask& task) {
  const auto f = [](F32 slope, F32 x, F32 dy, F32* sum) RECTIFY_LAMBDA {
    *sum = fma_where(less(x, broadcast(0)), dy, prelu::parameter_factor(x), *sum);
    return prelu::backward(x, dy, slope);
  };
  const bool rows = task.inner == 1 && task.channels > 1;
  with_sum_store(task, rows, [&]<Store how>() RECTIFY_LAMBDA {
    if (rows) return sum_rows<how>(task, f);
    sum_runs<how>(task, f);
  });
}

void elu_backward_with_parameter(const SumTask& task) {
  with_sum_store(task, false, [&]<Store how>() RECTIFY_LAMBDA {
    sum_runs<how>(task, [](F32 alpha, F32 x, F32 dy, F32* sum) RECTIFY_LAMBDA {
      *sum = fma_where(less(x, broadcast(0)), dy, elu::parameter_factor(x), *sum);
      return elu::backward<false>(x, dy, alpha);
    });
  });
}

void fold(const FoldTask& task) { fold_nodes(task); }

constexpr Kernels f32_kernels = {
#define RECTIFY_ENTRY(activation, direction) activation##_##direction,
    RECTIFY_MAPS(RECTIFY_ENTRY) RECTIFY_SUMS(RECTIFY_ENTRY)
#undef RECTIFY_ENTRY
        fold};

}  // namespace
}  // namespace rectify
