// Fused calls give the bits of the separate steps, each of a whole tensor by itself and rounded to the tensors' format:
// bias, residual, activation forward; activation backward, and the sum of dx over each channel. The additions, the mask and
// the order of dbias are written out here in plain C++; the activations are the scalar reference's own calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/masks.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/ordered_sums.hpp"
#include "tests/support/public_calls.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Mask = std::vector<unsigned char>;

constexpr int32_t kinds[] = {RECTIFY_RELU, RECTIFY_LEAKY_RELU, RECTIFY_PRELU, RECTIFY_ELU};

// The tensors of a layer.
template <class Format>
struct Layer {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  rectify_shape shape;
  std::vector<Element> x, residual, dy;
  std::vector<Slope> bias, slope;
  double parameter = 0.1;

  size_t size() const { return x.size(); }
  rectify_activation activation(int32_t kind) const { return {kind, parameter, slope.data()}; }
};

// values<T>(count, seed) gives each tensor its values.
template <class Format, class Values>
Layer<Format> layer_of(rectify_shape shape, uint32_t seed, const Values& values) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  const size_t n = count(shape), channels = shape.channels;
  return {shape,
          values.template operator()<Element>(n, seed),
          values.template operator()<Element>(n, seed + 1),
          values.template operator()<Element>(n, seed + 2),
          values.template operator()<Slope>(channels, seed + 3),
          values.template operator()<Slope>(channels, seed + 4)};
}

// A sum that is NaN hides what else went into it.
template <class Format>
Layer<Format> ordinary_layer(rectify_shape shape, uint32_t seed = 1) {
  return layer_of<Format>(shape, seed, []<class T>(size_t n, uint32_t of) { return ordinary_values<T>(n, of); });
}
template <class Format>
Layer<Format> mixed_layer(rectify_shape shape, uint32_t seed = 1) {
  return layer_of<Format>(shape, seed, []<class T>(size_t n, uint32_t of) { return mixed_values<T>(n, of); });
}

template <AnyNumber T>
T sum_of(T a, Computed<T> b) {
  const Computed<T> sum = widened(a) + b;
  return rounded<T>(static_cast<double>(sum));
}

// x + bias + residual, an addition after the other.
template <class Format>
std::vector<typename Format::Element> input_of(const Layer<Format>& layer, bool bias, bool residual) {
  std::vector<typename Format::Element> z = layer.x;
  if (bias) {
    for (size_t i = 0; i < z.size(); ++i) {
      z[i] = sum_of(z[i], widened(layer.bias[i / layer.shape.inner % layer.shape.channels]));
    }
  }
  if (residual) {
    for (size_t i = 0; i < z.size(); ++i) z[i] = sum_of(z[i], widened(layer.residual[i]));
  }
  return z;
}

// The activation's own call.
template <class Format>
int32_t forward_of(const Layer<Format>& layer, int32_t kind, const void* x, void* y, const rectify_options& options) {
  const size_t n = layer.size();
  if (kind == RECTIFY_RELU) return rectify_relu_forward(Format::dtype, n, x, y, &options);
  if (kind == RECTIFY_LEAKY_RELU) return rectify_leaky_relu_forward(Format::dtype, n, layer.parameter, x, y, &options);
  if (kind == RECTIFY_ELU) return rectify_elu_forward(Format::dtype, n, layer.parameter, x, y, &options);
  return rectify_prelu_forward(Format::dtype, Format::slope_dtype, layer.shape, x, layer.slope.data(), y, &options);
}
template <class Format>
int32_t backward_of(const Layer<Format>& layer, int32_t kind, const void* x, void* dx, void* dparameter,
                    const rectify_options& options) {
  const size_t n = layer.size();
  const void* const dy = layer.dy.data();
  if (kind == RECTIFY_RELU) return rectify_relu_backward(Format::dtype, n, x, dy, dx, &options);
  if (kind == RECTIFY_LEAKY_RELU)
    return rectify_leaky_relu_backward(Format::dtype, n, layer.parameter, x, dy, dx, dparameter, &options);
  if (kind == RECTIFY_ELU) return rectify_elu_backward(Format::dtype, n, layer.parameter, x, dy, dx, dparameter, &options);
  return rectify_prelu_backward(Format::dtype, Format::slope_dtype, layer.shape, x, layer.slope.data(), dy, dx, dparameter,
                                &options);
}

