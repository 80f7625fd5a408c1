#include "dispatch/arguments.hpp"

#include <algorithm>

#include "dispatch/ranges.hpp"
#include "dispatch/tensors.hpp"

namespace rectify {
namespace {

// What the caller has set aside, beside the call's tensors and the others that it has.
int32_t check_scratch_beside(Ranges& others, const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  if (bytes < needed) return RECTIFY_ERROR_SCRATCH_TOO_SMALL;
  if (needed == 0) return RECTIFY_OK;
  if (scratch == nullptr) return RECTIFY_ERROR_NULL_POINTER;
  if (!is_aligned(address_of(scratch), call.format->scalar_size)) return RECTIFY_ERROR_UNALIGNED;
  const Work& work = call.work;
  const size_t tensor = call.elements * call.format->element_size;
  others.add(work.x, tensor);
  others.add(work.dy, tensor);
  others.add(work.out, tensor);
  others.add(work.parameter, work.channels * call.format->slope_size);
  const Range nodes = {address_of(scratch), needed};
  return others.all([&](const Range& r) { return nodes.disjoint(r); }) ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

}  // namespace

int32_t check_fused(FusedCall& call, Needs needs) noexcept {
  if (const int32_t status = check_shape(call)) return status;
  const Work& work = call.work;
  const Format& format = *call.format;
  const int32_t kind = call.activation.kind;
  if (kind < RECTIFY_RELU || kind > RECTIFY_ELU) return RECTIFY_ERROR_INVALID_ARGUMENT;
  if (call.sums != nullptr && (kind == RECTIFY_RELU || call.mask_alone())) return RECTIFY_ERROR_INVALID_ARGUMENT;
  const ScalarRule rule = kind == RECTIFY_LEAKY_RELU ? ScalarRule::any
                          : kind == RECTIFY_ELU      ? ScalarRule::finite
                                                     : ScalarRule::none;
  if (const int32_t status = check_scalar(rule, format, call.activation.parameter, &call.scalar)) return status;
  // A mask says enough for dx alone; PReLU's own function has y beside it.
  if (call.mask != nullptr && (kind == RECTIFY_ELU || (call.per_channel() && !call.needs_mask))) {
    return RECTIFY_ERROR_INVALID_ARGUMENT;
  }
  if (call.elements != 0) {
    if (work.out == nullptr || (work.x == nullptr && !call.mask_alone()) ||
        (needs != Needs::forward && work.dy == nullptr) || (call.per_channel() && work.parameter == nullptr) ||
        (call.needs_mask && call.mask == nullptr && call.work.mask_out == nullptr)) {
      return RECTIFY_ERROR_NULL_POINTER;
    }
  }
  if (!is_aligned(address_of(work.x) | address_of(work.dy) | address_of(call.work.residual) | address_of(work.out),
                  format.element_size) ||
      !is_aligned(address_of(work.parameter) | address_of(call.work.bias) | address_of(call.dbias), format.slope_size) ||
      !is_aligned(address_of(call.sums), call.sum_size())) {
    return RECTIFY_ERROR_UNALIGNED;
  }
  // What out may be, what nothing may be, and what nothing may be and is written: those that are there.
  const size_t bytes = call.elements * format.element_size, mask_bytes = mask_size(call.elements);
  const size_t parameters = work.channels * format.slope_size;
  const Range out = {address_of(work.out), bytes};
  Ranges tensors, others, alone;
  tensors.add(work.x, bytes);
  // z stands in dx until the sums are taken.
  (call.sums == nullptr ? tensors : others).add(work.dy, bytes);
  tensors.add(call.work.residual, bytes);
  others.add(work.parameter, parameters);
  others.add(call.work.bias, parameters);
  others.add(call.mask, mask_bytes);
  alone.add(call.dbias, parameters);
  alone.add(call.sums, call.sum_bytes());
  alone.add(call.work.mask_out, mask_bytes);
  const bool allowed =
      tensors.all([&](const Range& r) { return out.same_or_disjoint(r); }) &&
      (bytes == 0 || others.all([&](const Range& r) { return out.disjoint(r); })) && alone.all([&](const Range& own) {
        const auto apart = [&](const Range& r) { return &r == &own || own.disjoint(r); };
        return (bytes == 0 || own.disjoint(out)) && tensors.all(apart) && others.all(apart) && alone.all(apart);
      });
  return allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP;
}

int32_t check_scratch(const Call& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  Ranges others;
  others.add(call.sums, call.work.channels * call.format->slope_size);
  return check_scratch_beside(others, call, scratch, bytes, needed);
}

int32_t check_fused_scratch(const FusedCall& call, const void* scratch, size_t bytes, size_t needed) noexcept {
  const size_t parameters = call.work.channels * call.format->slope_size;
  Ranges others;
  others.add(call.work.residual, call.elements * call.format->element_size);
  others.add(call.work.bias, parameters);
  others.add(call.dbias, parameters);
  others.add(call.sums, call.sum_bytes());
  others.add(call.mask, mask_size(call.elements));
  return check_scratch_beside(others, call, scratch, bytes, needed);
}

int32_t check_other_options(const rectify_options& options) noexcept {
  if (options.struct_size < sizeof options) return RECTIFY_ERROR_INVALID_OPTIONS;
  // A caller newer than this library may know more fields; they must ask for nothing.
  const unsigned char* bytes = reinterpret_cast<const unsigned char*>(&options);
  if (std::any_of(bytes + sizeof options, bytes + options.struct_size, [](unsigned char b) { return b != 0; })) {
    return RECTIFY_ERROR_INVALID_OPTIONS;
  }
  if (options.sums != RECTIFY_SUMS_ORDERED || options.reserved != 0) return RECTIFY_ERROR_INVALID_OPTIONS;
  return RECTIFY_OK;
}

}  // namespace rectify
