#include "dispatch/arguments.hpp"

#include <algorithm>
#include <bit>

#include "dispatch/select.hpp"

namespace rectify {
namespace {

// The product of the shape. Neither it, nor the bytes of the tensor, nor those of the parameters may exceed size_t.
int32_t count_elements(const rectify_shape& shape, size_t element_size, size_t* elements) noexcept {
  size_t bytes;
  if (__builtin_mul_overflow(shape.channels, element_size, &bytes)) return RECTIFY_ERROR_SIZE_OVERFLOW;
  *elements = 0;
  if (shape.outer == 0 || shape.channels == 0 || shape.inner == 0) return RECTIFY_OK;
  size_t count;
  if (__builtin_mul_overflow(shape.outer, shape.channels, &count) || __builtin_mul_overflow(count, shape.inner, &count) ||
      __builtin_mul_overflow(count, element_size, &bytes)) {
    return RECTIFY_ERROR_SIZE_OVERFLOW;
  }
  *elements = count;
  return RECTIFY_OK;
}

struct Range {
  uintptr_t address;
  size_t bytes;  // 0 for a tensor that is not there
};

Range range(const void* data, size_t bytes) noexcept {
  return {reinterpret_cast<uintptr_t>(data), data == nullptr ? 0 : bytes};
}

bool disjoint(Range a, Range b) noexcept {
  return a.bytes == 0 || b.bytes == 0 || (b.address - a.address >= a.bytes && a.address - b.address >= b.bytes);
}

bool same_or_disjoint(Range a, Range b) noexcept { return a.address == b.address || disjoint(a, b); }

int32_t check_pointers(const Call& call, Needs needs, bool has_slopes, size_t elements, size_t element_size) noexcept {
  if (elements != 0) {
    if (call.x == nullptr || (needs != Needs::forward && call.dy == nullptr) || (has_slopes && call.slope == nullptr)) {
      return RECTIFY_ERROR_NULL_POINTER;
    }
    if (call.out == nullptr) {
      if (needs != Needs::backward_with_parameter) return RECTIFY_ERROR_NULL_POINTER;
      if (call.sums == nullptr) return RECTIFY_ERROR_INVALID_ARGUMENT;
    }
  }
  const size_t bytes = elements * element_size, parameter_bytes = call.shape.channels * element_size;
  const Range x = range(call.x, bytes), dy = range(call.dy, bytes), out = range(call.out, bytes);
  const Range slope = range(call.slope, parameter_bytes), sums = range(call.sums, parameter_bytes);
  if ((x.address | dy.address | out.address | slope.address | sums.address) % element_size != 0) {
    return RECTIFY_ERROR_UNALIGNED;
  }
  const bool allowed = same_or_disjoint(out, x) && same_or_disjoint(out, dy) && disjoint(out, slope) &&
                       disjoint(sums, out) && disjoint(sums, x) && disjoint(sums, dy) && disjoint(sums, slope);
  return allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

}  // namespace

int32_t check(const Call& call, Needs needs, bool has_slopes, Checked* checked) noexcept {
  size_t element_size, elements;
  if (const int32_t status = check_dtype(call.dtype, &element_size)) return status;
  if (const int32_t status = count_elements(call.shape, element_size, &elements)) return status;
  if (const int32_t status = check_options(call.options, &checked->options)) return status;
  const Backend* backend;
  if (const int32_t status = select_backend(checked->options.backend, &backend)) return status;
  if (const int32_t status = check_pointers(call, needs, has_slopes, elements, element_size)) return status;

  checked->kernels = &backend->f32;
  checked->work = {call.x, call.dy, call.out, call.slope, call.shape, elements, element_size};
  if (call.shape.channels == 1) checked->work.shape = {1, 1, elements};
  return RECTIFY_OK;
}

int32_t check_options(const rectify_options* options, rectify_options* checked) noexcept {
  *checked = {};
  if (options == nullptr) return RECTIFY_OK;
  if (options->struct_size < sizeof(rectify_options)) return RECTIFY_ERROR_INVALID_OPTIONS;
  // A caller newer than this library may know more fields; they must ask for nothing.
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(options);
  if (std::any_of(bytes + sizeof(rectify_options), bytes + options->struct_size, [](unsigned char b) { return b != 0; })) {
    return RECTIFY_ERROR_INVALID_OPTIONS;
  }
  if (options->sums != RECTIFY_SUMS_ORDERED || options->reserved != 0) return RECTIFY_ERROR_INVALID_OPTIONS;
  *checked = *options;
  return RECTIFY_OK;
}

int32_t check_dtype(int32_t dtype, size_t* element_size) noexcept {
  switch (dtype) {
    case RECTIFY_F32:
      *element_size = 4;
      return RECTIFY_OK;
    case RECTIFY_F16:
    case RECTIFY_BF16:
    case RECTIFY_F64:
      return RECTIFY_ERROR_UNSUPPORTED_DTYPE;
    default:
      return RECTIFY_ERROR_UNKNOWN_DTYPE;
  }
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
