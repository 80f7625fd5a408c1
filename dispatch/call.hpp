// A call of the public interface on its way to the kernels. It is filled in where it stands, which is in registers where
// all that looks at it is inline (function.hpp): copies of a few words at a time would cost a small call more than its
// arithmetic.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>
#include <stdint.h>

#include "dispatch/format.hpp"

namespace rectify {

// A tensor without channels.
inline Work flat(size_t n, const void* x, const void* dy, void* out) {
  return {x, dy, out, nullptr, 1, 1, n, false, false};
}

inline Work shaped(rectify_shape shape, const void* x, const void* dy, void* out, const void* slope) {
  return {x, dy, out, slope, shape.outer, shape.channels, shape.inner, false, false};
}

struct Call {
  Call(int32_t given_dtype, int64_t given_slope_dtype, const Work& given_work, void* given_sums,
       const rectify_options* given_options)
      : dtype(given_dtype), slope_dtype(given_slope_dtype), work(given_work), sums(given_sums), options(given_options) {}

  // As given. NULL for what the function does not have.
  int32_t dtype;
  int64_t slope_dtype;  // no_slopes: `parameter` will be a scalar
  Work work;            // parameter: PReLU's slopes
  void* sums;           // the parameter's gradient
  const rectify_options* options;
  const void* mask = nullptr;  // to be read in place of x
  bool exponential = false;    // one for each element, as ELU takes from x

  // Found by is_short(), or by check_shape(), which also collapses the shape, and check_how(), which puts the defaults
  // where options is NULL. Not cleared before: that takes as long as all the checks.
  const Format* format;
  const Backend* backend;
  const Kernels* kernels;  // of the format
  size_t elements;
};

// A call that does more than its activation: work.x is what bias and residual are added to, or y where a mask is given.
struct FusedCall : Call {
  FusedCall(int32_t given_dtype, int64_t given_parameter_dtype, rectify_shape shape, const rectify_activation& given,
            const void* x, const void* dy, void* out, void* given_sums, const rectify_options* given_options)
      : Call(given_dtype, given_parameter_dtype,
             shaped(shape, x, dy, out, given.kind == RECTIFY_PRELU ? given.slope : nullptr), given_sums, given_options),
        activation(given) {
    exponential = given.kind == RECTIFY_ELU;
  }

  rectify_activation activation;
  void* dbias = nullptr;
  bool needs_mask = false;  // it is no choice: either `mask` or `work.mask_out` must be there
  Scalar scalar;            // the activation's parameter, rounded: found by check_fused()

  bool per_channel() const { return activation.kind == RECTIFY_PRELU; }  // else the parameter and its gradient are scalars
  bool mask_alone() const { return mask != nullptr && !per_channel(); }  // x, bias and residual are not looked at
  size_t sum_size() const { return per_channel() ? format->slope_size : format->scalar_size; }
  size_t sum_bytes() const { return per_channel() ? work.channels * sum_size() : sum_size(); }
};

// Without channels.
constexpr rectify_shape one_channel(size_t n) { return {1, 1, n}; }

}  // namespace rectify
