// What the CUDA backend is told of a checked call's number format: its table, and whether its slopes are narrow.
#pragma once

#include <rectify/rectify.h>

#include "dispatch/format.hpp"
#include "kernels/cuda/backend.hpp"

namespace rectify::cuda {

// Of a dtype that has been checked.
inline const Operations& operations_of(int32_t dtype) {
  static constexpr const Operations* in_order[] = {&operations_f32, &operations_f16, &operations_bf16, &operations_f64};
  static_assert(RECTIFY_F32 == 1 && RECTIFY_F16 == 2 && RECTIFY_BF16 == 3 && RECTIFY_F64 == 4);
  return *in_order[dtype - 1];
}

inline bool has_narrow_slopes(const Format& format) { return format.slope_size < format.scalar_size; }

}  // namespace rectify::cuda
