// The checks that every public call makes before it reads or writes anything, but for those of tensors.hpp. No
// floating-point instruction is used here: the caller's environment is still in force, and its exceptions may be unmasked.
#pragma once

#include "dispatch/call.hpp"
#include "dispatch/select.hpp"

namespace rectify {

// Which tensors an operation needs.
enum class Needs {
  forward,                  // x and y
  backward,                 // x, dy and dx
  backward_with_parameter,  // x, dy and at least one of dx and the sums
};

// The mask that a checked call reads.
int32_t check_mask(const Call& call, const void* mask) noexcept;

// The same as check_tensors() of tensors.hpp, and what goes together in a fused call, which has an out in any case.
int32_t check_fused(FusedCall& call, Needs needs) noexcept;

// Checks what the caller has set aside for the sums of a checked call.
int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept;

// The same of a fused call.
int32_t check_fused_scratch(const FusedCall& call, const void* scratch, size_t bytes, size_t needed) noexcept;

// Of options that are not just what this version knows, or ask for what it does not.
int32_t check_other_options(const rectify_options& options) noexcept;

// Inline, as the tensors' checks are: a small call saves a call.
[[gnu::always_inline]] inline int32_t check_options(const rectify_options* options) noexcept {
  if (options == nullptr) return RECTIFY_OK;
  if (options->struct_size == sizeof *options && options->sums == RECTIFY_SUMS_ORDERED && options->reserved == 0) {
    return RECTIFY_OK;
  }
  return check_other_options(*options);
}

inline constexpr rectify_options default_options = {};

// Checks a call's options, puts the defaults where there are none, and chooses the backend: the call is then complete.
[[gnu::always_inline]] inline int32_t check_how(Call& call) noexcept {
  const char* name = nullptr;
  if (call.options == nullptr) {
    call.options = &default_options;
  } else {
    if (const int32_t status = check_options(call.options)) return status;
    name = call.options->backend;
  }
  call.backend = best_backend();
  if (name != nullptr || call.backend == nullptr) {
    if (const int32_t status = select_backend(name, &call.backend)) return status;
  }
  call.kernels = call.backend->*call.format->kernels;
  return RECTIFY_OK;
}

// ELU's alpha, rounded: it must be finite then.
int32_t check_alpha(const Format& format, double alpha, Scalar* rounded) noexcept;

// Without a floating-point comparison.
bool below_zero(double value) noexcept;

}  // namespace rectify
