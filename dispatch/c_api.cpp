// The public functions: check the arguments, choose the backend, hand the work on.
#include <rectify/rectify.h>

#include <cstring>

#include "dispatch/arguments.hpp"
#include "dispatch/select.hpp"
#include "dispatch/tasks.hpp"
#include "dispatch/tensors.hpp"

namespace {

using namespace rectify;

// Runs what a checked call asks for: the one-pass kernel where sums are wanted, the plain one otherwise.
int32_t run(Call& call, MapKernel map, SumKernel sum = nullptr) {
  if (call.elements == 0) {
    if (call.sums != nullptr && call.work.channels != 0)
      std::memset(call.sums, 0, call.work.channels * call.format->slope_size);
    return RECTIFY_OK;
  }
  if (call.sums != nullptr) return run_sum(sum, call);
  run_map(map, call);
  return RECTIFY_OK;
}

// Checks the call and completes it. Inline, like the checks themselves.
[[gnu::always_inline]] inline int32_t check(Call& call, Needs needs) {
  if (const int32_t status = check_tensors(call, needs)) return status;
  return check_how(call);
}

}  // namespace

extern "C" {

int32_t rectify_version(void) noexcept { return RECTIFY_VERSION; }

int32_t rectify_numerics_version(void) noexcept { return 1; }

const char* rectify_status_text(int32_t status) noexcept {
  switch (status) {
    case RECTIFY_OK:
      return "success";
    case RECTIFY_ERROR_NULL_POINTER:
      return "a required pointer is NULL";
    case RECTIFY_ERROR_UNKNOWN_DTYPE:
      return "unknown number format (dtype)";
    case RECTIFY_ERROR_UNSUPPORTED_DTYPE:
      return "these number formats (dtype, slope_dtype) are not computed together";
    case RECTIFY_ERROR_SIZE_OVERFLOW:
      return "the shape has more elements or bytes than size_t can count";
    case RECTIFY_ERROR_OVERLAP:
      return "an output overlaps another tensor and is not exactly one of the full-size inputs";
    case RECTIFY_ERROR_UNALIGNED:
      return "a pointer is not aligned to its element type";
    case RECTIFY_ERROR_INVALID_ARGUMENT:
      return "invalid argument: alpha must be finite, and not below zero where y is given; one output must be asked for, "
             "and none that the activation does not have; spans must have the lengths that the operation says";
    case RECTIFY_ERROR_INVALID_OPTIONS:
      return "invalid options: struct_size is too small, or a field has a value that this version does not know";
    case RECTIFY_ERROR_UNKNOWN_BACKEND:
      return "the backend named in options or RECTIFY_ISA is not part of this library";
    case RECTIFY_ERROR_UNAVAILABLE_BACKEND:
      return "the backend named in options or RECTIFY_ISA is not available on this machine or excluded by RECTIFY_ISA";
    case RECTIFY_ERROR_OUT_OF_MEMORY:
      return "out of memory";
    case RECTIFY_ERROR_NO_DEVICE:
      return "no CUDA device: there is no driver or no GPU";
    case RECTIFY_ERROR_CUDA:
      return "the CUDA runtime refused the work";
    case RECTIFY_ERROR_SCRATCH_TOO_SMALL:
      return "the scratch is smaller than the call needs";
    default:
      return "unknown status";
  }
}

int32_t rectify_backend_in_use(const rectify_options* options, const char** name) noexcept {
  if (name == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  if (const int32_t status = check_options(options)) return status;
  const Backend* backend;
  if (const int32_t status = select_backend(options == nullptr ? nullptr : options->backend, &backend)) return status;
  *name = backend->name;
  return RECTIFY_OK;
}

int32_t rectify_relu_forward(int32_t dtype, size_t n, const void* x, void* y, const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, call.kernels->relu_forward);
}

int32_t rectify_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                              const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), nullptr, options);
  if (const int32_t status = check(call, Needs::backward)) return status;
  return run(call, call.kernels->relu_backward);
}

int32_t rectify_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                   const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options);
  if (const int32_t status = check(call, Needs::forward)) return status;
  const Scalar rounded = round_scalar(*call.format, slope);
  call.work.parameter = &rounded;
  return run(call, call.kernels->prelu_forward);
}

int32_t rectify_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                    void* dslope, const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dslope, options);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  const Scalar rounded = round_scalar(*call.format, slope);
  call.work.parameter = &rounded;
  return run(call, call.kernels->prelu_backward, call.kernels->prelu_backward_with_parameter);
}

int32_t rectify_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                              void* y, const rectify_options* options) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, nullptr, y, slope), nullptr, options);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, call.kernels->prelu_forward);
}

int32_t rectify_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                               const void* dy, void* dx, void* dslope, const rectify_options* options) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, dy, dx, slope), dslope, options);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  return run(call, call.kernels->prelu_backward, call.kernels->prelu_backward_with_parameter);
}

int32_t rectify_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                            const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::forward)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  call.work.parameter = &rounded;
  call.exponential = true;
  return run(call, call.kernels->elu_forward);
}

int32_t rectify_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx, void* dalpha,
                             const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dalpha, options);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  call.work.parameter = &rounded;
  call.exponential = true;
  return run(call, call.kernels->elu_backward, call.kernels->elu_backward_with_parameter);
}

int32_t rectify_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                    const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, flat(n, y, dy, dx), nullptr, options);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  if (below_zero(alpha)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  call.work.parameter = &rounded;
  return run(call, call.kernels->elu_backward_from_y);
}
}
