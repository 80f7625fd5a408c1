// The number formats of tensors, and the combinations with their slopes' that have kernels.
//
// 16-bit elements are widened exactly to f32, computed there, and rounded once to nearest even when they are stored.
#pragma once

#include <stdint.h>

namespace rectify {

struct Half {  // IEEE-754 binary16
  uint16_t bits;
  static constexpr uint16_t infinity = 0x7C00;
};

struct Bfloat {  // bfloat16: the upper half of a binary32
  uint16_t bits;
  static constexpr uint16_t infinity = 0x7F80;
};

template <class A, class B>
inline constexpr bool is_same = false;
template <class A>
inline constexpr bool is_same<A, A> = true;

}  // namespace rectify

// X(name, element of the tensors, element of the slopes). Those whose slopes are of the type that computes come first: they
// serve the operations with a scalar parameter too.
#define RECTIFY_FORMATS(X)  \
  X(f32, float, float)      \
  X(f16, Half, float)       \
  X(bf16, Bfloat, float)    \
  X(f64, double, double)    \
  X(f16_slopes, Half, Half) \
  X(bf16_slopes, Bfloat, Bfloat)
