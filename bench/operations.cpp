#include "operations.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "kernels/activations/list.hpp"

namespace roofline {
namespace {

constexpr int32_t f32 = RECTIFY_F32;
constexpr double slope = 0.25;

using Options = const rectify_options*;

int32_t relu_forward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_relu_forward(f32, elements(s), t.x, t.out, o);
}
int32_t relu_backward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_relu_backward(f32, elements(s), t.x, t.dy, t.out, o);
}
int32_t leaky_relu_forward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_leaky_relu_forward(f32, elements(s), t.parameter, t.x, t.out, o);
}
int32_t leaky_relu_backward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_leaky_relu_backward(f32, elements(s), t.parameter, t.x, t.dy, t.out, nullptr, o);
}
int32_t leaky_relu_backward_with_parameter(const Tensors& t, rectify_shape s, Options o) {
  return rectify_leaky_relu_backward(f32, elements(s), t.parameter, t.x, t.dy, t.out, t.sums, o);
}
int32_t prelu_forward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_prelu_forward(f32, f32, s, t.x, t.slope, t.out, o);
}
int32_t prelu_backward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_prelu_backward(f32, f32, s, t.x, t.slope, t.dy, t.out, nullptr, o);
}
int32_t prelu_backward_with_parameter(const Tensors& t, rectify_shape s, Options o) {
  return rectify_prelu_backward(f32, f32, s, t.x, t.slope, t.dy, t.out, t.sums, o);
}
int32_t elu_forward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_elu_forward(f32, elements(s), t.parameter, t.x, t.out, o);
}
int32_t elu_backward(const Tensors& t, rectify_shape s, Options o) {
  return rectify_elu_backward(f32, elements(s), t.parameter, t.x, t.dy, t.out, nullptr, o);
}
int32_t elu_backward_with_parameter(const Tensors& t, rectify_shape s, Options o) {
  return rectify_elu_backward(f32, elements(s), t.parameter, t.x, t.dy, t.out, t.sums, o);
}
int32_t elu_backward_from_y(const Tensors& t, rectify_shape s, Options o) {
  return rectify_elu_backward_from_y(f32, elements(s), t.parameter, t.x, t.dy, t.out, o);
}

constexpr Operation relu_value = {"relu", "forward", Layout::flat, {1, 1}, arithmetic::relu_forward, relu_forward};
constexpr Operation elu_value = {"elu", "forward", Layout::flat, {1, 1}, arithmetic::elu_forward, elu_forward};
constexpr Operation elu_gradient = {"elu", "backward", Layout::flat, {2, 1}, arithmetic::elu_backward, elu_backward};

constexpr Operation in_place(Operation o) {
  o.traffic.in_place = true;
  o.variant = "in place";
  return o;
}
constexpr Operation off_its_line(Operation o) {
  o.displaced = 4;
  o.variant = "y off 16 B";
  return o;
}
constexpr Operation with_alpha(Operation o, double alpha, const char* variant, const Arithmetic& arithmetic) {
  o.arithmetic = arithmetic;
  o.parameter = alpha;
  o.variant = variant;
  return o;
}

constexpr Operation leaky_relu(const char* direction, Traffic traffic, const Arithmetic& arithmetic, OperationCall call,
                               OperationCall without_parameter = nullptr) {
  return {"leaky_relu", direction, Layout::flat, traffic, arithmetic, call, without_parameter, slope};
}
constexpr Operation prelu_value(Layout layout, Traffic traffic) {
  const Arithmetic& of_one = arithmetic::prelu_forward_of_small_slope;
  return {"prelu", "forward", layout, traffic, layout == Layout::flat ? of_one : arithmetic::prelu_forward, prelu_forward};
}
constexpr Operation prelu_gradient(Layout layout, Traffic traffic) {
  return {"prelu", "backward", layout, traffic, arithmetic::prelu_backward, prelu_backward};
}
constexpr Operation prelu_gradients(Layout layout, Traffic traffic) {
  return {"prelu",
          "backward_with_parameter",
          layout,
          traffic,
          arithmetic::prelu_backward_with_parameter,
          prelu_backward_with_parameter,
          prelu_backward};
}

