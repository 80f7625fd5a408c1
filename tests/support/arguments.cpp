#include "tests/support/arguments.hpp"

#include <algorithm>
#include <type_traits>

#include "tests/support/effort.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/masks.hpp"

namespace rectify::tests {
namespace {

constexpr Tensor x = {"x", &Arguments::x, Size::tensor, Role::input};
constexpr Tensor residual = {"residual", &Arguments::residual, Size::tensor, Role::input, Presence::optional};
constexpr Tensor dy = {"dy", &Arguments::dy, Size::tensor, Role::input};
constexpr Tensor slope = {"slope", &Arguments::slope, Size::parameters, Role::kept};
constexpr Tensor bias = {"bias", &Arguments::bias, Size::parameters, Role::kept, Presence::optional};
constexpr Tensor mask_read = {"mask", &Arguments::mask, Size::mask, Role::kept};
constexpr Tensor mask_written = {"mask", &Arguments::mask, Size::mask, Role::alone};
constexpr Tensor out = {"out", &Arguments::out, Size::tensor, Role::output};
constexpr Tensor dbias = {"dbias", &Arguments::dbias, Size::parameters, Role::alone, Presence::optional};
constexpr Tensor dslope = {"dslope", &Arguments::sums, Size::parameters, Role::alone, Presence::optional};
constexpr Tensor dscalar = {"dparameter", &Arguments::sums, Size::scalar, Role::alone, Presence::optional};

constexpr Tensor with(Tensor tensor, Presence presence) {
  tensor.presence = presence;
  return tensor;
}
constexpr Tensor optional_mask = with(mask_written, Presence::optional);
// A backward of one activation makes dx, its parameter's gradient, or both.
constexpr Tensor either_out = with(out, Presence::either);
constexpr Tensor either_dslope = with(dslope, Presence::either);
constexpr Tensor either_dscalar = with(dscalar, Presence::either);
// In other calls dx holds what the parameter's gradient is taken from, until it is taken: it is not dy then.
constexpr Tensor kept_dy = {"dy", &Arguments::dy, Size::tensor, Role::kept};

int32_t fused_forward(const Arguments& a) {
  return rectify_fused_forward(a.dtype, a.slope_dtype, a.shape, a.x, a.bias, a.residual, {a.kind, a.parameter, a.slope},
                               a.out, a.mask, a.options);
}
int32_t fused_backward(const Arguments& a) {
  return rectify_fused_backward(a.dtype, a.slope_dtype, a.shape, a.x, a.bias, a.residual, a.mask,
                                {a.kind, a.parameter, a.slope}, a.dy, a.out, a.dbias, a.sums, a.options);
}

const std::vector<Function>& all_functions() {
  using enum Parameter;
  static const std::vector<Function> functions = {
      {"relu_forward",
       {x, out},
       [](const Arguments& a) { return rectify_relu_forward(a.dtype, a.shape.inner, a.x, a.out, a.options); }},
      {"relu_backward",
       {x, dy, out},
       [](const Arguments& a) { return rectify_relu_backward(a.dtype, a.shape.inner, a.x, a.dy, a.out, a.options); }},
      {"leaky_relu_forward",
       {x, out},
       [](const Arguments& a) {
         return rectify_leaky_relu_forward(a.dtype, a.shape.inner, a.parameter, a.x, a.out, a.options);
       }},
      {"leaky_relu_backward",
       {x, dy, either_out, either_dscalar},
       [](const Arguments& a) {
         return rectify_leaky_relu_backward(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.sums, a.options);
       }},
      {"prelu_forward",
       {x, slope, out},
       [](const Arguments& a) {
         return rectify_prelu_forward(a.dtype, a.slope_dtype, a.shape, a.x, a.slope, a.out, a.options);
       }},
      {"prelu_backward",
       {x, slope, dy, either_out, either_dslope},
       [](const Arguments& a) {
         return rectify_prelu_backward(a.dtype, a.slope_dtype, a.shape, a.x, a.slope, a.dy, a.out, a.sums, a.options);
       }},
      {"elu_forward",
       {x, out},
       [](const Arguments& a) { return rectify_elu_forward(a.dtype, a.shape.inner, a.parameter, a.x, a.out, a.options); },
       finite},
      {"elu_backward",
       {x, dy, either_out, either_dscalar},
       [](const Arguments& a) {
         return rectify_elu_backward(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.sums, a.options);
       },
       finite},
      {"elu_backward_from_y",
       {x, dy, out},
       [](const Arguments& a) {
         return rectify_elu_backward_from_y(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.options);
       },
       finite_not_negative},
      {"relu_forward_with_mask",
       {x, out, mask_written},
       [](const Arguments& a) {
         return rectify_relu_forward_with_mask(a.dtype, a.shape.inner, a.x, a.out, a.mask, a.options);
       }},
      {"relu_backward_from_mask",
       {mask_read, dy, out},
       [](const Arguments& a) {
         return rectify_relu_backward_from_mask(a.dtype, a.shape.inner, a.mask, a.dy, a.out, a.options);
       }},
      {"leaky_relu_forward_with_mask",
       {x, out, mask_written},
       [](const Arguments& a) {
         return rectify_leaky_relu_forward_with_mask(a.dtype, a.shape.inner, a.parameter, a.x, a.out, a.mask, a.options);
       }},
      {"leaky_relu_backward_from_mask",
       {mask_read, dy, out},
       [](const Arguments& a) {
         return rectify_leaky_relu_backward_from_mask(a.dtype, a.shape.inner, a.parameter, a.mask, a.dy, a.out, a.options);
       }},
      {"prelu_forward_with_mask",
       {x, slope, out, mask_written},
       [](const Arguments& a) {
         return rectify_prelu_forward_with_mask(a.dtype, a.slope_dtype, a.shape, a.x, a.slope, a.out, a.mask, a.options);
       }},
      {"prelu_backward_from_mask",
       {x, mask_read, slope, kept_dy, out, dslope},
       [](const Arguments& a) {
         return rectify_prelu_backward_from_mask(a.dtype, a.slope_dtype, a.shape, a.x, a.mask, a.slope, a.dy, a.out, a.sums,
                                                 a.options);
       }},
      {"fused_forward_relu", {x, bias, residual, out, optional_mask}, fused_forward, any, RECTIFY_RELU},
      {"fused_forward_leaky_relu", {x, bias, residual, out, optional_mask}, fused_forward, any, RECTIFY_LEAKY_RELU},
      {"fused_forward_prelu", {x, bias, residual, slope, out, optional_mask}, fused_forward, any, RECTIFY_PRELU},
      {"fused_forward_elu", {x, bias, residual, out, optional_mask}, fused_forward, finite, RECTIFY_ELU},
      {"fused_backward_relu", {x, bias, residual, dy, out, dbias}, fused_backward, any, RECTIFY_RELU},
      {"fused_backward_leaky_relu",
       {x, bias, residual, kept_dy, out, dbias, dscalar},
       fused_backward,
       any,
       RECTIFY_LEAKY_RELU},
      {"fused_backward_prelu", {x, bias, residual, slope, kept_dy, out, dbias, dslope}, fused_backward, any, RECTIFY_PRELU},
      {"fused_backward_elu", {x, bias, residual, kept_dy, out, dbias, dscalar}, fused_backward, finite, RECTIFY_ELU},
      {"fused_backward_relu_from_mask", {mask_read, dy, out, dbias}, fused_backward, any, RECTIFY_RELU},
      {"fused_backward_leaky_relu_from_mask", {mask_read, dy, out, dbias}, fused_backward, any, RECTIFY_LEAKY_RELU},
  };
  return functions;
}

// Under an emulator the smallest and the largest of what a size can be: the checks are the same code as elsewhere.
std::vector<Sizes> all_formats() {
  std::vector<Sizes> list;
  for_each_format([&]<class Format>() {
    constexpr bool extreme = std::is_same_v<Format, formats::f64> || std::is_same_v<Format, formats::bf16_slopes>;
    if (emulated && !extreme) return;
    list.push_back({Format::name, Format::dtype, Format::slope_dtype, sizeof(typename Format::Element),
                    sizeof(typename Format::Slope), sizeof(typename Format::Scalar)});
  });
  return list;
}

}  // namespace

bool Function::has(std::byte* Arguments::*pointer) const {
  return std::ranges::find(tensors, pointer, &Tensor::pointer) != tensors.end();
}
bool Function::has(Presence presence) const {
  return std::ranges::find(tensors, presence, &Tensor::presence) != tensors.end();
}

std::ostream& operator<<(std::ostream& stream, const Function& function) { return stream << function.name; }
std::ostream& operator<<(std::ostream& stream, const Sizes& sizes) { return stream << sizes.name; }

std::vector<FunctionAndFormat> functions_where(const std::function<bool(const Function&)>& chosen) {
  std::vector<FunctionAndFormat> list;
  for (const Function& function : all_functions()) {
    for (const Sizes& sizes : all_formats()) {
      if (chosen(function) && (function.shaped() || sizes.slope == sizes.scalar)) list.emplace_back(function, sizes);
    }
  }
  return list;
}

std::string name_of(const testing::TestParamInfo<FunctionAndFormat>& instance) {
  return std::string(std::get<0>(instance.param).name) + "_" + std::get<1>(instance.param).name;
}

Arguments ArgumentsOf::in(const Memory& memory) const {
  Arguments a = {};
  a.dtype = sizes.dtype;
  a.slope_dtype = sizes.slope_dtype;
  a.shape = function.shaped() ? rectify_shape{2, 5, 10} : rectify_shape{1, 1, 100};
  a.kind = function.kind;
  for (size_t i = 0; i < function.tensors.size(); ++i) a.*function.tensors[i].pointer = memory.tensor(i);
  return a;
}

testing::AssertionResult ArgumentsOf::gives(int32_t status, const Change& change) const {
  Arguments a = in(memory_of(status));
  change(a);
  const int32_t given = function.call(a);
  if (given == status) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "status: " << rectify_status_text(given)
                                     << "; expected: " << rectify_status_text(status) << "; ";
}

size_t ArgumentsOf::alignment(const Tensor& tensor) const {
  switch (tensor.size) {
    case Size::tensor:
      return sizes.element;
    case Size::parameters:
      return sizes.slope;
    case Size::scalar:
      return sizes.scalar;
    default:
      return 1;  // a mask lies anywhere
  }
}

size_t ArgumentsOf::bytes(const Tensor& tensor, const rectify_shape& shape) const {
  const size_t elements = shape.outer * shape.channels * shape.inner;
  switch (tensor.size) {
    case Size::tensor:
      return elements * sizes.element;
    case Size::parameters:
      return shape.channels * sizes.slope;
    case Size::scalar:
      return sizes.scalar;
    default:
      return mask_bytes(elements);
  }
}

// Their cases stand in several files.
INSTANTIATE_TEST_SUITE_P(, ArgumentsOf, testing::ValuesIn(functions_where([](const Function&) { return true; })), name_of);
INSTANTIATE_TEST_SUITE_P(, ArgumentsOfShaped, testing::ValuesIn(functions_where(&Function::shaped)), name_of);

}  // namespace rectify::tests
