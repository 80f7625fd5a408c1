// The public functions of rectify_cuda.h that do more than an activation: with masks, bias and residual. The CPU's are in
// fused_api.cpp.
#include <rectify/rectify_cuda.h>

#include "dispatch/arguments.hpp"
#include "dispatch/cuda_operations.hpp"
#include "dispatch/tensors.hpp"
#include "kernels/cuda/plan.hpp"
#include "launch.cuh"

namespace {

using namespace rectify;

// Where the sums' nodes may go, and where a call is enqueued.
struct Place {
  void* scratch;
  size_t scratch_bytes;
  void* stream;
};

cuda::Activation activation_of(int32_t kind) {
  switch (kind) {
    case RECTIFY_RELU:
      return cuda::Activation::relu;
    case RECTIFY_ELU:
      return cuda::Activation::elu;
    default:
      return cuda::Activation::prelu;
  }
}

cuda::FusedRequest request_of(const FusedCall& call, void* stream) {
  cuda::FusedRequest request = {};
  request.activation = activation_of(call.activation.kind);
  request.per_channel = call.per_channel();
  request.scalar = call.per_channel() || call.activation.kind == RECTIFY_RELU ? nullptr : &call.scalar;
  request.work = call.work;
  request.narrow_slopes = cuda::has_narrow_slopes(*call.format);
  request.sums = call.sums;
  request.stream = stream;
  request.mask = call.mask;
  request.dbias = call.dbias;
  return request;
}

int32_t fused_forward(FusedCall& call, void* stream) {
  if (const int32_t status = cuda::device_status()) return status;
  if (const int32_t status = check_fused(call, Needs::forward)) return status;
  if (call.elements == 0) return RECTIFY_OK;
  return cuda::operations_of(call.dtype).fused_forward(request_of(call, stream));
}

// The sums of a tensor without elements.
int32_t clear_sums(const FusedCall& call, const cuda::FusedRequest& request) {
  const cuda::Operations& operations = cuda::operations_of(call.dtype);
  if (call.dbias != nullptr && call.work.channels != 0) {
    cuda::Request bias = request;
    bias.sums = call.dbias;
    if (const int32_t status = operations.clear_sums(bias)) return status;
  }
  cuda::Request parameter = request;
  if (!request.per_channel) {
    parameter.work.channels = 1;
    parameter.narrow_slopes = false;
  }
  return call.sums == nullptr || parameter.work.channels == 0 ? RECTIFY_OK : operations.clear_sums(parameter);
}

int32_t fused_backward(FusedCall& call, const Place& place, size_t scratch_bytes(const Work&, size_t, bool)) {
  if (const int32_t status = cuda::device_status()) return status;
  if (const int32_t status = check_fused(call, Needs::backward_with_parameter)) return status;
  cuda::FusedRequest request = request_of(call, place.stream);
  if (call.elements == 0) return clear_sums(call, request);
  if (call.mask_alone()) request.work.x = request.work.bias = request.work.residual = nullptr;
  if (call.sums != nullptr || call.dbias != nullptr) {
    const size_t needed = scratch_bytes(call.work, call.format->element_size, request.narrow_slopes);
    if (const int32_t status = check_fused_scratch(call, place.scratch, place.scratch_bytes, needed)) return status;
    request.scratch = place.scratch;
  }
  request.divides_by_slope = call.mask != nullptr && call.sums != nullptr;
  return cuda::operations_of(call.dtype).fused_backward(request);
}

int32_t forward_with_mask(int32_t dtype, int64_t slope_dtype, rectify_shape shape, const rectify_activation& activation,
                          const void* x, void* y, void* mask, void* stream) {
  FusedCall call(dtype, slope_dtype, shape, activation, x, nullptr, y, nullptr, nullptr);
  call.work.mask_out = mask;
  call.needs_mask = true;
  return fused_forward(call, stream);
}

int32_t backward_from_mask(int32_t dtype, int64_t slope_dtype, rectify_shape shape, const rectify_activation& activation,
                           const void* y, const void* mask, const void* dy, void* dx, void* dslope, const Place& place) {
  FusedCall call(dtype, slope_dtype, shape, activation, y, dy, dx, dslope, nullptr);
  call.mask = mask;
  call.needs_mask = true;
  return fused_backward(call, place, cuda::scratch_bytes);
}

constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

constexpr Place nowhere_on(void* stream) { return {nullptr, 0, stream}; }

}  // namespace

extern "C" {

int32_t rectify_cuda_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                            void* stream) noexcept {
  return forward_with_mask(dtype, no_slopes, one_channel(n), relu, x, y, mask, stream);
}

int32_t rectify_cuda_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                             void* stream) noexcept {
  return backward_from_mask(dtype, no_slopes, one_channel(n), relu, nullptr, mask, dy, dx, nullptr, nowhere_on(stream));
}

int32_t rectify_cuda_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y, void* mask,
                                                  void* stream) noexcept {
  return forward_with_mask(dtype, no_slopes, one_channel(n), {RECTIFY_LEAKY_RELU, slope, nullptr}, x, y, mask, stream);
}

int32_t rectify_cuda_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask, const void* dy,
                                                   void* dx, void* stream) noexcept {
  return backward_from_mask(dtype, no_slopes, one_channel(n), {RECTIFY_LEAKY_RELU, slope, nullptr}, nullptr, mask, dy, dx,
                            nullptr, nowhere_on(stream));
}

int32_t rectify_cuda_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                             const void* slope, void* y, void* mask, void* stream) noexcept {
  return forward_with_mask(dtype, slope_dtype, shape, {RECTIFY_PRELU, 0, slope}, x, y, mask, stream);
}

int32_t rectify_cuda_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                              const void* mask, const void* slope, const void* dy, void* dx, void* dslope,
                                              void* scratch, size_t scratch_bytes, void* stream) noexcept {
  return backward_from_mask(dtype, slope_dtype, shape, {RECTIFY_PRELU, 0, slope}, y, mask, dy, dx, dslope,
                            {scratch, scratch_bytes, stream});
}

int32_t rectify_cuda_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                   const void* bias, const void* residual, rectify_activation activation, void* y,
                                   void* mask, void* stream) noexcept {
  FusedCall call(dtype, parameter_dtype, shape, activation, x, nullptr, y, nullptr, nullptr);
  call.work.bias = bias;
  call.work.residual = residual;
  call.work.mask_out = mask;
  return fused_forward(call, stream);
}

int32_t rectify_cuda_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                    const void* bias, const void* residual, const void* mask, rectify_activation activation,
                                    const void* dy, void* dx, void* dbias, void* dparameter, void* scratch,
                                    size_t scratch_bytes, void* stream) noexcept {
  FusedCall call(dtype, parameter_dtype, shape, activation, x, dy, dx, dparameter, nullptr);
  call.work.bias = bias;
  call.work.residual = residual;
  call.mask = mask;
  call.dbias = dbias;
  return fused_backward(call, {scratch, scratch_bytes, stream}, cuda::fused_scratch_bytes);
}

int32_t rectify_cuda_fused_scratch_bytes(int32_t dtype, int32_t parameter_dtype, rectify_shape shape,
                                         size_t* bytes) noexcept {
  if (bytes == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  FusedCall call(dtype, parameter_dtype, shape, relu, nullptr, nullptr, nullptr, nullptr, nullptr);
  if (const int32_t status = check_shape(call)) return status;
  *bytes = cuda::fused_scratch_bytes(call.work, call.format->element_size, cuda::has_narrow_slopes(*call.format));
  return RECTIFY_OK;
}
}
