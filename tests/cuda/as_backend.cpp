// The CUDA library as a backend, "cuda", beside "scalar": the families of tests that are written for rectify.h run over it
// as they stand. The linker's --wrap sends the calls of the test objects here instead of to the CPU library, whose own
// functions are then called __real_*. A call that names no backend is one on the device.
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "rectify/rectify.h"
#include "rectify/rectify_cuda.h"
#include "tests/cuda/device.hpp"
#include "tests/support/guarded_buffer.hpp"

#define RECTIFY_REAL(name) decltype(rectify_##name) __real_rectify_##name;
#define RECTIFY_WRAP(name) decltype(rectify_##name) __wrap_rectify_##name;
#define RECTIFY_BOTH(name) RECTIFY_REAL(name) RECTIFY_WRAP(name)
extern "C" {
RECTIFY_WRAP(backend_name)
RECTIFY_BOTH(backend_available)
RECTIFY_BOTH(backend_in_use)
RECTIFY_BOTH(relu_forward)
RECTIFY_BOTH(relu_backward)
RECTIFY_BOTH(leaky_relu_forward)
RECTIFY_BOTH(leaky_relu_backward)
RECTIFY_BOTH(prelu_forward)
RECTIFY_BOTH(prelu_backward)
RECTIFY_BOTH(elu_forward)
RECTIFY_BOTH(elu_backward)
RECTIFY_BOTH(elu_backward_from_y)
RECTIFY_BOTH(relu_forward_with_mask)
RECTIFY_BOTH(relu_backward_from_mask)
RECTIFY_BOTH(leaky_relu_forward_with_mask)
RECTIFY_BOTH(leaky_relu_backward_from_mask)
RECTIFY_BOTH(prelu_forward_with_mask)
RECTIFY_BOTH(prelu_backward_from_mask)
RECTIFY_BOTH(fused_forward)
RECTIFY_BOTH(fused_backward)
}

