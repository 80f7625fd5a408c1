// The calls with masks and the fused calls: every bad argument gets its own status, and the call that refuses it reads
// nothing and writes nothing. What is allowed is accepted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/masks.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr size_t most = std::numeric_limits<size_t>::max();

struct Given {
  int32_t dtype;
  int32_t parameter_dtype;
  rectify_shape shape;  // a flat function takes shape.inner elements
  int32_t kind;
  double parameter = 0.5;
  std::byte* x;
  std::byte* bias;
  std::byte* residual;
  std::byte* slope;
  std::byte* dy;
  std::byte* mask;
  std::byte* out;
  std::byte* dbias;
  std::byte* sums;
  const rectify_options* options = nullptr;

  rectify_activation activation() const { return {kind, parameter, slope}; }
};

// What a tensor is to the rules on aliasing: of full size and read, of full size and written, small and read, or apart from
// everything.
enum class Role { input, output, small_input, alone };
enum class Size { tensor, parameters, scalar, mask };

struct Tensor {
  const char* name;
  std::byte* Given::*pointer;
  Size size;
  Role role;
  bool required;
};
constexpr Tensor x = {"x", &Given::x, Size::tensor, Role::input, true};
constexpr Tensor dy = {"dy", &Given::dy, Size::tensor, Role::input, true};
constexpr Tensor residual = {"residual", &Given::residual, Size::tensor, Role::input, false};
constexpr Tensor slope = {"slope", &Given::slope, Size::parameters, Role::small_input, true};
constexpr Tensor bias = {"bias", &Given::bias, Size::parameters, Role::small_input, false};
constexpr Tensor out = {"out", &Given::out, Size::tensor, Role::output, true};
constexpr Tensor mask_read = {"mask", &Given::mask, Size::mask, Role::small_input, true};
constexpr Tensor mask_written = {"mask", &Given::mask, Size::mask, Role::alone, true};
constexpr Tensor mask_wanted = {"mask", &Given::mask, Size::mask, Role::alone, false};
constexpr Tensor dbias = {"dbias", &Given::dbias, Size::parameters, Role::alone, false};
constexpr Tensor dslope = {"dslope", &Given::sums, Size::parameters, Role::alone, false};
constexpr Tensor dscalar = {"dparameter", &Given::sums, Size::scalar, Role::alone, false};

struct Function {
  const char* name;
  bool shaped;  // has a shape and parameters of their own type
  int32_t kind;
  std::vector<Tensor> tensors;
  int32_t (*call)(const Given&);

  bool has_kind() const { return std::string(name).starts_with("fused"); }
};

std::ostream& operator<<(std::ostream& stream, const Function& function) { return stream << function.name; }

int32_t fused_forward(const Given& g) {
  return rectify_fused_forward(g.dtype, g.parameter_dtype, g.shape, g.x, g.bias, g.residual, g.activation(), g.out, g.mask,
                               g.options);
}
int32_t fused_backward(const Given& g) {
  return rectify_fused_backward(g.dtype, g.parameter_dtype, g.shape, g.x, g.bias, g.residual, g.mask, g.activation(), g.dy,
                                g.out, g.dbias, g.sums, g.options);
}

