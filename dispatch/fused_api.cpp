// The public functions that do more than an activation: with masks, bias and residual. All are made of the same stages.
#include <rectify/rectify.h>

#include <cstring>

#include "dispatch/arguments.hpp"
#include "dispatch/tasks.hpp"

namespace {

using namespace rectify;

// The kernels of an activation and their parameter.
struct Activation {
  const Kernels* kernels;
  MapKernel forward;
  MapKernel backward;
  MapKernel backward_from_mask;       // NULL where the mask does not say enough
  SumKernel backward_with_parameter;  // NULL where there is no parameter
  const void* parameter;
  bool per_channel;
  Scalar scalar;
};

FusedCall new_call(int32_t dtype, int64_t parameter_dtype, rectify_shape shape, const void* x, const void* dy, void* out,
                   const void* slope, void* sums, const rectify_options* options) {
  const Work work = {x, dy, out, slope, shape.outer, shape.channels, shape.inner, false, false};
  return FusedCall(dtype, parameter_dtype, work, sums, options);
}

// One tensor after the other: a shape without channels.
Work flat(const FusedCall& call, const void* x, const void* dy, void* out) {
  return {x, dy, out, nullptr, 1, 1, call.elements, false, false};
}

int32_t find_activation(const FusedCall& call, const rectify_activation& given, Activation& found) {
  const Format* scalar_format;
  if (const int32_t status = find_format(call.dtype, no_slopes, &scalar_format)) return status;
  const Kernels& scalar = *(call.backend->*scalar_format->kernels);
  const auto set = [&](const Kernels& k, MapKernel forward, MapKernel backward, MapKernel from_mask, SumKernel sum,
                       const void* parameter) {
    found.kernels = &k;
    found.forward = forward;
    found.backward = backward;
    found.backward_from_mask = from_mask;
    found.backward_with_parameter = sum;
    found.parameter = parameter;
    found.per_channel = given.kind == RECTIFY_PRELU;
  };
  switch (given.kind) {
    case RECTIFY_RELU:
      set(scalar, scalar.relu_forward, scalar.relu_backward, scalar.relu_backward_from_mask, nullptr, nullptr);
      return RECTIFY_OK;
    case RECTIFY_LEAKY_RELU:
      found.scalar = round_scalar(*scalar_format, given.parameter);
      set(scalar, scalar.prelu_forward, scalar.prelu_backward, scalar.leaky_relu_backward_from_mask,
          scalar.prelu_backward_with_parameter, &found.scalar);
      return RECTIFY_OK;
    case RECTIFY_PRELU: {
      const Kernels& own = *call.kernels;
      set(own, own.prelu_forward, own.prelu_backward, nullptr, own.prelu_backward_with_parameter, given.slope);
      return given.slope == nullptr && call.elements != 0 ? RECTIFY_ERROR_NULL_POINTER : RECTIFY_OK;
    }
    case RECTIFY_ELU:
      set(scalar, scalar.elu_forward, scalar.elu_backward, nullptr, scalar.elu_backward_with_parameter, &found.scalar);
      return check_alpha(*scalar_format, given.parameter, &found.scalar);
    default:
      return RECTIFY_ERROR_INVALID_ARGUMENT;
  }
}

// The activation's own work on x, which may be the tile.
Work work_of(const FusedCall& call, const Activation& activation, const void* x) {
  Work work = activation.per_channel ? call.work : flat(call, nullptr, call.work.dy, call.work.out);
  work.x = x;
  work.parameter = activation.parameter;
  return work;
}

// z = x + bias + residual, or what stands for x where y and the mask are given. The last step writes to `out`, or to the
// tile where that is NULL. Returns false if z is x itself.
bool add_input_stages(const FusedCall& call, const Kernels& kernels, void* out, Stages& stages) {
  const bool from_y = call.mask != nullptr;
  if (from_y) {
    stages.add({kernels.mask_backward, flat(call, call.mask, call.work.x, out), false, out == nullptr});
    return true;
  }
  if (call.bias != nullptr) {
    const bool last = call.residual == nullptr;
    Work work = call.work;
    work.dy = nullptr;
    work.out = last ? out : nullptr;
    work.parameter = call.bias;
    stages.add({kernels.bias_forward, work, false, work.out == nullptr});
  }
  if (call.residual != nullptr) {
    const bool from_tile = call.bias != nullptr;
    stages.add({kernels.residual_forward, flat(call, call.work.x, call.residual, out), from_tile, out == nullptr});
  }
  return stages.count != 0;
}

void choose_stores(const FusedCall& call, bool read_again, Work& work) {
  const void* const out = call.work.out;
  work.beyond_cache =
      is_beyond_cache(call, 2u + (call.residual != nullptr) + (call.work.dy != nullptr && work.x != call.mask));
  work.streaming = work.beyond_cache && !read_again && out != call.work.x && out != call.work.dy && out != call.residual;
}

int32_t fused_forward(FusedCall& call, const rectify_activation& given) {
  if (const int32_t status = check_fused_tensors(call, Needs::forward)) return status;
  if (const int32_t status = check_how(call)) return status;
  Activation activation;
  if (const int32_t status = find_activation(call, given, activation)) return status;
  if (call.elements == 0) return RECTIFY_OK;
  if (call.work.x == nullptr) return RECTIFY_ERROR_NULL_POINTER;

  Stages stages;
  stages.element_size = call.format->element_size;
  const bool from_tile = add_input_stages(call, *call.kernels, nullptr, stages);
  if (call.mask_out != nullptr) {
    stages.add({call.kernels->mask_forward, flat(call, call.work.x, nullptr, call.mask_out), from_tile, false});
  }
  Work work = work_of(call, activation, call.work.x);
  choose_stores(call, false, work);
  stages.add({activation.forward, work, from_tile, false});
  run_maps(stages, call);
  return RECTIFY_OK;
}

int32_t fused_backward(FusedCall& call, const rectify_activation& given) {
  call.sums_are_scalar = given.kind != RECTIFY_PRELU;
  if (const int32_t status = check_fused_tensors(call, Needs::backward_with_parameter)) return status;
  if (const int32_t status = check_how(call)) return status;
  Activation activation;
  if (const int32_t status = find_activation(call, given, activation)) return status;
  if (call.sums != nullptr && activation.backward_with_parameter == nullptr) return RECTIFY_ERROR_INVALID_ARGUMENT;
  const bool mask_alone = call.mask != nullptr && !activation.per_channel;
  if (mask_alone && (activation.backward_from_mask == nullptr || call.sums != nullptr))
    return RECTIFY_ERROR_INVALID_ARGUMENT;
  const size_t parameters = call.work.channels * call.format->slope_size;
  const size_t parameter_size = activation.per_channel ? call.format->slope_size : call.format->scalar_size;
  if (call.elements == 0) {
    if (call.dbias != nullptr) std::memset(call.dbias, 0, parameters);
    if (call.sums != nullptr) std::memset(call.sums, 0, activation.per_channel ? parameters : parameter_size);
    return RECTIFY_OK;
  }
  if (call.work.x == nullptr && !mask_alone) return RECTIFY_ERROR_NULL_POINTER;

  Stages stages;
  stages.element_size = call.format->element_size;
  void* const dx = call.work.out;
  Work bias_work = call.work;
  bias_work.x = bias_work.dy = dx;
  bias_work.out = nullptr;
  const Sum bias_sum = {call.kernels->bias_backward, bias_work, call.kernels->fold, nullptr, call.dbias,
                        call.format->slope_size};

  if (call.sums == nullptr) {
    const bool from_tile = !mask_alone && add_input_stages(call, *call.kernels, nullptr, stages);
    Work work = work_of(call, activation, mask_alone ? call.mask : call.work.x);
    choose_stores(call, call.dbias != nullptr, work);
    stages.add({mask_alone ? activation.backward_from_mask : activation.backward, work, from_tile, false});
    if (call.dbias == nullptr) {
      run_maps(stages, call);
      return RECTIFY_OK;
    }
    const SumPass pass = {&stages, &bias_sum, 1, &call.work};
    return run_sums(&pass, 1, call);
  }

  // z stands in dx until the activation's kernel, which goes by parts and not by tiles, has read it.
  const bool in_dx = add_input_stages(call, *call.kernels, dx, stages);
  Work work = work_of(call, activation, in_dx ? dx : call.work.x);
  choose_stores(call, in_dx || call.dbias != nullptr, work);
  const void* divisor = call.mask != nullptr ? activation.parameter : nullptr;
  const Sum sums[most_sums] = {
      {activation.backward_with_parameter, work, activation.kernels->fold, divisor, call.sums, parameter_size}, bias_sum};
  const bool with_bias = call.dbias != nullptr;
  if (activation.per_channel || call.work.channels == 1) {
    const SumPass pass = {&stages, sums, with_bias ? 2u : 1u, &call.work};
    return run_sums(&pass, 1, call);
  }
  // The one sum's blocks are not the other's.
  Stages none;
  const Work whole = flat(call, nullptr, nullptr, nullptr);
  const SumPass passes[most_passes] = {{&stages, &sums[0], 1, &whole}, {&none, &sums[1], 1, &call.work}};
  return run_sums(passes, with_bias ? 2 : 1, call);
}

// dx from the mask and dy, element by element: checked like a forward of dy, for a small call's sake.
int32_t backward_from_mask(Call& call, const void* mask, MapKernel Kernels::*kernel) {
  call.work.dy = call.work.x;
  call.work.x = mask;
  if (call.elements != 0) run_map(call.kernels->*kernel, call);
  return RECTIFY_OK;
}

int32_t check_with_mask(Call& call, const void* mask) {
  if (const int32_t status = check_tensors(call, Needs::forward)) return status;
  if (const int32_t status = check_mask(call, mask)) return status;
  return check_how(call);
}

constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

constexpr rectify_shape one_channel(size_t n) { return {1, 1, n}; }

}  // namespace

