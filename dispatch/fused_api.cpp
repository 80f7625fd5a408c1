// The public functions that do more than an activation: with masks, bias and residual. All are made of the same stages.
#include <rectify/rectify.h>

#include <cstring>

#include "dispatch/function.hpp"

namespace {

using namespace rectify;

// What a backward needs of an activation: its kernels and their parameter. Those that it has no use for are NULL.
struct Activation {
  MapKernel backward;
  MapKernel backward_from_mask;
  SumKernel backward_with_parameter;
  FoldKernel fold;
  const void* parameter;
};

MapKernel fused_kernel(const FusedCall& call) {
  switch (call.activation.kind) {
    case RECTIFY_RELU:
      return call.kernels->fused_relu_forward;
    case RECTIFY_LEAKY_RELU:
      return call.kernels->fused_leaky_relu_forward;
    case RECTIFY_PRELU:
      return call.kernels->fused_prelu_forward;
    default:
      return call.kernels->fused_elu_forward;
  }
}

Activation activation_of(const FusedCall& call) {
  const Kernels& own = *call.kernels;
  if (call.per_channel()) {
    return {own.prelu_backward, nullptr, own.prelu_backward_with_parameter, own.fold, call.work.parameter};
  }
  // A scalar parameter is of the type that computes, whatever the bias is of.
  const Kernels& k = *(call.backend->*find_format(call.dtype, no_slopes)->kernels);
  switch (call.activation.kind) {
    case RECTIFY_RELU:
      return {k.relu_backward, k.relu_backward_from_mask, nullptr, nullptr, nullptr};
    case RECTIFY_LEAKY_RELU:
      return {k.prelu_backward, k.leaky_relu_backward_from_mask, k.prelu_backward_with_parameter, k.fold, &call.scalar};
    default:
      return {k.elu_backward, nullptr, k.elu_backward_with_parameter, k.fold, &call.scalar};
  }
}

// The activation's own work on x, which may be the tile.
void describe(const FusedCall& call, const Activation& activation, const void* x, Work& work) {
  work = call.work;
  if (!call.per_channel()) {
    work.outer = work.channels = 1;
    work.inner = call.elements;
  }
  work.x = x;
  work.parameter = activation.parameter;
}

// z = x + bias + residual, or what stands for x where y and the mask are given, written to `out`, or to the tile where that
// is NULL. Returns false if z is x itself.
bool add_input_stage(const FusedCall& call, void* out, Stages& stages) {
  const bool sums = call.work.bias != nullptr || call.work.residual != nullptr;
  if (call.mask == nullptr && !sums) return false;
  Stage& stage = next_of(stages);
  stage.kernel = call.mask != nullptr ? call.kernels->mask_backward : call.kernels->fused_sum_forward;
  stage.work = call.mask != nullptr ? flat(call.elements, call.mask, call.work.x, nullptr) : call.work;
  stage.work.out = out;
  stage.work.mask_out = nullptr;
  stage.from_tile = false;
  stage.to_tile = out == nullptr;
  return true;
}

int32_t fused_forward(FusedCall& call) {
  if (const int32_t status = check_fused(call, Needs::forward)) return status;
  if (const int32_t status = check_how(call)) return status;
  if (call.elements == 0) return RECTIFY_OK;
  if (!call.per_channel()) call.work.parameter = &call.scalar;
  run_map(fused_kernel(call), call);
  return RECTIFY_OK;
}

int32_t fused_backward(FusedCall& call) {
  if (const int32_t status = check_fused(call, Needs::backward_with_parameter)) return status;
  if (const int32_t status = check_how(call)) return status;
  if (call.elements == 0) {
    if (call.dbias != nullptr) std::memset(call.dbias, 0, call.work.channels * call.format->slope_size);
    if (call.sums != nullptr) std::memset(call.sums, 0, call.sum_bytes());
    return RECTIFY_OK;
  }

  const Activation activation = activation_of(call);
  Stages stages;
  stages.element_size = call.format->element_size;
  void* const dx = call.work.out;
  Work bias_work = call.work;
  bias_work.x = bias_work.dy = dx;
  bias_work.out = nullptr;
  Sum bias_sum = {call.kernels->bias_backward, bias_work, call.kernels->fold, nullptr, call.dbias, call.format->slope_size};

  if (call.sums == nullptr) {
    const bool from_tile = !call.mask_alone() && add_input_stage(call, nullptr, stages);
    Stage& last = next_of(stages);
    last.kernel = call.mask_alone() ? activation.backward_from_mask : activation.backward;
    describe(call, activation, call.mask_alone() ? call.mask : call.work.x, last.work);
    last.from_tile = from_tile;
    last.to_tile = false;
    const bool made = call.dbias != nullptr && can_be_made(call.work);
    // Past the caches what is summed on the way is made twice: 0.6 to 0.9 of the time (Zen 3), in two stages 1.1, and an
    // exponential would take longer than the memory.
    const bool once = !made || from_tile || call.exponential;
    choose_stores(call, call.dbias != nullptr && once, last.work);
    if (call.dbias == nullptr) {
      run_stages(stages, call);
      return RECTIFY_OK;
    }
    Stages none;
    if (made) bias_sum.work.made = &stages;
    const SumPass pass = {made ? &none : &stages, &bias_sum, 1, &call.work};
    return run_sums(&pass, 1, call);
  }

  // z stands in dx until the activation's kernel, which goes by parts and not by tiles, has read it.
  const bool in_dx = add_input_stage(call, dx, stages);
  Work work;
  describe(call, activation, in_dx ? dx : call.work.x, work);
  choose_stores(call, in_dx || call.dbias != nullptr, work);
  const void* divisor = call.mask != nullptr ? activation.parameter : nullptr;
  const Sum sums[most_sums] = {
      {activation.backward_with_parameter, work, activation.fold, divisor, call.sums, call.sum_size()}, bias_sum};
  const bool with_bias = call.dbias != nullptr;
  if (call.per_channel() || call.work.channels == 1) {
    const SumPass pass = {&stages, sums, with_bias ? 2u : 1u, &call.work};
    return run_sums(&pass, 1, call);
  }
  // The one sum's blocks are not the other's.
  Stages none;
  const Work whole = flat(call.elements, nullptr, nullptr, nullptr);
  const SumPass passes[most_passes] = {{&stages, &sums[0], 1, &whole}, {&none, &sums[1], 1, &call.work}};
  return run_sums(passes, with_bias ? 2 : 1, call);
}

// dx from the mask and dy, element by element.
constexpr Function relu_backward_from_mask = {
    .needs = Needs::forward, .map = &Kernels::relu_backward_from_mask, .from_mask = true};
constexpr Function leaky_relu_backward_from_mask = {
    .needs = Needs::forward, .map = &Kernels::leaky_relu_backward_from_mask, .scalar = ScalarRule::any, .from_mask = true};

[[gnu::always_inline]] inline Call with_mask(Call call, const void* mask) {
  call.mask = mask;
  return call;
}

constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

int32_t forward_with_mask(int32_t dtype, int64_t slope_dtype, rectify_shape shape, const rectify_activation& activation,
                          const void* x, void* y, void* mask, const rectify_options* options) {
  FusedCall call(dtype, slope_dtype, shape, activation, x, nullptr, y, nullptr, options);
  call.work.mask_out = mask;
  call.needs_mask = true;
  return fused_forward(call);
}

}  // namespace

