// A call of the public interface on its way to the kernels. It is filled in where it stands: copies of a few words at a
// time would cost a small call more than its arithmetic.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>
#include <stdint.h>

#include "dispatch/format.hpp"

namespace rectify {

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

  // Found by check(), which also collapses the shape and puts the defaults where options is NULL. Not cleared before: that
  // takes as long as all the checks.
  const Format* format;
  const Backend* backend;
  const Kernels* kernels;  // of the format
  size_t elements;
};

// A call that does more than its activation: work.x is what bias and residual are added to, or y where a mask is given.
struct FusedCall : Call {
  using Call::Call;

  const void* bias = nullptr;
  const void* residual = nullptr;
  const void* mask = nullptr;  // to be read in place of x
  void* mask_out = nullptr;
  void* dbias = nullptr;
  bool needs_mask = false;       // it is no choice: either `mask` or `mask_out` must be there
  bool sums_are_scalar = false;  // `sums` is one value of the type that computes, whatever the channels
};

}  // namespace rectify
