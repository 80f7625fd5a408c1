// What each formula computes per element, counted as kernels/activations/ writes it: the floating-point operations of the
// roofline plot, and the instructions behind the port bounds.
#pragma once

#include <stddef.h>

#include "format.hpp"
#include "traffic.hpp"

namespace roofline {

// Instructions on a vector. Loads, stores and bitwise logic are not counted, but the logic of conversions is.
struct Arithmetic {
  int fused = 0;  // fused multiply-adds
  int multiply = 0;
  int add = 0;
  int compare = 0;
  int select = 0;
  int maximum = 0;  // of floating-point numbers
  int integer_minimum = 0;
  int shift = 0;
  int integer = 0;         // additions and logic
  int scale_one_plus = 0;  // (1 + p)*2^n: an addition and a scaling, or what a backend has in its stead
  // Between f32 and 16 bits.
  int widen_half = 0;
  int narrow_half = 0;
  int widen_bfloat = 0;
  int narrow_bfloat = 0;
  size_t lane_bits = 32;

  // A fused multiply-add is two, an addition, multiplication, comparison or maximum one; a select, a conversion or an
  // operation on the bits of a number is none.
  constexpr int flops() const { return 2 * fused + multiply + add + compare + maximum + 2 * scale_one_plus; }
};

constexpr Arithmetic operator+(const Arithmetic& a, const Arithmetic& b) {
  return {a.fused + b.fused,
          a.multiply + b.multiply,
          a.add + b.add,
          a.compare + b.compare,
          a.select + b.select,
          a.maximum + b.maximum,
          a.integer_minimum + b.integer_minimum,
          a.shift + b.shift,
          a.integer + b.integer,
          a.scale_one_plus + b.scale_one_plus,
          a.widen_half + b.widen_half,
          a.narrow_half + b.narrow_half,
          a.widen_bfloat + b.widen_bfloat,
          a.narrow_bfloat + b.narrow_bfloat,
          a.lane_bits};
}

// What an operation computes beside its exponentials, which each format that computes has its own of.
struct Formula {
  Arithmetic arithmetic;
  int expm1 = 0;
  int exp = 0;
  bool moves = false;  // selects against zero: on 16-bit patterns as they are
};

constexpr Formula operator+(const Formula& a, const Formula& b) {
  return {a.arithmetic + b.arithmetic, a.expm1 + b.expm1, a.exp + b.exp, a.moves || b.moves};
}

namespace formula {

inline constexpr Formula scaled = {{.multiply = 1}};  // by a slope, by alpha, by dy
inline constexpr Formula chosen = {{.compare = 1, .select = 1}};
inline constexpr Formula greater = {{.maximum = 1}};
inline constexpr Formula summed = {{.fused = 1, .compare = 1}};  // into a parameter's gradient, where x < 0
inline constexpr Formula masked = {{.compare = 1}, 0, 0, true};  // bits to lanes
inline constexpr Formula expm1 = {{}, 1, 0};
inline constexpr Formula exp = {{}, 0, 1};

inline constexpr Formula relu_forward = {{.compare = 1}, 0, 0, true};  // selecting against zero is bitwise logic
inline constexpr Formula relu_backward = {{.compare = 1}, 0, 0, true};
inline constexpr Formula relu_forward_with_mask = relu_forward + masked;
inline constexpr Formula relu_and_sum = Formula{{.add = 1}} + Formula{{.compare = 1}};  // before it, or of its gradient
inline constexpr Formula prelu_forward = scaled + chosen;
inline constexpr Formula prelu_forward_of_small_slope = scaled + greater;  // of one or of channels, all up to 1
inline constexpr Formula prelu_backward = scaled + chosen;
inline constexpr Formula prelu_backward_with_parameter = prelu_backward + summed;
// x from y: the magnitude, whose products by -1 are bitwise, and the choice.
inline constexpr Formula prelu_backward_from_mask =
    prelu_backward_with_parameter + masked + Formula{{.select = 1, .maximum = 2}};
inline constexpr Formula elu_forward = expm1 + greater;  // alpha = 1
inline constexpr Formula elu_forward_of_small_alpha = expm1 + Formula{{.integer = 1}} + greater;
inline constexpr Formula elu_forward_of_any_alpha = expm1 + scaled + chosen;
inline constexpr Formula elu_backward = exp + scaled + chosen;  // alpha = 1
inline constexpr Formula elu_backward_of_any_alpha = elu_backward + scaled;
inline constexpr Formula elu_backward_with_parameter = elu_backward_of_any_alpha + expm1 + summed;
inline constexpr Formula elu_backward_from_y = Formula{{.add = 1}} + scaled + chosen;

}  // namespace formula

// kernels/activations/exponential_f32.hpp. expm1: t, r, y, u, g, p and the last fma; r*r; n, r*r + u and s - alpha. exp: a
// second term of r, but neither the last fma nor the subtraction.
inline constexpr Arithmetic expm1_f32 = {.fused = 7, .multiply = 1, .add = 3, .integer_minimum = 1, .shift = 1};
inline constexpr Arithmetic exp_f32 = {.fused = 7, .multiply = 1, .add = 2, .integer_minimum = 1, .scale_one_plus = 1};

// kernels/activations/exponential_f64.hpp. The polynomial has 7 fused multiply-adds, r*r and 3 additions.
inline constexpr Arithmetic expm1_f64 = {.fused = 10, .multiply = 1, .add = 5, .integer_minimum = 1, .shift = 1};
inline constexpr Arithmetic exp_f64 = {.fused = 10, .multiply = 1, .add = 4, .integer_minimum = 1, .scale_one_plus = 1};

// The formula on elements of a format, which are widened and rounded as often as the traffic says.
constexpr Arithmetic in_format(Format format, const Formula& formula, Traffic traffic) {
  Arithmetic a = formula.arithmetic;
  const bool f64 = format == Format::f64;
  for (int i = 0; i < formula.expm1; ++i) a = a + (f64 ? expm1_f64 : expm1_f32);
  for (int i = 0; i < formula.exp; ++i) a = a + (f64 ? exp_f64 : exp_f32);
  if (f64) a.lane_bits = 64;
  if (sixteen_bits(format) && formula.moves) a.lane_bits = 16;
  if (format == Format::f16 && !formula.moves)
    a = a + Arithmetic{.widen_half = traffic.reads, .narrow_half = traffic.writes};
  if (format == Format::bf16 && !formula.moves)
    a = a + Arithmetic{.widen_bfloat = traffic.reads, .narrow_bfloat = traffic.writes};
  return a;
}

}  // namespace roofline
