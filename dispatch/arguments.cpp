#include "dispatch/arguments.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rectify {

int32_t read_options(const rectify_options* options, rectify_options* checked) noexcept {
  *checked = {};
  checked->struct_size = sizeof(rectify_options);
  if (options == nullptr) return RECTIFY_OK;
  if (options->struct_size < sizeof(rectify_options)) return RECTIFY_ERROR_INVALID_OPTIONS;
  // A caller newer than this library may know more fields; they must ask for nothing.
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(options);
  if (std::any_of(bytes + sizeof(rectify_options), bytes + options->struct_size, [](unsigned char b) { return b != 0; })) {
    return RECTIFY_ERROR_INVALID_OPTIONS;
  }
  if (options->sums != RECTIFY_SUMS_ORDERED || options->reserved != 0) return RECTIFY_ERROR_INVALID_OPTIONS;
  std::memcpy(checked, options, sizeof(rectify_options));
  return RECTIFY_OK;
}

int32_t element_size_of(int32_t dtype, size_t* size) noexcept {
  switch (dtype) {
    case RECTIFY_F32:
      *size = 4;
      return RECTIFY_OK;
    case RECTIFY_F16:
    case RECTIFY_BF16:
    case RECTIFY_F64:
      return RECTIFY_ERROR_UNSUPPORTED_DTYPE;
    default:
      return RECTIFY_ERROR_UNKNOWN_DTYPE;
  }
}

int32_t count_elements(const rectify_shape& shape, size_t element_size, size_t* elements) noexcept {
  size_t count = 0, bytes;
  const bool empty = shape.outer == 0 || shape.channels == 0 || shape.inner == 0;
  if (!empty &&
      (__builtin_mul_overflow(shape.outer, shape.channels, &count) || __builtin_mul_overflow(count, shape.inner, &count) ||
       __builtin_mul_overflow(count, element_size, &bytes))) {
    return RECTIFY_ERROR_SIZE_OVERFLOW;
  }
  if (__builtin_mul_overflow(shape.channels, element_size, &bytes)) return RECTIFY_ERROR_SIZE_OVERFLOW;
  *elements = count;
  return RECTIFY_OK;
}

namespace {

bool overlap(const Tensor& a, const Tensor& b) noexcept {
  const uintptr_t first = reinterpret_cast<uintptr_t>(a.data), second = reinterpret_cast<uintptr_t>(b.data);
  if (a.bytes == 0 || b.bytes == 0) return false;
  return first <= second ? second - first < a.bytes : first - second < b.bytes;
}

bool is_output(const Tensor& tensor) noexcept {
  return tensor.role == Role::output || tensor.role == Role::parameter_output;
}

}  // namespace

int32_t check_tensors(std::span<const Tensor> tensors, size_t alignment) noexcept {
  for (const Tensor& tensor : tensors) {
    if (tensor.data == nullptr && tensor.bytes != 0 && !tensor.optional) return RECTIFY_ERROR_NULL_POINTER;
    if (reinterpret_cast<uintptr_t>(tensor.data) % alignment != 0) return RECTIFY_ERROR_UNALIGNED;
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    for (size_t j = i + 1; j < tensors.size(); ++j) {
      const Tensor &a = tensors[i], &b = tensors[j];
      if (a.data == nullptr || b.data == nullptr || (!is_output(a) && !is_output(b)) || !overlap(a, b)) continue;
      const bool in_place = a.data == b.data && ((a.role == Role::input && b.role == Role::output) ||
                                                 (a.role == Role::output && b.role == Role::input));
      if (!in_place) return RECTIFY_ERROR_OVERLAP;
    }
  }
  return RECTIFY_OK;
}

bool finite_in_f32(double alpha) noexcept {
  // The smallest magnitude that rounds to infinity lies halfway between the largest float and 2^128.
  constexpr uint64_t rounds_to_infinity = std::bit_cast<uint64_t>(0x1.ffffffp127), magnitude = ~uint64_t{0} >> 1;
  return (std::bit_cast<uint64_t>(alpha) & magnitude) < rounds_to_infinity;
}

bool below_zero(double alpha) noexcept {
  constexpr uint64_t minus_zero = uint64_t{1} << 63;
  return std::bit_cast<uint64_t>(alpha) > minus_zero;
}

}  // namespace rectify
