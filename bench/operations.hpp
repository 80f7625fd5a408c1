// Every operation of the library in every format as one call on the arrays of a measurement.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>
#include <string>

#include "arena.hpp"
#include "arithmetic.hpp"
#include "format.hpp"
#include "rectify/rectify.h"
#include "traffic.hpp"

namespace roofline {

enum class Layout { flat, nchw, nhwc, per_element };

const char* name(Layout layout);

struct Tensors {
  int32_t dtype;
  int32_t slope_dtype;
  const void* x;  // y for backward_from_y
  const void* dy;
  const void* slope;
  double parameter;  // Leaky ReLU's slope, ELU's alpha
  void* out;
  void* sums;
  void* mask;
};

// By reference: what a call in L1 takes should be the library's own, not copies of its shape.
using OperationCall = int32_t (*)(const Tensors& tensors, const rectify_shape& shape, const rectify_options* options);

struct Operation {
  const char* operation;
  const char* direction;
  Layout layout;
  Traffic traffic;
  Formula formula;
  OperationCall call;
  OperationCall dx_alone = nullptr;  // what a backward with the parameter's gradient, or from a mask, is compared with
  double parameter = 1;
  size_t displaced = 0;      // bytes that the output lies past the start of a cache line
  const char* variant = "";  // what is unusual about it: "alpha 1.7"
  Format format = Format::f32;
  Format slopes = Format::f32;  // PReLU's

  bool is(const char* that_operation, const char* that_direction) const;
  bool masked() const;  // reads or writes a mask
  bool fused() const;   // runs a fused kernel, which is not of its name
  size_t bytes_per_element() const { return traffic.accesses() * size(format); }
  constexpr Arithmetic arithmetic() const { return in_format(format, formula, traffic); }
};

// What a format has beside its operations as they are usually called is measured in f32 alone; in 16 bits the slopes are of
// f32, as where weights are kept while activations have 16 bits, and for one layout of the tensor's own type too. One slope
// per element is as large as the tensor, and of its type.
std::span<const Operation> operations();

// Enough to see each kind of kernel, where not all can be measured: flat ones, and PReLU in NCHW with slopes of f32.
bool representative(const Operation& operation);

// "elu/forward/flat/f32", with the variant behind it.
std::string label(const Operation& operation);

// A shape of the operation's layout with about n elements, whole cache lines: NCHW with up to 64 maps of 28x28 (14x14 where
// these are too large), NHWC with 64 channels, or one slope per element of a single sample.
rectify_shape shape_of(const Operation& operation, size_t n);
inline constexpr size_t usual_map = 28 * 28;
inline size_t elements(const rectify_shape& shape) { return shape.outer * shape.channels * shape.inner; }

// The elements of the operation's arrays that together touch so many bytes.
size_t elements(const Operation& operation, size_t touched);

// Bytes of an array.
size_t array_bytes(const Operation& operation, rectify_shape shape);

// The tensors that PReLU meets in networks: channels of side x side maps.
struct Image {
  size_t channels;
  size_t side;
};
inline constexpr size_t image_channels[] = {3, 16, 64, 256, 1024}, image_sides[] = {7, 14, 28, 112};

// "C=64,7x7"
std::string name(const Image& image);

// As many such images as n elements hold, in whole cache lines; none if not even that.
std::optional<rectify_shape> shape_of(const Operation& operation, const Image& image, size_t n);

// The operation's tensors: full-size ones from the streams, small ones from the arena.
Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena);

}  // namespace roofline
