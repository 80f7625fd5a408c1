// Not built: the compiler is shown this once for each WRONG. It must accept 0, and refuse the others by the name of what
// does not hold.
#include <rectify/rectify.hpp>
#include <vector>

using rectify::bfloat16, rectify::float16, rectify::status;

struct HalfAsDouble {  // an element type that the program has told a lie about
  double value;
};
template <>
struct rectify::dtype_of<HalfAsDouble> : rectify::is_dtype<rectify::dtype::f16> {};

status call(const rectify::shape& shape, std::vector<bfloat16>& x, std::vector<bfloat16>& y, std::vector<float16>& f16,
            std::vector<float>& f32, std::vector<double>& f64, const std::vector<bfloat16>& read_only,
            std::vector<int>& integers, std::vector<HalfAsDouble>& lies) {
#if WRONG == 0
  (void)f16, (void)f64, (void)integers, (void)lies;
  return rectify::prelu_backward(shape, x, f32, read_only, y, f32);
#elif WRONG == 1   // same_number_format: an output
  return rectify::relu_forward(x, f16);
#elif WRONG == 2   // same_number_format: an input
  return rectify::relu_backward(x, f32, y);
#elif WRONG == 3   // same_number_format: an output that may be left out
  return rectify::elu_backward(1.0, x, y, std::optional(std::span(f32)), nullptr);
#elif WRONG == 4   // slopes_for: of neither type
  return rectify::prelu_forward(shape, x, f16, y);
#elif WRONG == 5   // slopes_for: f64 has its own alone
  return rectify::prelu_forward(shape, f64, f32, f64);
#elif WRONG == 6   // slopes_for: and so has f32
  return rectify::prelu_forward(shape, f32, x, f32);
#elif WRONG == 7   // optional_output_like: dslope of another type than slope
  return rectify::prelu_backward(shape, x, f32, x, y, y);
#elif WRONG == 8   // writable: an output that is const
  return rectify::relu_forward(x, read_only);
#elif WRONG == 9   // writable: an output that goes with the call
  return rectify::relu_forward(x, std::vector<bfloat16>(1));
#elif WRONG == 10  // float: the gradient of a parameter, of the type that computes
  return rectify::leaky_relu_backward(0.1, x, y, std::nullopt, &f64[0]);
#elif WRONG == 11  // tensor: of a type that is no number format
  return rectify::relu_forward(integers, integers);
#elif WRONG == 12  // sizeof: of a type that cannot be the format it is said to be
  return rectify::relu_forward(lies, lies);
#elif WRONG == 13  // uint8_t: a mask of anything but bytes
  return rectify::relu_forward_with_mask(x, y, f32);
#elif WRONG == 14  // one_parameter_format: bias and slopes of two types
  return rectify::fused_forward(shape, x, f32, std::nullopt, rectify::prelu{y}, y, std::nullopt);
#elif WRONG == 15  // parameter_gradient_of: ReLU has no parameter
  return rectify::fused_backward(shape, x, f32, x, std::nullopt, rectify::relu{}, x, y, f32, &f32[0]);
#elif WRONG == 16  // same_number_format: a residual
  return rectify::fused_forward(shape, x, std::nullopt, f32, rectify::relu{}, y, std::nullopt);
#elif WRONG == 17  // slopes_for: a bias of neither type
  return rectify::fused_forward(shape, x, f64, std::nullopt, rectify::relu{}, y, std::nullopt);
#elif WRONG == 18  // activation: of rectify's
  return rectify::fused_forward(shape, x, std::nullopt, std::nullopt, 0.1, y, std::nullopt);
#endif
}
