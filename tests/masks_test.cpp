// Masks: the bits that rectify.h describes, told apart here one by one in plain C++, and the same gradients from them as
// from x. Every backend, the scalar one included; values and gradients are held against the calls without a mask.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

using Mask = std::vector<unsigned char>;

constexpr unsigned char unwritten_byte = 0xA5;

Mask any_mask(size_t elements, uint32_t seed) {
  Mask mask(mask_bytes(elements));
  for (size_t i = 0; i < mask.size(); ++i) {
    mask[i] = static_cast<unsigned char>(scrambled(static_cast<uint32_t>(i) + seed * 0x9e3779b9u));
  }
  return mask;
}

// Around the vectors, the 64 elements of a turn, the tiles of 16 KiB and the tasks of 32768 elements.
std::vector<size_t> tried_lengths() {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 260; n += emulated && n > 130 ? 7 : 1) lengths.push_back(n);
  for (const size_t border : {2048u, 4096u, 8192u, 32768u, 65536u}) {
    for (const size_t n : {border - 9, border - 1, border, border + 1, border + 63, border + 65}) lengths.push_back(n);
  }
  return lengths;
}

// NCHW with short runs and long ones, NHWC narrow, wide and in rows that fill no vectors, one channel, one row.
std::vector<rectify_shape> tried_shapes() {
  std::vector<rectify_shape> shapes = {{1, 1, 1},    {1, 1, 5000}, {5, 1, 1},    {3, 5, 49},   {2, 3, 784},
                                       {2, 2, 4097}, {1, 3, 9000}, {1, 7, 1},    {1, 5000, 1}, {3, 64, 1},
                                       {40, 16, 1},  {65, 5, 1},   {131, 3, 1},  {70, 37, 1},  {9, 1026, 1},
                                       {2, 300, 7},  {33, 24, 25}, {700, 64, 1}, {129, 300, 1}};
  for (size_t inner = 2; inner <= 34; inner += emulated ? 5 : 1) shapes.push_back({3, 4, inner});
  for (size_t channels = 2; channels <= 34; channels += emulated ? 5 : 1) shapes.push_back({5, channels, 1});
  return shapes;
}

class Masks : public AgainstScalar {
 protected:
  // Leaky ReLU, ReLU and PReLU with one slope write the same bits.
  template <class Format>
  void expect_forward(double slope, const std::vector<typename Format::Element>& x);
};

template <class Format>
void Masks::expect_forward(double slope, const std::vector<typename Format::Element>& x) {
  using Values = std::vector<typename Format::Element>;
  using Slope = typename Format::Slope;
  const size_t n = x.size();
  const Mask expected_mask = mask_of(x);
  const auto expect = [&](const char* what, auto without, auto with) {
    Values expected(n), y(n, unwritten<typename Format::Element>);
    Mask mask(mask_bytes(n) + 1, unwritten_byte);
    ASSERT_EQ(without(expected.data()), RECTIFY_OK) << what;
    ASSERT_EQ(with(y.data(), mask.data()), RECTIFY_OK) << what;
    ASSERT_TRUE(same_bits(expected, y)) << what << ", slope " << slope << ", n = " << n;
    ASSERT_EQ(mask.back(), unwritten_byte) << what << " wrote past the mask, n = " << n;
    mask.pop_back();
    ASSERT_EQ(expected_mask, mask) << what << ", n = " << n;
  };
  const Slope a = rounded<Slope>(slope);
  const rectify_shape shape = {1, 1, n};
  expect(
      "PReLU",
      [&](void* y) { return rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x.data(), &a, y, &scalar); },
      [&](void* y, void* mask) {
        return rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, x.data(), &a, y, mask, &options);
      });
  if (!Format::has_scalar_slopes || HasFatalFailure()) return;
  expect(
      "Leaky ReLU", [&](void* y) { return rectify_leaky_relu_forward(Format::dtype, n, slope, x.data(), y, &scalar); },
      [&](void* y, void* mask) {
        return rectify_leaky_relu_forward_with_mask(Format::dtype, n, slope, x.data(), y, mask, &options);
      });
  if (HasFatalFailure()) return;
  expect(
      "ReLU", [&](void* y) { return rectify_relu_forward(Format::dtype, n, x.data(), y, &scalar); },
      [&](void* y, void* mask) { return rectify_relu_forward_with_mask(Format::dtype, n, x.data(), y, mask, &options); });
}

