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
#include "tests/support/masks.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {

// Where a call's tensors begin. Unused ones may be NULL.
struct Tensors {
  const void* x;
  const void* dy;     // in a fused forward the residual
  const void* slope;  // shape.channels values; the bias, too
  void* out;
  void* sums;
  unsigned char* mask;
  void* dbias;
};

enum class Mask { none, read, written };

struct PublicCall {
  std::string name;
  rectify_shape shape;
  bool has_out;
  size_t sum_count;
  std::function<int32_t(const Tensors&, const rectify_options*)> run;
  Mask mask = Mask::none;
  size_t bias_count = 0;  // of dbias

  bool has_sums() const { return sum_count + bias_count != 0; }
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
  const auto add_masked = [&](const char* name, Mask mask, auto run) {
    calls.push_back({name, shape, true, 0, run, mask});
  };
  add_masked("relu_forward_with_mask", Mask::written, [=](const Tensors& t, const rectify_options* options) {
    return rectify_relu_forward_with_mask(Format::dtype, n, t.x, t.out, t.mask, options);
  });
  add_masked("relu_backward_from_mask", Mask::read, [=](const Tensors& t, const rectify_options* options) {
    return rectify_relu_backward_from_mask(Format::dtype, n, t.mask, t.dy, t.out, options);
  });
  add_masked("leaky_relu_forward_with_mask", Mask::written, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_forward_with_mask(Format::dtype, n, slope, t.x, t.out, t.mask, options);
  });
  add_masked("leaky_relu_backward_from_mask", Mask::read, [=](const Tensors& t, const rectify_options* options) {
    return rectify_leaky_relu_backward_from_mask(Format::dtype, n, slope, t.mask, t.dy, t.out, options);
  });
  if (alpha < 0) return;
  add("elu_backward_from_y", true, 0, [=](const Tensors& t, const rectify_options* options) {
    return rectify_elu_backward_from_y(Format::dtype, n, alpha, t.x, t.dy, t.out, options);
  });
}

// What a fused call is made of besides x, dy and the activation.
struct Fused {
  bool bias = false, residual = false, mask = false, dbias = false, dparameter = false;

  std::string name() const {
    return std::string(bias ? ", bias" : "") + (residual ? ", residual" : "") + (mask ? ", mask" : "") +
           (dbias ? ", dbias" : "") + (dparameter ? ", dparameter" : "");
  }
};

inline constexpr double fused_slope = 0.1, fused_alpha = 1.6732632423543772;

inline rectify_activation activation_of(int32_t kind, const void* slope) {
  return {kind, kind == RECTIFY_ELU ? fused_alpha : fused_slope, slope};
}
inline const char* name_of_kind(int32_t kind) {
  constexpr const char* names[] = {"", "relu", "leaky_relu", "prelu", "elu"};
  return names[kind];
}

template <class Format = formats::f32>
void add_fused_forward(std::vector<PublicCall>& calls, rectify_shape shape, int32_t kind, Fused with) {
  const std::string name = std::string("fused_forward, ") + name_of_kind(kind) + with.name();
  calls.push_back({name, shape, true, 0,
                   [=](const Tensors& t, const rectify_options* options) {
                     return rectify_fused_forward(Format::dtype, Format::slope_dtype, shape, t.x,
                                                  with.bias ? t.slope : nullptr, with.residual ? t.dy : nullptr,
                                                  activation_of(kind, t.slope), t.out, t.mask, options);
                   },
                   with.mask ? Mask::written : Mask::none});
}

// The residual is x once more. A scalar parameter's gradient has its room in `sums` where that is of its type.
template <class Format = formats::f32>
void add_fused_backward(std::vector<PublicCall>& calls, rectify_shape shape, int32_t kind, Fused with) {
  if (with.dparameter && kind != RECTIFY_PRELU && !Format::has_scalar_slopes) return;
  const std::string name = std::string("fused_backward, ") + name_of_kind(kind) + with.name();
  const size_t parameters = kind == RECTIFY_PRELU ? shape.channels : 1;
  calls.push_back({name, shape, true, with.dparameter ? parameters : 0,
                   [=](const Tensors& t, const rectify_options* options) {
                     return rectify_fused_backward(
                         Format::dtype, Format::slope_dtype, shape, with.mask ? nullptr : t.x,
                         with.bias ? t.slope : nullptr, with.residual ? t.x : nullptr, t.mask, activation_of(kind, t.slope),
                         t.dy, t.out, with.dbias ? t.dbias : nullptr, with.dparameter ? t.sums : nullptr, options);
                   },
                   with.mask ? Mask::read : Mask::none, with.dbias ? shape.channels : 0});
}

