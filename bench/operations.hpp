// Every operation of the library as one call on the arrays of a measurement.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>
#include <string>

#include "arena.hpp"
#include "arithmetic.hpp"
#include "rectify/rectify.h"
#include "traffic.hpp"

namespace roofline {

enum class Layout { flat, nchw, nhwc, per_element };

const char* name(Layout layout);

struct Tensors {
  const float* x;  // y for backward_from_y
  const float* dy;
  const float* slope;
  double parameter;  // Leaky ReLU's slope, ELU's alpha
  float* out;
  float* sums;
};

using OperationCall = int32_t (*)(const Tensors& tensors, rectify_shape shape, const rectify_options* options);

struct Operation {
  const char* operation;
  const char* direction;
  Layout layout;
  Traffic traffic;
  Arithmetic arithmetic;
  OperationCall call;
  OperationCall without_parameter = nullptr;  // of a backward with the parameter's gradient: dx alone
  double parameter = 1;
  size_t displaced = 0;      // elements that the output lies past the start of a cache line
  const char* variant = "";  // what is unusual about it: "alpha 1.7"

  bool is(const char* that_operation, const char* that_direction) const;
};

std::span<const Operation> operations();

// "elu/forward/flat", with the variant behind it.
std::string label(const Operation& operation);

// A shape of that layout with about n elements, a multiple of a cache line: NCHW with up to 64 maps of 28x28, NHWC with 64
// channels, or one slope per element of a single sample.
rectify_shape shape_of(Layout layout, size_t n);
size_t elements(rectify_shape shape);

// The tensors that PReLU meets in networks: channels of side x side maps.
struct Image {
  size_t channels;
  size_t side;
};
inline constexpr size_t image_channels[] = {3, 16, 64, 256, 1024}, image_sides[] = {7, 14, 28, 112};

// "C=64,7x7"
std::string name(const Image& image);

// As many such images as n elements hold, in whole cache lines; none if not even that.
std::optional<rectify_shape> shape_of(Layout layout, const Image& image, size_t n);

// The operation's tensors: full-size ones from the streams, small ones from the arena.
Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena);

}  // namespace roofline
