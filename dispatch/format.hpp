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

// The lines of RECTIFY_FORMATS. Those whose slopes are of the type that computes come first, in the order of the dtypes.
extern const Format formats[];
inline constexpr uint32_t wide_formats = RECTIFY_F64;

// Another line. Declared constant, so that what a call has put together before it need not be looked up again after it.
[[gnu::const]] const Format* find_narrow_format(int32_t dtype, int64_t slope_dtype) noexcept;

// The line, for no_slopes the one whose slopes are of the type that computes; NULL if there is none. Inline: a part of
// every call.
[[gnu::always_inline]] inline const Format* find_format(int32_t dtype, int64_t slope_dtype) noexcept {
  const uint32_t index = static_cast<uint32_t>(dtype) - 1;
  if (index < wide_formats && (slope_dtype == no_slopes || formats[index].slope_dtype == slope_dtype))
    return &formats[index];
  return slope_dtype == no_slopes ? nullptr : find_narrow_format(dtype, slope_dtype);
}

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