namespace {

using rectify::tests::DeviceArrays;
using rectify::tests::DeviceBytes;
using rectify::tests::GuardedBuffer;

const char* const cuda = "cuda";

// Sets *name to what these options ask for. They are checked by the CPU library, with the device's name taken out.
int32_t backend_of(const rectify_options* options, const char** name) {
  if (options == nullptr) {
    *name = cuda;
    return RECTIFY_OK;
  }
  const bool on_device = options->struct_size >= sizeof *options &&
                         (options->backend == nullptr || std::string_view(options->backend) == cuda);
  if (!on_device) return __real_rectify_backend_in_use(options, name);
  std::vector<unsigned char> copy(options->struct_size);
  std::memcpy(copy.data(), options, copy.size());
  rectify_options* const without_name = reinterpret_cast<rectify_options*>(copy.data());
  without_name->backend = nullptr;
  const char* of_cpu;
  if (const int32_t status = __real_rectify_backend_in_use(without_name, &of_cpu)) return status;
  *name = cuda;
  return RECTIFY_OK;
}

// What a call's arrays are made of. An unknown number is for the call to find out.
struct Types {
  int32_t dtype;
  int32_t slope_dtype;           // of bias and sums too
  bool sums_are_scalar = false;  // but those are one value of the type that computes
};

constexpr size_t size_of(int32_t dtype) {
  return dtype == RECTIFY_F64 ? 8 : dtype == RECTIFY_F16 || dtype == RECTIFY_BF16 ? 2 : 4;
}

// Those of a call with a scalar parameter, whose gradient is of the type that computes.
constexpr Types types_of(int32_t dtype) { return {dtype, dtype == RECTIFY_F64 ? RECTIFY_F64 : RECTIFY_F32}; }

// Whatever is too large for memory: the call will find that out by itself.
size_t elements_of(rectify_shape shape, size_t element_size) {
  size_t count, bytes;
  if (__builtin_mul_overflow(shape.outer, shape.channels, &count) || __builtin_mul_overflow(count, shape.inner, &count) ||
      __builtin_mul_overflow(count, element_size, &bytes)) {
    return 0;
  }
  return count;
}

// on_device(arrays, scratch_bytes, stream) or on_cpu(), as the options say. scratch_bytes(&bytes) asks the library.
template <class OnCpu, class ScratchBytes, class OnDevice>
int32_t run(const rectify_options* options, Types types, rectify_shape shape, DeviceArrays arrays, OnCpu on_cpu,
            ScratchBytes scratch_bytes, OnDevice on_device) {
  const char* name = nullptr;
  if (const int32_t status = backend_of(options, &name)) return status;
  if (name != cuda) return on_cpu();
  const size_t element_size = size_of(types.dtype), elements = elements_of(shape, element_size);
  const size_t tensor_bytes = elements * element_size;
  const size_t channels_bytes = shape.channels * size_of(types.slope_dtype);
  // Slopes of an empty tensor are not read.
  const size_t read_bytes = tensor_bytes == 0 ? 0 : channels_bytes;
  const size_t sum_bytes = types.sums_are_scalar ? (types.dtype == RECTIFY_F64 ? 8 : 4) : channels_bytes;
  DeviceBytes bytes = {tensor_bytes, read_bytes, sum_bytes, 0, read_bytes, channels_bytes, (elements + 7) / 8};
  const bool sums = arrays.sums != nullptr || arrays.dbias != nullptr;
  if (sums && scratch_bytes(&bytes.scratch) != RECTIFY_OK) bytes.scratch = 0;
  // Exactly as much as was asked for. More than there is memory is for a call that will be refused.
  constexpr size_t most = size_t{1} << 30;
  const GuardedBuffer<unsigned char> scratch(bytes.scratch < most ? bytes.scratch : 0);
  if (sums) arrays.scratch = scratch.data();
  const int32_t status = rectify::tests::run_on_device(
      arrays, bytes, [&](const DeviceArrays& placed, void* stream) { return on_device(placed, bytes.scratch, stream); });
  EXPECT_TRUE(scratch.check()) << "the scratch space was left";
  return status;
}

// A call without sums.
template <class OnCpu, class OnDevice>
int32_t run(const rectify_options* options, Types types, rectify_shape shape, DeviceArrays arrays, OnCpu on_cpu,
            OnDevice on_device) {
  return run(
      options, types, shape, arrays, on_cpu, [](size_t*) { return RECTIFY_OK; },
      [&](const DeviceArrays& placed, size_t, void* stream) { return on_device(placed, stream); });
}

}  // namespace

extern "C" {

const char* __wrap_rectify_backend_name(size_t index) noexcept {
  return index == 0 ? cuda : index == 1 ? "scalar" : nullptr;
}

int32_t __wrap_rectify_backend_available(const char* name) noexcept {
  return name != nullptr && std::string_view(name) == cuda ? RECTIFY_OK : __real_rectify_backend_available(name);
}

int32_t __wrap_rectify_backend_in_use(const rectify_options* options, const char** name) noexcept {
  return name == nullptr ? __real_rectify_backend_in_use(options, name) : backend_of(options, name);
}

int32_t __wrap_rectify_relu_forward(int32_t dtype, size_t n, const void* x, void* y,
                                    const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .out = y},
      [&] { return __real_rectify_relu_forward(dtype, n, x, y, options); },
      [&](const DeviceArrays& a, void* stream) { return rectify_cuda_relu_forward(dtype, n, a.x, a.out, stream); });
}

int32_t __wrap_rectify_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                                     const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .dy = dy, .out = dx},
      [&] { return __real_rectify_relu_backward(dtype, n, x, dy, dx, options); },
      [&](const DeviceArrays& a, void* stream) { return rectify_cuda_relu_backward(dtype, n, a.x, a.dy, a.out, stream); });
}

int32_t __wrap_rectify_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                          const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .out = y},
      [&] { return __real_rectify_leaky_relu_forward(dtype, n, slope, x, y, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_leaky_relu_forward(dtype, n, slope, a.x, a.out, stream);
      });
}