// A gradient of a parameter as bytes: of PReLU's slopes, or of one scalar.
template <class Format>
size_t parameter_bytes(const Layer<Format>& layer, int32_t kind) {
  return kind == RECTIFY_PRELU ? layer.shape.channels * sizeof(typename Format::Slope) : sizeof(typename Format::Scalar);
}
template <class Format>
testing::AssertionResult same_parameters(int32_t kind, const std::vector<std::byte>& expected,
                                         const std::vector<std::byte>& actual) {
  const auto compare = [&]<class T>(T) {
    std::vector<T> values[2];
    for (const std::vector<std::byte>* const bytes : {&expected, &actual}) {
      std::vector<T>& to = values[bytes == &actual];
      to.resize(bytes->size() / sizeof(T));
      std::memcpy(to.data(), bytes->data(), bytes->size());
    }
    return same_bits(values[0], values[1]);
  };
  return kind == RECTIFY_PRELU ? compare(typename Format::Slope{}) : compare(typename Format::Scalar{});
}

// Where an output lies: in memory of its own, or in that of an input.
enum class Place { apart, x, residual, dy };

std::ostream& operator<<(std::ostream& stream, Place place) {
  constexpr const char* names[] = {"an array of its own", "x", "residual", "dy"};
  return stream << names[static_cast<size_t>(place)];
}

class FusedCalls : public AgainstScalar {
 protected:
  template <class Format>
  void expect_forward(const Layer<Format>& layer, int32_t kind, Fused with);
  template <class Format>
  void expect_backward(const Layer<Format>& layer, int32_t kind, Fused with);
  template <class Format>
  void expect_backward_from_mask(const Layer<Format>& layer, int32_t kind, bool with_dbias);

  // Every choice of what there is, with every activation.
  template <class Format>
  void expect_all(const Layer<Format>& layer);
  // What is put together differently, once.
  template <class Format>
  void expect_some(const Layer<Format>& layer);
};

template <class Format>
void FusedCalls::expect_forward(const Layer<Format>& layer, int32_t kind, Fused with) {
  using Values = std::vector<typename Format::Element>;
  SCOPED_TRACE(std::string("forward, ") + name_of_kind(kind) + with.name() + ", " + shown(layer.shape));
  const size_t n = layer.size();
  const Values z = input_of(layer, with.bias, with.residual);
  Values expected(n);
  ASSERT_EQ(forward_of(layer, kind, z.data(), expected.data(), scalar), RECTIFY_OK);
  for (const Place place : {Place::apart, Place::x, Place::residual}) {
    if (place == Place::residual && !with.residual) continue;
    Values y = place == Place::x ? layer.x : place == Place::residual ? layer.residual : Values(n);
    Mask mask(mask_bytes(n) + 1, 0xA5);
    ASSERT_EQ(rectify_fused_forward(Format::dtype, Format::slope_dtype, layer.shape,
                                    place == Place::x ? y.data() : layer.x.data(), with.bias ? layer.bias.data() : nullptr,
                                    !with.residual             ? nullptr
                                    : place == Place::residual ? y.data()
                                                               : layer.residual.data(),
                                    layer.activation(kind), y.data(), with.mask ? mask.data() : nullptr, &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected, y)) << "y in " << place;
    Mask expected_mask = with.mask ? mask_of(z) : Mask(mask_bytes(n), 0xA5);
    expected_mask.push_back(0xA5);
    ASSERT_EQ(expected_mask, mask) << "the mask, y in " << place;
  }
}

