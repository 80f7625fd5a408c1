// The number formats of rectify.h and the kernels that serve them.
#pragma once

#include <rectify/rectify.h>
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

// The line of RECTIFY_FORMATS, for no_slopes the one whose slopes are of the type that computes; NULL if there is none.
[[gnu::const]] const Format* find_format(int32_t dtype, int64_t slope_dtype) noexcept;

// Whether a line has it.
[[gnu::const]] bool is_known(int64_t dtype) noexcept;

// The status that says why there is no line. Inline, so that a check is seen to end there: a small call then finds in
// registers what it has put together before.
inline int32_t missing_format(int32_t dtype, int64_t slope_dtype) noexcept {
  return is_known(dtype) && is_known(slope_dtype) ? RECTIFY_ERROR_UNSUPPORTED_DTYPE : RECTIFY_ERROR_UNKNOWN_DTYPE;
}

// A scalar parameter, of the type that computes.
union Scalar {
  float f32;
  double f64;
};

// Rounded once, to nearest even whatever the rounding mode.
Scalar round_scalar(const Format& format, double value) noexcept;

}  // namespace rectify
