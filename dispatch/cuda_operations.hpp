// What the CUDA backend is told of a checked call's number format: its table, and whether its slopes are narrow.
#pragma once

#include <rectify/rectify.h>

#include "dispatch/format.hpp"
#include "kernels/cuda/backend.hpp"

namespace rectify::cuda {

inline const Operations& operations_of(int32_t dtype) {
  switch (dtype) {
    case RECTIFY_F16:
      return operations_f16;
    case RECTIFY_BF16:
      return operations_bf16;
    case RECTIFY_F64:
      return operations_f64;
    default:
      return operations_f32;
  }
}

inline bool has_narrow_slopes(const Format& format) { return format.slope_size < format.scalar_size; }

}  // namespace rectify::cuda