int32_t __wrap_rectify_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy, void* dx,
                                           void* dslope, const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .dy = dy, .out = dx, .sums = dslope},
      [&] { return __real_rectify_leaky_relu_backward(dtype, n, slope, x, dy, dx, dslope, options); },
      [&](size_t* bytes) { return rectify_cuda_leaky_relu_scratch_bytes(dtype, n, bytes); },
      [&](const DeviceArrays& a, size_t scratch_bytes, void* stream) {
        return rectify_cuda_leaky_relu_backward(dtype, n, slope, a.x, a.dy, a.out, a.sums, a.scratch, scratch_bytes,
                                                stream);
      });
}

int32_t __wrap_rectify_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                     const void* slope, void* y, const rectify_options* options) noexcept {
  return run(
      options, {dtype, slope_dtype}, shape, {.x = x, .slope = slope, .out = y},
      [&] { return __real_rectify_prelu_forward(dtype, slope_dtype, shape, x, slope, y, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_prelu_forward(dtype, slope_dtype, shape, a.x, a.slope, a.out, stream);
      });
}

int32_t __wrap_rectify_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                      const void* slope, const void* dy, void* dx, void* dslope,
                                      const rectify_options* options) noexcept {
  return run(
      options, {dtype, slope_dtype}, shape, {.x = x, .dy = dy, .slope = slope, .out = dx, .sums = dslope},
      [&] { return __real_rectify_prelu_backward(dtype, slope_dtype, shape, x, slope, dy, dx, dslope, options); },
      [&](size_t* bytes) { return rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, shape, bytes); },
      [&](const DeviceArrays& a, size_t scratch_bytes, void* stream) {
        return rectify_cuda_prelu_backward(dtype, slope_dtype, shape, a.x, a.slope, a.dy, a.out, a.sums, a.scratch,
                                           scratch_bytes, stream);
      });
}

int32_t __wrap_rectify_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                                   const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .out = y},
      [&] { return __real_rectify_elu_forward(dtype, n, alpha, x, y, options); },
      [&](const DeviceArrays& a, void* stream) { return rectify_cuda_elu_forward(dtype, n, alpha, a.x, a.out, stream); });
}

int32_t __wrap_rectify_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx,
                                    void* dalpha, const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .dy = dy, .out = dx, .sums = dalpha},
      [&] { return __real_rectify_elu_backward(dtype, n, alpha, x, dy, dx, dalpha, options); },
      [&](size_t* bytes) { return rectify_cuda_elu_scratch_bytes(dtype, n, bytes); },
      [&](const DeviceArrays& a, size_t scratch_bytes, void* stream) {
        return rectify_cuda_elu_backward(dtype, n, alpha, a.x, a.dy, a.out, a.sums, a.scratch, scratch_bytes, stream);
      });
}

int32_t __wrap_rectify_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy, void* dx,
                                           const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = y, .dy = dy, .out = dx},
      [&] { return __real_rectify_elu_backward_from_y(dtype, n, alpha, y, dy, dx, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_elu_backward_from_y(dtype, n, alpha, a.x, a.dy, a.out, stream);
      });
}

int32_t __wrap_rectify_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                              const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .out = y, .mask_out = mask},
      [&] { return __real_rectify_relu_forward_with_mask(dtype, n, x, y, mask, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_relu_forward_with_mask(dtype, n, a.x, a.out, a.mask_out, stream);
      });
}

int32_t __wrap_rectify_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                               const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.dy = dy, .out = dx, .mask = mask},
      [&] { return __real_rectify_relu_backward_from_mask(dtype, n, mask, dy, dx, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_relu_backward_from_mask(dtype, n, a.mask, a.dy, a.out, stream);
      });
}

int32_t __wrap_rectify_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                                    void* mask, const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.x = x, .out = y, .mask_out = mask},
      [&] { return __real_rectify_leaky_relu_forward_with_mask(dtype, n, slope, x, y, mask, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_leaky_relu_forward_with_mask(dtype, n, slope, a.x, a.out, a.mask_out, stream);
      });
}

