// The checks of the tensors that a call of one activation has, inline: a public function says as constants which of them it
// has not, and what it has not costs a small call nothing. No floating-point instruction is used here, as in arguments.hpp.
#pragma once

#include "dispatch/arguments.hpp"
#include "dispatch/ranges.hpp"

namespace rectify {

// The product of the shape. Neither it, nor the bytes of the tensor, nor those of the parameters may exceed size_t.
[[gnu::always_inline]] inline int32_t count_elements(const Work& work, const Format& format, size_t* elements) noexcept {
  const size_t element_size = format.element_size;
  size_t bytes;
  if (__builtin_mul_overflow(work.channels, size_t{format.scalar_size}, &bytes)) return RECTIFY_ERROR_SIZE_OVERFLOW;
  *elements = 0;
  if (work.outer == 0 || work.channels == 0 || work.inner == 0) return RECTIFY_OK;
  size_t count;
  if (__builtin_mul_overflow(work.outer, work.channels, &count) || __builtin_mul_overflow(count, work.inner, &count) ||
      __builtin_mul_overflow(count, element_size, &bytes)) {
    return RECTIFY_ERROR_SIZE_OVERFLOW;
  }
  *elements = count;
  return RECTIFY_OK;
}

// The pointers of a call whose shape is checked.
[[gnu::always_inline]] inline int32_t check_pointers(const Call& call, Needs needs) noexcept {
  const Work& work = call.work;
  const Format& format = *call.format;
  const bool has_slopes = call.slope_dtype != no_slopes;
  if (call.elements != 0) {
    if (work.x == nullptr || (needs != Needs::forward && work.dy == nullptr) || (has_slopes && work.parameter == nullptr)) {
      return RECTIFY_ERROR_NULL_POINTER;
    }
    if (work.out == nullptr) {
      if (needs != Needs::backward_with_parameter) return RECTIFY_ERROR_NULL_POINTER;
      if (call.sums == nullptr) return RECTIFY_ERROR_INVALID_ARGUMENT;
    }
  }
  if (!is_aligned(address_of(work.x) | address_of(work.dy) | address_of(work.out), format.element_size) ||
      !is_aligned(address_of(work.parameter) | address_of(call.sums), format.slope_size)) {
    return RECTIFY_ERROR_UNALIGNED;
  }
  const bool has_dy = work.dy != nullptr, has_out = work.out != nullptr;
  const size_t bytes = call.elements * format.element_size, parameter_bytes = work.channels * format.slope_size;
  const Range x = {address_of(work.x), bytes}, dy = {address_of(work.dy), bytes}, out = {address_of(work.out), bytes};
  const Range slope = {address_of(work.parameter), parameter_bytes}, sums = {address_of(call.sums), parameter_bytes};
  bool allowed = true;
  if (call.elements != 0 && has_out) {
    allowed = out.same_or_disjoint(x) && (!has_dy || out.same_or_disjoint(dy)) && (!has_slopes || out.disjoint(slope));
  }
  if (call.sums != nullptr) {
    if (call.elements != 0) {
      allowed = allowed && sums.disjoint(x) && sums.disjoint(dy) && (!has_out || sums.disjoint(out));
    }
    allowed = allowed && (work.parameter == nullptr || parameter_bytes == 0 || sums.disjoint(slope));
  }
  return allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

// One channel is one run, however many images it is of.
[[gnu::always_inline]] inline void collapse_shape(Call& call) noexcept {
  if (call.work.channels != 1) return;
  call.work.outer = 1;
  call.work.inner = call.elements;
}

// Finds the number format, checks the shape, counts the elements and collapses the shape.
[[gnu::always_inline]] inline int32_t check_shape(Call& call) noexcept {
  call.format = find_format(call.dtype, call.slope_dtype);
  if (call.format == nullptr) return missing_format(call.dtype, call.slope_dtype);
  if (const int32_t status = count_elements(call.work, *call.format, &call.elements)) return status;
  collapse_shape(call);
  return RECTIFY_OK;
}

constexpr size_t mask_size(size_t elements) { return elements / 8 + (elements % 8 != 0); }

// The mask that a checked call reads.
[[gnu::always_inline]] inline int32_t check_mask(const Call& call, const void* mask) noexcept {
  if (call.elements == 0) return RECTIFY_OK;
  if (mask == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  const Range out = {address_of(call.work.out), call.elements * call.format->element_size};
  return out.disjoint({address_of(mask), mask_size(call.elements)}) ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

// The same as check_shape(), and the pointers.
[[gnu::always_inline]] inline int32_t check_tensors(Call& call, Needs needs) noexcept {
  if (const int32_t status = check_shape(call)) return status;
  return check_pointers(call, needs);
}

}  // namespace rectify