extern "C" {

int32_t rectify_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                       const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, no_slopes, one_channel(n), x, nullptr, y, nullptr, nullptr, options);
  call.mask_out = mask;
  call.needs_mask = true;
  return fused_forward(call, relu);
}

int32_t rectify_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                        const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, {dy, nullptr, dx, nullptr, 1, 1, n, false, false}, nullptr, options);
  if (const int32_t status = check_with_mask(call, mask)) return status;
  return backward_from_mask(call, mask, &Kernels::relu_backward_from_mask);
}

int32_t rectify_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y, void* mask,
                                             const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, no_slopes, one_channel(n), x, nullptr, y, nullptr, nullptr, options);
  call.mask_out = mask;
  call.needs_mask = true;
  return fused_forward(call, {RECTIFY_LEAKY_RELU, slope, nullptr});
}

int32_t rectify_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask, const void* dy,
                                              void* dx, const rectify_options* options) noexcept {
  Call call(dtype, no_slopes, {dy, nullptr, dx, nullptr, 1, 1, n, false, false}, nullptr, options);
  if (const int32_t status = check_with_mask(call, mask)) return status;
  const Scalar rounded = round_scalar(*call.format, slope);
  call.work.parameter = &rounded;
  return backward_from_mask(call, mask, &Kernels::leaky_relu_backward_from_mask);
}

