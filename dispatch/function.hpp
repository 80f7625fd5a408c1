// What a public function of one activation is, and how it runs.
//
// A small call costs what it costs by its stores as much as by its instructions: a map stores once a cycle, and each store
// of the call's own takes a cycle from it. So the short way, which is inline, keeps all in registers but for the Work that
// its kernel reads, and calls nothing but that kernel: a register that has to outlive a call is a store more. What is not
// as most calls are, an error included, goes out of line and is looked at from the start.
#pragma once

#include "dispatch/arguments.hpp"
#include "dispatch/tasks.hpp"
#include "dispatch/tensors.hpp"

namespace rectify {

struct Function {
  Needs needs;
  MapKernel Kernels::*map;
  SumKernel Kernels::*sum = nullptr;  // with the parameter's gradient
  ScalarRule scalar = ScalarRule::none;
  bool exponential = false;  // Call::exponential
  bool from_mask = false;    // checked as a forward of dy, which is x as given, and Call::mask
};

// The full way: any call, put together as it was given.
int32_t run_in_full(const Function& function, Call& call, double parameter) noexcept;

// Of a checked call. From a mask it was checked as a forward of dy, which was given for x: the mask stands there now.
[[gnu::always_inline]] inline void put_mask_for_x(const Function& function, Call& call) noexcept {
  if (!function.from_mask) return;
  call.work.dy = call.work.x;
  call.work.x = call.mask;
}

// Whether a call may take the short way. Leaves out no check: what is asked first makes the others few. Each says that it
// seldom fails: guessed one by one, so many would make what follows cold code, which GCC has cleared its Work by `rep stos`
// (PReLU of 16 elements: 1.16 times as long).
[[gnu::always_inline]] inline bool is_short(const Function& function, Call& call) noexcept {
  Work& work = call.work;
  if ((work.outer | work.channels | work.inner) >= 2 * task_elements) [[unlikely]]
    return false;  // so no product below overflows
  call.elements = work.outer * work.channels * work.inner;
  if (call.elements - 1 >= task_elements) [[unlikely]]
    return false;
  if (call.options != nullptr && !(is_plain(*call.options) && call.options->backend == nullptr)) [[unlikely]]
    return false;
  call.format = find_format(call.dtype, call.slope_dtype);
  if (call.format == nullptr || check_pointers(call, function.needs) != RECTIFY_OK) [[unlikely]]
    return false;
  if (function.from_mask && check_mask(call, call.mask) != RECTIFY_OK) [[unlikely]]
    return false;
  collapse_shape(call);
  if (call.sums != nullptr && !is_one_leaf(call)) [[unlikely]]
    return false;
  call.backend = best_backend();
  return call.backend != nullptr;
}

// Runs a function, whose constants it is compiled for. `given` puts the call together: once for each way, since what goes
// out of line stands in memory from its beginning.
template <class Given>
[[gnu::always_inline]] inline int32_t run(const Function& function, Given given, double parameter = 0) noexcept {
  Call call = given();
  Scalar scalar;
  if (is_short(function, call) && check_scalar(function.scalar, *call.format, parameter, &scalar) == RECTIFY_OK)
      [[likely]] {
    if (function.scalar != ScalarRule::none) call.work.parameter = &scalar;
    put_mask_for_x(function, call);
    const Work& w = call.work;
    const Work work = {w.x, w.dy, w.out, w.parameter, w.outer, w.channels, w.inner, false, false};
    const Kernels& kernels = *(call.backend->*call.format->kernels);
    const bool with_sum = function.sum != nullptr && call.sums != nullptr;
    if (!with_sum && !function.exponential && kernels.maps_round_by_themselves && keeps_denormals()) {
      (kernels.*function.map)(work, 0, call.elements);
      return RECTIFY_OK;
    }
    const FpEnvironment environment;
    if (with_sum) {
      (kernels.*function.sum)(work, part_of_one_leaf(call));
    } else {
      (kernels.*function.map)(work, 0, call.elements);
    }
    return RECTIFY_OK;
  }
  Call any = given();
  return run_in_full(function, any, parameter);
}

}  // namespace rectify
