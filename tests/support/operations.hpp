// Every operation that gives one output element per input element, as something a test can loop over. Made from the
// library's own list: an operation that is added there and not here does not compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "kernels/activations/list.hpp"
#include "rectify/rectify.h"
#include "tests/support/formats.hpp"

namespace rectify::tests {

// The parameters each operation is tried with; the first of each is its default.
inline const std::vector<double> tried_slopes = {0.01,
                                                 0.25,
                                                 0.0,
                                                 -0.0,
                                                 -0.5,
                                                 1.0,
                                                 -1.0,
                                                 1.5,
                                                 0.1,
                                                 3.0e38,
                                                 -7.0e-40,
                                                 1.0e-45,
                                                 1e-300,
                                                 1e300,
                                                 std::numeric_limits<double>::infinity(),
                                                 -std::numeric_limits<double>::infinity(),
                                                 std::numeric_limits<double>::quiet_NaN()};
inline const std::vector<double> tried_alphas = {1.0, 0.5, 1.6732632423543772, 0.0, -0.0, 0.1, -2.0, 1e30, 1e-40, 3.4e38};

// And what is denormal, or as large as can be, in the parameter's own format; where f32 or f64 is computed in, the least
// alpha whose 2^n*alpha is never denormal, and one that is normal itself.
template <class T>
std::vector<double> more_parameters() {
  if constexpr (std::is_same_v<T, double>) return {4.9e-324, -3e-310, 1.7e308, 0x1p-967, 0x1.fp-1022};
  if constexpr (std::is_same_v<T, float>) return {0x1p-100, 0x1.fp-126};
  if constexpr (std::is_same_v<T, Half>) return {6e-8, -3e-5, 65504};
  if constexpr (std::is_same_v<T, Bfloat>) return {1e-40, -3.38e38};
  return {};
}
template <class T>
std::vector<double> parameters_of(std::vector<double> tried) {
  for (const double each : more_parameters<T>()) tried.push_back(each);
  return tried;
}

// n elements of one format; a forward does not look at dy.
struct Operation {
  std::string name;         // elu_backward
  double parameter;         // as the caller says it,
  double parameter_in_use;  // and rounded to its format
  bool is_forward;
  std::function<int32_t(size_t n, const void* x, const void* dy, void* out, const rectify_options* options)> call;
};

inline std::ostream& operator<<(std::ostream& stream, const Operation& operation) {
  return stream << operation.name << " with " << operation.parameter;
}

namespace operations {

using List = std::vector<Operation>;
using Parameters = std::span<const double>;

template <class Format>
double scalar(double parameter) {
  return static_cast<double>(rounded<typename Format::Scalar>(parameter));
}

template <class Format>
void relu_forward(List& list, Parameters, Parameters) {
  if (!Format::has_scalar_slopes) return;
  list.push_back({"relu_forward", 0, 0, true, [](size_t n, const void* x, const void*, void* y, const rectify_options* o) {
                    return rectify_relu_forward(Format::dtype, n, x, y, o);
                  }});
}

template <class Format>
void relu_backward(List& list, Parameters, Parameters) {
  if (!Format::has_scalar_slopes) return;
  list.push_back(
      {"relu_backward", 0, 0, false, [](size_t n, const void* x, const void* dy, void* dx, const rectify_options* o) {
         return rectify_relu_backward(Format::dtype, n, x, dy, dx, o);
       }});
}

// Leaky ReLU and PReLU with one slope.
template <class Format, class Leaky, class Prelu>
void add_with_slopes(List& list, Parameters slopes, const std::string& direction, bool is_forward, Leaky leaky,
                     Prelu prelu) {
  for (const double slope : slopes) {
    if (Format::has_scalar_slopes) {
      list.push_back({"leaky_relu_" + direction, slope, scalar<Format>(slope), is_forward,
                      [=](size_t n, const void* x, const void* dy, void* out, const rectify_options* o) {
                        return leaky(n, slope, x, dy, out, o);
                      }});
    }
    const auto a = rounded<typename Format::Slope>(slope);
    list.push_back({"prelu_" + direction, slope, static_cast<double>(widened(a)), is_forward,
                    [=](size_t n, const void* x, const void* dy, void* out, const rectify_options* o) {
                      return prelu(rectify_shape{1, 1, n}, &a, x, dy, out, o);
                    }});
  }
}

template <class Format>
void prelu_forward(List& list, Parameters slopes, Parameters) {
  add_with_slopes<Format>(
      list, slopes, "forward", true,
      [](size_t n, double slope, const void* x, const void*, void* y, const rectify_options* o) {
        return rectify_leaky_relu_forward(Format::dtype, n, slope, x, y, o);
      },
      [](rectify_shape shape, const void* slope, const void* x, const void*, void* y, const rectify_options* o) {
        return rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x, slope, y, o);
      });
}

template <class Format>
void prelu_backward(List& list, Parameters slopes, Parameters) {
  add_with_slopes<Format>(
      list, slopes, "backward", false,
      [](size_t n, double slope, const void* x, const void* dy, void* dx, const rectify_options* o) {
        return rectify_leaky_relu_backward(Format::dtype, n, slope, x, dy, dx, nullptr, o);
      },
      [](rectify_shape shape, const void* slope, const void* x, const void* dy, void* dx, const rectify_options* o) {
        return rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x, slope, dy, dx, nullptr, o);
      });
}

