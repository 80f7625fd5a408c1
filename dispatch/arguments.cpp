#include "dispatch/arguments.hpp"

#include <algorithm>
#include <bit>

#include "dispatch/select.hpp"

namespace rectify {
namespace {

// The product of the shape. Neither it, nor the bytes of the tensor, nor those of the parameters may exceed size_t.
int32_t count_elements(const Work& work, const Format& format, size_t* elements) noexcept {
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

int32_t check_pointers(const Call& call, Needs needs) noexcept {
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
  const size_t bytes = call.elements * format.element_size, parameter_bytes = work.channels * format.slope_size;
  const Range x(work.x, bytes), dy(work.dy, bytes), out(work.out, bytes);
  const Range slope(work.parameter, parameter_bytes), sums(call.sums, parameter_bytes);
  if ((x.address | dy.address | out.address) % format.element_size != 0 ||
      (slope.address | sums.address) % format.slope_size != 0) {
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

constexpr rectify_options defaults = {};

}  // namespace

int32_t check_shape(Call& call) noexcept {
  if (const int32_t status = find_format(call.dtype, call.slope_dtype, &call.format)) return status;
  if (const int32_t status = count_elements(call.work, *call.format, &call.elements)) return status;
  if (call.work.channels == 1) {
    call.work.outer = 1;
    call.work.inner = call.elements;
  }
  return RECTIFY_OK;
}

int32_t check_tensors(Call& call, Needs needs) noexcept {
  if (const int32_t status = check_shape(call)) return status;
  return check_pointers(call, needs);
}

int32_t check_fused_tensors(FusedCall& call, Needs needs) noexcept {
  if (const int32_t status = check_shape(call)) return status;
  const Work& work = call.work;
  const Format& format = *call.format;
  if (call.elements != 0 && (work.out == nullptr || (needs != Needs::forward && work.dy == nullptr) ||
                             (call.needs_mask && call.mask == nullptr && call.mask_out == nullptr))) {
    return RECTIFY_ERROR_NULL_POINTER;
  }
  const size_t bytes = call.elements * format.element_size, mask_bytes = call.elements / 8 + (call.elements % 8 != 0);
  const size_t parameters = work.channels * format.slope_size;
  const Range out(work.out, bytes), sums(call.sums, call.sums_are_scalar ? format.scalar_size : parameters);
  const Range dbias(call.dbias, parameters), mask_out(call.mask_out, mask_bytes), mask(call.mask, mask_bytes);
  const Range tensors[] = {{work.x, bytes}, {work.dy, bytes}, {call.residual, bytes}};
  const Range slopes[] = {{work.parameter, parameters}, {call.bias, parameters}};
  const size_t sum_alignment = call.sums_are_scalar ? format.scalar_size : format.slope_size;
  if ((tensors[0].address | tensors[1].address | tensors[2].address | out.address) % format.element_size != 0 ||
      (slopes[0].address | slopes[1].address | dbias.address) % format.slope_size != 0 ||
      sums.address % sum_alignment != 0) {
    return RECTIFY_ERROR_UNALIGNED;
  }
  bool allowed = out.disjoint(mask) && out.disjoint(slopes[0]) && out.disjoint(slopes[1]);
  for (const Range& tensor : tensors) allowed = allowed && (tensor.address == 0 || out.same_or_disjoint(tensor));
  // dx holds z until the sums are taken.
  if (call.sums != nullptr) allowed = allowed && out.disjoint(tensors[1]);
  const Range* const alone[] = {&sums, &dbias, &mask_out};
  for (const Range* range : alone) {
    for (const Range& tensor : tensors) allowed = allowed && range->disjoint(tensor);
    for (const Range& slope : slopes) allowed = allowed && range->disjoint(slope);
    allowed = allowed && range->disjoint(out) && range->disjoint(mask);
    for (const Range* other : alone) allowed = allowed && (range == other || range->disjoint(*other));
  }
  return allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

int32_t check_how(Call& call) noexcept {
  if (call.options == nullptr) {
    call.options = &defaults;
  } else if (const int32_t status = check_options(call.options)) {
    return status;
  }
  if (const int32_t status = select_backend(call.options->backend, &call.backend)) return status;
  call.kernels = call.backend->*call.format->kernels;
  return RECTIFY_OK;
}

int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  if (bytes < needed) return RECTIFY_ERROR_SCRATCH_TOO_SMALL;
  if (needed == 0) return RECTIFY_OK;
  if (scratch == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  const Work& work = call.work;
  const size_t tensor = call.elements * call.format->element_size, parameters = work.channels * call.format->slope_size;
  const Range nodes(scratch, needed);
  if (nodes.address % call.format->scalar_size != 0) return RECTIFY_ERROR_UNALIGNED;
  const bool apart = nodes.disjoint(Range(work.x, tensor)) && nodes.disjoint(Range(work.dy, tensor)) &&
                     nodes.disjoint(Range(work.out, tensor)) && nodes.disjoint(Range(work.parameter, parameters)) &&
                     nodes.disjoint(Range(call.sums, parameters));
  return apart ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

int32_t check_fused_scratch(const FusedCall& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  if (const int32_t status = check_scratch(call, scratch, bytes, needed)) return status;
  const size_t tensor = call.elements * call.format->element_size,
               parameters = call.work.channels * call.format->slope_size;
  const Range nodes(scratch, needed);
  const bool apart = nodes.disjoint(Range(call.residual, tensor)) && nodes.disjoint(Range(call.bias, parameters)) &&
                     nodes.disjoint(Range(call.dbias, parameters)) &&
                     nodes.disjoint(Range(call.sums, call.sums_are_scalar ? call.format->scalar_size : parameters)) &&
                     nodes.disjoint(Range(call.mask, call.elements / 8 + (call.elements % 8 != 0)));
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

int32_t check_alpha(const Format& format, double alpha, Scalar* rounded) noexcept {
  *rounded = round_scalar(format, alpha);
  const bool finite = format.scalar_size == sizeof(double) ? (std::bit_cast<uint64_t>(rounded->f64) >> 52 & 0x7FF) != 0x7FF
                                                           : (std::bit_cast<uint32_t>(rounded->f32) >> 23 & 0xFF) != 0xFF;
  return finite ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT;
}

bool below_zero(double value) noexcept {
  constexpr uint64_t minus_zero = uint64_t{1} << 63;
  return std::bit_cast<uint64_t>(value) > minus_zero;
}

}  // namespace rectify
