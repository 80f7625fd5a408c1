// What each formula computes per element, counted as kernels/activations/ writes it: the floating-point operations of the
// roofline plot, and the instructions behind the port bounds.
#pragma once

namespace roofline {

// Instructions on a vector. Loads, stores and bitwise logic are not counted.
struct Arithmetic {
  int fused = 0;  // fused multiply-adds
  int multiply = 0;
  int add = 0;
  int compare = 0;
  int select = 0;
  int maximum = 0;  // of floating-point numbers
  int integer_minimum = 0;
  int shift = 0;
  int scale_one_plus = 0;  // (1 + p)*2^n: an addition and a scaling, or what a backend has in its stead

  // A fused multiply-add is two, an addition, multiplication, comparison or maximum one; a select or an operation on the
  // bits of a number is none.
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
          a.scale_one_plus + b.scale_one_plus};
}

namespace arithmetic {

inline constexpr Arithmetic scaled = {.multiply = 1};  // by a slope, by alpha, by dy
inline constexpr Arithmetic chosen = {.compare = 1, .select = 1};
inline constexpr Arithmetic greater = {.maximum = 1};
inline constexpr Arithmetic summed = {.fused = 1, .compare = 1};  // into a parameter's gradient, where x < 0

// kernels/activations/exponential.hpp. expm1: t, r, y, u, g, p and the last fma; r*r; n, r*r + u and s - alpha. exp: a
// second term of r, but neither the last fma nor the subtraction.
inline constexpr Arithmetic expm1 = {.fused = 7, .multiply = 1, .add = 3, .integer_minimum = 1, .shift = 1};
inline constexpr Arithmetic exp = {.fused = 7, .multiply = 1, .add = 2, .integer_minimum = 1, .scale_one_plus = 1};

inline constexpr Arithmetic relu_forward = {.compare = 1};  // selecting against zero is bitwise logic
inline constexpr Arithmetic relu_backward = {.compare = 1};
inline constexpr Arithmetic prelu_forward = scaled + chosen;
inline constexpr Arithmetic prelu_forward_of_small_slope = scaled + greater;  // one slope for all, up to 1
inline constexpr Arithmetic prelu_backward = scaled + chosen;
inline constexpr Arithmetic prelu_backward_with_parameter = prelu_backward + summed;
inline constexpr Arithmetic elu_forward = expm1 + greater;  // alpha = 1
inline constexpr Arithmetic elu_forward_of_small_alpha = expm1 + scaled + greater;
inline constexpr Arithmetic elu_forward_of_any_alpha = expm1 + scaled + chosen;
inline constexpr Arithmetic elu_backward = exp + scaled + chosen;  // alpha = 1
inline constexpr Arithmetic elu_backward_of_any_alpha = elu_backward + scaled;
inline constexpr Arithmetic elu_backward_with_parameter = elu_backward_of_any_alpha + expm1 + summed;
inline constexpr Arithmetic elu_backward_from_y = Arithmetic{.add = 1} + scaled + chosen;

}  // namespace arithmetic
}  // namespace roofline
