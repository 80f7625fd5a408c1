// The public functions of rectify_cuda.h that do more than an activation: with masks, bias and residual. The CPU's are in
// fused_api.cpp.
#include <rectify/rectify_cuda.h>

#include "dispatch/arguments.hpp"
#include "dispatch/cuda_operations.hpp"
#include "kernels/cuda/plan.hpp"
#include "launch.cuh"

namespace {

using namespace rectify;

bool has_narrow_slopes(const Format& format) { return format.slope_size < format.scalar_size; }

Work work_of(rectify_shape shape, const void* x, const void* dy, void* out, const void* slope) {
  return {x, dy, out, slope, shape.outer, shape.channels, shape.inner, false, false};
}

constexpr rectify_shape one_channel(size_t n) { return {1, 1, n}; }

constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

// Where the sums' nodes may go, and where a call is enqueued.
struct Place {
  void* scratch;
  size_t scratch_bytes;
  void* stream;
};

// What the kernels are told of the activation. `scalar` must live until they are enqueued.
int32_t find_activation(const FusedCall& call, const rectify_activation& given, Scalar* scalar, cuda::FusedRequest& found) {
  const Format* scalar_format;
  if (const int32_t status = find_format(call.dtype, no_slopes, &scalar_format)) return status;
  switch (given.kind) {
    case RECTIFY_RELU:
      found.activation = cuda::Activation::relu;
      return RECTIFY_OK;
    case RECTIFY_LEAKY_RELU:
      found.activation = cuda::Activation::prelu;
      *scalar = round_scalar(*scalar_format, given.parameter);
      found.scalar = scalar;
      return RECTIFY_OK;
    case RECTIFY_PRELU:
      found.activation = cuda::Activation::prelu;
      found.per_channel = true;
      return given.slope == nullptr && call.elements != 0 ? RECTIFY_ERROR_NULL_POINTER : RECTIFY_OK;
    case RECTIFY_ELU:
      found.activation = cuda::Activation::elu;
      found.scalar = scalar;
      return check_alpha(*scalar_format, given.parameter, scalar);
    default:
      return RECTIFY_ERROR_INVALID_ARGUMENT;
  }
}

cuda::FusedRequest request_of(const FusedCall& call, void* stream) {
  cuda::FusedRequest request = {};
  request.work = call.work;
  request.narrow_slopes = has_narrow_slopes(*call.format);
  request.sums = call.sums;
  request.stream = stream;
  request.bias = call.bias;
  request.residual = call.residual;
  request.mask = call.mask;
  request.mask_out = call.mask_out;
  request.dbias = call.dbias;
  return request;
}

int32_t fused_forward(FusedCall& call, const rectify_activation& given, void* stream) {
  if (const int32_t status = cuda::device_status()) return status;
  if (const int32_t status = check_fused_tensors(call, Needs::forward)) return status;
  cuda::FusedRequest request = request_of(call, stream);
  Scalar scalar;
  if (const int32_t status = find_activation(call, given, &scalar, request)) return status;
  if (call.elements == 0) return RECTIFY_OK;
  if (call.work.x == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  return cuda::operations_of(call.dtype).fused_forward(request);
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

int32_t fused_backward(FusedCall& call, const rectify_activation& given, const Place& place,
                       size_t scratch_bytes(const Work&, size_t, bool)) {
  call.sums_are_scalar = given.kind != RECTIFY_PRELU;
  if (const int32_t status = cuda::device_status()) return status;
  if (const int32_t status = check_fused_tensors(call, Needs::backward_with_parameter)) return status;
  cuda::FusedRequest request = request_of(call, place.stream);
  Scalar scalar;
  if (const int32_t status = find_activation(call, given, &scalar, request)) return status;
  if (call.sums != nullptr && given.kind == RECTIFY_RELU) return RECTIFY_ERROR_INVALID_ARGUMENT;
  const bool mask_alone = call.mask != nullptr && given.kind != RECTIFY_PRELU;
  if (mask_alone && (given.kind == RECTIFY_ELU || call.sums != nullptr)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  if (call.elements == 0) return clear_sums(call, request);
  if (mask_alone) {
    request.work.x = request.bias = request.residual = nullptr;
  } else if (call.work.x == nullptr) {
    return RECTIFY_ERROR_NULL_POINTER;
  }
  if (call.sums != nullptr || call.dbias != nullptr) {
    const size_t needed = scratch_bytes(call.work, call.format->element_size, request.narrow_slopes);
    if (const int32_t status = check_fused_scratch(call, place.scratch, place.scratch_bytes, needed)) return status;
    request.scratch = place.scratch;
  }
  request.divides_by_slope = call.mask != nullptr && call.sums != nullptr;
  return cuda::operations_of(call.dtype).fused_backward(request);
}

FusedCall forward_with_mask(int32_t dtype, int64_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                            void* y, void* mask) {
  FusedCall call(dtype, slope_dtype, work_of(shape, x, nullptr, y, slope), nullptr, nullptr);
  call.mask_out = mask;
  call.needs_mask = true;
  return call;
}

FusedCall backward_from_mask(int32_t dtype, int64_t slope_dtype, rectify_shape shape, const void* y, const void* mask,
                             const void* slope, const void* dy, void* dx, void* dslope) {
  FusedCall call(dtype, slope_dtype, work_of(shape, y, dy, dx, slope), dslope, nullptr);
  call.mask = mask;
  call.needs_mask = true;
  return call;
}

constexpr Place nowhere_on(void* stream) { return {nullptr, 0, stream}; }

}  // namespace

extern "C" {

int32_t rectify_cuda_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                            void* stream) noexcept {
  FusedCall call = forward_with_mask(dtype, no_slopes, one_channel(n), x, nullptr, y, mask);
  return fused_forward(call, relu, stream);
}

int32_t rectify_cuda_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                             void* stream) noexcept {
  FusedCall call = backward_from_mask(dtype, no_slopes, one_channel(n), nullptr, mask, nullptr, dy, dx, nullptr);
  return fused_backward(call, relu, nowhere_on(stream), cuda::scratch_bytes);
}

int32_t rectify_cuda_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y, void* mask,
                                                  void* stream) noexcept {
  FusedCall call = forward_with_mask(dtype, no_slopes, one_channel(n), x, nullptr, y, mask);
  return fused_forward(call, {RECTIFY_LEAKY_RELU, slope, nullptr}, stream);
}

int32_t rectify_cuda_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask, const void* dy,
                                                   void* dx, void* stream) noexcept {
  FusedCall call = backward_from_mask(dtype, no_slopes, one_channel(n), nullptr, mask, nullptr, dy, dx, nullptr);
  return fused_backward(call, {RECTIFY_LEAKY_RELU, slope, nullptr}, nowhere_on(stream), cuda::scratch_bytes);
}