template <class Format>
void FusedCalls::expect_backward(const Layer<Format>& layer, int32_t kind, Fused with) {
  using Values = std::vector<typename Format::Element>;
  using Slopes = std::vector<typename Format::Slope>;
  SCOPED_TRACE(std::string("backward, ") + name_of_kind(kind) + with.name() + ", " + shown(layer.shape));
  const size_t n = layer.size();
  const Values z = input_of(layer, with.bias, with.residual);
  Values expected(n);
  std::vector<std::byte> expected_parameter(parameter_bytes(layer, kind));
  ASSERT_EQ(
      backward_of(layer, kind, z.data(), expected.data(), with.dparameter ? expected_parameter.data() : nullptr, scalar),
      RECTIFY_OK);
  const Slopes expected_dbias =
      all_rounded<typename Format::Slope>(ordered_sums_of_all(layer.shape, all_widened(expected)));
  for (const Place place : {Place::apart, Place::x, Place::residual, Place::dy}) {
    if ((place == Place::residual && !with.residual) || (place == Place::dy && with.dparameter)) continue;
    Values dx = place == Place::x          ? layer.x
                : place == Place::residual ? layer.residual
                : place == Place::dy       ? layer.dy
                                           : Values(n);
    Slopes dbias(layer.shape.channels, unwritten<typename Format::Slope>);
    std::vector<std::byte> dparameter(expected_parameter.size());
    ASSERT_EQ(rectify_fused_backward(
                  Format::dtype, Format::slope_dtype, layer.shape, place == Place::x ? dx.data() : layer.x.data(),
                  with.bias ? layer.bias.data() : nullptr,
                  !with.residual             ? nullptr
                  : place == Place::residual ? dx.data()
                                             : layer.residual.data(),
                  nullptr, layer.activation(kind), place == Place::dy ? dx.data() : layer.dy.data(), dx.data(),
                  with.dbias ? dbias.data() : nullptr, with.dparameter ? dparameter.data() : nullptr, &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected, dx)) << "dx in " << place;
    if (with.dbias) {
      ASSERT_TRUE(same_bits(expected_dbias, dbias)) << "dbias, dx in " << place;
    }
    if (with.dparameter) {
      ASSERT_TRUE(same_parameters<Format>(kind, expected_parameter, dparameter)) << "dparameter, dx in " << place;
    }
  }
}