constexpr Operation all[] = {
    relu_value,
    in_place(relu_value),
    off_its_line(relu_value),
    {"relu", "backward", Layout::flat, {2, 1}, arithmetic::relu_backward, relu_backward},
    leaky_relu("forward", {1, 1}, arithmetic::prelu_forward_of_small_slope, leaky_relu_forward),
    leaky_relu("backward", {2, 1}, arithmetic::prelu_backward, leaky_relu_backward),
    leaky_relu("backward_with_parameter", {2, 1}, arithmetic::prelu_backward_with_parameter,
               leaky_relu_backward_with_parameter, leaky_relu_backward),
    prelu_value(Layout::flat, {1, 1}),
    prelu_value(Layout::nchw, {1, 1}),
    prelu_value(Layout::nhwc, {1, 1}),
    prelu_value(Layout::per_element, {2, 1}),
    prelu_gradient(Layout::flat, {2, 1}),
    prelu_gradient(Layout::nchw, {2, 1}),
    prelu_gradient(Layout::nhwc, {2, 1}),
    prelu_gradient(Layout::per_element, {3, 1}),
    prelu_gradients(Layout::flat, {2, 1}),
    prelu_gradients(Layout::nchw, {2, 1}),
    prelu_gradients(Layout::nhwc, {2, 1}),
    prelu_gradients(Layout::per_element, {3, 2}),
    elu_value,
    in_place(elu_value),
    with_alpha(elu_value, 0.7, "alpha 0.7", arithmetic::elu_forward_of_small_alpha),
    with_alpha(elu_value, 1.7, "alpha 1.7", arithmetic::elu_forward_of_any_alpha),
    elu_gradient,
    with_alpha(elu_gradient, 1.7, "alpha 1.7", arithmetic::elu_backward_of_any_alpha),
    {"elu",
     "backward_with_parameter",
     Layout::flat,
     {2, 1},
     arithmetic::elu_backward_with_parameter,
     elu_backward_with_parameter,
     elu_backward},
    {"elu", "backward_from_y", Layout::flat, {2, 1}, arithmetic::elu_backward_from_y, elu_backward_from_y},
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
static_assert(std::end(image_channels)[-1] <= Arena::small_count);

}  // namespace

const char* name(Layout layout) {
  constexpr const char* names[] = {"flat", "nchw", "nhwc", "per_element"};
  return names[static_cast<int>(layout)];
}

std::span<const Operation> operations() { return all; }

bool Operation::is(const char* that_operation, const char* that_direction) const {
  return operation == std::string_view(that_operation) && direction == std::string_view(that_direction);
}

std::string label(const Operation& o) {
  const std::string usual = std::string(o.operation) + "/" + o.direction + "/" + name(o.layout);
  return *o.variant ? usual + "/" + o.variant : usual;
}

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

std::string name(const Image& image) {
  const std::string side = std::to_string(image.side);
  return "C=" + std::to_string(image.channels) + "," + side + "x" + side;
}

std::optional<rectify_shape> shape_of(Layout layout, const Image& image, size_t n) {
  const size_t area = image.side * image.side, each = image.channels * area;
  const size_t together = granule / std::gcd(each, granule);  // so many fill whole cache lines
  const size_t images = n / each / together * together;
  if (images == 0) return std::nullopt;
  if (layout == Layout::nchw) return rectify_shape{images, image.channels, area};
  return rectify_shape{images * area, image.channels, 1};
}

Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena) {
  const bool forward = operation.direction == std::string_view("forward");
  const bool per_element = operation.layout == Layout::per_element;
  return {.x = streams.in[0],
          .dy = forward ? nullptr : streams.in[1],
          .slope = per_element ? streams.in[operation.traffic.reads - 1] : arena.slopes(),
          .parameter = operation.parameter,
          .out = streams.out[0] + operation.displaced,
          .sums = per_element ? streams.out[1] : arena.sums()};
}

}  // namespace roofline
