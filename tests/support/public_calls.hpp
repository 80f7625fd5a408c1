// Every computing function of rectify.h, in every layout and with every choice of outputs, as something a test can loop
// over: for tests that vary how a call runs (its threads, its environment) and want the results unchanged. Where no format
// is named it is f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/formats.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {

// Where a call's tensors begin. Unused ones may be NULL.
struct Tensors {
  const void* x;
  const void* dy;
  const void* slope;  // shape.channels values
  void* out;
  void* sums;
};

struct PublicCall {
  std::string name;
  rectify_shape shape;
  bool has_out;
  size_t sum_count;
  std::function<int32_t(const Tensors&, const rectify_options*)> run;

  size_t elements() const { return shape.outer * shape.channels * shape.inner; }
};

inline std::ostream& operator<<(std::ostream& stream, const PublicCall& call) {
  return stream << call.name << " of {" << call.shape.outer << ", " << call.shape.channels << ", " << call.shape.inner
                << "}";
}

// The functions that take n elements and one parameter: nothing where the format differs from another in the slopes alone.
template <class Format = formats::f32>
void add_flat_calls(std::vector<PublicCall>& calls, size_t n, double slope, double alpha) {
  if (!Format::has_scalar_slopes) return;
  const rectify_shape shape = {1, 1, n};
  const auto add = [&](const char* name, bool has_out, size_t sum_count, auto run) {
    calls.push_back({name, shape, has_out, sum_count, run});
  };
  add("relu_forward", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_relu_forward(Format::dtype, n, t.x, t.out, options);
  });
  add("relu_backward", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_relu_backward(Format::dtype, n, t.x, t.dy, t.out, options);
  });
  add("leaky_relu_forward", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_forward(Format::dtype, n, slope, t.x, t.out, options);
  });
  add("leaky_relu_backward, dx", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_backward(Format::dtype, n, slope, t.x, t.dy, t.out, nullptr, options);
  });
  add("leaky_relu_backward, dslope", false, 1, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_backward(Format::dtype, n, slope, t.x, t.dy, nullptr, t.sums, options);
  });
  add("leaky_relu_backward, dx and dslope", true, 1, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_backward(Format::dtype, n, slope, t.x, t.dy, t.out, t.sums, options);
  });
  add("elu_forward", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_forward(Format::dtype, n, alpha, t.x, t.out, options);
  });
  add("elu_backward, dx", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_backward(Format::dtype, n, alpha, t.x, t.dy, t.out, nullptr, options);
  });
  add("elu_backward, dalpha", false, 1, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_backward(Format::dtype, n, alpha, t.x, t.dy, nullptr, t.sums, options);
  });
  add("elu_backward, dx and dalpha", true, 1, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_backward(Format::dtype, n, alpha, t.x, t.dy, t.out, t.sums, options);
  });
  if (alpha < 0) return;
  add("elu_backward_from_y", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_backward_from_y(Format::dtype, n, alpha, t.x, t.dy, t.out, options);
  });
}

// The functions that take a shape.
template <class Format = formats::f32>
void add_shaped_calls(std::vector<PublicCall>& calls, rectify_shape shape) {
  calls.push_back({"prelu_forward", shape, true, 0, [=](const Tensors& t, const rectify_options* options) {
                     return rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, t.x, t.slope, t.out, options);
                   }});
  for (const bool dx : {true, false}) {
    for (const bool dslope : {true, false}) {
      if (!dx && !dslope) continue;
      const std::string name = std::string("prelu_backward") + (dx ? ", dx" : "") + (dslope ? ", dslope" : "");
      calls.push_back({name, shape, dx, dslope ? shape.channels : 0, [=](const Tensors& t, const rectify_options* options) {
                         return rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, t.x, t.slope, t.dy,
                                                       dx ? t.out : nullptr, dslope ? t.sums : nullptr, options);
                       }});
    }
  }
}

// A call's results in memory of their own.
template <class Format = formats::f32>
struct Results {
  int32_t status = -1;
  std::vector<typename Format::Element> out;
  std::vector<typename Format::Slope> sums;
};

template <class Format = formats::f32>
Results<Format> run_call(const PublicCall& call, const void* x, const void* dy, const void* slope,
                         const rectify_options* options) {
  Results<Format> results;
  results.out.assign(call.has_out ? call.elements() : 0, unwritten<typename Format::Element>);
  results.sums.assign(call.sum_count, unwritten<typename Format::Slope>);
  results.status = call.run({x, dy, slope, results.out.data(), results.sums.data()}, options);
  return results;
}

// Both succeeded and agree bit for bit.
template <class Format>
testing::AssertionResult same_results(const Results<Format>& expected, const Results<Format>& actual) {
  for (const Results<Format>* each : {&expected, &actual}) {
    if (each->status != RECTIFY_OK) return testing::AssertionFailure() << rectify_status_text(each->status);
  }
  if (const testing::AssertionResult out = same_bits(expected.out, actual.out); !out) return out;
  if (const testing::AssertionResult sums = same_bits(expected.sums, actual.sums); !sums) {
    return testing::AssertionFailure() << "in the sums: " << sums.message();
  }
  return testing::AssertionSuccess();
}

}  // namespace rectify::tests
