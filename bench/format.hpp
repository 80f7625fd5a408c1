// The number formats that tensors are measured in.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rectify/rectify.h"

namespace roofline {

enum class Format { f32, f16, bf16, f64 };

inline constexpr Format formats[] = {Format::f32, Format::f16, Format::bf16, Format::f64};

constexpr const char* name(Format format) {
  constexpr const char* names[] = {"f32", "f16", "bf16", "f64"};
  return names[static_cast<int>(format)];
}

constexpr int32_t dtype(Format format) {
  constexpr int32_t dtypes[] = {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64};
  return dtypes[static_cast<int>(format)];
}

// Bytes of an element.
constexpr size_t size(Format format) {
  constexpr size_t sizes[] = {4, 2, 2, 8};
  return sizes[static_cast<int>(format)];
}

constexpr bool sixteen_bits(Format format) { return size(format) == 2; }

}  // namespace roofline
