// The public functions of rectify_cuda.h: check the arguments, hand the work to the CUDA backend.
#include <rectify/rectify_cuda.h>

#include "dispatch/arguments.hpp"
#include "dispatch/cuda_operations.hpp"
#include "dispatch/tensors.hpp"
#include "kernels/cuda/plan.hpp"
#include "launch.cuh"

namespace {

using namespace rectify;

using Operation = cuda::Enqueue cuda::Operations::*;

// What is checked first: without a device nothing else matters.
int32_t check(Call& call, Needs needs) {
  if (const int32_t status = cuda::device_status()) return status;
  return check_tensors(call, needs);
}

size_t scratch_bytes(const Call& call) {
  return cuda::scratch_bytes(call.work, call.format->element_size, cuda::has_narrow_slopes(*call.format));
}

// Without `scalar` the parameter is that of call.work, or there is none.
int32_t run(const Call& call, Operation map, const Scalar* scalar, void* stream) {
  if (call.elements == 0) return RECTIFY_OK;
  const cuda::Operations& operations = cuda::operations_of(call.dtype);
  return (operations.*map)({call.work, scalar, cuda::has_narrow_slopes(*call.format), nullptr, nullptr, stream});
}

// Runs what a checked call asks for: the one-pass kernel where sums are wanted, the plain one otherwise.
int32_t run(const Call& call, Operation map, Operation sum, const Scalar* scalar, void* scratch, size_t bytes,
            void* stream) {
  if (call.sums == nullptr) return run(call, map, scalar, stream);
  const cuda::Operations& operations = cuda::operations_of(call.dtype);
  const cuda::Request request = {call.work, scalar, cuda::has_narrow_slopes(*call.format), call.sums, scratch, stream};
  if (call.elements == 0) return call.work.channels == 0 ? RECTIFY_OK : operations.clear_sums(request);
  if (const int32_t status = check_scratch(call, scratch, bytes, scratch_bytes(call))) return status;
  return (operations.*sum)(request);
}

int32_t find_scratch_bytes(int32_t dtype, int64_t slope_dtype, const Work& work, size_t* bytes) {
  if (bytes == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  Call call(dtype, slope_dtype, work, nullptr, nullptr);
  if (const int32_t status = check_shape(call)) return status;
  *bytes = scratch_bytes(call);
  return RECTIFY_OK;
}

}  // namespace

extern "C" {

int32_t rectify_cuda_available(void) noexcept { return cuda::device_status(); }

int32_t rectify_cuda_relu_forward(int32_t dtype, size_t n, const void* x, void* y, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, &cuda::Operations::relu_forward, nullptr, stream);
}

int32_t rectify_cuda_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                                   void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::backward)) return status;
  return run(call, &cuda::Operations::relu_backward, nullptr, stream);
}

int32_t rectify_cuda_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                        void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  const Scalar rounded = round_scalar(*call.format, slope);
  return run(call, &cuda::Operations::prelu_forward, &rounded, stream);
}

int32_t rectify_cuda_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                         void* dslope, void* scratch, size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dslope, nullptr);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  const Scalar rounded = round_scalar(*call.format, slope);
  return run(call, &cuda::Operations::prelu_backward, &cuda::Operations::prelu_backward_with_parameter, &rounded, scratch,
             scratch_bytes, stream);
}

int32_t rectify_cuda_leaky_relu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, no_slopes, flat(n, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                   const void* slope, void* y, void* stream) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, nullptr, y, slope), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, &cuda::Operations::prelu_forward, nullptr, stream);
}

int32_t rectify_cuda_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                    const void* slope, const void* dy, void* dx, void* dslope, void* scratch,
                                    size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, dy, dx, slope), dslope, nullptr);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  return run(call, &cuda::Operations::prelu_backward, &cuda::Operations::prelu_backward_with_parameter, nullptr, scratch,
             scratch_bytes, stream);
}

int32_t rectify_cuda_prelu_scratch_bytes(int32_t dtype, int32_t slope_dtype, rectify_shape shape, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, slope_dtype, shaped(shape, nullptr, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::forward)) return status;
  if (const int32_t status = check_scalar(ScalarRule::finite, *call.format, alpha, &rounded)) return status;
  return run(call, &cuda::Operations::elu_forward, &rounded, stream);
}

int32_t rectify_cuda_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx,
                                  void* dalpha, void* scratch, size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dalpha, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  if (const int32_t status = check_scalar(ScalarRule::finite, *call.format, alpha, &rounded)) return status;
  return run(call, &cuda::Operations::elu_backward, &cuda::Operations::elu_backward_with_parameter, &rounded, scratch,
             scratch_bytes, stream);
}

int32_t rectify_cuda_elu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, no_slopes, flat(n, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                         void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, y, dy, dx), nullptr, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward)) return status;
  if (const int32_t status = check_scalar(ScalarRule::finite_not_negative, *call.format, alpha, &rounded)) return status;
  return run(call, &cuda::Operations::elu_backward_from_y, &rounded, stream);
}
}