const std::vector<Function> functions = {
    {"relu_forward_with_mask",
     false,
     RECTIFY_RELU,
     {x, out, mask_written},
     [](const Given& g) { return rectify_relu_forward_with_mask(g.dtype, g.shape.inner, g.x, g.out, g.mask, g.options); }},
    {"relu_backward_from_mask",
     false,
     RECTIFY_RELU,
     {mask_read, dy, out},
     [](const Given& g) {
       return rectify_relu_backward_from_mask(g.dtype, g.shape.inner, g.mask, g.dy, g.out, g.options);
     }},
    {"leaky_relu_forward_with_mask",
     false,
     RECTIFY_LEAKY_RELU,
     {x, out, mask_written},
     [](const Given& g) {
       return rectify_leaky_relu_forward_with_mask(g.dtype, g.shape.inner, g.parameter, g.x, g.out, g.mask, g.options);
     }},
    {"leaky_relu_backward_from_mask",
     false,
     RECTIFY_LEAKY_RELU,
     {mask_read, dy, out},
     [](const Given& g) {
       return rectify_leaky_relu_backward_from_mask(g.dtype, g.shape.inner, g.parameter, g.mask, g.dy, g.out, g.options);
     }},
    {"prelu_forward_with_mask",
     true,
     RECTIFY_PRELU,
     {x, slope, out, mask_written},
     [](const Given& g) {
       return rectify_prelu_forward_with_mask(g.dtype, g.parameter_dtype, g.shape, g.x, g.slope, g.out, g.mask, g.options);
     }},
    {"prelu_backward_from_mask",
     true,
     RECTIFY_PRELU,
     {x, mask_read, slope, dy, out, dslope},
     [](const Given& g) {
       return rectify_prelu_backward_from_mask(g.dtype, g.parameter_dtype, g.shape, g.x, g.mask, g.slope, g.dy, g.out,
                                               g.sums, g.options);
     }},
    {"fused_forward_relu", true, RECTIFY_RELU, {x, bias, residual, out, mask_wanted}, fused_forward},
    {"fused_forward_leaky_relu", true, RECTIFY_LEAKY_RELU, {x, bias, residual, out, mask_wanted}, fused_forward},
    {"fused_forward_prelu", true, RECTIFY_PRELU, {x, bias, residual, slope, out, mask_wanted}, fused_forward},
    {"fused_forward_elu", true, RECTIFY_ELU, {x, bias, residual, out, mask_wanted}, fused_forward},
    {"fused_backward_relu", true, RECTIFY_RELU, {x, bias, residual, dy, out, dbias}, fused_backward},
    {"fused_backward_leaky_relu", true, RECTIFY_LEAKY_RELU, {x, bias, residual, dy, out, dbias, dscalar}, fused_backward},
    {"fused_backward_prelu", true, RECTIFY_PRELU, {x, bias, residual, slope, dy, out, dbias, dslope}, fused_backward},
    {"fused_backward_elu", true, RECTIFY_ELU, {x, bias, residual, dy, out, dbias, dscalar}, fused_backward},
    {"fused_backward_relu_from_mask", true, RECTIFY_RELU, {mask_read, dy, out, dbias}, fused_backward},
    {"fused_backward_leaky_relu_from_mask", true, RECTIFY_LEAKY_RELU, {mask_read, dy, out, dbias}, fused_backward},
};

class FusedArguments : public testing::TestWithParam<std::tuple<Function, Sizes>> {
 protected:
  // {2, 5, 10} for a shaped function, 100 elements for a flat one. What a function has not is NULL.
  Given in(const Memory& memory) const {
    Given g = {};
    g.dtype = sizes.dtype;
    g.parameter_dtype = sizes.slope_dtype;
    g.shape = function.shaped ? rectify_shape{2, 5, 10} : rectify_shape{1, 1, 100};
    g.kind = function.kind;
    g.parameter = 0.5;
    for (size_t i = 0; i < function.tensors.size(); ++i) g.*function.tensors[i].pointer = memory.tensor(i);
    return g;
  }
  // Where a call may take these arguments: tensors hold values, of whatever format.
  Given in_open_memory() const {
    for (size_t tensor = 0; tensor < Memory::tensors; ++tensor) {
      const std::vector<float> values = ordinary_values(Memory::room / sizeof(float), static_cast<uint32_t>(tensor));
      std::memcpy(open_memory.tensor(tensor) - Memory::room / 2, values.data(), Memory::room);
    }
    return in(open_memory);
  }
  void expect_refused(const Given& g, int32_t status) const { EXPECT_EQ(function.call(g), status); }
  void expect_accepted(const Given& g) const { EXPECT_EQ(function.call(g), RECTIFY_OK); }

