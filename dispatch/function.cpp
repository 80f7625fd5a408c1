#include "dispatch/function.hpp"

#include <cstring>

namespace rectify {

int32_t run_in_full(const Function& function, Call& call, double parameter) noexcept {
  if (const int32_t status = check_tensors(call, function.needs)) return status;
  if (function.from_mask) {
    if (const int32_t status = check_mask(call, call.mask)) return status;
  }
  if (const int32_t status = check_how(call)) return status;
  Scalar scalar;
  if (const int32_t status = check_scalar(function.scalar, *call.format, parameter, &scalar)) return status;
  if (call.elements == 0) {
    if (call.sums != nullptr && call.work.channels != 0)
      std::memset(call.sums, 0, call.work.channels * call.format->slope_size);
    return RECTIFY_OK;
  }
  if (function.scalar != ScalarRule::none) call.work.parameter = &scalar;
  put_mask_for_x(function, call);
  call.exponential = function.exponential;
  if (call.sums != nullptr) return run_sum(call.kernels->*function.sum, call);
  run_map(call.kernels->*function.map, call);
  return RECTIFY_OK;
}

}  // namespace rectify
