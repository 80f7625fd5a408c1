// The public functions of one activation, and what is asked of the library itself.
#include <rectify/rectify.h>

#include "dispatch/function.hpp"

namespace {

using namespace rectify;

constexpr Function relu_forward = {Needs::forward, &Kernels::relu_forward};
constexpr Function relu_backward = {Needs::backward, &Kernels::relu_backward};
constexpr Function prelu_forward = {Needs::forward, &Kernels::prelu_forward};
constexpr Function prelu_backward = {Needs::backward_with_parameter, &Kernels::prelu_backward,
                                     &Kernels::prelu_backward_with_parameter};

// Leaky ReLU is PReLU of one slope that is no tensor.
constexpr Function of_scalar(Function function, ScalarRule rule) {
  function.scalar = rule;
  return function;
}
constexpr Function leaky_relu_forward = of_scalar(prelu_forward, ScalarRule::any);
constexpr Function leaky_relu_backward = of_scalar(prelu_backward, ScalarRule::any);

constexpr Function elu_forward = {Needs::forward, &Kernels::elu_forward, nullptr, ScalarRule::finite, true};
constexpr Function elu_backward = {Needs::backward_with_parameter, &Kernels::elu_backward,
                                   &Kernels::elu_backward_with_parameter, ScalarRule::finite, true};
constexpr Function elu_backward_from_y = {Needs::backward, &Kernels::elu_backward_from_y, nullptr,
                                          ScalarRule::finite_not_negative};

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
  return run(relu_forward, [&] { return Call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options); });
}

int32_t rectify_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                              const rectify_options* options) noexcept {
  return run(relu_backward, [&] { return Call(dtype, no_slopes, flat(n, x, dy, dx), nullptr, options); });
}

int32_t rectify_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                   const rectify_options* options) noexcept {
  const auto given = [&] { return Call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options); };
  return run(leaky_relu_forward, given, slope);
}

int32_t rectify_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                    void* dslope, const rectify_options* options) noexcept {
  return run(
      leaky_relu_backward, [&] { return Call(dtype, no_slopes, flat(n, x, dy, dx), dslope, options); }, slope);
}

int32_t rectify_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                              void* y, const rectify_options* options) noexcept {
  const auto given = [&] { return Call(dtype, slope_dtype, shaped(shape, x, nullptr, y, slope), nullptr, options); };
  return run(prelu_forward, given);
}

int32_t rectify_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x, const void* slope,
                               const void* dy, void* dx, void* dslope, const rectify_options* options) noexcept {
  const auto given = [&] { return Call(dtype, slope_dtype, shaped(shape, x, dy, dx, slope), dslope, options); };
  return run(prelu_backward, given);
}

int32_t rectify_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                            const rectify_options* options) noexcept {
  return run(
      elu_forward, [&] { return Call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, options); }, alpha);
}

int32_t rectify_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx, void* dalpha,
                             const rectify_options* options) noexcept {
  return run(
      elu_backward, [&] { return Call(dtype, no_slopes, flat(n, x, dy, dx), dalpha, options); }, alpha);
}

int32_t rectify_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                    const rectify_options* options) noexcept {
  return run(
      elu_backward_from_y, [&] { return Call(dtype, no_slopes, flat(n, y, dy, dx), nullptr, options); }, alpha);
}
}