// ReLU and Leaky ReLU. What else is given then is not looked at.
template <class Format>
void FusedCalls::expect_backward_from_mask(const Layer<Format>& layer, int32_t kind, bool with_dbias) {
  using Values = std::vector<typename Format::Element>;
  using Slopes = std::vector<typename Format::Slope>;
  SCOPED_TRACE(std::string("backward from the mask, ") + name_of_kind(kind) + ", " + shown(layer.shape));
  const size_t n = layer.size();
  const Values z = input_of(layer, true, true);
  const Mask mask = mask_of(z);
  Values expected(n);
  ASSERT_EQ(backward_of(layer, kind, z.data(), expected.data(), nullptr, scalar), RECTIFY_OK);
  const Slopes expected_dbias =
      all_rounded<typename Format::Slope>(ordered_sums_of_all(layer.shape, all_widened(expected)));
  for (const Place place : {Place::apart, Place::x, Place::dy}) {
    Values dx = place == Place::dy ? layer.dy : Values(n);
    Slopes dbias(layer.shape.channels, unwritten<typename Format::Slope>);
    const bool given = place == Place::x;
    ASSERT_EQ(rectify_fused_backward(Format::dtype, Format::slope_dtype, layer.shape, given ? dx.data() : nullptr,
                                     given ? layer.bias.data() : nullptr, given ? layer.residual.data() : nullptr,
                                     mask.data(), layer.activation(kind), place == Place::dy ? dx.data() : layer.dy.data(),
                                     dx.data(), with_dbias ? dbias.data() : nullptr, nullptr, &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(expected, dx)) << "dx in " << place;
    if (with_dbias) {
      ASSERT_TRUE(same_bits(expected_dbias, dbias)) << "dbias, dx in " << place;
    }
  }
}

template <class Format>
void FusedCalls::expect_all(const Layer<Format>& layer) {
  for (const int32_t kind : kinds) {
    for (const bool bias : {false, true}) {
      for (const bool residual : {false, true}) {
        for (const bool mask : {false, true})
          expect_forward(layer, kind, {.bias = bias, .residual = residual, .mask = mask});
        for (const bool dbias : {false, true}) {
          for (const bool dparameter : {false, true}) {
            if (dparameter && kind == RECTIFY_RELU) continue;
            expect_backward(layer, kind, {.bias = bias, .residual = residual, .dbias = dbias, .dparameter = dparameter});
          }
        }
        if (HasFatalFailure()) return;
      }
    }
  }
  for (const int32_t kind : {RECTIFY_RELU, RECTIFY_LEAKY_RELU}) {
    for (const bool dbias : {false, true}) expect_backward_from_mask(layer, kind, dbias);
  }
}

template <class Format>
void FusedCalls::expect_some(const Layer<Format>& layer) {
  for (const int32_t kind : kinds) {
    const bool parameter = kind != RECTIFY_RELU;
    expect_forward(layer, kind, {.bias = true, .residual = true, .mask = true});
    expect_backward(layer, kind, {.bias = true, .residual = true, .dbias = true});
    if (parameter) expect_backward(layer, kind, {.bias = true, .residual = true, .dbias = true, .dparameter = true});
    if (HasFatalFailure()) return;
  }
  expect_forward(layer, RECTIFY_PRELU, {.bias = true});
  expect_forward(layer, RECTIFY_RELU, {.residual = true, .mask = true});
  expect_backward(layer, RECTIFY_PRELU, {.dparameter = true});
  expect_backward(layer, RECTIFY_ELU, {.bias = true, .dparameter = true});
  expect_backward_from_mask(layer, RECTIFY_LEAKY_RELU, true);
}

// ---- The same bits as separate steps ----

// NCHW with short runs and long ones, NHWC narrow, wide and in rows that fill no vectors, one channel, one row.
RECTIFY_ON_EACH_FORMAT(FusedCalls, EveryChoice) {
  for (const rectify_shape shape :
       {rectify_shape{1, 1, 5003}, {3, 5, 49}, {2, 3, 4099}, {67, 64, 1}, {70, 37, 1}, {1, 501, 1}, {2, 1030, 1}}) {
    if (emulated && count(shape) > 10000) continue;
    expect_all(ordinary_layer<Format>(shape));
    if (HasFatalFailure()) return;
  }
  expect_all(mixed_layer<Format>({3, 7, 67}));
}

RECTIFY_ON_EACH_FORMAT(FusedCalls, EveryLayout) {
  std::vector<rectify_shape> shapes = {{1, 1, 1},     {1, 3, 1},    {5, 1, 1},     {7, 1, 9},     {1, 20011, 1},
                                       {131, 3, 1},   {4097, 3, 1}, {130, 300, 1}, {65, 4097, 1}, {2, 3, 784},
                                       {2, 3, 20011}, {1, 2, 8192}, {9, 24, 196},  {1, 700, 64},  {1030, 2, 2},
                                       {3, 65, 511},  {3, 5, 512}};
  for (size_t inner = 2; inner <= 70; inner += emulated ? 13 : 3) shapes.push_back({3, 4, inner});
  for (size_t channels = 2; channels <= 70; channels += emulated ? 13 : 3) shapes.push_back({5, channels, 1});
  for (const rectify_shape shape : shapes) {
    if (emulated && count(shape) > 50000) continue;
    expect_some(ordinary_layer<Format>(shape));
    if (HasFatalFailure()) return;
  }
  for (const rectify_shape shape : {rectify_shape{3, 5, 67}, {143, 7, 1}, {1, 1, 20011}, {2, 501, 1}}) {
    expect_some(mixed_layer<Format>(shape));
    if (HasFatalFailure()) return;
  }
}

// From 1 over the borders of vectors, of the tiles of 16 KiB and of the tasks of 32768 elements.
RECTIFY_ON_EACH_FORMAT(FusedCalls, EveryLength) {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 140; n += emulated ? 9 : 1) lengths.push_back(n);
  for (const size_t border : {2048u, 4096u, 8192u, 16384u, 32768u, 65536u}) {
    if (emulated && border != 4096 && border != 32768) continue;
    for (size_t n = border - 1; n <= border + 1; ++n) lengths.push_back(n);
  }
  for (const size_t n : lengths) {
    expect_some(ordinary_layer<Format>({1, 1, n}));
    if (n % 2 == 0) expect_some(ordinary_layer<Format>({1, 2, n / 2}));
    if (n % 3 == 0) expect_some(ordinary_layer<Format>({n / 3, 3, 1}));
    if (HasFatalFailure()) return;
  }
}

