#include "operations.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "kernels/activations/list.hpp"

namespace roofline {
namespace {

constexpr double slope = 0.25;

using Options = const rectify_options*;
using Shape = const rectify_shape&;

int32_t relu_forward(const Tensors& t, Shape s, Options o) {
  return rectify_relu_forward(t.dtype, elements(s), t.x, t.out, o);
}
int32_t relu_backward(const Tensors& t, Shape s, Options o) {
  return rectify_relu_backward(t.dtype, elements(s), t.x, t.dy, t.out, o);
}
int32_t leaky_relu_forward(const Tensors& t, Shape s, Options o) {
  return rectify_leaky_relu_forward(t.dtype, elements(s), t.parameter, t.x, t.out, o);
}
int32_t leaky_relu_backward(const Tensors& t, Shape s, Options o) {
  return rectify_leaky_relu_backward(t.dtype, elements(s), t.parameter, t.x, t.dy, t.out, nullptr, o);
}
int32_t leaky_relu_backward_with_parameter(const Tensors& t, Shape s, Options o) {
  return rectify_leaky_relu_backward(t.dtype, elements(s), t.parameter, t.x, t.dy, t.out, t.sums, o);
}
int32_t prelu_forward(const Tensors& t, Shape s, Options o) {
  return rectify_prelu_forward(t.dtype, t.slope_dtype, s, t.x, t.slope, t.out, o);
}
int32_t prelu_backward(const Tensors& t, Shape s, Options o) {
  return rectify_prelu_backward(t.dtype, t.slope_dtype, s, t.x, t.slope, t.dy, t.out, nullptr, o);
}
int32_t prelu_backward_with_parameter(const Tensors& t, Shape s, Options o) {
  return rectify_prelu_backward(t.dtype, t.slope_dtype, s, t.x, t.slope, t.dy, t.out, t.sums, o);
}
int32_t prelu_backward_of_parameter(const Tensors& t, Shape s, Options o) {
  return rectify_prelu_backward(t.dtype, t.slope_dtype, s, t.x, t.slope, t.dy, nullptr, t.sums, o);
}
int32_t elu_forward(const Tensors& t, Shape s, Options o) {
  return rectify_elu_forward(t.dtype, elements(s), t.parameter, t.x, t.out, o);
}
int32_t elu_backward(const Tensors& t, Shape s, Options o) {
  return rectify_elu_backward(t.dtype, elements(s), t.parameter, t.x, t.dy, t.out, nullptr, o);
}
int32_t elu_backward_with_parameter(const Tensors& t, Shape s, Options o) {
  return rectify_elu_backward(t.dtype, elements(s), t.parameter, t.x, t.dy, t.out, t.sums, o);
}
int32_t elu_backward_from_y(const Tensors& t, Shape s, Options o) {
  return rectify_elu_backward_from_y(t.dtype, elements(s), t.parameter, t.x, t.dy, t.out, o);
}

int32_t relu_forward_with_mask(const Tensors& t, Shape s, Options o) {
  return rectify_relu_forward_with_mask(t.dtype, elements(s), t.x, t.out, t.mask, o);
}
int32_t relu_backward_from_mask(const Tensors& t, Shape s, Options o) {
  return rectify_relu_backward_from_mask(t.dtype, elements(s), t.mask, t.dy, t.out, o);
}
int32_t leaky_relu_backward_from_mask(const Tensors& t, Shape s, Options o) {
  return rectify_leaky_relu_backward_from_mask(t.dtype, elements(s), t.parameter, t.mask, t.dy, t.out, o);
}
constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};
int32_t relu_of_sum(const Tensors& t, Shape s, Options o) {
  return rectify_fused_forward(t.dtype, t.slope_dtype, s, t.x, nullptr, t.dy, relu, t.out, nullptr, o);
}
int32_t relu_with_bias(const Tensors& t, Shape s, Options o) {
  return rectify_fused_forward(t.dtype, t.slope_dtype, s, t.x, t.slope, nullptr, relu, t.out, nullptr, o);
}
int32_t relu_with_dbias(const Tensors& t, Shape s, Options o) {
  return rectify_fused_backward(t.dtype, t.slope_dtype, s, nullptr, nullptr, nullptr, t.mask, relu, t.dy, t.out, t.sums,
                                nullptr, o);
}

int32_t prelu_gradients_from_mask(const Tensors& t, Shape s, Options o) {
  return rectify_prelu_backward_from_mask(t.dtype, t.slope_dtype, s, t.x, t.mask, t.slope, t.dy, t.out, t.sums, o);
}

constexpr Operation relu_value = {"relu", "forward", Layout::flat, {1, 1}, formula::relu_forward, relu_forward};
constexpr Operation elu_value = {"elu", "forward", Layout::flat, {1, 1}, formula::elu_forward, elu_forward};
constexpr Operation elu_gradient = {"elu", "backward", Layout::flat, {2, 1}, formula::elu_backward, elu_backward};

constexpr Operation in_place(Operation o) {
  o.traffic.in_place = true;
  o.variant = "in place";
  return o;
}
constexpr Operation off_its_line(Operation o) {
  o.displaced = 16;
  o.variant = "y off 16 B";
  return o;
}
constexpr Operation with_alpha(Operation o, double alpha, const char* variant, const Formula& formula) {
  o.formula = formula;
  o.parameter = alpha;
  o.variant = variant;
  return o;
}

constexpr Operation leaky_relu(const char* direction, Traffic traffic, const Formula& formula, OperationCall call,
                               OperationCall dx_alone = nullptr) {
  return {"leaky_relu", direction, Layout::flat, traffic, formula, call, dx_alone, slope};
}
constexpr Operation prelu_value(Layout layout, Traffic traffic) {
  // A slope of each element is not looked at before: that would be a pass of its own.
  const bool each = layout == Layout::per_element;
  const Formula& least = each ? formula::prelu_forward : formula::prelu_forward_of_small_slope;
  return {"prelu", "forward", layout, traffic, least, prelu_forward};
}
constexpr Operation prelu_gradient(Layout layout, Traffic traffic) {
  return {"prelu", "backward", layout, traffic, formula::prelu_backward, prelu_backward};
}
constexpr Operation prelu_gradients(Layout layout, Traffic traffic) {
  return {"prelu",
          "backward_with_parameter",
          layout,
          traffic,
          formula::prelu_backward_with_parameter,
          prelu_backward_with_parameter,
          prelu_backward};
}

constexpr Operation variant(const char* name, Operation o) {
  o.variant = name;
  return o;
}
constexpr Operation prelu_gradient_of_slopes(Layout layout) {
  return variant("without dx",
                 {"prelu", "backward_of_parameter", layout, {2, 0}, formula::summed, prelu_backward_of_parameter});
}
constexpr Operation relu_gradients_with_dbias(Layout layout) {
  return variant(
      "with dbias",
      {"relu", "backward_from_mask", layout, {1, 1}, formula::relu_and_sum, relu_with_dbias, relu_backward_from_mask});
}
constexpr Operation prelu_from_y_and_mask(Layout layout) {
  return variant("with dslope", {"prelu",
                                 "backward_from_mask",
                                 layout,
                                 {2, 1},
                                 formula::prelu_backward_from_mask,
                                 prelu_gradients_from_mask,
                                 prelu_backward});
}

constexpr Operation in_f32[] = {
    relu_value,
    in_place(relu_value),
    off_its_line(relu_value),
    {"relu", "backward", Layout::flat, {2, 1}, formula::relu_backward, relu_backward},
    leaky_relu("forward", {1, 1}, formula::prelu_forward_of_small_slope, leaky_relu_forward),
    leaky_relu("backward", {2, 1}, formula::prelu_backward, leaky_relu_backward),
    leaky_relu("backward_with_parameter", {2, 1}, formula::prelu_backward_with_parameter,
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
    prelu_gradient_of_slopes(Layout::flat),
    prelu_gradient_of_slopes(Layout::nchw),
    prelu_gradient_of_slopes(Layout::nhwc),
    elu_value,
    in_place(elu_value),
    with_alpha(elu_value, 0.7, "alpha 0.7", formula::elu_forward_of_small_alpha),
    with_alpha(elu_value, 1.7, "alpha 1.7", formula::elu_forward_of_any_alpha),
    elu_gradient,
    with_alpha(elu_gradient, 1.7, "alpha 1.7", formula::elu_backward_of_any_alpha),
    {"elu",
     "backward_with_parameter",
     Layout::flat,
     {2, 1},
     formula::elu_backward_with_parameter,
     elu_backward_with_parameter,
     elu_backward},
    {"elu", "backward_from_y", Layout::flat, {2, 1}, formula::elu_backward_from_y, elu_backward_from_y},
    {"relu", "forward_with_mask", Layout::flat, {1, 1}, formula::relu_forward_with_mask, relu_forward_with_mask},
    {"relu", "backward_from_mask", Layout::flat, {1, 1}, formula::masked, relu_backward_from_mask, relu_backward},
    {"leaky_relu",
     "backward_from_mask",
     Layout::flat,
     {1, 1},
     formula::scaled + formula::masked,
     leaky_relu_backward_from_mask,
     leaky_relu_backward,
     slope},
    {"relu", "forward", Layout::flat, {2, 1}, formula::relu_and_sum, relu_of_sum, nullptr, 1, 0, "of a sum"},
    {"relu", "forward", Layout::nchw, {1, 1}, formula::relu_and_sum, relu_with_bias, nullptr, 1, 0, "with bias"},
    {"relu", "forward", Layout::nhwc, {1, 1}, formula::relu_and_sum, relu_with_bias, nullptr, 1, 0, "with bias"},
    relu_gradients_with_dbias(Layout::nchw),
    relu_gradients_with_dbias(Layout::nhwc),
    prelu_from_y_and_mask(Layout::nchw),
    prelu_from_y_and_mask(Layout::nhwc),
};

// Every kernel that the library's own list names has a row here.
constexpr bool measured(std::string_view operation, std::string_view direction) {
  return std::any_of(std::begin(in_f32), std::end(in_f32),
                     [&](const Operation& o) { return o.operation == operation && o.direction == direction; });
}
#define ROOFLINE_MEASURED(activation, direction) static_assert(measured(#activation, #direction));
RECTIFY_MAPS(ROOFLINE_MEASURED)
RECTIFY_SUMS(ROOFLINE_MEASURED)
#undef ROOFLINE_MEASURED

std::vector<Operation> in_every_format() {
  std::vector<Operation> all(std::begin(in_f32), std::end(in_f32));
  for (const Format format : {Format::f16, Format::bf16, Format::f64})
    for (Operation o : in_f32) {
      if (*o.variant && !o.fused()) continue;
      o.format = format;
      o.slopes = sixteen_bits(format) && o.layout != Layout::per_element ? Format::f32 : format;
      all.push_back(o);
      if (o.layout != Layout::nchw || o.slopes == format || *o.variant) continue;
      o.slopes = format;
      o.variant = "own slopes";
      all.push_back(o);
    }
  return all;
}

constexpr size_t channels = 64, small_map = 14 * 14;
static_assert(channels <= Arena::small_count);
static_assert(std::end(image_channels)[-1] <= Arena::small_count);

// Elements of a cache line.
size_t line_of(Format format) { return granule * sizeof(float) / size(format); }

// At most n, in whole cache lines of pieces of so many elements.
size_t pieces(size_t n, size_t piece, size_t line) {
  const size_t together = line / std::gcd(piece, line);
  return n / piece / together * together;
}

}  // namespace

const char* name(Layout layout) {
  constexpr const char* names[] = {"flat", "nchw", "nhwc", "per_element"};
  return names[static_cast<int>(layout)];
}

std::span<const Operation> operations() {
  static const std::vector<Operation> all = in_every_format();
  return all;
}

bool Operation::is(const char* that_operation, const char* that_direction) const {
  return operation == std::string_view(that_operation) && direction == std::string_view(that_direction);
}

bool Operation::masked() const { return std::string_view(direction).ends_with("_mask"); }

bool Operation::fused() const {
  return call == relu_of_sum || call == relu_with_bias || call == relu_with_dbias || call == relu_forward_with_mask ||
         call == prelu_gradients_from_mask;
}

bool representative(const Operation& o) {
  if (*o.variant) return false;
  if (o.operation == std::string_view("prelu")) return o.layout == Layout::nchw;
  return o.is("relu", "forward") || o.is("relu", "backward") || o.is("leaky_relu", "forward") || o.is("elu", "forward") ||
         o.is("elu", "backward");
}

std::string label(const Operation& o) {
  const std::string usual = std::string(o.operation) + "/" + o.direction + "/" + name(o.layout) + "/" + name(o.format);
  return *o.variant ? usual + "/" + o.variant : usual;
}

rectify_shape shape_of(const Operation& operation, size_t n) {
  const size_t line = line_of(operation.format);
  switch (operation.layout) {
    case Layout::nchw: {
      const size_t area = 2 * usual_map <= n + n / 4 ? usual_map : small_map;
      const size_t maps = std::max<size_t>(pieces(n, area, line), 2), c = std::min(channels, maps);
      return {maps / c, c, area};
    }
    case Layout::nhwc:
      return {std::max<size_t>(n / channels, 1), channels, 1};
    case Layout::per_element:
      return {1, n / line * line, 1};
    default:
      return {1, 1, n / line * line};
  }
}

size_t elements(const Operation& operation, size_t touched) {
  return array_bytes(operation.traffic, touched) / size(operation.format);
}

size_t array_bytes(const Operation& operation, rectify_shape shape) { return elements(shape) * size(operation.format); }

std::string name(const Image& image) {
  const std::string side = std::to_string(image.side);
  return "C=" + std::to_string(image.channels) + "," + side + "x" + side;
}

std::optional<rectify_shape> shape_of(const Operation& operation, const Image& image, size_t n) {
  const size_t area = image.side * image.side;
  const size_t images = pieces(n, image.channels * area, line_of(operation.format));
  if (images == 0) return std::nullopt;
  if (operation.layout == Layout::nchw) return rectify_shape{images, image.channels, area};
  return rectify_shape{images * area, image.channels, 1};
}

Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena) {
  const std::string_view direction = operation.direction;
  // From the mask dy is all that is read, beside what is compared with it; PReLU's slopes take y, too.
  const bool from_mask = direction == "backward_from_mask" && operation.call != prelu_gradients_from_mask;
  const bool has_dy = !direction.starts_with("forward") || operation.call == relu_of_sum;
  const bool per_element = operation.layout == Layout::per_element;
  if (operation.traffic.in_place) arena.fill_again(streams);
  return {.dtype = dtype(operation.format),
          .slope_dtype = dtype(operation.slopes),
          .x = from_mask ? arena.beside(streams) : streams.in[0],
          .dy = from_mask ? streams.in[0]
                : has_dy  ? streams.in[1]
                          : nullptr,
          .slope = per_element ? streams.in[operation.traffic.reads - 1] : arena.slopes(operation.slopes),
          .parameter = operation.parameter,
          .out = reinterpret_cast<char*>(streams.out[0]) + operation.displaced,
          .sums = per_element ? streams.out[1] : arena.sums(),
          .mask = arena.mask()};
}

}  // namespace roofline
