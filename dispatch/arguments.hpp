// The checks that every public call makes before it reads or writes anything, but for those of tensors.hpp. No
// floating-point instruction is used here: the caller's environment is still in force, and its exceptions may be unmasked.
#pragma once

#include <bit>

#include "dispatch/call.hpp"
#include "dispatch/select.hpp"

namespace rectify {

// Which tensors an operation needs.
enum class Needs {
  forward,                  // x and y
  backward,                 // x, dy and dx
  backward_with_parameter,  // x, dy and at least one of dx and the sums
};

// The same as check_tensors() of tensors.hpp, and what goes together in a fused call, which has an out in any case.
int32_t check_fused(FusedCall& call, Needs needs) noexcept;

// Checks what the caller has set aside for the sums of a checked call.
int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept;

// The same of a fused call.
int32_t check_fused_scratch(const FusedCall& call, const void* scratch, size_t bytes, size_t needed) noexcept;

// Of options that are not just what this version knows, or ask for what it does not.
int32_t check_other_options(const rectify_options& options) noexcept;

// Of just what this version knows, with nothing asked for that it does not have.
[[gnu::always_inline]] inline bool is_plain(const rectify_options& options) noexcept {
  return options.struct_size == sizeof options && options.sums == RECTIFY_SUMS_ORDERED && options.reserved == 0;
}

// Inline, as the tensors' checks are: a small call saves a call.
[[gnu::always_inline]] inline int32_t check_options(const rectify_options* options) noexcept {
  if (options == nullptr || is_plain(*options)) return RECTIFY_OK;
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

// What may be given for a scalar parameter: Leaky ReLU's slope, ELU's alpha, alpha where y is given.
enum class ScalarRule { none, any, finite, finite_not_negative };

// Rounds a scalar parameter, if there is one, to the type that computes. Without a floating-point comparison.
[[gnu::always_inline]] inline int32_t check_scalar(ScalarRule rule, const Format& format, double value,
                                                   Scalar* rounded) noexcept {
  if (rule == ScalarRule::none) return RECTIFY_OK;
  *rounded = round_scalar(format, value);
  if (rule == ScalarRule::any) return RECTIFY_OK;
  const bool finite = format.scalar_size == sizeof(double) ? (std::bit_cast<uint64_t>(rounded->f64) >> 52 & 0x7FF) != 0x7FF
                                                           : (std::bit_cast<uint32_t>(rounded->f32) >> 23 & 0xFF) != 0xFF;
  constexpr uint64_t minus_zero = uint64_t{1} << 63;
  const bool below_zero = std::bit_cast<uint64_t>(value) > minus_zero;
  return finite && !(rule == ScalarRule::finite_not_negative && below_zero) ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT;
}

}  // namespace rectify