// Whatever the parameter: what is not finite for Leaky ReLU, what is for ELU.
RECTIFY_ON_EACH_FORMAT(FusedCalls, EveryParameter) {
  Layer<Format> layer = mixed_layer<Format>({3, 5, 67});
  for (const double slope : parameters_of<Slope>(tried_slopes)) {
    layer.parameter = slope;
    expect_forward(layer, RECTIFY_LEAKY_RELU, {.bias = true, .mask = true});
    expect_backward(layer, RECTIFY_LEAKY_RELU, {.bias = true, .dbias = true, .dparameter = true});
    expect_backward_from_mask(layer, RECTIFY_LEAKY_RELU, true);
    layer.slope.assign(layer.slope.size(), rounded<Slope>(slope));
    expect_forward(layer, RECTIFY_PRELU, {.bias = true, .mask = true});
    expect_backward(layer, RECTIFY_PRELU, {.bias = true, .dbias = true, .dparameter = true});
    if (HasFatalFailure()) return;
  }
  for (const double alpha : parameters_of<Scalar>(tried_alphas)) {
    layer.parameter = alpha;
    expect_forward(layer, RECTIFY_ELU, {.bias = true, .mask = true});
    expect_backward(layer, RECTIFY_ELU, {.bias = true, .dbias = true, .dparameter = true});
    if (HasFatalFailure()) return;
  }
}

// Each special x with each special bias, and with each special residual.
RECTIFY_ON_EACH_FORMAT(FusedCalls, SpecialValues) {
  const Values specials = special_values<Element>();
  const std::vector<Slope> biases = special_values<Slope>();
  Layer<Format> layer = mixed_layer<Format>({specials.size(), biases.size(), 1});
  for (size_t i = 0; i < layer.size(); ++i) {
    layer.x[i] = specials[i / biases.size()];
    layer.residual[i] = specials[i % biases.size() % specials.size()];
  }
  layer.bias = biases;
  for (const int32_t kind : kinds) {
    expect_forward(layer, kind, {.bias = true, .mask = true});
    expect_forward(layer, kind, {.residual = true, .mask = true});
    expect_backward(layer, kind, {.bias = true});
    expect_backward(layer, kind, {.residual = true});
    if (HasFatalFailure()) return;
  }
}

// x, residual and the output may all be one.
RECTIFY_ON_EACH_FORMAT(FusedCalls, AllInOnePlace) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 70001}, {3, 5, 49}, {300, 37, 1}}) {
    Layer<Format> layer = ordinary_layer<Format>(shape);
    layer.residual = layer.x;
    const size_t n = layer.size();
    for (const int32_t kind : kinds) {
      const Values z = input_of(layer, true, true);
      Values expected(n), y = layer.x, dx = layer.x;
      ASSERT_EQ(forward_of(layer, kind, z.data(), expected.data(), scalar), RECTIFY_OK);
      ASSERT_EQ(rectify_fused_forward(Format::dtype, Format::slope_dtype, shape, y.data(), layer.bias.data(), y.data(),
                                      layer.activation(kind), y.data(), nullptr, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, y)) << name_of_kind(kind) << ", forward";
      std::vector<std::byte> expected_parameter(parameter_bytes(layer, kind)), dparameter(expected_parameter.size());
      const bool parameter = kind != RECTIFY_RELU;
      ASSERT_EQ(
          backward_of(layer, kind, z.data(), expected.data(), parameter ? expected_parameter.data() : nullptr, scalar),
          RECTIFY_OK);
      ASSERT_EQ(rectify_fused_backward(Format::dtype, Format::slope_dtype, shape, dx.data(), layer.bias.data(), dx.data(),
                                       nullptr, layer.activation(kind), layer.dy.data(), dx.data(), nullptr,
                                       parameter ? dparameter.data() : nullptr, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, dx)) << name_of_kind(kind) << ", backward";
      if (parameter) {
        ASSERT_TRUE(same_parameters<Format>(kind, expected_parameter, dparameter)) << name_of_kind(kind);
      }
    }
  }
}

// ---- Any alignment, and nothing outside ----

template <class T>
constexpr Placement placements[] = {
    flush_to_end,           flush_to_start, elements_from_end<T>(1), elements_from_start<T>(7), elements_from_start<T>(3),
    elements_from_end<T>(5)};