// Masks of PReLU, and of the fused calls those that are put together differently.
template <class Format = formats::f32>
void add_shaped_calls_in_stages(std::vector<PublicCall>& calls, rectify_shape shape) {
  calls.push_back({"prelu_forward_with_mask", shape, true, 0,
                   [=](const Tensors& t, const rectify_options* options) {
                     return rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, t.x, t.slope, t.out,
                                                            t.mask, options);
                   },
                   Mask::written});
  for (const bool dslope : {true, false}) {
    calls.push_back({std::string("prelu_backward_from_mask") + (dslope ? ", dslope" : ""), shape, true,
                     dslope ? shape.channels : 0,
                     [=](const Tensors& t, const rectify_options* options) {
                       return rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, t.x, t.mask,
                                                               t.slope, t.dy, t.out, dslope ? t.sums : nullptr, options);
                     },
                     Mask::read});
  }
  using F = Fused;
  add_fused_forward<Format>(calls, shape, RECTIFY_RELU, F{.residual = true, .mask = true});
  add_fused_forward<Format>(calls, shape, RECTIFY_LEAKY_RELU, F{.bias = true});
  add_fused_forward<Format>(calls, shape, RECTIFY_PRELU, F{.bias = true, .residual = true, .mask = true});
  add_fused_forward<Format>(calls, shape, RECTIFY_ELU, F{.bias = true, .residual = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_RELU, F{.bias = true, .residual = true, .dbias = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_RELU, F{.mask = true, .dbias = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_LEAKY_RELU, F{.mask = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_LEAKY_RELU, F{.residual = true, .dbias = true, .dparameter = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_PRELU, F{.dbias = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_PRELU, F{.bias = true, .dbias = true, .dparameter = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_ELU, F{.bias = true, .dparameter = true});
  add_fused_backward<Format>(calls, shape, RECTIFY_ELU, F{.bias = true, .residual = true});
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
  add_shaped_calls_in_stages<Format>(calls, shape);
}

// A call's results in memory of their own, and the mask, which it reads or writes.
template <class Format = formats::f32>
struct Results {
  int32_t status = -1;
  std::vector<typename Format::Element> out;
  std::vector<typename Format::Slope> sums, dbias;
  std::vector<unsigned char> mask;

  Tensors tensors(const void* x, const void* dy, const void* slope) {
    return {x, dy, slope, out.data(), sums.data(), mask.empty() ? nullptr : mask.data(), dbias.data()};
  }
};

// Before the call. A mask that it reads is that of x.
template <class Format = formats::f32>
Results<Format> no_results(const PublicCall& call, const void* x) {
  Results<Format> results;
  results.out.assign(call.has_out ? call.elements() : 0, unwritten<typename Format::Element>);
  results.sums.assign(call.sum_count, unwritten<typename Format::Slope>);
  results.dbias.assign(call.bias_count, unwritten<typename Format::Slope>);
  const std::span elements(static_cast<const typename Format::Element*>(x), call.elements());
  if (call.mask == Mask::read) results.mask = mask_of(elements);
  if (call.mask == Mask::written) results.mask.assign(mask_bytes(call.elements()), 0xA5);
  return results;
}

template <class Format = formats::f32>
Results<Format> run_call(const PublicCall& call, const void* x, const void* dy, const void* slope,
                         const rectify_options* options) {
  Results<Format> results = no_results<Format>(call, x);
  results.status = call.run(results.tensors(x, dy, slope), options);
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
  if (const testing::AssertionResult dbias = same_bits(expected.dbias, actual.dbias); !dbias) {
    return testing::AssertionFailure() << "in dbias: " << dbias.message();
  }
  if (expected.mask != actual.mask) return testing::AssertionFailure() << "in the mask";
  return testing::AssertionSuccess();
}

}  // namespace rectify::tests