RECTIFY_ON_EACH_FORMAT(Masks, HoldTheSignOfEachElement) {
  for (const size_t n : tried_lengths()) {
    expect_forward<Format>(0.25, mixed_values<Element>(n, static_cast<uint32_t>(n)));
    if (HasFatalFailure()) return;
  }
}

// Whatever becomes of the negative ones.
RECTIFY_ON_EACH_FORMAT(Masks, AreTheSameForEverySlope) {
  Values x = special_values<Element>();
  for (const Element value : mixed_values<Element>(300, 1)) x.push_back(value);
  for (const double slope : parameters_of<Slope>(tried_slopes)) {
    expect_forward<Format>(slope, x);
    if (HasFatalFailure()) return;
  }
}

// Of 16 bits every pattern, of the others a stride; in every lane.
RECTIFY_ON_EACH_ELEMENT_TYPE(Masks, HoldTheSignOfEveryNumber) {
  constexpr size_t chunk = size_t{1} << 16;
  const uint64_t chunks = is_sixteen_bit<Element> ? 3 : emulated ? 2 : 64;
  for (uint64_t k = 0; k < chunks; ++k) {
    Values x(chunk);
    for (size_t i = 0; i < chunk; ++i) {
      const uint32_t at = static_cast<uint32_t>(k * chunk + i);
      x[i] =
          is_sixteen_bit<Element> ? from_bits<Element>(static_cast<BitsOf<Element>>(at + k)) : scrambled_value<Element>(at);
    }
    expect_forward<Format>(0.25, x);
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(Masks, DoNotDependOnTheAlignment) {
  constexpr size_t longest = 4099, offsets = 64 / sizeof(Element);
  const Values values = mixed_values<Element>(longest + offsets, 3),
               gradients = mixed_values<Element>(longest + offsets, 4);
  const Slope slope = rounded<Slope>(-0.5);
  for (size_t offset = 0; offset < offsets; ++offset) {
    for (const size_t n : {size_t{5}, size_t{33}, size_t{70}, size_t{257}, longest}) {
      SCOPED_TRACE(testing::Message() << "n = " << n << ", an offset of " << offset << " elements");
      const rectify_shape shape = {1, 1, n};
      const Element *const x = values.data() + offset, *const dy = gradients.data() + (offsets - offset);
      Values expected(n), y(longest + offsets);
      Mask mask(mask_bytes(longest) + offsets);
      ASSERT_EQ(rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x, &slope, expected.data(), &scalar),
                RECTIFY_OK);
      ASSERT_EQ(rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, x, &slope,
                                                y.data() + offset * 3 % offsets, mask.data() + offset, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, std::span(y).subspan(offset * 3 % offsets, n)));
      const Mask expected_mask = mask_of(std::span(x, n));
      ASSERT_TRUE(std::equal(expected_mask.begin(), expected_mask.end(), mask.begin() + static_cast<ptrdiff_t>(offset)));
      if (!Format::has_scalar_slopes) continue;
      ASSERT_EQ(rectify_leaky_relu_backward(Format::dtype, n, -0.5, x, dy, expected.data(), nullptr, &scalar), RECTIFY_OK);
      ASSERT_EQ(rectify_leaky_relu_backward_from_mask(Format::dtype, n, -0.5, mask.data() + offset, dy, y.data() + offset,
                                                      &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, std::span(y).subspan(offset, n)));
      ASSERT_EQ(rectify_relu_backward(Format::dtype, n, x, dy, expected.data(), &scalar), RECTIFY_OK);
      ASSERT_EQ(rectify_relu_backward_from_mask(Format::dtype, n, mask.data() + offset, dy, y.data() + offset, &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, std::span(y).subspan(offset, n)));
    }
  }
}

