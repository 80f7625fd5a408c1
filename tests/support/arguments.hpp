// For tests of arguments: the public functions that compute, each as the list of its tensors, with what rectify.h says of
// them, and the fixture that calls it with good arguments but for what a test changes.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/closed_memory.hpp"

namespace rectify::tests {

// What a call is given. Tensors are bytes: what is asked of them does not depend on values.
struct Arguments {
  int32_t dtype;
  int32_t slope_dtype;  // of a bias, too
  rectify_shape shape;  // a flat function takes shape.inner elements
  int32_t kind;         // of a fused call's activation
  double parameter = 0.5;
  std::byte* x;  // or y, where that is given
  std::byte* bias;
  std::byte* residual;
  std::byte* slope;
  std::byte* dy;
  std::byte* mask;
  std::byte* out;
  std::byte* dbias;
  std::byte* sums;  // the gradient of the activation's parameter
  const rectify_options* options;
};

enum class Size { tensor, parameters, scalar, mask };

// What a tensor is to the rules on aliasing.
enum class Role {
  input,   // read; the output may be exactly it
  kept,    // read; overlaps nothing that is written
  output,  // written; may be exactly an input
  alone,   // written; overlaps nothing
};

// Whether it may be NULL: no, yes, yes but for the last that a call has of these.
enum class Presence { required, optional, either };

struct Tensor {
  const char* name;
  std::byte* Arguments::*pointer;
  Size size;
  Role role;
  Presence presence = Presence::required;

  bool required() const { return presence == Presence::required; }
  bool written() const { return role == Role::output || role == Role::alone; }
};

enum class Parameter { any, finite, finite_not_negative };

struct Function {
  const char* name;
  std::vector<Tensor> tensors;
  int32_t (*call)(const Arguments&);
  Parameter parameter = Parameter::any;
  int32_t kind = 0;  // of a fused call's activation

  bool has(std::byte* Arguments::*pointer) const;
  bool has(Presence presence) const;
  bool fused() const { return kind != 0; }
  bool shaped() const { return fused() || has(&Arguments::slope); }  // has a shape, and parameters of their own type
};

// A number format is the sizes of its numbers.
struct Sizes {
  const char* name;
  int32_t dtype;
  int32_t slope_dtype;
  size_t element;
  size_t slope;
  size_t scalar;  // of the type that computes
};

std::ostream& operator<<(std::ostream& stream, const Function& function);
std::ostream& operator<<(std::ostream& stream, const Sizes& sizes);

// Shaped functions in every format, the others once for each element type.
using FunctionAndFormat = std::tuple<Function, Sizes>;
std::vector<FunctionAndFormat> functions_where(const std::function<bool(const Function&)>& chosen);
std::string name_of(const testing::TestParamInfo<FunctionAndFormat>& instance);

class ArgumentsOf : public testing::TestWithParam<FunctionAndFormat> {
 protected:
  // Good ones: {2, 5, 10} for a shaped function, 100 elements for a flat one. What a function has not is NULL.
  Arguments in(const Memory& memory) const;

  // Where a call with this status finds its tensors.
  const Memory& memory_of(int32_t status) const { return status == RECTIFY_OK ? open_memory : closed_memory; }

  // Whether this is the status of a call with good arguments, but for what `change` does to them.
  using Change = std::function<void(Arguments&)>;
  testing::AssertionResult gives(int32_t status, const Change& change) const;

  size_t alignment(const Tensor& tensor) const;
  size_t bytes(const Tensor& tensor, const rectify_shape& shape) const;

  const Function function = std::get<0>(GetParam());
  const Sizes sizes = std::get<1>(GetParam());
  const Memory closed_memory{Memory::closed};
  const Memory open_memory{Memory::open};
  const Arguments good = in(closed_memory);  // but for the memory
};
class ArgumentsOfShaped : public ArgumentsOf {};

}  // namespace rectify::tests