extern "C" {

int32_t rectify_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                       const rectify_options* options) noexcept {
  return forward_with_mask(dtype, no_slopes, one_channel(n), relu, x, y, mask, options);
}

int32_t rectify_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                        const rectify_options* options) noexcept {
  const auto given = [&] { return with_mask(Call(dtype, no_slopes, flat(n, dy, nullptr, dx), nullptr, options), mask); };
  return run(relu_backward_from_mask, given);
}

int32_t rectify_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y, void* mask,
                                             const rectify_options* options) noexcept {
  return forward_with_mask(dtype, no_slopes, one_channel(n), {RECTIFY_LEAKY_RELU, slope, nullptr}, x, y, mask, options);
}

int32_t rectify_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask, const void* dy,
                                              void* dx, const rectify_options* options) noexcept {
  const auto given = [&] { return with_mask(Call(dtype, no_slopes, flat(n, dy, nullptr, dx), nullptr, options), mask); };
  return run(leaky_relu_backward_from_mask, given, slope);
}

int32_t rectify_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                        const void* slope, void* y, void* mask, const rectify_options* options) noexcept {
  return forward_with_mask(dtype, slope_dtype, shape, {RECTIFY_PRELU, 0, slope}, x, y, mask, options);
}

int32_t rectify_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                         const void* mask, const void* slope, const void* dy, void* dx, void* dslope,
                                         const rectify_options* options) noexcept {
  FusedCall call(dtype, slope_dtype, shape, {RECTIFY_PRELU, 0, slope}, y, dy, dx, dslope, options);
  call.mask = mask;
  call.needs_mask = true;
  return fused_backward(call);
}

int32_t rectify_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x, const void* bias,
                              const void* residual, rectify_activation activation, void* y, void* mask,
                              const rectify_options* options) noexcept {
  FusedCall call(dtype, parameter_dtype, shape, activation, x, nullptr, y, nullptr, options);
  call.work.bias = bias;
  call.work.residual = residual;
  call.work.mask_out = mask;
  return fused_forward(call);
}

int32_t rectify_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x, const void* bias,
                               const void* residual, const void* mask, rectify_activation activation, const void* dy,
                               void* dx, void* dbias, void* dparameter, const rectify_options* options) noexcept {
  FusedCall call(dtype, parameter_dtype, shape, activation, x, dy, dx, dparameter, options);
  call.work.bias = bias;
  call.work.residual = residual;
  call.mask = mask;
  call.dbias = dbias;
  return fused_backward(call);
}
}