int32_t rectify_cuda_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                             const void* slope, void* y, void* mask, void* stream) noexcept {
  FusedCall call = forward_with_mask(dtype, slope_dtype, shape, x, slope, y, mask);
  return fused_forward(call, {RECTIFY_PRELU, 0, slope}, stream);
}

int32_t rectify_cuda_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                              const void* mask, const void* slope, const void* dy, void* dx, void* dslope,
                                              void* scratch, size_t scratch_bytes, void* stream) noexcept {
  FusedCall call = backward_from_mask(dtype, slope_dtype, shape, y, mask, slope, dy, dx, dslope);
  return fused_backward(call, {RECTIFY_PRELU, 0, slope}, {scratch, scratch_bytes, stream}, cuda::scratch_bytes);
}

int32_t rectify_cuda_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                   const void* bias, const void* residual, rectify_activation activation, void* y,
                                   void* mask, void* stream) noexcept {
  const void* const slope = activation.kind == RECTIFY_PRELU ? activation.slope : nullptr;
  FusedCall call(dtype, parameter_dtype, work_of(shape, x, nullptr, y, slope), nullptr, nullptr);
  call.bias = bias;
  call.residual = residual;
  call.mask_out = mask;
  return fused_forward(call, activation, stream);
}

int32_t rectify_cuda_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                    const void* bias, const void* residual, const void* mask, rectify_activation activation,
                                    const void* dy, void* dx, void* dbias, void* dparameter, void* scratch,
                                    size_t scratch_bytes, void* stream) noexcept {
  const void* const slope = activation.kind == RECTIFY_PRELU ? activation.slope : nullptr;
  FusedCall call(dtype, parameter_dtype, work_of(shape, x, dy, dx, slope), dparameter, nullptr);
  call.bias = bias;
  call.residual = residual;
  call.mask = mask;
  call.dbias = dbias;
  if (const int32_t status = cuda::device_status()) return status;
  if (mask != nullptr && activation.kind == RECTIFY_PRELU) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return fused_backward(call, activation, {scratch, scratch_bytes, stream}, cuda::fused_scratch_bytes);
}

int32_t rectify_cuda_fused_scratch_bytes(int32_t dtype, int32_t parameter_dtype, rectify_shape shape,
                                         size_t* bytes) noexcept {
  if (bytes == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  Call call(dtype, parameter_dtype, work_of(shape, nullptr, nullptr, nullptr, nullptr), nullptr, nullptr);
  if (const int32_t status = check_shape(call)) return status;
  *bytes = cuda::fused_scratch_bytes(call.work, call.format->element_size, has_narrow_slopes(*call.format));
  return RECTIFY_OK;
}
}
