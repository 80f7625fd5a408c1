#include "dispatch/arguments.hpp"

#include <algorithm>
#include <bit>

namespace rectify {
namespace {

// The product of the shape. Neither it, nor the bytes of the tensor, nor those of the parameters may exceed size_t.
int32_t count_elements(const Work& work, size_t element_size, size_t* elements) noexcept {
  size_t bytes;
  if (__builtin_mul_overflow(work.channels, element_size, &bytes)) return RECTIFY_ERROR_SIZE_OVERFLOW;
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

// `bytes` at `address`, and what they may share with others. NULL is a tensor that is not there: it overlaps nothing.
struct Range {
  Range(const void* data, size_t size) noexcept : address(reinterpret_cast<uintptr_t>(data)), bytes(size) {}
  bool disjoint(const Range& other) const noexcept {
    return (other.address - address >= bytes && address - other.address >= other.bytes) || address == 0 ||
           other.address == 0 || bytes == 0 || other.bytes == 0;
  }
  bool same_or_disjoint(const Range& other) const noexcept { return address == other.address || disjoint(other); }
  uintptr_t address;
  size_t bytes;
};

int32_t check_pointers(const Call& call, Needs needs, bool has_slopes) noexcept {
  const Work& work = call.work;
  if (call.elements != 0) {
    if (work.x == nullptr || (needs != Needs::forward && work.dy == nullptr) || (has_slopes && work.parameter == nullptr)) {
      return RECTIFY_ERROR_NULL_POINTER;
    }
    if (work.out == nullptr) {
      if (needs != Needs::backward_with_parameter) return RECTIFY_ERROR_NULL_POINTER;
      if (call.sums == nullptr) return RECTIFY_ERROR_INVALID_ARGUMENT;
    }
  }
  const size_t bytes = call.elements * call.element_size, parameter_bytes = work.channels * call.element_size;
  const Range x(work.x, bytes), dy(work.dy, bytes), out(work.out, bytes);
  const Range slope(work.parameter, parameter_bytes), sums(call.sums, parameter_bytes);
  if ((x.address | dy.address | out.address | slope.address | sums.address) % call.element_size != 0) {
    return RECTIFY_ERROR_UNALIGNED;
  }
  bool allowed = out.same_or_disjoint(x);
  if (work.dy != nullptr) allowed = allowed && out.same_or_disjoint(dy);
  if (has_slopes) allowed = allowed && out.disjoint(slope);
  if (call.sums != nullptr) {
    allowed = allowed && sums.disjoint(out) && sums.disjoint(x) && sums.disjoint(dy) && sums.disjoint(slope);
  }
  return allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

}  // namespace

int32_t check_shape(Call& call) noexcept {
  if (const int32_t status = check_dtype(call.dtype, &call.element_size)) return status;
  if (const int32_t status = count_elements(call.work, call.element_size, &call.elements)) return status;
  if (call.work.channels == 1) {
    call.work.outer = 1;
    call.work.inner = call.elements;
  }
  return RECTIFY_OK;
}

int32_t check_tensors(Call& call, Needs needs, bool has_slopes) noexcept {
  if (const int32_t status = check_shape(call)) return status;
  return check_pointers(call, needs, has_slopes);
}

int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  if (bytes < needed) return RECTIFY_ERROR_SCRATCH_TOO_SMALL;
  if (needed == 0) return RECTIFY_OK;
  if (scratch == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  const Work& work = call.work;
  const size_t tensor = call.elements * call.element_size, parameters = work.channels * call.element_size;
  const Range nodes(scratch, needed);
  if (nodes.address % call.element_size != 0) return RECTIFY_ERROR_UNALIGNED;
  const bool apart = nodes.disjoint(Range(work.x, tensor)) && nodes.disjoint(Range(work.dy, tensor)) &&
                     nodes.disjoint(Range(work.out, tensor)) && nodes.disjoint(Range(work.parameter, parameters)) &&
                     nodes.disjoint(Range(call.sums, parameters));
  return apart ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

int32_t check_options(const rectify_options* options) noexcept {
  if (options == nullptr) return RECTIFY_OK;
  if (options->struct_size < sizeof(rectify_options)) return RECTIFY_ERROR_INVALID_OPTIONS;
  // A caller newer than this library may know more fields; they must ask for nothing.
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(options);
  if (std::any_of(bytes + sizeof(rectify_options), bytes + options->struct_size, [](unsigned char b) { return b != 0; })) {
    return RECTIFY_ERROR_INVALID_OPTIONS;
  }
  if (options->sums != RECTIFY_SUMS_ORDERED || options->reserved != 0) return RECTIFY_ERROR_INVALID_OPTIONS;
  return RECTIFY_OK;
}

int32_t check_alpha(double alpha, float* rounded) noexcept {
  *rounded = round_to_f32(alpha);
  return is_finite(*rounded) ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT;
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

float round_to_f32(double value) noexcept {
  const uint64_t bits = std::bit_cast<uint64_t>(value), magnitude = bits & ~uint64_t{0} >> 1, exponent = magnitude >> 52;
  constexpr uint64_t hidden = uint64_t{1} << 52, infinity = 0x7F800000;
  // Drops the lowest bits: rounds to nearest, ties to even. A carry runs on into the exponent, as it should.
  const auto drop = [](uint64_t from, uint64_t count) {
    return (from + (uint64_t{1} << (count - 1)) - 1 + (from >> count & 1)) >> count;
  };
  uint64_t rounded = 0;
  if (magnitude > uint64_t{0x7FF} << 52) {
    rounded = 0x7FC00000;  // NaN
  } else if (exponent >= 897) {
    rounded = std::min(drop(magnitude - (uint64_t{896} << 52), 29), infinity);
  } else if (exponent >= 872) {
    rounded = drop((magnitude & (hidden - 1)) | hidden, 926 - exponent);  // denormal in f32
  }
  return std::bit_cast<float>(static_cast<uint32_t>(bits >> 32 & 0x80000000) | static_cast<uint32_t>(rounded));
}

bool is_finite(float value) noexcept { return (std::bit_cast<uint32_t>(value) & 0x7F800000) != 0x7F800000; }

bool below_zero(double value) noexcept {
  constexpr uint64_t minus_zero = uint64_t{1} << 63;
  return std::bit_cast<uint64_t>(value) > minus_zero;
}

}  // namespace rectify