int32_t __wrap_rectify_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask,
                                                     const void* dy, void* dx, const rectify_options* options) noexcept {
  return run(
      options, types_of(dtype), {1, 1, n}, {.dy = dy, .out = dx, .mask = mask},
      [&] { return __real_rectify_leaky_relu_backward_from_mask(dtype, n, slope, mask, dy, dx, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_leaky_relu_backward_from_mask(dtype, n, slope, a.mask, a.dy, a.out, stream);
      });
}

int32_t __wrap_rectify_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                               const void* slope, void* y, void* mask,
                                               const rectify_options* options) noexcept {
  return run(
      options, {dtype, slope_dtype}, shape, {.x = x, .slope = slope, .out = y, .mask_out = mask},
      [&] { return __real_rectify_prelu_forward_with_mask(dtype, slope_dtype, shape, x, slope, y, mask, options); },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_prelu_forward_with_mask(dtype, slope_dtype, shape, a.x, a.slope, a.out, a.mask_out, stream);
      });
}

int32_t __wrap_rectify_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                                const void* mask, const void* slope, const void* dy, void* dx, void* dslope,
                                                const rectify_options* options) noexcept {
  return run(
      options, {dtype, slope_dtype}, shape, {.x = y, .dy = dy, .slope = slope, .out = dx, .sums = dslope, .mask = mask},
      [&] {
        return __real_rectify_prelu_backward_from_mask(dtype, slope_dtype, shape, y, mask, slope, dy, dx, dslope, options);
      },
      [&](size_t* bytes) { return rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, shape, bytes); },
      [&](const DeviceArrays& a, size_t scratch_bytes, void* stream) {
        return rectify_cuda_prelu_backward_from_mask(dtype, slope_dtype, shape, a.x, a.mask, a.slope, a.dy, a.out, a.sums,
                                                     a.scratch, scratch_bytes, stream);
      });
}

int32_t __wrap_rectify_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                     const void* bias, const void* residual, rectify_activation activation, void* y,
                                     void* mask, const rectify_options* options) noexcept {
  const void* const slope = activation.kind == RECTIFY_PRELU ? activation.slope : nullptr;
  return run(
      options, {dtype, parameter_dtype}, shape,
      {.x = x, .slope = slope, .out = y, .residual = residual, .bias = bias, .mask_out = mask},
      [&] {
        return __real_rectify_fused_forward(dtype, parameter_dtype, shape, x, bias, residual, activation, y, mask, options);
      },
      [&](const DeviceArrays& a, void* stream) {
        return rectify_cuda_fused_forward(dtype, parameter_dtype, shape, a.x, a.bias, a.residual,
                                          {activation.kind, activation.parameter, a.slope}, a.out, a.mask_out, stream);
      });
}

int32_t __wrap_rectify_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                      const void* bias, const void* residual, const void* mask,
                                      rectify_activation activation, const void* dy, void* dx, void* dbias,
                                      void* dparameter, const rectify_options* options) noexcept {
  const bool is_prelu = activation.kind == RECTIFY_PRELU;
  const void* const slope = is_prelu ? activation.slope : nullptr;
  return run(
      options, {dtype, parameter_dtype, !is_prelu}, shape,
      {.x = x,
       .dy = dy,
       .slope = slope,
       .out = dx,
       .sums = dparameter,
       .residual = residual,
       .bias = bias,
       .mask = mask,
       .dbias = dbias},
      [&] {
        return __real_rectify_fused_backward(dtype, parameter_dtype, shape, x, bias, residual, mask, activation, dy, dx,
                                             dbias, dparameter, options);
      },
      [&](size_t* bytes) { return rectify_cuda_fused_scratch_bytes(dtype, parameter_dtype, shape, bytes); },
      [&](const DeviceArrays& a, size_t scratch_bytes, void* stream) {
        return rectify_cuda_fused_backward(dtype, parameter_dtype, shape, a.x, a.bias, a.residual, a.mask,
                                           {activation.kind, activation.parameter, a.slope}, a.dy, a.out, a.dbias, a.sums,
                                           a.scratch, scratch_bytes, stream);
      });
}
}
