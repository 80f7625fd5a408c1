// Every operation that gives one output element per input element, as something a test can loop over. Made from the
// library's own list: an operation that is added there and not here does not compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/activations/list.hpp"
#include "rectify/rectify.h"

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

// n elements; a forward does not look at dy.
struct Operation {
  std::string name;  // elu_backward
  double parameter;
  bool is_forward;
  std::function<int32_t(size_t n, const float* x, const float* dy, float* out, const rectify_options* options)> call;
};

inline std::ostream& operator<<(std::ostream& stream, const Operation& operation) {
  return stream << operation.name << " with " << operation.parameter;
}

namespace operations {

using List = std::vector<Operation>;
using Parameters = std::span<const double>;

inline void relu_forward(List& list, Parameters, Parameters) {
  list.push_back({"relu_forward", 0, true, [](size_t n, const float* x, const float*, float* y, const rectify_options* o) {
                    return rectify_relu_forward(RECTIFY_F32, n, x, y, o);
                  }});
}

inline void relu_backward(List& list, Parameters, Parameters) {
  list.push_back(
      {"relu_backward", 0, false, [](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
         return rectify_relu_backward(RECTIFY_F32, n, x, dy, dx, o);
       }});
}

inline void prelu_forward(List& list, Parameters slopes, Parameters) {
  for (const double slope : slopes) {
    list.push_back({"leaky_relu_forward", slope, true,
                    [=](size_t n, const float* x, const float*, float* y, const rectify_options* o) {
                      return rectify_leaky_relu_forward(RECTIFY_F32, n, slope, x, y, o);
                    }});
    list.push_back(
        {"prelu_forward", slope, true,
         [a = static_cast<float>(slope)](size_t n, const float* x, const float*, float* y, const rectify_options* o) {
           return rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, {1, 1, n}, x, &a, y, o);
         }});
  }
}

inline void prelu_backward(List& list, Parameters slopes, Parameters) {
  for (const double slope : slopes) {
    list.push_back({"leaky_relu_backward", slope, false,
                    [=](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
                      return rectify_leaky_relu_backward(RECTIFY_F32, n, slope, x, dy, dx, nullptr, o);
                    }});
    list.push_back(
        {"prelu_backward", slope, false,
         [a = static_cast<float>(slope)](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
           return rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, {1, 1, n}, x, &a, dy, dx, nullptr, o);
         }});
  }
}

inline void prelu_backward_with_parameter(List& list, Parameters slopes, Parameters) {
  for (const double slope : slopes) {
    list.push_back({"leaky_relu_backward_with_dslope", slope, false,
                    [=](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
                      float dslope;
                      return rectify_leaky_relu_backward(RECTIFY_F32, n, slope, x, dy, dx, &dslope, o);
                    }});
    list.push_back(
        {"prelu_backward_with_dslope", slope, false,
         [a = static_cast<float>(slope)](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
           float dslope;
           return rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, {1, 1, n}, x, &a, dy, dx, &dslope, o);
         }});
  }
}

inline void elu_forward(List& list, Parameters, Parameters alphas) {
  for (const double alpha : alphas) {
    list.push_back(
        {"elu_forward", alpha, true, [=](size_t n, const float* x, const float*, float* y, const rectify_options* o) {
           return rectify_elu_forward(RECTIFY_F32, n, alpha, x, y, o);
         }});
  }
}

inline void elu_backward(List& list, Parameters, Parameters alphas) {
  for (const double alpha : alphas) {
    list.push_back(
        {"elu_backward", alpha, false, [=](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
           return rectify_elu_backward(RECTIFY_F32, n, alpha, x, dy, dx, nullptr, o);
         }});
  }
}

inline void elu_backward_with_parameter(List& list, Parameters, Parameters alphas) {
  for (const double alpha : alphas) {
    list.push_back({"elu_backward_with_dalpha", alpha, false,
                    [=](size_t n, const float* x, const float* dy, float* dx, const rectify_options* o) {
                      float dalpha;
                      return rectify_elu_backward(RECTIFY_F32, n, alpha, x, dy, dx, &dalpha, o);
                    }});
  }
}

inline void elu_backward_from_y(List& list, Parameters, Parameters alphas) {
  for (const double alpha : alphas) {
    if (!(alpha >= 0)) continue;
    list.push_back({"elu_backward_from_y", alpha, false,
                    [=](size_t n, const float* y, const float* dy, float* dx, const rectify_options* o) {
                      return rectify_elu_backward_from_y(RECTIFY_F32, n, alpha, y, dy, dx, o);
                    }});
  }
}

}  // namespace operations

inline std::vector<Operation> operations_with(std::span<const double> slopes, std::span<const double> alphas) {
  std::vector<Operation> list;
#define RECTIFY_ADD(activation, direction) operations::activation##_##direction(list, slopes, alphas);
  RECTIFY_MAPS(RECTIFY_ADD)
  RECTIFY_SUMS(RECTIFY_ADD)
#undef RECTIFY_ADD
  return list;
}

// Each operation with every parameter.
inline std::vector<Operation> all_operations() { return operations_with(tried_slopes, tried_alphas); }

// Each operation once, with its default parameter.
inline std::vector<Operation> default_operations() {
  return operations_with(std::span(tried_slopes).first(1), std::span(tried_alphas).first(1));
}

}  // namespace rectify::tests
