// Every operation of the CUDA library as one call on the arrays of a measurement, and the same by cub::DeviceTransform
// where it has one.
#pragma once

#include <cub/device/device_transform.cuh>
#include <string_view>
#include <vector>

#include "ceilings.cuh"
#include "rectify/rectify_cuda.h"

namespace roofline_cuda {

// What the operations share: memory for slopes, sums and scratch.
struct Small {
  float* slope;
  float* sums;
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

template <class F>
cudaError_t transform1(const Arrays& a, size_t n, F f) {
  return cub::DeviceTransform::Transform(a.x, a.out, n, f);
}
template <class F>
cudaError_t transform2(const Arrays& a, size_t n, F f) {
  return cub::DeviceTransform::Transform(cuda::std::make_tuple(a.x, a.dy), a.out, n, f);
}

struct ReluOf {
  __device__ float operator()(float x) const { return x < 0 ? 0.0f : x; }
  __device__ float operator()(float x, float dy) const { return x <= 0 ? 0.0f : dy; }
};
struct LeakyReluOf {
  float slope;
  __device__ float operator()(float x) const { return x < 0 ? slope * x : x; }
  __device__ float operator()(float x, float dy) const { return x <= 0 ? slope * dy : dy; }
};
struct EluOf {
  __device__ float operator()(float x) const { return x < 0 ? expm1f(x) : x; }
  __device__ float operator()(float x, float dy) const { return x <= 0 ? expf(x) * dy : dy; }
};
struct EluFromYOf {
  __device__ float operator()(float y, float dy) const { return y <= 0 ? (y + 1) * dy : dy; }
};

inline std::vector<Operation> operations() {
  constexpr int32_t f32 = RECTIFY_F32;
  std::vector<Operation> all = {
      {"relu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_relu_forward(f32, s.inner, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1(a, n, ReluOf{}); }},
      {"relu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_relu_backward(f32, s.inner, a.x, a.dy, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2(a, n, ReluOf{}); }},
      {"leaky_relu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_leaky_relu_forward(f32, s.inner, 0.01, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1(a, n, LeakyReluOf{0.01f}); }},
      {"leaky_relu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_leaky_relu_backward(f32, s.inner, 0.01, a.x, a.dy, a.out, nullptr, nullptr, 0, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2(a, n, LeakyReluOf{0.01f}); }},
      {"leaky_relu", "backward_with_dslope", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small& small) {
         return rectify_cuda_leaky_relu_backward(f32, s.inner, 0.01, a.x, a.dy, a.out, small.sums, small.scratch,
                                                 small.scratch_bytes, nullptr);
       }},
      {"elu", "forward", "flat", 1,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_forward(f32, s.inner, 1, a.x, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform1(a, n, EluOf{}); }},
      {"elu", "backward", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_backward(f32, s.inner, 1, a.x, a.dy, a.out, nullptr, nullptr, 0, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2(a, n, EluOf{}); }},
      {"elu", "backward_from_y", "flat", 2,
       [](const Arrays& a, rectify_shape s, const Small&) {
         return rectify_cuda_elu_backward_from_y(f32, s.inner, 1, a.x, a.dy, a.out, nullptr);
       },
       [](const Arrays& a, size_t n) { return transform2(a, n, EluFromYOf{}); }},
      {"elu", "backward_with_dalpha", "flat", 2, [](const Arrays& a, rectify_shape s, const Small& small) {
         return rectify_cuda_elu_backward(f32, s.inner, 1, a.x, a.dy, a.out, small.sums, small.scratch, small.scratch_bytes,
                                          nullptr);
       }}};
  for (const char* layout : {"flat", "nchw", "nhwc", "per_element"}) {
    all.push_back({"prelu", "forward", layout, 1, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_forward(f32, f32, s, a.x, small.slope, a.out, nullptr);
                   }});
    all.push_back({"prelu", "backward", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_backward(f32, f32, s, a.x, small.slope, a.dy, a.out, nullptr, nullptr, 0,
                                                        nullptr);
                   }});
    all.push_back({"prelu", "backward_with_dslope", layout, 2, [](const Arrays& a, rectify_shape s, const Small& small) {
                     return rectify_cuda_prelu_backward(f32, f32, s, a.x, small.slope, a.dy, a.out, small.sums,
                                                        small.scratch, small.scratch_bytes, nullptr);
                   }});
  }
  return all;
}

}  // namespace roofline_cuda