// ---- Backward ----

RECTIFY_ON_EACH_FORMAT(Masks, GiveTheGradientThatXGives) {
  const Values specials = special_values<Element>();
  for (const double slope : parameters_of<Slope>(tried_slopes)) {
    const Slope a = rounded<Slope>(slope);
    for (const uint32_t shift : {0u, 1u, 7u, 100u}) {
      SCOPED_TRACE(testing::Message() << "slope " << slope);
      const size_t n = specials.size();
      Values x = specials, expected(n), y(n), dx(n, unwritten<Element>);
      std::rotate(x.begin(), x.begin() + shift, x.end());
      const rectify_shape shape = {1, 1, n};
      Mask mask(mask_bytes(n));
      ASSERT_EQ(rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, x.data(), &a, y.data(),
                                                mask.data(), &options),
                RECTIFY_OK);
      ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), &a, specials.data(),
                                       expected.data(), nullptr, &scalar),
                RECTIFY_OK);
      for (const bool with_dslope : {false, true}) {
        Slope dslope;
        ASSERT_EQ(rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, y.data(), mask.data(), &a,
                                                   specials.data(), dx.data(), with_dslope ? &dslope : nullptr, &options),
                  RECTIFY_OK);
        ASSERT_TRUE(same_bits(expected, dx)) << "PReLU" << (with_dslope ? " with dslope" : "");
      }
      if (!Format::has_scalar_slopes) continue;
      ASSERT_EQ(
          rectify_leaky_relu_backward_from_mask(Format::dtype, n, slope, mask.data(), specials.data(), dx.data(), &options),
          RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, dx)) << "Leaky ReLU";
      ASSERT_EQ(rectify_relu_backward(Format::dtype, n, x.data(), specials.data(), expected.data(), &scalar), RECTIFY_OK);
      ASSERT_EQ(rectify_relu_backward_from_mask(Format::dtype, n, mask.data(), specials.data(), dx.data(), &options),
                RECTIFY_OK);
      ASSERT_TRUE(same_bits(expected, dx)) << "ReLU";
    }
  }
}

