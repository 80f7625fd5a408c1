// Every operation of the library as one call on the arrays of a measurement.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "arena.hpp"
#include "rectify/rectify.h"
#include "traffic.hpp"

namespace roofline {

enum class Layout { flat, nchw, nhwc, per_element };

const char* name(Layout layout);

struct Tensors {
  const float* x;  // y for backward_from_y
  const float* dy;
  const float* slope;
  float* out;
  float* sums;
};

struct Operation {
  const char* operation;
  const char* direction;
  Layout layout;
  Traffic traffic;
  int32_t (*call)(const Tensors& tensors, rectify_shape shape, const rectify_options& options);
};

std::span<const Operation> operations();

// A shape of that layout with about n elements, a multiple of a cache line: NCHW with up to 64 maps of 28x28, NHWC with 64
// channels, or one slope per element of a single sample.
rectify_shape shape_of(Layout layout, size_t n);
size_t elements(rectify_shape shape);

// The operation's tensors: full-size ones from the streams, small ones from the arena.
Tensors tensors(const Operation& operation, const Streams& streams, const Arena& arena);

}  // namespace roofline
