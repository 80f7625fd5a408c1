// The number formats of rectify.h and the kernels that serve them.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <bit>

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

// The lines of RECTIFY_FORMATS: first those whose slopes are of the type that computes, in the order of the dtypes, then
// those of 16 bits with slopes of 16 bits.
extern const Format formats[];
inline constexpr uint32_t wide_formats = RECTIFY_F64, to_narrow_slopes = 3;

// The line, for no_slopes the one whose slopes are of the type that computes; NULL if there is none. Inline and without a
// loop: a part of every call.
[[gnu::always_inline]] inline const Format* find_format(int32_t dtype, int64_t slope_dtype) noexcept {
  const uint32_t index = static_cast<uint32_t>(dtype) - 1;
  if (index >= wide_formats) return nullptr;
  if (slope_dtype == no_slopes || slope_dtype == formats[index].slope_dtype) return &formats[index];
  return slope_dtype == dtype ? &formats[index + to_narrow_slopes] : nullptr;
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

// Rounded once, to nearest even. Without a floating-point instruction: the caller's environment is still in force, and its
// exceptions may be unmasked.
[[gnu::always_inline]] inline float round_to_f32(double value) noexcept {
  const uint64_t bits = std::bit_cast<uint64_t>(value), magnitude = bits & ~uint64_t{0} >> 1, exponent = magnitude >> 52;
  constexpr uint64_t hidden = uint64_t{1} << 52, infinity = 0x7F800000;
  // Drops the lowest bits: rounds to nearest, ties to even. A carry runs on into the exponent, as it should.
  const auto drop = [](uint64_t from, uint64_t count) {
    return (from + (uint64_t{1} << (count - 1)) - 1 + (from >> count & 1)) >> count;
  };
  uint64_t rounded = 0;
  if (magnitude > uint64_t{0x7FF} << 52) {
    rounded = 0x7FC00000;  // NaN
  } else if (exponent >= 897) {
    rounded = std::min(drop(magnitude - (uint64_t{896} << 52), 29), infinity);
  } else if (exponent >= 872) {
    rounded = drop((magnitude & (hidden - 1)) | hidden, 926 - exponent);  // denormal in f32
  }
  return std::bit_cast<float>(static_cast<uint32_t>(bits >> 32 & 0x80000000) | static_cast<uint32_t>(rounded));
}

[[gnu::always_inline]] inline Scalar round_scalar(const Format& format, double value) noexcept {
  Scalar rounded;
  if (format.scalar_size == sizeof(double)) {
    rounded.f64 = value;
  } else {
    rounded.f32 = round_to_f32(value);
  }
  return rounded;
}

}  // namespace rectify
