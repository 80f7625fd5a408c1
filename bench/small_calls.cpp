#include "small_calls.hpp"

#include <stdexcept>
#include <string_view>

#include "dispatch/format.hpp"
#include "dispatch/select.hpp"
#include "kernels/backend.hpp"
#include "stack.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

using namespace rectify;

// The kernel of an operation's name, a member of the backend's table. Leaky ReLU has none of its own.
struct Bare {
  MapKernel map = nullptr;
  SumKernel sum = nullptr;
};

Bare bare_kernel(const Kernels& kernels, const Operation& o) {
  const bool as_prelu = o.operation == std::string_view("leaky_relu") && !o.masked();
  const std::string_view activation = as_prelu ? "prelu" : o.operation;
#define ROOFLINE_FIND(a, d) \
  if (activation == #a && o.direction == std::string_view(#d)) return {.map = kernels.a##_##d};
  RECTIFY_MAPS(ROOFLINE_FIND)
  RECTIFY_STAGES(ROOFLINE_FIND)
#undef ROOFLINE_FIND
#define ROOFLINE_FIND(a, d) \
  if (activation == #a && o.direction == std::string_view(#d)) return {.sum = kernels.a##_##d};
  RECTIFY_SUMS(ROOFLINE_FIND)
#undef ROOFLINE_FIND
  throw std::logic_error("no kernel for " + label(o));
}

rectify_shape small_shape(Layout layout) {
  switch (layout) {
    case Layout::nchw:
      return {1, 4, 4};
    case Layout::nhwc:
      return {4, 4, 1};
    case Layout::per_element:
      return {1, 16, 1};
    default:
      return {1, 1, 16};
  }
}

// In f32 all whose kernel is of their name; what a call costs does not depend on the format, and one in 16 bits shows that.
bool wanted(const Operation& o) {
  if (o.format == Format::bf16) return o.is("leaky_relu", "forward");
  return o.format == Format::f32 && !o.traffic.in_place && !o.displaced && !o.fused() && o.traffic.writes != 0;
}

// Both once, in as many repetitions as the clock asks for.
void measure_once(SmallCall& small, const Arena& arena) {
  const Backend* backend = nullptr;
  if (const int32_t status = select_backend(nullptr, &backend)) throw std::runtime_error(rectify_status_text(status));
  const Operation& o = *small.operation;
  const Tensors t = tensors(o, arena.place(o.traffic, array_bytes(o, small.shape)), arena);
  const auto call = [&] { o.call(t, small.shape, nullptr); };
  if (const int32_t status = o.call(t, small.shape, nullptr)) throw std::runtime_error(rectify_status_text(status));

  const rectify::Format* format = find_format(t.dtype, t.slope_dtype);
  if (format == nullptr) throw std::runtime_error(rectify_status_text(missing_format(t.dtype, t.slope_dtype)));
  const Scalar parameter = round_scalar(*format, t.parameter);
  const bool per_channel = o.operation == std::string_view("prelu");
  const Work work = {.x = o.masked() ? t.mask : t.x,
                     .dy = t.dy,
                     .out = t.out,
                     .parameter = per_channel ? t.slope : &parameter,
                     .outer = small.shape.outer,
                     .channels = small.shape.channels,
                     .inner = small.shape.inner,
                     .beyond_cache = false,
                     .streaming = false};
  const SumPart part = {.leaf_begin = 0,
                        .leaf_end = 1,
                        .channel_begin = 0,
                        .channel_end = small.shape.channels,
                        .nodes = t.sums,
                        .scratch = nullptr};
  const Bare bare = bare_kernel(*(backend->*format->kernels), o);
  const volatile MapKernel map = bare.map;
  const volatile SumKernel sum = bare.sum;
  const auto least = [](double& known, const auto& body) {
    const double time = timer_of(body, 1).nanoseconds(body);
    if (known == 0 || time < known) known = time;
  };
  least(small.call_ns, call);
  if (bare.map)
    least(small.kernel_ns, [&] { map(work, 0, elements(small.shape)); });
  else
    least(small.kernel_ns, [&] { sum(work, part); });
}

}  // namespace

void measure(SmallCall& call, const Arena& arena) {
  for (const size_t bytes : {size_t{0}, size_t{2048}}) on_lower_stack(bytes, [&] { measure_once(call, arena); });
}

std::string SmallCall::name() const { return label(*operation) + "/16 elements"; }

std::vector<SmallCall> measure_small_calls(const Arena& arena, size_t rounds) {
  std::vector<SmallCall> calls;
  for (const Operation& operation : operations())
    if (wanted(operation)) calls.push_back({&operation, small_shape(operation.layout)});
  for (size_t round = 0; round < rounds; ++round)
    for (SmallCall& call : calls) measure(call, arena);
  return calls;
}

}  // namespace roofline
