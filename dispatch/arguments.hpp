// The checks that every public call makes before it reads or writes anything. No floating-point instruction is used here:
// the caller's environment is still in force, and its exceptions may be unmasked.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>
#include <stdint.h>

#include "dispatch/tasks.hpp"

namespace rectify {

// What a public function was given; NULL for what it does not have.
struct Call {
  int32_t dtype;
  rectify_shape shape;
  const void* x;
  const void* dy;
  void* out;          // y or dx
  const void* slope;  // PReLU's slopes
  void* sums;         // the parameter's gradient
  const rectify_options* options;
};

// Which of them an operation needs.
enum class Needs {
  forward,                  // x and y
  backward,                 // x, dy and dx
  backward_with_parameter,  // x, dy and at least one of dx and the sums
};

// A call that passed every check.
struct Checked {
  const Kernels* kernels;
  rectify_options options;  // completed with the defaults
  Work work;
};

int32_t check(const Call& call, Needs needs, bool has_slopes, Checked* checked) noexcept;

int32_t check_options(const rectify_options* options, rectify_options* checked) noexcept;

// The size of one element of a number format that the library computes.
int32_t check_dtype(int32_t dtype, size_t* element_size) noexcept;

// Whether alpha, rounded to f32, is finite; and whether it is below zero.
bool finite_in_f32(double alpha) noexcept;
bool below_zero(double alpha) noexcept;

}  // namespace rectify