template <class Format>
void prelu_backward_with_parameter(List& list, Parameters slopes, Parameters) {
  add_with_slopes<Format>(
      list, slopes, "backward_with_dslope", false,
      [](size_t n, double slope, const void* x, const void* dy, void* dx, const rectify_options* o) {
        typename Format::Scalar dslope;
        return rectify_leaky_relu_backward(Format::dtype, n, slope, x, dy, dx, &dslope, o);
      },
      [](rectify_shape shape, const void* slope, const void* x, const void* dy, void* dx, const rectify_options* o) {
        typename Format::Slope dslope;
        return rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x, slope, dy, dx, &dslope, o);
      });
}

template <class Format>
void elu_forward(List& list, Parameters, Parameters alphas) {
  if (!Format::has_scalar_slopes) return;
  for (const double alpha : alphas) {
    list.push_back({"elu_forward", alpha, scalar<Format>(alpha), true,
                    [=](size_t n, const void* x, const void*, void* y, const rectify_options* o) {
                      return rectify_elu_forward(Format::dtype, n, alpha, x, y, o);
                    }});
  }
}

template <class Format>
void elu_backward(List& list, Parameters, Parameters alphas) {
  if (!Format::has_scalar_slopes) return;
  for (const double alpha : alphas) {
    list.push_back({"elu_backward", alpha, scalar<Format>(alpha), false,
                    [=](size_t n, const void* x, const void* dy, void* dx, const rectify_options* o) {
                      return rectify_elu_backward(Format::dtype, n, alpha, x, dy, dx, nullptr, o);
                    }});
  }
}

template <class Format>
void elu_backward_with_parameter(List& list, Parameters, Parameters alphas) {
  if (!Format::has_scalar_slopes) return;
  for (const double alpha : alphas) {
    list.push_back({"elu_backward_with_dalpha", alpha, scalar<Format>(alpha), false,
                    [=](size_t n, const void* x, const void* dy, void* dx, const rectify_options* o) {
                      typename Format::Scalar dalpha;
                      return rectify_elu_backward(Format::dtype, n, alpha, x, dy, dx, &dalpha, o);
                    }});
  }
}

template <class Format>
void elu_backward_from_y(List& list, Parameters, Parameters alphas) {
  if (!Format::has_scalar_slopes) return;
  for (const double alpha : alphas) {
    if (!(alpha >= 0)) continue;
    list.push_back({"elu_backward_from_y", alpha, scalar<Format>(alpha), false,
                    [=](size_t n, const void* y, const void* dy, void* dx, const rectify_options* o) {
                      return rectify_elu_backward_from_y(Format::dtype, n, alpha, y, dy, dx, o);
                    }});
  }
}

}  // namespace operations

// What has a scalar parameter, or none, is listed for one of the formats of an element type.
template <class Format>
std::vector<Operation> operations_with(std::span<const double> slopes, std::span<const double> alphas) {
  std::vector<Operation> list;
#define RECTIFY_ADD(activation, direction) operations::activation##_##direction<Format>(list, slopes, alphas);
  RECTIFY_MAPS(RECTIFY_ADD)
  RECTIFY_SUMS(RECTIFY_ADD)
#undef RECTIFY_ADD
  return list;
}

// Each operation with every parameter.
template <class Format>
std::vector<Operation> all_operations() {
  return operations_with<Format>(parameters_of<typename Format::Slope>(tried_slopes),
                                 parameters_of<typename Format::Scalar>(tried_alphas));
}

// Each operation once, with its default parameter.
template <class Format>
std::vector<Operation> default_operations() {
  return operations_with<Format>(std::span(tried_slopes).first(1), std::span(tried_alphas).first(1));
}

}  // namespace rectify::tests