int32_t rectify_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                        const void* slope, void* y, void* mask, const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, slope_dtype, shape, x, nullptr, y, slope, nullptr, options);
  call.mask_out = mask;
  call.needs_mask = true;
  return fused_forward(call, {RECTIFY_PRELU, 0, slope});
}

int32_t rectify_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                         const void* mask, const void* slope, const void* dy, void* dx, void* dslope,
                                         const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, slope_dtype, shape, y, dy, dx, slope, dslope, options);
  call.mask = mask;
  call.needs_mask = true;
  return fused_backward(call, {RECTIFY_PRELU, 0, slope});
}

int32_t rectify_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x, const void* bias,
                              const void* residual, rectify_activation activation, void* y, void* mask,
                              const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, parameter_dtype, shape, x, nullptr, y, nullptr, nullptr, options);
  if (activation.kind == RECTIFY_PRELU) call.work.parameter = activation.slope;
  call.bias = bias;
  call.residual = residual;
  call.mask_out = mask;
  return fused_forward(call, activation);
}

int32_t rectify_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x, const void* bias,
                               const void* residual, const void* mask, rectify_activation activation, const void* dy,
                               void* dx, void* dbias, void* dparameter, const rectify_options* options) noexcept {
  FusedCall call = new_call(dtype, parameter_dtype, shape, x, dy, dx, nullptr, dparameter, options);
  if (activation.kind == RECTIFY_PRELU) call.work.parameter = activation.slope;
  call.bias = bias;
  call.residual = residual;
  call.mask = mask;
  call.dbias = dbias;
  if (mask != nullptr && activation.kind == RECTIFY_PRELU) return RECTIFY_ERROR_INVALID_ARGUMENT;
  return fused_backward(call, activation);
}
}
