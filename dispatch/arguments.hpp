// The checks that every public call makes before it reads or writes anything. No floating-point instruction is used here:
// the caller's environment is still in force, and its exceptions may be unmasked.
#pragma once

#include "dispatch/call.hpp"

namespace rectify {

// Which tensors an operation needs.
enum class Needs {
  forward,                  // x and y
  backward,                 // x, dy and dx
  backward_with_parameter,  // x, dy and at least one of dx and the sums
};

// Checks number format and shape, counts the elements and collapses the shape.
int32_t check_shape(Call& call) noexcept;

// The same, and the pointers. `has_slopes`: work.parameter is an array of the caller's.
int32_t check_tensors(Call& call, Needs needs, bool has_slopes) noexcept;

// Checks what the caller has set aside for the sums of a checked call.
int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept;

int32_t check_options(const rectify_options* options) noexcept;

// ELU's alpha, rounded: it must be finite then.
int32_t check_alpha(double alpha, float* rounded) noexcept;

// The size of one element of a number format that the library computes.
int32_t check_dtype(int32_t dtype, size_t* element_size) noexcept;

// The nearest float, ties to even, whatever the rounding mode.
float round_to_f32(double value) noexcept;

// Without a floating-point comparison.
bool is_finite(float value) noexcept;
bool below_zero(double value) noexcept;

}  // namespace rectify
