// Every operation of the CUDA library as one call on the arrays of a measurement, in each number format, and the same by
// cub::DeviceTransform where it has one.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cub/device/device_transform.cuh>
#include <string_view>
#include <vector>

#include "ceilings.cuh"
#include "rectify/rectify_cuda.h"

namespace roofline_cuda {

// A number format by the type that CUDA has for it. Slopes are of the type that computes.
template <class Element>
struct Format;
template <>
struct Format<float> {
  static constexpr const char* name = "f32";
  static constexpr int32_t dtype = RECTIFY_F32, slope_dtype = RECTIFY_F32;
  using Computed = float;
};
template <>
struct Format<__half> {
  static constexpr const char* name = "f16";
  static constexpr int32_t dtype = RECTIFY_F16, slope_dtype = RECTIFY_F32;
  using Computed = float;
};
template <>
struct Format<__nv_bfloat16> {
  static constexpr const char* name = "bf16";
  static constexpr int32_t dtype = RECTIFY_BF16, slope_dtype = RECTIFY_F32;
  using Computed = float;
};
template <>
struct Format<double> {
  static constexpr const char* name = "f64";
  static constexpr int32_t dtype = RECTIFY_F64, slope_dtype = RECTIFY_F64;
  using Computed = double;
};

// What the operations share: memory for slopes, or biases, sums and scratch.
struct Small {
  void* slope;
  void* sums;
  void* scratch;
  size_t scratch_bytes;
};

struct Operation {
  const char* operation;
  const char* direction;
  const char* layout;
  int reads;
  int32_t (*run)(const Arrays& arrays, rectify_shape shape, const Small& small);
  cudaError_t (*cub)(const Arrays& arrays, size_t n) = nullptr;
};

// At least n elements.
inline rectify_shape shape_of(std::string_view layout, size_t n) {
  if (layout == "nchw") return {(n + 64 * 784 - 1) / (64 * 784), 64, 784};
  if (layout == "nhwc") return {(n + 63) / 64, 64, 1};
  if (layout == "per_element") return {64, (n + 63) / 64, 1};
  return {1, 1, n};
}

template <class E, class F>
cudaError_t transform1(const Arrays& a, size_t n, F f) {
  return cub::DeviceTransform::Transform(static_cast<const E*>(a.x), static_cast<E*>(a.out), n, f);
}
template <class E, class F>
cudaError_t transform2(const Arrays& a, size_t n, F f) {
  return cub::DeviceTransform::Transform(cuda::std::make_tuple(static_cast<const E*>(a.x), static_cast<const E*>(a.dy)),
                                         static_cast<E*>(a.out), n, f);
}

// The peers' functions, computed like ours and rounded once.
struct Relu {
  template <class T>
  __device__ T operator()(T x) const {
    return x < 0 ? 0 : x;
  }
  template <class T>
  __device__ T operator()(T x, T dy) const {
    return x <= 0 ? 0 : dy;
  }
};
struct LeakyRelu {
  template <class T>
  __device__ T operator()(T x) const {
    return x < 0 ? T(0.01) * x : x;
  }
  template <class T>
  __device__ T operator()(T x, T dy) const {
    return x <= 0 ? T(0.01) * dy : dy;
  }
};
struct Elu {
  template <class T>
  __device__ T operator()(T x) const {
    return x < 0 ? expm1(x) : x;
  }
  template <class T>
  __device__ T operator()(T x, T dy) const {
    return x <= 0 ? exp(x) * dy : dy;
  }
};
struct EluFromY {
  template <class T>
  __device__ T operator()(T y, T dy) const {
    return y <= 0 ? (y + 1) * dy : dy;
  }
};
template <class E, class F>
struct Rounded {
  using Computed = typename Format<E>::Computed;
  __device__ E operator()(E x) const { return static_cast<E>(F()(static_cast<Computed>(x))); }
  __device__ E operator()(E x, E dy) const {
    return static_cast<E>(F()(static_cast<Computed>(x), static_cast<Computed>(dy)));
  }
};

constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

template <class E>
std::vector<Operation> operations() {
  static constexpr int32_t dtype = Format<E>::dtype, slope_dtype = Format<E>::slope_dtype;
  std::vector<Operation> all = {
      {"relu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_relu_forward(dtype, s.inner, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1<E>(a, n, Rounded<E, Relu>{}); }},
      {"relu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_relu_backward(dtype, s.inner, a.x, a.dy, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2<E>(a, n, Rounded<E, Relu>{}); }},
      // x's first bytes are the mask, at most a sixteenth of dy's, and not counted.
      {"relu", "backward_from_mask", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_relu_backward_from_mask(dtype, s.inner, a.x, a.dy, a.out, nullptr);
       }},
      {"leaky_relu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_leaky_relu_forward(dtype, s.inner, 0.01, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1<E>(a, n, Rounded<E, LeakyRelu>{}); }},
      {"leaky_relu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_leaky_relu_backward(dtype, s.inner, 0.01, a.x, a.dy, a.out, nullptr, nullptr, 0, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2<E>(a, n, Rounded<E, LeakyRelu>{}); }},
      {"leaky_relu", "backward_with_dslope", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small& small) {
         return rectify_cuda_leaky_relu_backward(dtype, s.inner, 0.01, a.x, a.dy, a.out, small.sums, small.scratch,
                                                 small.scratch_bytes, nullptr);
       }},
      {"elu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_forward(dtype, s.inner, 1, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1<E>(a, n, Rounded<E, Elu>{}); }},
      {"elu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_backward(dtype, s.inner, 1, a.x, a.dy, a.out, nullptr, nullptr, 0, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2<E>(a, n, Rounded<E, Elu>{}); }},
      {"elu", "backward_from_y", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_backward_from_y(dtype, s.inner, 1, a.x, a.dy, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2<E>(a, n, Rounded<E, EluFromY>{}); }},
      {"elu", "backward_with_dalpha", "flat", 2, [](const Arrays& a, rectify_shape s, const Small& small) {
         return rectify_cuda_elu_backward(dtype, s.inner, 1, a.x, a.dy, a.out, small.sums, small.scratch,
                                          small.scratch_bytes, nullptr);
       }}};
  for (const char* layout : {"flat", "nchw", "nhwc", "per_element"}) {
    all.push_back({"prelu", "forward", layout, 1, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_forward(dtype, slope_dtype, s, a.x, small.slope, a.out, nullptr);
                   }});
    all.push_back({"prelu", "backward", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_backward(dtype, slope_dtype, s, a.x, small.slope, a.dy, a.out, nullptr,
                                                        nullptr, 0, nullptr);
                   }});
    all.push_back({"prelu", "backward_with_dslope", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_backward(dtype, slope_dtype, s, a.x, small.slope, a.dy, a.out, small.sums,
                                                        small.scratch, small.scratch_bytes, nullptr);
                   }});
  }
  for (const char* layout : {"nchw", "nhwc"}) {
    all.push_back({"relu", "forward_with_bias", layout, 1, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_fused_forward(dtype, slope_dtype, s, a.x, small.slope, nullptr, relu, a.out,
                                                       nullptr, nullptr);
                   }});
    all.push_back({"relu", "forward_of_sum_with_bias", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_fused_forward(dtype, slope_dtype, s, a.x, small.slope, a.dy, relu, a.out, nullptr,
                                                       nullptr);
                   }});
    all.push_back({"relu", "backward_with_dbias", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_fused_backward(dtype, slope_dtype, s, a.x, small.slope, nullptr, nullptr, relu,
                                                        a.dy, a.out, small.sums, nullptr, small.scratch,
                                                        small.scratch_bytes, nullptr);
                   }});
  }
  return all;
}

}  // namespace roofline_cuda
