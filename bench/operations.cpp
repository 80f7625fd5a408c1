#include "operations.hpp"

#include <algorithm>
#include <string_view>

#include "kernels/activations/list.hpp"

namespace roofline {
namespace {

constexpr int32_t f32 = RECTIFY_F32;
constexpr double slope = 0.25, alpha = 1.0;

constexpr Traffic forward_traffic = {1, 1}, backward_traffic = {2, 1};

int32_t relu_forward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_relu_forward(f32, elements(s), t.x, t.out, &o);
}
int32_t relu_backward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_relu_backward(f32, elements(s), t.x, t.dy, t.out, &o);
}
int32_t leaky_relu_forward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_leaky_relu_forward(f32, elements(s), slope, t.x, t.out, &o);
}
int32_t leaky_relu_backward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_leaky_relu_backward(f32, elements(s), slope, t.x, t.dy, t.out, nullptr, &o);
}
int32_t leaky_relu_backward_with_parameter(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_leaky_relu_backward(f32, elements(s), slope, t.x, t.dy, t.out, t.sums, &o);
}
int32_t prelu_forward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_prelu_forward(f32, f32, s, t.x, t.slope, t.out, &o);
}
int32_t prelu_backward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_prelu_backward(f32, f32, s, t.x, t.slope, t.dy, t.out, nullptr, &o);
}
int32_t prelu_backward_with_parameter(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_prelu_backward(f32, f32, s, t.x, t.slope, t.dy, t.out, t.sums, &o);
}
int32_t elu_forward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_elu_forward(f32, elements(s), alpha, t.x, t.out, &o);
}
int32_t elu_backward(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_elu_backward(f32, elements(s), alpha, t.x, t.dy, t.out, nullptr, &o);
}
int32_t elu_backward_with_parameter(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_elu_backward(f32, elements(s), alpha, t.x, t.dy, t.out, t.sums, &o);
}
int32_t elu_backward_from_y(const Tensors& t, rectify_shape s, const rectify_options& o) {
  return rectify_elu_backward_from_y(f32, elements(s), alpha, t.x, t.dy, t.out, &o);
}

constexpr Operation all[] = {
    {"relu", "forward", Layout::flat, forward_traffic, relu_forward},
    {"relu", "backward", Layout::flat, backward_traffic, relu_backward},
    {"leaky_relu", "forward", Layout::flat, forward_traffic, leaky_relu_forward},
    {"leaky_relu", "backward", Layout::flat, backward_traffic, leaky_relu_backward},
    {"leaky_relu", "backward_with_parameter", Layout::flat, backward_traffic, leaky_relu_backward_with_parameter},
    {"prelu", "forward", Layout::flat, forward_traffic, prelu_forward},
    {"prelu", "forward", Layout::nchw, forward_traffic, prelu_forward},
    {"prelu", "forward", Layout::nhwc, forward_traffic, prelu_forward},
    {"prelu", "forward", Layout::per_element, {2, 1}, prelu_forward},
    {"prelu", "backward", Layout::flat, backward_traffic, prelu_backward},
    {"prelu", "backward", Layout::nchw, backward_traffic, prelu_backward},
    {"prelu", "backward", Layout::nhwc, backward_traffic, prelu_backward},
    {"prelu", "backward", Layout::per_element, {3, 1}, prelu_backward},
    {"prelu", "backward_with_parameter", Layout::flat, backward_traffic, prelu_backward_with_parameter},
    {"prelu", "backward_with_parameter", Layout::nchw, backward_traffic, prelu_backward_with_parameter},
    {"prelu", "backward_with_parameter", Layout::nhwc, backward_traffic, prelu_backward_with_parameter},
    {"prelu", "backward_with_parameter", Layout::per_element, {3, 2}, prelu_backward_with_parameter},
    {"elu", "forward", Layout::flat, forward_traffic, elu_forward},
    {"elu", "backward", Layout::flat, backward_traffic, elu_backward},
    {"elu", "backward_with_parameter", Layout::flat, backward_traffic, elu_backward_with_parameter},
    {"elu", "backward_from_y", Layout::flat, backward_traffic, elu_backward_from_y},
};

// Every kernel that the library's own list names has a row here.
constexpr bool measured(std::string_view operation, std::string_view direction) {
  return std::any_of(std::begin(all), std::end(all),
                     [&](const Operation& o) { return o.operation == operation && o.direction == direction; });
}
#define ROOFLINE_MEASURED(activation, direction) static_assert(measured(#activation, #direction));
RECTIFY_MAPS(ROOFLINE_MEASURED)
RECTIFY_SUMS(ROOFLINE_MEASURED)
#undef ROOFLINE_MEASURED

constexpr size_t channels = 64, map = 28 * 28;
static_assert(channels <= Arena::small_count && map % granule == 0 && channels % granule == 0);

}  // namespace

const char* name(Layout layout) {
  constexpr const char* names[] = {"flat", "nchw", "nhwc", "per_element"};
  return names[static_cast<int>(layout)];
}

std::span<const Operation> operations() { return all; }

rectify_shape shape_of(Layout layout, size_t n) {
  switch (layout) {
    case Layout::nchw: {
      const size_t maps = std::max<size_t>(n / map, 2), c = std::min(channels, maps);
      return {maps / c, c, map};
    }
    case Layout::nhwc:
      return {std::max<size_t>(n / channels, 1), channels, 1};
    case Layout::per_element:
      return {1, n / granule * granule, 1};
    default:
      return {1, 1, n / granule * granule};
  }
}

size_t elements(rectify_shape shape) { return shape.outer * shape.channels * shape.inner; }

Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena) {
  const bool forward = operation.direction == std::string_view("forward");
  const bool per_element = operation.layout == Layout::per_element;
  return {.x = streams.in[0],
          .dy = forward ? nullptr : streams.in[1],
          .slope = per_element ? streams.in[operation.traffic.reads - 1] : arena.slopes(),
          .out = streams.out[0],
          .sums = per_element ? streams.out[1] : arena.sums()};
}

}  // namespace roofline
