// The public functions of rectify_cuda.h: check the arguments, hand the work to the CUDA backend.
#include <rectify/rectify_cuda.h>

#include "dispatch/arguments.hpp"
#include "kernels/cuda/backend.hpp"
#include "kernels/cuda/plan.hpp"

namespace {

using namespace rectify;

using Map = int32_t (*)(const Work& work, float parameter, void* stream);
using Sum = int32_t (*)(const Work& work, float parameter, void* scratch, void* sums, void* stream);

// What is checked first: without a device nothing else matters.
int32_t check(Call& call, Needs needs) {
  if (const int32_t status = cuda::available()) return status;
  if (const int32_t status = check_tensors(call, needs)) return status;
  return call.dtype == RECTIFY_F32 ? RECTIFY_OK : RECTIFY_ERROR_UNSUPPORTED_DTYPE;
}

int32_t run(const Call& call, Map map, float parameter, void* stream) {
  return call.elements == 0 ? RECTIFY_OK : map(call.work, parameter, stream);
}

// Runs what a checked call asks for: the one-pass kernel where sums are wanted, the plain one otherwise.
int32_t run(const Call& call, Map map, Sum sum, float parameter, void* scratch, size_t scratch_bytes, void* stream) {
  if (call.sums == nullptr) return run(call, map, parameter, stream);
  if (call.elements == 0) {
    return call.work.channels == 0 ? RECTIFY_OK : cuda::clear_sums(call.work.channels, call.sums, stream);
  }
  if (const int32_t status = check_scratch(call, scratch, scratch_bytes, cuda::scratch_bytes(call.work))) return status;
  return sum(call.work, parameter, scratch, call.sums, stream);
}

// A tensor without channels.
Work flat(size_t n, const void* x, const void* dy, void* out) { return {x, dy, out, nullptr, 1, 1, n, false, false}; }

Work shaped(rectify_shape shape, const void* x, const void* dy, void* out, const void* slope) {
  return {x, dy, out, slope, shape.outer, shape.channels, shape.inner, false, false};
}

int32_t find_scratch_bytes(int32_t dtype, int64_t slope_dtype, const Work& work, size_t* bytes) {
  if (bytes == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  Call call(dtype, slope_dtype, work, nullptr, nullptr);
  if (const int32_t status = check_shape(call)) return status;
  *bytes = cuda::scratch_bytes(call.work);
  return RECTIFY_OK;
}

}  // namespace

extern "C" {

int32_t rectify_cuda_available(void) noexcept { return cuda::available(); }

int32_t rectify_cuda_relu_forward(int32_t dtype, size_t n, const void* x, void* y, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, cuda::relu_forward, 0, stream);
}

int32_t rectify_cuda_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                                   void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::backward)) return status;
  return run(call, cuda::relu_backward, 0, stream);
}

int32_t rectify_cuda_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                        void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, cuda::prelu_forward, round_scalar(*call.format, slope).f32, stream);
}

int32_t rectify_cuda_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                         void* dslope, void* scratch, size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dslope, nullptr);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  return run(call, cuda::prelu_backward, cuda::prelu_backward_with_parameter, round_scalar(*call.format, slope).f32,
             scratch, scratch_bytes, stream);
}

int32_t rectify_cuda_leaky_relu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, no_slopes, flat(n, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                   const void* slope, void* y, void* stream) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, nullptr, y, slope), nullptr, nullptr);
  if (const int32_t status = check(call, Needs::forward)) return status;
  return run(call, cuda::prelu_forward, 0, stream);
}

int32_t rectify_cuda_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                    const void* slope, const void* dy, void* dx, void* dslope, void* scratch,
                                    size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, slope_dtype, shaped(shape, x, dy, dx, slope), dslope, nullptr);
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  return run(call, cuda::prelu_backward, cuda::prelu_backward_with_parameter, 0, scratch, scratch_bytes, stream);
}

int32_t rectify_cuda_prelu_scratch_bytes(int32_t dtype, int32_t slope_dtype, rectify_shape shape, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, slope_dtype, shaped(shape, nullptr, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, nullptr, y), nullptr, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::forward)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  return run(call, cuda::elu_forward, rounded.f32, stream);
}

int32_t rectify_cuda_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx,
                                  void* dalpha, void* scratch, size_t scratch_bytes, void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, x, dy, dx), dalpha, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward_with_parameter)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  return run(call, cuda::elu_backward, cuda::elu_backward_with_parameter, rounded.f32, scratch, scratch_bytes, stream);
}

int32_t rectify_cuda_elu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) noexcept {
  return find_scratch_bytes(dtype, no_slopes, flat(n, nullptr, nullptr, nullptr), bytes);
}

int32_t rectify_cuda_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                         void* stream) noexcept {
  Call call(dtype, no_slopes, flat(n, y, dy, dx), nullptr, nullptr);
  Scalar rounded;
  if (const int32_t status = check(call, Needs::backward)) return status;
  if (const int32_t status = check_alpha(*call.format, alpha, &rounded)) return status;
  if (below_zero(alpha)) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return run(call, cuda::elu_backward_from_y, rounded.f32, stream);
}
}