// Every tensor between two inaccessible pages, each by another distance from them, so that no two are aligned alike.
RECTIFY_ON_EACH_FORMAT(FusedCalls, StayWithinTheirTensorsAtAnyAlignment) {
  std::vector<rectify_shape> shapes = {{1, 1, 5000}, {3, 5, 49}, {2, 3, 4097}, {65, 256, 1}, {70, 37, 1}, {2, 1026, 1}};
  for (size_t n = 1; n <= 70; n += emulated ? 7 : 1) shapes.insert(shapes.end(), {{1, 1, n}, {3, n, 1}, {2, 2, n}});
  constexpr size_t places = std::size(placements<Element>);
  for (const rectify_shape shape : shapes) {
    const Layer<Format> layer = ordinary_layer<Format>(shape);
    const size_t n = layer.size();
    const Values z = input_of(layer, true, true);
    const Mask expected_mask = mask_of(z);
    for (size_t place = 0; place < places; ++place) {
      SCOPED_TRACE(testing::Message() << shown(shape) << ", place " << place);
      const auto of = [&]<class T>(T, size_t tensor) { return placements<T>[(place + tensor * place) % places]; };
      const GuardedBuffer<Element> x(layer.x, of(Element{}, 0)), residual(layer.residual, of(Element{}, 1)),
          dy(layer.dy, of(Element{}, 2)), out(n, of(Element{}, 3));
      const GuardedBuffer<Slope> bias(layer.bias, of(Slope{}, 0)), slope(layer.slope, of(Slope{}, 1)),
          dbias(shape.channels, of(Slope{}, 2)), dslope(shape.channels, of(Slope{}, 3));
      const GuardedBuffer<Scalar> dscalar(1, of(Scalar{}, 0));
      const GuardedBuffer<unsigned char> mask(mask_bytes(n), placements<unsigned char>[place]);
      const auto check = [&] {
        ASSERT_TRUE(out.check());
        ASSERT_TRUE(mask.check());
        ASSERT_TRUE(dbias.check());
        ASSERT_TRUE(dslope.check());
        ASSERT_TRUE(dscalar.check());
        ASSERT_TRUE(identical_bits(layer.x, x.span()));
        ASSERT_TRUE(identical_bits(layer.residual, residual.span()));
        ASSERT_TRUE(identical_bits(layer.dy, dy.span()));
        ASSERT_TRUE(identical_bits(layer.bias, bias.span()));
        ASSERT_TRUE(identical_bits(layer.slope, slope.span()));
      };
      Values expected(n);
      for (const int32_t kind : kinds) {
        SCOPED_TRACE(name_of_kind(kind));
        const rectify_activation activation = {kind, layer.parameter, slope.data()};
        ASSERT_EQ(forward_of(layer, kind, z.data(), expected.data(), scalar), RECTIFY_OK);
        ASSERT_EQ(rectify_fused_forward(Format::dtype, Format::slope_dtype, shape, x.data(), bias.data(), residual.data(),
                                        activation, out.data(), mask.data(), &options),
                  RECTIFY_OK);
        check();
        ASSERT_TRUE(same_bits(expected, out.span()));
        ASSERT_EQ(expected_mask, Mask(mask.begin(), mask.end()));
        ASSERT_EQ(backward_of(layer, kind, z.data(), expected.data(), nullptr, scalar), RECTIFY_OK);
        for (const bool parameter : {false, true}) {
          if (parameter && kind == RECTIFY_RELU) continue;
          void* const gradient = kind == RECTIFY_PRELU ? static_cast<void*>(dslope.data()) : dscalar.data();
          out.clear();
          ASSERT_EQ(rectify_fused_backward(Format::dtype, Format::slope_dtype, shape, x.data(), bias.data(),
                                           residual.data(), nullptr, activation, dy.data(), out.data(), dbias.data(),
                                           parameter ? gradient : nullptr, &options),
                    RECTIFY_OK);
          check();
          ASSERT_TRUE(same_bits(expected, out.span())) << (parameter ? "with dparameter" : "");
        }
        if (kind == RECTIFY_PRELU || kind == RECTIFY_ELU) continue;
        out.clear();
        ASSERT_EQ(rectify_fused_backward(Format::dtype, Format::slope_dtype, shape, nullptr, nullptr, nullptr, mask.data(),
                                         activation, dy.data(), out.data(), dbias.data(), nullptr, &options),
                  RECTIFY_OK);
        check();
        ASSERT_TRUE(same_bits(expected, out.span())) << "from the mask";
      }
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace rectify::tests
