// The checks that every public call makes before it reads or writes anything. No floating-point instruction is used here:
// the caller's environment is still in force, and its exceptions may be unmasked.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>
#include <stdint.h>

#include <span>

namespace rectify {

enum class Role {
  input,             // a full-size tensor that is read
  output,            // a full-size tensor that is written; may be exactly one of the inputs
  parameter,         // slopes
  parameter_output,  // their gradient
};

struct Tensor {
  const void* data;
  size_t bytes;
  Role role;
  bool optional = false;
};

// The options in force: `options` checked and completed, or the defaults for NULL.
int32_t read_options(const rectify_options* options, rectify_options* checked) noexcept;

// The size of one element of a number format that the library computes.
int32_t element_size_of(int32_t dtype, size_t* size) noexcept;

// The product of the shape, where neither it nor the bytes of the tensor and of the parameters exceed size_t.
int32_t count_elements(const rectify_shape& shape, size_t element_size, size_t* elements) noexcept;

// Pointers: present unless optional or empty, aligned to their elements, and overlapping only as allowed.
int32_t check_tensors(std::span<const Tensor> tensors, size_t alignment) noexcept;

// Whether alpha, rounded to f32, is finite; and not below zero.
bool finite_in_f32(double alpha) noexcept;
bool below_zero(double alpha) noexcept;

}  // namespace rectify