// Any bits, those past the last element among them, which are not read: dx[i] = bit i ? dy[i] : slope*dy[i].
RECTIFY_ON_EACH_ELEMENT_TYPE(Masks, SelectTheSideOfEachElement) {
  for (const size_t n : tried_lengths()) {
    const Values dy = mixed_values<Element>(n, static_cast<uint32_t>(n));
    Values relu(n), leaky(n), dx(n + 1, unwritten<Element>);
    const Mask mask = any_mask(n, static_cast<uint32_t>(n));
    const Scalar slope = -0.3f;
    for (size_t i = 0; i < n; ++i) {
      relu[i] = bit_of(mask, i) ? dy[i] : Element{};
      leaky[i] = bit_of(mask, i) ? dy[i] : rounded<Element>(static_cast<double>(slope * widened(dy[i])));
    }
    ASSERT_EQ(rectify_relu_backward_from_mask(Format::dtype, n, mask.data(), dy.data(), dx.data(), &options), RECTIFY_OK);
    ASSERT_TRUE(same_bits(relu, std::span(dx).first(n))) << "ReLU, n = " << n;
    ASSERT_EQ(rectify_leaky_relu_backward_from_mask(Format::dtype, n, static_cast<double>(slope), mask.data(), dy.data(),
                                                    dx.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(leaky, std::span(dx).first(n))) << "Leaky ReLU, n = " << n;
    ASSERT_TRUE(identical_bits(dx[n], unwritten<Element>)) << "written past the end, n = " << n;
    Values over = dy;
    ASSERT_EQ(rectify_relu_backward_from_mask(Format::dtype, n, mask.data(), over.data(), over.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(relu, over)) << "ReLU, over dy, n = " << n;
    over = dy;
    ASSERT_EQ(rectify_leaky_relu_backward_from_mask(Format::dtype, n, static_cast<double>(slope), mask.data(), over.data(),
                                                    over.data(), &options),
              RECTIFY_OK);
    ASSERT_TRUE(same_bits(leaky, over)) << "Leaky ReLU, over dy, n = " << n;
  }
}

// ---- PReLU trained from (y, mask) ----

// The header's formula: -|y| in place of x where the bit is clear, the sum divided by the slope's magnitude. (The magnitude
// of a NaN is infinite.)
template <AnyNumber T>
Computed<T> magnitude(T value) {
  return is_nan(value) ? std::numeric_limits<Computed<T>>::infinity() : std::fabs(widened(value));
}

template <class Format>
std::vector<typename Format::Slope> dslope_from_mask(rectify_shape shape, const std::vector<typename Format::Element>& y,
                                                     const Mask& mask, const std::vector<typename Format::Slope>& slope,
                                                     const std::vector<typename Format::Element>& dy) {
  using Scalar = typename Format::Scalar;
  std::vector<Scalar> scaled_x(y.size());
  for (size_t i = 0; i < y.size(); ++i) scaled_x[i] = bit_of(mask, i) ? Scalar{1} : -magnitude(y[i]);
  std::vector<Scalar> sums = ordered_sums(shape, scaled_x, all_widened(dy), scaled_x);
  for (size_t c = 0; c < sums.size(); ++c) sums[c] /= magnitude(slope[c]);
  return all_rounded<typename Format::Slope>(sums);
}

class PreluFromMask : public AgainstScalar {
 protected:
  // Forward in place and back in place: y, dx and dslope against the calls on x, and against the formula.
  template <class Format>
  void expect_layer(rectify_shape shape, const std::vector<typename Format::Element>& x,
                    const std::vector<typename Format::Slope>& slope, const std::vector<typename Format::Element>& dy);
};

template <class Format>
void PreluFromMask::expect_layer(rectify_shape shape, const std::vector<typename Format::Element>& x,
                                 const std::vector<typename Format::Slope>& slope,
                                 const std::vector<typename Format::Element>& dy) {
  using Values = std::vector<typename Format::Element>;
  SCOPED_TRACE(shown(shape));
  const size_t n = count(shape);
  Values expected_y(n), expected_dx(n);
  ASSERT_EQ(
      rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), expected_y.data(), &scalar),
      RECTIFY_OK);
  ASSERT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(),
                                   expected_dx.data(), nullptr, &scalar),
            RECTIFY_OK);
  const Mask expected_mask = mask_of(x);
  const auto expected_dslope = dslope_from_mask<Format>(shape, expected_y, expected_mask, slope, dy);

  Values y = x;
  Mask mask(mask_bytes(n), unwritten_byte);
  ASSERT_EQ(rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, y.data(), slope.data(), y.data(),
                                            mask.data(), &options),
            RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_y, y)) << "y";
  ASSERT_EQ(expected_mask, mask) << "the mask";
  const auto backward = [&](const Values& from, const Values& gradient, Values& dx,
                            std::vector<typename Format::Slope>* dslope) {
    return rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, from.data(), mask.data(),
                                            slope.data(), gradient.data(), dx.data(),
                                            dslope == nullptr ? nullptr : dslope->data(), &options);
  };
  Values dx(n, unwritten<typename Format::Element>);
  std::vector<typename Format::Slope> dslope(shape.channels, unwritten<typename Format::Slope>);
  ASSERT_EQ(backward(y, dy, dx, nullptr), RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_dx, dx)) << "dx";
  dx.assign(n, unwritten<typename Format::Element>);
  ASSERT_EQ(backward(y, dy, dx, &dslope), RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_dx, dx)) << "dx with dslope";
  ASSERT_TRUE(same_bits(expected_dslope, dslope)) << "dslope";
  Values over = dy;
  ASSERT_EQ(backward(y, over, over, nullptr), RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_dx, over)) << "dx over dy";
  over = y;
  ASSERT_EQ(backward(over, dy, over, nullptr), RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_dx, over)) << "dx over y";
  dslope.assign(shape.channels, unwritten<typename Format::Slope>);
  ASSERT_EQ(backward(y, dy, y, &dslope), RECTIFY_OK);
  ASSERT_TRUE(same_bits(expected_dx, y)) << "dx over y, with dslope";
  ASSERT_TRUE(same_bits(expected_dslope, dslope)) << "dslope, dx over y";
}

