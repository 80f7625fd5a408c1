// The public functions: check the arguments, choose the backend, hand the work on.
#include <rectify/rectify.h>

#include <cstring>

#include "dispatch/arguments.hpp"
#include "dispatch/fp_environment.hpp"
#include "dispatch/select.hpp"

namespace {

using namespace rectify;

// Runs what the checked call asks for: the one-pass kernel where sums are wanted, the plain one otherwise.
int32_t run(const Checked& checked, MapKernel map, SumKernel sum, void* sums) {
  const Work& work = checked.work;
  if (work.elements == 0) {
    if (sums != nullptr && work.shape.channels != 0) std::memset(sums, 0, work.shape.channels * work.element_size);
    return RECTIFY_OK;
  }
  if (sums != nullptr) return run_sum(sum, checked.kernels->fold, work, sums, checked.options);
  run_map(map, work, checked.options);
  return RECTIFY_OK;
}

// The same for an operation with one scalar parameter, which is rounded to the compute type first.
int32_t run_with_scalar(Checked checked, double parameter, MapKernel map, SumKernel sum, void* sums) {
  const float rounded = FpEnvironment().round_to_f32(parameter);
  checked.work.parameter = &rounded;
  return run(checked, map, sum, sums);
}

rectify_shape flat(size_t n) { return {1, 1, n}; }

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
      return "this version does not compute this number format (dtype)";
    case RECTIFY_ERROR_SIZE_OVERFLOW:
      return "the shape has more elements or bytes than size_t can count";
    case RECTIFY_ERROR_OVERLAP:
      return "an output overlaps another tensor and is not exactly one of the full-size inputs";
    case RECTIFY_ERROR_UNALIGNED:
      return "a pointer is not aligned to its element type";
    case RECTIFY_ERROR_INVALID_ARGUMENT:
      return "invalid argument: alpha must be finite, and not below zero where y is given; one output must be asked for; "
             "spans must have the lengths that the operation says";
    case RECTIFY_ERROR_INVALID_OPTIONS:
      return "invalid options: struct_size is too small, or a field has a value that this version does not know";
    case RECTIFY_ERROR_UNKNOWN_BACKEND:
      return "the backend named in options or RECTIFY_ISA is not part of this library";
    case RECTIFY_ERROR_UNAVAILABLE_BACKEND:
      return "the backend named in options or RECTIFY_ISA is not available on this machine or excluded by RECTIFY_ISA";
    case RECTIFY_ERROR_OUT_OF_MEMORY:
      return "out of memory";
    default:
      return "unknown status";
  }
}

int32_t rectify_backend_in_use(const rectify_options* options, const char** name) noexcept {
  if (name == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  rectify_options checked;
  if (const int32_t status = check_options(options, &checked)) return status;
  const Backend* backend;
  if (const int32_t status = select_backend(checked.backend, &backend)) return status;
  *name = backend->name;
  return RECTIFY_OK;
}

int32_t rectify_relu_forward(int32_t dtype, size_t n, const void* x, void* y, const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, nullptr, y, nullptr, nullptr, options};
  if (const int32_t status = check(call, Needs::forward, false, &checked)) return status;
  return run(checked, checked.kernels->relu_forward, nullptr, nullptr);
}

int32_t rectify_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                              const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, dy, dx, nullptr, nullptr, options};
  if (const int32_t status = check(call, Needs::backward, false, &checked)) return status;
  return run(checked, checked.kernels->relu_backward, nullptr, nullptr);
}

int32_t rectify_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                   const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, nullptr, y, nullptr, nullptr, options};
  if (const int32_t status = check(call, Needs::forward, false, &checked)) return status;
  return run_with_scalar(checked, slope, checked.kernels->prelu_forward, nullptr, nullptr);
}

int32_t rectify_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                    void* dslope, const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, dy, dx, nullptr, dslope, options};
  if (const int32_t status = check(call, Needs::backward_with_parameter, false, &checked)) return status;
  return run_with_scalar(checked, slope, checked.kernels->prelu_backward, checked.kernels->prelu_backward_with_parameter,
                         dslope);
}

int32_t rectify_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                              void* y, const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, shape, x, nullptr, y, slope, nullptr, options};
  size_t slope_size;
  if (const int32_t status = check_dtype(slope_dtype, &slope_size)) return status;
  if (const int32_t status = check(call, Needs::forward, true, &checked)) return status;
  return run(checked, checked.kernels->prelu_forward, nullptr, nullptr);
}

int32_t rectify_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                               const void* dy, void* dx, void* dslope, const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, shape, x, dy, dx, slope, dslope, options};
  size_t slope_size;
  if (const int32_t status = check_dtype(slope_dtype, &slope_size)) return status;
  if (const int32_t status = check(call, Needs::backward_with_parameter, true, &checked)) return status;
  return run(checked, checked.kernels->prelu_backward, checked.kernels->prelu_backward_with_parameter, dslope);
}

int32_t rectify_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                            const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, nullptr, y, nullptr, nullptr, options};
  if (const int32_t status = check(call, Needs::forward, false, &checked)) return status;
  if (!finite_in_f32(alpha)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return run_with_scalar(checked, alpha, checked.kernels->elu_forward, nullptr, nullptr);
}

int32_t rectify_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx, void* dalpha,
                             const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), x, dy, dx, nullptr, dalpha, options};
  if (const int32_t status = check(call, Needs::backward_with_parameter, false, &checked)) return status;
  if (!finite_in_f32(alpha)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return run_with_scalar(checked, alpha, checked.kernels->elu_backward, checked.kernels->elu_backward_with_parameter,
                         dalpha);
}

int32_t rectify_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                    const rectify_options* options) noexcept {
  Checked checked;
  const Call call = {dtype, flat(n), y, dy, dx, nullptr, nullptr, options};
  if (const int32_t status = check(call, Needs::backward, false, &checked)) return status;
  if (!finite_in_f32(alpha) || below_zero(alpha)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return run_with_scalar(checked, alpha, checked.kernels->elu_backward_from_y, nullptr, nullptr);
}
}