  size_t alignment(const Tensor& tensor) const {
    switch (tensor.size) {
      case Size::tensor:
        return sizes.element;
      case Size::parameters:
        return sizes.slope;
      case Size::scalar:
        return sizes.scalar;
      default:
        return 1;
    }
  }
  size_t bytes(const Tensor& tensor) const {
    switch (tensor.size) {
      case Size::tensor:
        return 100 * sizes.element;
      case Size::parameters:
        return 5 * sizes.slope;
      case Size::scalar:
        return sizes.scalar;
      default:
        return mask_bytes(100);
    }
  }
  bool has(std::byte* Given::*pointer) const {
    return std::any_of(function.tensors.begin(), function.tensors.end(),
                       [&](const Tensor& tensor) { return tensor.pointer == pointer; });
  }

  const Function function = std::get<0>(GetParam());
  const Sizes sizes = std::get<1>(GetParam());
  const Memory closed_memory{Memory::closed};
  const Memory open_memory{Memory::open};
  const Given good = in(closed_memory);  // but for the memory
};
class FusedArgumentsOfAKind : public FusedArguments {};

std::vector<std::tuple<Function, Sizes>> functions_where(bool with_kind_alone) {
  std::vector<std::tuple<Function, Sizes>> list;
  for (const Function& function : functions) {
    for (const Sizes& sizes : all_formats()) {
      if (with_kind_alone && !function.has_kind()) continue;
      if (function.shaped || sizes.slope == sizes.scalar) list.emplace_back(function, sizes);
    }
  }
  return list;
}

const auto name_of = [](const testing::TestParamInfo<std::tuple<Function, Sizes>>& instance) {
  return std::string(std::get<0>(instance.param).name) + "_" + std::get<1>(instance.param).name;
};
INSTANTIATE_TEST_SUITE_P(, FusedArguments, testing::ValuesIn(functions_where(false)), name_of);
INSTANTIATE_TEST_SUITE_P(, FusedArgumentsOfAKind, testing::ValuesIn(functions_where(true)), name_of);

// Without this the refusals below would prove nothing.
TEST_P(FusedArguments, GoodOnesAreAccepted) {
  expect_accepted(in_open_memory());
  for (const Tensor& tensor : function.tensors) {
    if (tensor.required) continue;
    Given g = in_open_memory();
    g.*tensor.pointer = nullptr;
    expect_accepted(g);
  }
}

TEST_P(FusedArguments, NullPointers) {
  for (const Tensor& tensor : function.tensors) {
    if (!tensor.required) continue;
    // Without its mask a fused backward reads x, which is not there.
    Given g = good;
    g.*tensor.pointer = nullptr;
    EXPECT_EQ(function.call(g), RECTIFY_ERROR_NULL_POINTER) << tensor.name;
  }
}