RECTIFY_ON_EACH_FORMAT(PreluFromMask, EveryLayout) {
  for (const rectify_shape shape : tried_shapes()) {
    const size_t n = count(shape);
    // Slopes of every magnitude; then everything special at once.
    expect_layer<Format>(shape, ordinary_values<Element>(n, 1), ordinary_values<Slope>(shape.channels, 2),
                         ordinary_values<Element>(n, 3));
    if (HasFatalFailure()) return;
    expect_layer<Format>(shape, mixed_values<Element>(n, 4), mixed_values<Slope>(shape.channels, 5),
                         mixed_values<Element>(n, 6));
    if (HasFatalFailure()) return;
  }
}

RECTIFY_ON_EACH_FORMAT(PreluFromMask, EveryLength) {
  for (const size_t n : tried_lengths()) {
    expect_layer<Format>({1, 1, n}, ordinary_values<Element>(n, 1), {rounded<Slope>(-0.3)}, ordinary_values<Element>(n, 2));
    if (HasFatalFailure()) return;
  }
}

// A slope of 0, inf or NaN keeps nothing of x but its sign, and dx needs no more; dslope is what the division gives.
RECTIFY_ON_EACH_FORMAT(PreluFromMask, EverySlope) {
  for (const double slope : parameters_of<Slope>(tried_slopes)) {
    SCOPED_TRACE(slope);
    const size_t n = 1003;
    expect_layer<Format>({1, 1, n}, ordinary_values<Element>(n, 1, 16.0f), {rounded<Slope>(slope)},
                         ordinary_values<Element>(n, 2));
    if (HasFatalFailure()) return;
    const Values specials = special_values<Element>();
    for (const Element dy : {rounded<Element>(1.5), rounded<Element>(-0.0)}) {
      expect_layer<Format>({1, specials.size(), 1}, specials, std::vector<Slope>(specials.size(), rounded<Slope>(slope)),
                           Values(specials.size(), dy));
      if (HasFatalFailure()) return;
    }
  }
}

// While no product is denormal or overflows, y loses half a unit of its last place to its rounding, and dslope no more than
// that of each term beside what any sum may lose.
RECTIFY_ON_EACH_FORMAT(PreluFromMask, AgreesWithTrainingOnX) {
  for (const rectify_shape shape : {rectify_shape{1, 1, 20000}, {3, 5, 49}, {2, 3, 5000}, {300, 37, 1}, {1, 40, 1}}) {
    SCOPED_TRACE(shown(shape));
    const size_t n = count(shape);
    const Values x = ordinary_values<Element>(n, 1), dy = ordinary_values<Element>(n, 2);
    std::vector<Slope> slope;
    for (size_t c = 0; c < shape.channels; ++c) {
      slope.push_back(rounded<Slope>((c % 2 == 0 ? 1 : -1) * (0.06 + 0.37 * static_cast<double>(c % 11))));
    }
    Values y(n), dx(n);
    Mask mask(mask_bytes(n));
    std::vector<Slope> dslope(shape.channels);
    ASSERT_EQ(rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), y.data(),
                                              mask.data(), &options),
              RECTIFY_OK);
    ASSERT_EQ(rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, y.data(), mask.data(),
                                               slope.data(), dy.data(), dx.data(), dslope.data(), &options),
              RECTIFY_OK);
    std::vector<long double> exact(shape.channels), magnitudes(shape.channels);
    for (size_t i = 0; i < n; ++i) {
      if (!(widened(x[i]) < 0)) continue;
      const size_t c = i / shape.inner % shape.channels;
      const long double product = static_cast<long double>(widened(x[i])) * static_cast<long double>(widened(dy[i]));
      exact[c] += product;
      magnitudes[c] += std::fabs(product);
    }
    const double rounding = std::ldexp(1.0, -Number<Element>::precision),
                 bound_of_sums = sizeof(Scalar) == 8 ? 3e-14 : 8e-6;
    for (size_t c = 0; c < shape.channels; ++c) {
      const long double bound = static_cast<long double>(rounding + bound_of_sums) * magnitudes[c];
      const auto nearest = [](long double value) { return widened(rounded<Slope>(static_cast<double>(value))); };
      EXPECT_LE(nearest(exact[c] - bound), widened(dslope[c])) << "channel " << c;
      EXPECT_GE(nearest(exact[c] + bound), widened(dslope[c])) << "channel " << c;
    }
  }
}

