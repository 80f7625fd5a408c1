// The CUDA backend's table for a checked call's number format.
#pragma once

#include <rectify/rectify.h>

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

}  // namespace rectify::cuda