TEST_P(FusedArguments, NumberFormats) {
  for (const int32_t unknown : {0, -1, 5, 99, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    Given g = good;
    g.dtype = unknown;
    expect_refused(g, RECTIFY_ERROR_UNKNOWN_DTYPE);
    if (!function.shaped) continue;
    g.dtype = sizes.dtype;
    g.parameter_dtype = unknown;
    expect_refused(g, RECTIFY_ERROR_UNKNOWN_DTYPE);
  }
  if (!function.shaped) return;
  for (const int32_t parameter_dtype : {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    const bool sixteen_bit = sizes.dtype == RECTIFY_F16 || sizes.dtype == RECTIFY_BF16;
    const bool supported = parameter_dtype == sizes.dtype || (sixteen_bit && parameter_dtype == RECTIFY_F32);
    Given g = supported ? in_open_memory() : good;
    g.parameter_dtype = parameter_dtype;
    EXPECT_EQ(function.call(g), supported ? RECTIFY_OK : RECTIFY_ERROR_UNSUPPORTED_DTYPE) << parameter_dtype;
  }
}

TEST_P(FusedArguments, SizesThatOverflow) {
  std::vector<rectify_shape> shapes = {{1, 1, most}, {1, 1, most / sizes.element + 1}};
  if (function.shaped) {
    constexpr size_t half = size_t{1} << 32;
    shapes.insert(shapes.end(),
                  {{most, 1, 1}, {1, most, 1}, {half, half, 1}, {1, half, half}, {half, 1, half}, {0, most, 1}});
  }
  for (const rectify_shape& shape : shapes) {
    Given g = good;
    g.shape = shape;
    EXPECT_EQ(function.call(g), RECTIFY_ERROR_SIZE_OVERFLOW)
        << shape.outer << ", " << shape.channels << ", " << shape.inner;
  }
  Given g = good;
  g.shape = {1, 1, most / sizes.element};  // can be counted: nothing else fits beside it
  expect_refused(g, RECTIFY_ERROR_OVERLAP);
}

// A mask lies anywhere.
TEST_P(FusedArguments, UnalignedPointers) {
  for (const Tensor& tensor : function.tensors) {
    const size_t size = alignment(tensor);
    for (size_t distance = 1; distance < 2 * size + 1; ++distance) {
      const bool aligned = distance % size == 0;
      Given g = aligned ? in_open_memory() : good;
      g.*tensor.pointer += distance;
      EXPECT_EQ(function.call(g), aligned ? RECTIFY_OK : RECTIFY_ERROR_UNALIGNED) << tensor.name << ", " << distance;
    }
  }
}

// ---- Overlaps ----

TEST_P(FusedArguments, Overlaps) {
  const auto written = [](const Tensor& tensor) { return tensor.role == Role::output || tensor.role == Role::alone; };
  for (const Tensor& fixed : function.tensors) {
    for (const Tensor& moving : function.tensors) {
      if (fixed.pointer == moving.pointer) continue;
      const auto roles = [&](Role a, Role b) {
        return (fixed.role == a && moving.role == b) || (fixed.role == b && moving.role == a);
      };
      // dx holds z until the parameter's gradient is taken, so it is not dy then.
      const bool in_place_allowed = roles(Role::input, Role::output) &&
                                    !(has(&Given::sums) && (fixed.pointer == &Given::dy || moving.pointer == &Given::dy));
      // The distances from one that just touches before to one that just touches behind.
      const ptrdiff_t before = -static_cast<ptrdiff_t>(bytes(moving)), behind = static_cast<ptrdiff_t>(bytes(fixed));
      const ptrdiff_t step = static_cast<ptrdiff_t>(alignment(moving));
      const ptrdiff_t mutual = std::max(step, static_cast<ptrdiff_t>(alignment(fixed)));
      for (const ptrdiff_t distance :
           {before - before % mutual - mutual, before, before + step, -step, ptrdiff_t{0}, step, behind - step, behind}) {
        if (distance % step != 0) continue;
        const bool apart = distance <= before || distance >= behind;
        const bool allowed = apart || (distance == 0 && in_place_allowed) || (!written(fixed) && !written(moving));
        Given g = allowed ? in_open_memory() : good;
        g.*moving.pointer = g.*fixed.pointer + distance;
        EXPECT_EQ(function.call(g), allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP)
            << moving.name << " " << distance << " bytes from " << fixed.name;
      }
    }
  }
}

TEST_P(FusedArguments, DxMayBeDyWhereNoParameterIsAskedFor) {
  if (!has(&Given::dy) || !has(&Given::sums)) return;
  Given g = in_open_memory();
  g.out = g.dy;
  g.sums = nullptr;
  expect_accepted(g);
  g = good;
  g.out = g.dy;
  expect_refused(g, RECTIFY_ERROR_OVERLAP);
}

// Exactly one input, but another one only nearly.
TEST_P(FusedArguments, OverlapBesideAnAllowedOne) {
  if (!has(&Given::residual)) return;
  Given g = good;
  g.out = g.x;
  g.residual = g.x + sizes.element;
  expect_refused(g, RECTIFY_ERROR_OVERLAP);
  g = in_open_memory();
  g.out = g.residual = g.x;
  expect_accepted(g);
}

// What a fused call with a mask is given besides is not read, but dx may not overlap it otherwise than it may anything.
TEST_P(FusedArguments, WhatTheMaskStandsForMayBeGiven) {
  if (!function.has_kind() || !has(&Given::dbias) || !has(&Given::mask)) return;
  Given g = in_open_memory();
  g.x = closed_memory.tensor(0);
  g.residual = closed_memory.tensor(1);
  g.bias = closed_memory.tensor(2);
  expect_accepted(g);
}

// ---- Activations ----

TEST_P(FusedArgumentsOfAKind, UnknownKinds) {
  for (const int32_t kind : {0, 5, -1, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    Given g = good;
    g.kind = kind;
    expect_refused(g, RECTIFY_ERROR_INVALID_ARGUMENT);
  }
}

TEST_P(FusedArgumentsOfAKind, Parameter) {
  const bool is_double = sizes.scalar == sizeof(double), any = function.kind != RECTIFY_ELU;
  const auto expect = [&](double parameter, bool accepted) {
    Given g = accepted ? in_open_memory() : good;
    g.parameter = parameter;
    EXPECT_EQ(function.call(g), accepted ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT) << parameter;
  };
  for (const double value : {0.0, -0.0, 1.0, -1.0, 1e-45, -3.4e38}) expect(value, true);
  for (const double value : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) expect(value, any);
  for (const double value : {1e39, -1e300}) expect(value, any || is_double);
}

// Where an activation has none they are not looked at.
TEST_P(FusedArgumentsOfAKind, SlopesOfOthers) {
  if (function.kind == RECTIFY_PRELU) return;
  Given g = in_open_memory();
  g.slope = g.out + 1;
  expect_accepted(g);
}

TEST_P(FusedArgumentsOfAKind, WhatTheActivationDoesNotHave) {
  if (!has(&Given::dy)) return;
  const bool from_mask = has(&Given::mask);
  Given g = good;
  g.sums = closed_memory.tensor(8);
  if (function.kind == RECTIFY_RELU || from_mask) expect_refused(g, RECTIFY_ERROR_INVALID_ARGUMENT);
  g = good;
  g.mask = closed_memory.tensor(8);
  if (from_mask) return;
  if (function.kind == RECTIFY_ELU || function.kind == RECTIFY_PRELU || has(&Given::sums)) {
    expect_refused(g, RECTIFY_ERROR_INVALID_ARGUMENT);
    g.sums = nullptr;
    if (function.kind == RECTIFY_LEAKY_RELU) {
      g = in_open_memory();
      g.mask = open_memory.tensor(8);
      g.sums = nullptr;
      expect_accepted(g);
    } else {
      expect_refused(g, RECTIFY_ERROR_INVALID_ARGUMENT);
    }
  }
}

// ---- Options, and several bad arguments ----

TEST_P(FusedArguments, Options) {
  rectify_options options = {};
  options.struct_size = sizeof options - 1;
  Given g = good;
  g.options = &options;
  expect_refused(g, RECTIFY_ERROR_INVALID_OPTIONS);
  options.struct_size = sizeof options;
  options.sums = 1;
  expect_refused(g, RECTIFY_ERROR_INVALID_OPTIONS);
  options.sums = RECTIFY_SUMS_ORDERED;
  options.backend = "nonsense";
  expect_refused(g, RECTIFY_ERROR_UNKNOWN_BACKEND);
  options.backend = "scalar";
  g = in_open_memory();
  g.options = &options;
  expect_accepted(g);
}

TEST_P(FusedArguments, TwoFaultsGiveOneOfTheirStatuses) {
  struct Fault {
    const char* name;
    int32_t status;
    std::function<void(Given&)> apply;
  };
  static const rectify_options no_size = {};
  static const rectify_options nonsense = [] {
    rectify_options options = {};
    options.struct_size = sizeof options;
    options.backend = "nonsense";
    return options;
  }();
  // What the function writes beside its output, if anything, at the output.
  std::byte* Given::*beside = nullptr;
  for (const Tensor& tensor : function.tensors) {
    if (tensor.role == Role::alone) beside = tensor.pointer;
  }
  std::vector<Fault> faults = {
      {"out is NULL", RECTIFY_ERROR_NULL_POINTER, [](Given& g) { g.out = nullptr; }},
      {"unknown dtype", RECTIFY_ERROR_UNKNOWN_DTYPE, [](Given& g) { g.dtype = 99; }},
      {"too many elements", RECTIFY_ERROR_SIZE_OVERFLOW, [](Given& g) { g.shape.inner = most; }},
      {"out unaligned", RECTIFY_ERROR_UNALIGNED, [](Given& g) { g.out += 1; }},
      {"no struct_size", RECTIFY_ERROR_INVALID_OPTIONS, [](Given& g) { g.options = &no_size; }},
      {"unknown backend", RECTIFY_ERROR_UNKNOWN_BACKEND, [](Given& g) { g.options = &nonsense; }},
  };
  if (beside != nullptr) faults.push_back({"overlap", RECTIFY_ERROR_OVERLAP, [=](Given& g) { g.*beside = g.out; }});
  if (has(&Given::x)) faults.push_back({"x is NULL", RECTIFY_ERROR_NULL_POINTER, [](Given& g) { g.x = nullptr; }});
  if (function.has_kind()) faults.push_back({"kind", RECTIFY_ERROR_INVALID_ARGUMENT, [](Given& g) { g.kind = 7; }});
  for (const Fault& first : faults) {
    for (const Fault& second : faults) {
      if (first.name == second.name) continue;
      Given g = good;
      first.apply(g);
      second.apply(g);
      const int32_t status = function.call(g);
      EXPECT_TRUE(status == first.status || status == second.status)
          << first.name << " and " << second.name << ": " << rectify_status_text(status);
    }
  }
}

// ---- Nothing to do ----

TEST_P(FusedArguments, NoElements) {
  std::vector<rectify_shape> shapes = {{1, 1, 0}};
  if (function.shaped) shapes.insert(shapes.end(), {{0, 5, 10}, {2, 5, 0}, {0, 5, 1}, {2, 0, 10}, {most, 0, most}});
  for (const rectify_shape& shape : shapes) {
    SCOPED_TRACE(testing::Message() << shape.outer << ", " << shape.channels << ", " << shape.inner);
    Given g = good;  // closed: no tensor is touched, nor is a mask
    g.shape = shape;
    g.dbias = g.sums = nullptr;
    expect_accepted(g);
    g = in(closed_memory);
    for (const Tensor& tensor : function.tensors) g.*tensor.pointer = nullptr;
    g.shape = shape;
    expect_accepted(g);
    // An empty output may lie where something begins, or in it: it is none.
    for (const Tensor& tensor : function.tensors) {
      if (tensor.role == Role::alone) continue;
      g = good;
      g.shape = shape;
      g.dbias = g.sums = nullptr;
      g.out = g.*tensor.pointer + 8;
      expect_accepted(g);
    }
    g = in(closed_memory);
    for (const Tensor& tensor : function.tensors) g.*tensor.pointer = nullptr;
    g.shape = shape;
    for (const Tensor& tensor : function.tensors) {
      if (tensor.pointer != &Given::dbias && tensor.pointer != &Given::sums) continue;
      alignas(8) std::byte sums[6 * 8];
      std::fill(std::begin(sums), std::end(sums), std::byte{7});
      g.*tensor.pointer = sums;
      expect_accepted(g);
      g.*tensor.pointer = nullptr;
      const size_t written = tensor.size == Size::scalar ? sizes.scalar : shape.channels * sizes.slope;
      for (size_t i = 0; i < sizeof sums; ++i) {
        EXPECT_EQ(sums[i], std::byte{i < written ? uint8_t{0} : uint8_t{7}}) << tensor.name << ", byte " << i;
      }
    }
  }
}

// ---- Memory that cannot be had ----

// Every request in turn: whichever is refused, nothing has been written yet.
template <class Format>
void expect_status_where_memory_is_refused(int32_t kind, bool with_mask) {
  SCOPED_TRACE(testing::Message() << Format::name << ", kind " << kind << (with_mask ? ", from the mask" : ""));
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  constexpr rectify_shape shape = {1000, 500, 1};
  constexpr size_t n = shape.outer * shape.channels;
  const std::vector<Element> inputs = ordinary_values<Element>(n, 1), gradients = ordinary_values<Element>(n, 2);
  const std::vector<Slope> slopes = ordinary_values<Slope>(shape.channels, 3);
  const std::vector<unsigned char> mask = mask_of(inputs);
  const std::vector<Element> no_dx(n, unwritten<Element>);
  const std::vector<Slope> no_sums(shape.channels, unwritten<Slope>);
  std::vector<Element> dx = no_dx;
  std::vector<Slope> of_bias = no_sums;
  std::vector<std::byte> no_parameter(shape.channels * sizeof(double), std::byte{7}), of_parameter = no_parameter;
  const auto call = [&] {
    const rectify_activation activation = {kind, 0.25, slopes.data()};
    if (with_mask) {
      return rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, inputs.data(), mask.data(),
                                              slopes.data(), gradients.data(), dx.data(), of_parameter.data(), nullptr);
    }
    return rectify_fused_backward(Format::dtype, Format::slope_dtype, shape, inputs.data(), slopes.data(), nullptr, nullptr,
                                  activation, gradients.data(), dx.data(), of_bias.data(),
                                  kind == RECTIFY_RELU ? nullptr : of_parameter.data(), nullptr);
  };
  refusals = 0;
  refuse_memory = true;
  const int32_t status = call();
  refuse_memory = false;
  EXPECT_EQ(refusals, 1u);
  EXPECT_EQ(status, RECTIFY_ERROR_OUT_OF_MEMORY);
  EXPECT_TRUE(identical_bits(no_dx, dx));
  EXPECT_TRUE(identical_bits(no_sums, of_bias));
  EXPECT_EQ(no_parameter, of_parameter);
  EXPECT_EQ(call(), RECTIFY_OK);
}

TEST(OutOfMemoryOfFusedCalls, IsAStatusAndNothingIsWritten) {
  for_each_format([]<class Format>() {
    for (const int32_t kind : {RECTIFY_RELU, RECTIFY_LEAKY_RELU, RECTIFY_PRELU, RECTIFY_ELU})
      expect_status_where_memory_is_refused<Format>(kind, false);
    expect_status_where_memory_is_refused<Format>(RECTIFY_PRELU, true);
  });
}

// The numbers are part of the ABI.
TEST(Activations, HaveFixedNumbersAndLayout) {
  EXPECT_EQ(RECTIFY_RELU, 1);
  EXPECT_EQ(RECTIFY_LEAKY_RELU, 2);
  EXPECT_EQ(RECTIFY_PRELU, 3);
  EXPECT_EQ(RECTIFY_ELU, 4);
  static_assert(sizeof(rectify_activation) == 24);
  EXPECT_EQ(offsetof(rectify_activation, kind), 0u);
  EXPECT_EQ(offsetof(rectify_activation, parameter), 8u);
  EXPECT_EQ(offsetof(rectify_activation, slope), 16u);
}

}  // namespace
}  // namespace rectify::tests
