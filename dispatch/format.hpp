// The number formats of rectify.h and the kernels that serve them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/backend.hpp"

namespace rectify {

struct Format {
  int32_t dtype;
  int32_t slope_dtype;
  uint32_t element_size;  // bytes, of the tensors
  uint32_t slope_size;    // of PReLU's slopes and their gradient
  uint32_t scalar_size;   // of the type that computes, of scalar parameters and of the nodes of sums
  const Kernels* const Backend::*kernels;
};

// For operations without slopes; no caller's slope_dtype is that.
inline constexpr int64_t no_slopes = INT64_MIN;

// Sets *format to the line of RECTIFY_FORMATS; for no_slopes to the one whose slopes are of the type that computes.
int32_t find_format(int32_t dtype, int64_t slope_dtype, const Format** format) noexcept;

// A scalar parameter, of the type that computes.
union Scalar {
  float f32;
  double f64;
};

// Rounded once, to nearest even whatever the rounding mode.
Scalar round_scalar(const Format& format, double value) noexcept;

}  // namespace rectify