// ---- Bounds ----

template <class T>
constexpr Placement placements[] = {flush_to_end, flush_to_start, elements_from_end<T>(1), elements_from_start<T>(7)};

// No byte past (n + 7) / 8 is read or written, and no other tensor left; what is only read is as it was.
RECTIFY_ON_EACH_FORMAT(Masks, StayWithinTheirBytes) {
  std::vector<rectify_shape> shapes;
  for (const size_t n : tried_lengths()) shapes.push_back({1, 1, n});
  for (const rectify_shape shape : tried_shapes()) shapes.push_back(shape);
  for (const rectify_shape shape : shapes) {
    SCOPED_TRACE(shown(shape));
    const size_t n = count(shape);
    const Values inputs = mixed_values<Element>(n, 1), gradients = mixed_values<Element>(n, 2);
    const std::vector<Slope> slopes = mixed_values<Slope>(shape.channels, 3);
    for (size_t place = 0; place < std::size(placements<Element>); ++place) {
      const Placement of_elements = placements<Element>[place], of_slopes = placements<Slope>[place];
      const GuardedBuffer<Element> x(inputs, of_elements), dy(gradients, of_elements), out(n, of_elements);
      const GuardedBuffer<Slope> slope(slopes, of_slopes), dslope(shape.channels, of_slopes);
      const GuardedBuffer<unsigned char> mask(mask_bytes(n), placements<unsigned char>[place]);
      const auto check = [&](const char* what) {
        ASSERT_TRUE(out.check()) << what;
        ASSERT_TRUE(mask.check()) << what;
        ASSERT_TRUE(dslope.check()) << what;
        ASSERT_TRUE(identical_bits(inputs, x.span())) << what;
        ASSERT_TRUE(identical_bits(gradients, dy.span())) << what;
      };
      ASSERT_EQ(rectify_prelu_forward_with_mask(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(),
                                                out.data(), mask.data(), &options),
                RECTIFY_OK);
      check("PReLU forward");
      ASSERT_EQ(mask_of(inputs), Mask(mask.begin(), mask.end()));
      const GuardedBuffer<Element> y(Values(out.begin(), out.end()), of_elements);
      for (Slope* const sums : {static_cast<Slope*>(nullptr), dslope.data()}) {
        ASSERT_EQ(rectify_prelu_backward_from_mask(Format::dtype, Format::slope_dtype, shape, y.data(), mask.data(),
                                                   slope.data(), dy.data(), out.data(), sums, &options),
                  RECTIFY_OK);
        check("PReLU backward");
      }
      if (!Format::has_scalar_slopes || shape.channels != 1) continue;
      ASSERT_EQ(rectify_relu_forward_with_mask(Format::dtype, n, x.data(), out.data(), mask.data(), &options), RECTIFY_OK);
      check("ReLU forward");
      ASSERT_EQ(rectify_relu_backward_from_mask(Format::dtype, n, mask.data(), dy.data(), out.data(), &options),
                RECTIFY_OK);
      check("ReLU backward");
      ASSERT_EQ(rectify_leaky_relu_backward_from_mask(Format::dtype, n, 0.5, mask.data(), dy.data(), out.data(), &options),
                RECTIFY_OK);
      check("Leaky ReLU backward");
      ASSERT_EQ(mask_of(inputs), Mask(mask.begin(), mask.end())) << "a backward changed the mask";
    }
  }
}

}  // namespace
}  // namespace rectify::tests
