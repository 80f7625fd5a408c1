// Masks and fused calls of the CUDA library, on the executor, against the CPU library's: every format, layouts, lengths
// around warps and words, alignments, in place, between guards, on devices of few and of many blocks.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/divisor.cuh"
#include "rectify/rectify_cuda.h"
#include "tests/cuda/host/executor.hpp"
#include "tests/cuda/typed_formats.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

// Where the tensors of a call begin, in elements from a border of a page; the mask in bytes.
struct Alignment {
  size_t x, residual, dy, out, mask;
};
constexpr Alignment alignments[] = {{0, 0, 0, 0, 0},   {0, 0, 0, 0, 3}, {1, 1, 1, 1, 1},
                                    {8, 16, 24, 0, 5}, {0, 1, 2, 3, 2}, {5, 5, 5, 4, 7}};

// Which output stands for which input.
enum class Place { own, x, residual, dy };

constexpr size_t lengths[] = {1,   2,   7,   8,   9,    15,   16,   31,   32,   33,   63,   64,   65,   127,  128,
                              129, 255, 256, 257, 1023, 1024, 1025, 2047, 2049, 4095, 4096, 4097, 8191, 8193, 12345};

constexpr rectify_shape shapes[] = {{1, 1, 700},  {1, 1, 9001}, {130, 1, 5}, {3, 5, 49},  {2, 3, 4100}, {65, 8, 1},
                                    {129, 12, 1}, {70, 7, 1},   {1, 33, 1},  {2, 64, 2},  {5, 1, 1},    {2, 1000, 3},
                                    {300, 40, 1}, {1, 2, 9000}, {9, 31, 7},  {1, 5000, 1}};

size_t count_of(rectify_shape shape) { return shape.outer * shape.channels * shape.inner; }

struct Fused {
  bool bias, residual, mask;
  rectify_activation activation;
};

const char* const kinds[] = {"", "relu", "leaky_relu", "prelu", "elu"};

template <class Format>
class CudaFused : public testing::Test {
 protected:
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  using Scalar = typename Format::Scalar;
  static constexpr int32_t dtype = Format::dtype, slope_dtype = Format::slope_dtype;

  void SetUp() override { next_device(); }
  void TearDown() override {
    executor::device() = {};
    executor::set_order(executor::Order::ascending);
  }

  // Another device, with another order, for each call.
  void next_device() {
    constexpr executor::Order orders[] = {executor::Order::ascending, executor::Order::descending,
                                          executor::Order::shuffled};
    constexpr unsigned resident[] = {1, 3, 8 * 132};
    executor::set_order(orders[calls_ % 3]);
    executor::device().resident_blocks = resident[calls_++ / 2 % 3];
  }

  static std::vector<Element> values(size_t n, unsigned seed) { return mixed_values<Element>(n, seed); }

  template <class Call>
  void run(Call call, size_t most_kernels) {
    next_device();
    ASSERT_EQ(call(), RECTIFY_OK);
    ASSERT_LE(executor::queue().size(), most_kernels);
    executor::synchronise();
  }

  static std::vector<unsigned char> bytes_of(const GuardedBuffer<unsigned char>& mask) {
    return {mask.begin(), mask.end()};
  }

  // A call of n elements that writes y and a mask.
  template <class Cpu, class Cuda>
  void expect_forward(size_t n, const Alignment& at, Place place, Cpu cpu, Cuda cuda) {
    const std::vector<Element> given = values(n, 1), given_residual = ordinary_values<Element>(n, 5);
    std::vector<Element> y(n);
    std::vector<unsigned char> mask((n + 7) / 8);
    ASSERT_EQ(cpu(given.data(), given_residual.data(), y.data(), mask.data()), RECTIFY_OK);
    const GuardedBuffer<Element> x(given, elements_from_start<Element>(at.x)),
        residual(given_residual, elements_from_start<Element>(at.residual)), out(n, elements_from_start<Element>(at.out));
    const GuardedBuffer<unsigned char> bits(mask.size(), bytes_from_start(at.mask)), bits_at_end(mask.size());
    Element* const to = place == Place::x ? x.data() : place == Place::residual ? residual.data() : out.data();
    run([&] { return cuda(x.data(), residual.data(), to, bits.data()); }, 1);
    ASSERT_TRUE(same_bits(y, std::vector<Element>(to, to + n))) << n;
    ASSERT_EQ(mask, bytes_of(bits)) << n;
    ASSERT_TRUE(bits.check() && out.check() && x.check() && residual.check()) << n;
    if (place != Place::own) return;
    run([&] { return cuda(x.data(), residual.data(), to, bits_at_end.data()); }, 1);
    ASSERT_EQ(mask, bytes_of(bits_at_end)) << n;
    ASSERT_TRUE(bits_at_end.check());
  }

  void expect_fused_forward(rectify_shape shape, const Fused& fused, const Alignment& at, Place place) {
    SCOPED_TRACE(testing::Message() << kinds[fused.activation.kind] << " {" << shape.outer << ", " << shape.channels << ", "
                                    << shape.inner << "} bias " << fused.bias << " residual " << fused.residual << " x at "
                                    << at.x << " out at " << at.out << " place " << static_cast<int>(place));
    const std::vector<Slope> bias = ordinary_values<Slope>(shape.channels, 7);
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 8);
    rectify_activation activation = fused.activation;
    activation.slope = slope.data();
    const Slope* const given_bias = fused.bias ? bias.data() : nullptr;
    const auto if_there = [&](const Element* residual) { return fused.residual ? residual : nullptr; };
    expect_forward(
        count_of(shape), at, place,
        [&](const Element* x, const Element* residual, Element* y, unsigned char* mask) {
          return rectify_fused_forward(dtype, slope_dtype, shape, x, given_bias, if_there(residual), activation, y, mask,
                                       nullptr);
        },
        [&](const Element* x, const Element* residual, Element* y, unsigned char* mask) {
          return rectify_cuda_fused_forward(dtype, slope_dtype, shape, x, given_bias, if_there(residual), activation, y,
                                            mask, nullptr);
        });
  }

  void expect_fused_backward(rectify_shape shape, const Fused& fused, bool wants_dbias, bool wants_dparameter,
                             const Alignment& at, Place place) {
    SCOPED_TRACE(testing::Message() << kinds[fused.activation.kind] << " {" << shape.outer << ", " << shape.channels << ", "
                                    << shape.inner << "} bias " << fused.bias << " residual " << fused.residual << " mask "
                                    << fused.mask << " dbias " << wants_dbias << " dparameter " << wants_dparameter
                                    << " x at " << at.x << " out at " << at.out << " place " << static_cast<int>(place));
    const size_t n = count_of(shape);
    const std::vector<Slope> bias = ordinary_values<Slope>(shape.channels, 7);
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 8);
    const bool sums = wants_dbias || wants_dparameter;
    // Sums of ordinary values say more than NaN.
    const std::vector<Element> given = sums ? ordinary_values<Element>(n, 1) : values(n, 1);
    const std::vector<Element> given_residual = ordinary_values<Element>(n, 5), given_dy = ordinary_values<Element>(n, 2);
    std::vector<unsigned char> mask((n + 7) / 8);
    for (size_t i = 0; i < n; ++i)
      mask[i / 8] |= static_cast<unsigned char>((scrambled(static_cast<uint32_t>(i)) & 1) << i % 8);
    rectify_activation activation = fused.activation;
    activation.slope = slope.data();
    const bool is_prelu = activation.kind == RECTIFY_PRELU;
    const size_t parameters = is_prelu ? shape.channels * sizeof(Slope) : sizeof(Scalar);

    std::vector<Element> dx(n);
    std::vector<Slope> dbias(shape.channels);
    std::vector<unsigned char> dparameter(parameters), zeros(parameters);
    ASSERT_EQ(rectify_fused_backward(dtype, slope_dtype, shape, fused.mask ? nullptr : given.data(),
                                     fused.bias ? bias.data() : nullptr, fused.residual ? given_residual.data() : nullptr,
                                     fused.mask ? mask.data() : nullptr, activation, given_dy.data(), dx.data(),
                                     wants_dbias ? dbias.data() : nullptr, wants_dparameter ? dparameter.data() : nullptr,
                                     nullptr),
              RECTIFY_OK);

    const GuardedBuffer<Element> x(given, elements_from_start<Element>(at.x)),
        residual(given_residual, elements_from_start<Element>(at.residual)),
        dy(given_dy, elements_from_start<Element>(at.dy)), out(n, elements_from_start<Element>(at.out));
    const GuardedBuffer<unsigned char> bits(mask.size(), bytes_from_start(at.mask));
    std::copy(mask.begin(), mask.end(), bits.begin());
    const GuardedBuffer<Slope> got_dbias(shape.channels);
    const GuardedBuffer<unsigned char> got_dparameter(parameters);
    Element* const to = place == Place::x          ? x.data()
                        : place == Place::residual ? residual.data()
                        : place == Place::dy       ? dy.data()
                                                   : out.data();
    size_t needed = 0;
    ASSERT_EQ(rectify_cuda_fused_scratch_bytes(dtype, slope_dtype, shape, &needed), RECTIFY_OK);
    const GuardedBuffer<unsigned char> scratch(needed);
    const bool two_orders = wants_dparameter && wants_dbias && !is_prelu && shape.channels > 1;
    run(
        [&] {
          return rectify_cuda_fused_backward(
              dtype, slope_dtype, shape, fused.mask ? nullptr : x.data(), fused.bias ? bias.data() : nullptr,
              fused.residual ? residual.data() : nullptr, fused.mask ? bits.data() : nullptr, activation, dy.data(), to,
              wants_dbias ? got_dbias.data() : nullptr, wants_dparameter ? got_dparameter.data() : nullptr,
              sums ? scratch.data() : nullptr, sums ? needed : 0, nullptr);
        },
        !sums        ? 1
        : two_orders ? 4
                     : size_t{1} + wants_dbias + wants_dparameter);
    ASSERT_TRUE(same_bits(dx, std::vector<Element>(to, to + n)));
    if (wants_dbias) {
      ASSERT_TRUE(same_bits(dbias, got_dbias));
    }
    if (wants_dparameter && is_prelu) {
      ASSERT_TRUE(same_bits(std::span(reinterpret_cast<const Slope*>(dparameter.data()), shape.channels),
                            std::span(reinterpret_cast<const Slope*>(got_dparameter.data()), shape.channels)));
    } else if (wants_dparameter) {
      ASSERT_TRUE(same_bits(std::span(reinterpret_cast<const Scalar*>(dparameter.data()), 1),
                            std::span(reinterpret_cast<const Scalar*>(got_dparameter.data()), 1)));
    }
    ASSERT_TRUE(out.check() && x.check() && residual.check() && dy.check() && bits.check() && scratch.check() &&
                got_dbias.check() && got_dparameter.check());
  }

  unsigned calls_ = 0;
};
TYPED_TEST_SUITE(CudaFused, Formats, FormatName);

// ---- Masks ----

TYPED_TEST(CudaFused, ForwardWithMask) {
  const std::vector<typename TypeParam::Slope> slope = ordinary_values<typename TypeParam::Slope>(1, 3);
  for (const size_t n : lengths) {
    for (const Alignment& at : alignments) {
      for (const Place place : {Place::own, Place::x}) {
        ASSERT_NO_FATAL_FAILURE(this->expect_forward(
            n, at, place,
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) {
              return rectify_prelu_forward_with_mask(TypeParam::dtype, TypeParam::slope_dtype, {1, 1, n}, x, slope.data(),
                                                     y, mask, nullptr);
            },
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) {
              return rectify_cuda_prelu_forward_with_mask(TypeParam::dtype, TypeParam::slope_dtype, {1, 1, n}, x,
                                                          slope.data(), y, mask, nullptr);
            }));
        if (!TypeParam::has_scalar_slopes) continue;
        ASSERT_NO_FATAL_FAILURE(this->expect_forward(
            n, at, place,
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) { return rectify_relu_forward_with_mask(TypeParam::dtype, n, x, y, mask, nullptr); },
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) {
              return rectify_cuda_relu_forward_with_mask(TypeParam::dtype, n, x, y, mask, nullptr);
            }));
        ASSERT_NO_FATAL_FAILURE(this->expect_forward(
            n, at, place,
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) {
              return rectify_leaky_relu_forward_with_mask(TypeParam::dtype, n, -0.3, x, y, mask, nullptr);
            },
            [&](const typename TypeParam::Element* x, const typename TypeParam::Element*, typename TypeParam::Element* y,
                unsigned char* mask) {
              return rectify_cuda_leaky_relu_forward_with_mask(TypeParam::dtype, n, -0.3, x, y, mask, nullptr);
            }));
      }
    }
  }
}

TYPED_TEST(CudaFused, BackwardFromMask) {
  if (!TypeParam::has_scalar_slopes) return;  // once for each type of elements
  for (const size_t n : lengths) {
    const std::vector<typename TypeParam::Element> given = mixed_values<typename TypeParam::Element>(n, 2);
    std::vector<unsigned char> mask((n + 7) / 8);
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = static_cast<unsigned char>(scrambled(static_cast<uint32_t>(i)));
    for (const Alignment& at : alignments) {
      for (const Place place : {Place::own, Place::dy}) {
        for (const bool leaky : {false, true}) {
          std::vector<typename TypeParam::Element> dx(n);
          ASSERT_EQ(
              leaky ? rectify_leaky_relu_backward_from_mask(TypeParam::dtype, n, 0.3, mask.data(), given.data(), dx.data(),
                                                            nullptr)
                    : rectify_relu_backward_from_mask(TypeParam::dtype, n, mask.data(), given.data(), dx.data(), nullptr),
              RECTIFY_OK);
          const GuardedBuffer<typename TypeParam::Element> dy(given,
                                                              elements_from_start<typename TypeParam::Element>(at.dy)),
              out(n, elements_from_start<typename TypeParam::Element>(at.out));
          const GuardedBuffer<unsigned char> bits(mask, at.mask == 0 ? flush_to_end : bytes_from_start(at.mask));
          typename TypeParam::Element* const to = place == Place::dy ? dy.data() : out.data();
          this->run(
              [&] {
                return leaky
                           ? rectify_cuda_leaky_relu_backward_from_mask(TypeParam::dtype, n, 0.3, bits.data(), dy.data(),
                                                                        to, nullptr)
                           : rectify_cuda_relu_backward_from_mask(TypeParam::dtype, n, bits.data(), dy.data(), to, nullptr);
              },
              1);
          ASSERT_TRUE(same_bits(dx, std::vector<typename TypeParam::Element>(to, to + n))) << n;
          ASSERT_TRUE(out.check() && dy.check()) << n;
        }
      }
    }
  }
}

TYPED_TEST(CudaFused, PreluBackwardFromMask) {
  for (const rectify_shape shape : shapes) {
    const size_t n = count_of(shape);
    const std::vector<typename TypeParam::Element> x = ordinary_values<typename TypeParam::Element>(n, 1),
                                                   given_dy = ordinary_values<typename TypeParam::Element>(n, 2);
    const std::vector<typename TypeParam::Slope> slope = ordinary_values<typename TypeParam::Slope>(shape.channels, 3);
    std::vector<typename TypeParam::Element> given(n), dx(n);
    std::vector<unsigned char> mask((n + 7) / 8);
    std::vector<typename TypeParam::Slope> dslope(shape.channels);
    ASSERT_EQ(rectify_prelu_forward_with_mask(TypeParam::dtype, TypeParam::slope_dtype, shape, x.data(), slope.data(),
                                              given.data(), mask.data(), nullptr),
              RECTIFY_OK);
    for (const bool sums : {false, true}) {
      ASSERT_EQ(rectify_prelu_backward_from_mask(TypeParam::dtype, TypeParam::slope_dtype, shape, given.data(), mask.data(),
                                                 slope.data(), given_dy.data(), dx.data(), sums ? dslope.data() : nullptr,
                                                 nullptr),
                RECTIFY_OK);
      for (const Alignment& at : alignments) {
        const GuardedBuffer<typename TypeParam::Element> y(given, elements_from_start<typename TypeParam::Element>(at.x)),
            dy(given_dy, elements_from_start<typename TypeParam::Element>(at.dy)),
            out(n, elements_from_start<typename TypeParam::Element>(at.out));
        const GuardedBuffer<unsigned char> bits(mask, bytes_from_start(at.mask));
        const GuardedBuffer<typename TypeParam::Slope> got(shape.channels);
        size_t needed = 0;
        ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(TypeParam::dtype, TypeParam::slope_dtype, shape, &needed), RECTIFY_OK);
        const GuardedBuffer<unsigned char> scratch(needed);
        this->run(
            [&] {
              return rectify_cuda_prelu_backward_from_mask(
                  TypeParam::dtype, TypeParam::slope_dtype, shape, y.data(), bits.data(), slope.data(), dy.data(),
                  out.data(), sums ? got.data() : nullptr, sums ? scratch.data() : nullptr, sums ? needed : 0, nullptr);
            },
            sums ? 2 : 1);
        ASSERT_TRUE(same_bits(dx, out)) << shape.outer << " " << shape.channels << " " << shape.inner;
        if (sums) {
          ASSERT_TRUE(same_bits(dslope, got)) << shape.outer << " " << shape.channels << " " << shape.inner;
        }
        ASSERT_TRUE(out.check() && got.check() && scratch.check());
      }
    }
  }
}

// ---- Fused ----

TYPED_TEST(CudaFused, Forward) {
  for (const rectify_shape shape : shapes) {
    for (int32_t kind = RECTIFY_RELU; kind <= RECTIFY_ELU; ++kind) {
      for (const auto& [bias, residual] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
        const Fused fused = {bias, residual, true, {kind, 0.7, nullptr}};
        for (const Alignment& at : alignments) {
          ASSERT_NO_FATAL_FAILURE(this->expect_fused_forward(shape, fused, at, Place::own));
        }
        ASSERT_NO_FATAL_FAILURE(this->expect_fused_forward(shape, fused, alignments[0], Place::x));
        ASSERT_NO_FATAL_FAILURE(this->expect_fused_forward(shape, fused, alignments[4], Place::residual));
      }
    }
  }
}

TYPED_TEST(CudaFused, Backward) {
  for (const rectify_shape shape : shapes) {
    for (int32_t kind = RECTIFY_RELU; kind <= RECTIFY_ELU; ++kind) {
      for (const auto& [bias, residual] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
        for (const auto& [dbias, dparameter] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
          if (dparameter && kind == RECTIFY_RELU) continue;
          const Fused fused = {bias, residual, false, {kind, 0.7, nullptr}};
          const Alignment& at = alignments[(bias + shape.inner) % std::size(alignments)];
          for (const Alignment& each : {alignments[0], at}) {
            ASSERT_NO_FATAL_FAILURE(this->expect_fused_backward(shape, fused, dbias, dparameter, each, Place::own));
          }
          ASSERT_NO_FATAL_FAILURE(this->expect_fused_backward(shape, fused, dbias, dparameter, at, Place::x));
          ASSERT_NO_FATAL_FAILURE(
              this->expect_fused_backward(shape, fused, dbias, dparameter, at, dparameter ? Place::residual : Place::dy));
        }
      }
    }
  }
}

TYPED_TEST(CudaFused, BackwardFromTheForwardsMask) {
  for (const rectify_shape shape : shapes) {
    for (const int32_t kind : {RECTIFY_RELU, RECTIFY_LEAKY_RELU}) {
      for (const bool dbias : {false, true}) {
        for (const Alignment& at : alignments) {
          const Fused fused = {true, true, true, {kind, 0.7, nullptr}};
          ASSERT_NO_FATAL_FAILURE(this->expect_fused_backward(shape, fused, dbias, false, at, Place::dy));
        }
      }
    }
  }
}

// A thread's elements that lie outside a run or a row are zeros to it, and an infinite slope makes NaN of zero.
TYPED_TEST(CudaFused, ElementsOutsideAddNothing) {
  using E = typename TypeParam::Element;
  using S = typename TypeParam::Slope;
  for (const rectify_shape shape : shapes) {
    const size_t n = count_of(shape);
    const std::vector<E> x(n, rounded<E>(1)), dy = ordinary_values<E>(n, 2);
    const std::vector<S> slope(shape.channels, infinity_of<S>), zeros(shape.channels, from_bits<S>(0));
    const rectify_activation activation = {RECTIFY_PRELU, 0, slope.data()};
    std::vector<E> dx(n);
    std::vector<S> expected(shape.channels), dbias = expected, dslope = expected;
    ASSERT_EQ(rectify_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, shape, x.data(), nullptr, nullptr, nullptr,
                                     activation, dy.data(), dx.data(), expected.data(), nullptr, nullptr),
              RECTIFY_OK);
    size_t needed = 0;
    ASSERT_EQ(rectify_cuda_fused_scratch_bytes(TypeParam::dtype, TypeParam::slope_dtype, shape, &needed), RECTIFY_OK);
    std::vector<typename TypeParam::Scalar> scratch(needed / sizeof(typename TypeParam::Scalar));
    this->run(
        [&] {
          return rectify_cuda_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, shape, x.data(), nullptr, nullptr,
                                             nullptr, activation, dy.data(), dx.data(), dbias.data(), dslope.data(),
                                             scratch.data(), needed, nullptr);
        },
        3);
    ASSERT_TRUE(same_bits(dy, dx));
    ASSERT_TRUE(same_bits(expected, dbias));
    ASSERT_TRUE(same_bits(zeros, dslope));
  }
}

// ---- Errors ----

// What is refused enqueues nothing and says what the CPU library says.
TEST(CudaFusedErrors, AreTheCpuLibrarys) {
  std::vector<float> x(64), y(64), dy(64), bias(4), dbias(4), scratch(64), sums(4);
  std::vector<unsigned char> mask(8);
  const rectify_shape shape = {16, 4, 1};
  const rectify_activation relu = {RECTIFY_RELU, 0, nullptr};
  const auto expect = [](int32_t cpu, int32_t cuda, int32_t status) {
    EXPECT_EQ(cpu, status);
    EXPECT_EQ(cuda, status);
    EXPECT_TRUE(executor::queue().empty());
    executor::synchronise();
  };
  const auto forward = [&](int32_t dtype, const void* given_x, const void* residual, rectify_activation activation,
                           void* out, void* given_mask, int32_t status) {
    expect(rectify_fused_forward(dtype, RECTIFY_F32, shape, given_x, bias.data(), residual, activation, out, given_mask,
                                 nullptr),
           rectify_cuda_fused_forward(dtype, RECTIFY_F32, shape, given_x, bias.data(), residual, activation, out,
                                      given_mask, nullptr),
           status);
  };
  const auto f32 = RECTIFY_F32;
  forward(0, x.data(), nullptr, relu, y.data(), nullptr, RECTIFY_ERROR_UNKNOWN_DTYPE);
  forward(RECTIFY_F64, x.data(), nullptr, relu, y.data(), nullptr, RECTIFY_ERROR_UNSUPPORTED_DTYPE);
  forward(f32, nullptr, nullptr, relu, y.data(), nullptr, RECTIFY_ERROR_NULL_POINTER);
  forward(f32, x.data(), nullptr, relu, nullptr, nullptr, RECTIFY_ERROR_NULL_POINTER);
  forward(f32, x.data(), nullptr, {9, 0, nullptr}, y.data(), nullptr, RECTIFY_ERROR_INVALID_ARGUMENT);
  forward(f32, x.data(), nullptr, {RECTIFY_PRELU, 0, nullptr}, y.data(), nullptr, RECTIFY_ERROR_NULL_POINTER);
  forward(f32, x.data(), nullptr, {RECTIFY_ELU, 1e300, nullptr}, y.data(), nullptr, RECTIFY_ERROR_INVALID_ARGUMENT);
  forward(f32, x.data(), nullptr, relu, x.data() + 1, nullptr, RECTIFY_ERROR_OVERLAP);
  forward(f32, x.data(), dy.data(), relu, dy.data() + 1, nullptr, RECTIFY_ERROR_OVERLAP);
  forward(f32, x.data(), nullptr, relu, y.data(), y.data() + 60, RECTIFY_ERROR_OVERLAP);
  forward(f32, x.data(), nullptr, relu, y.data(), bias.data(), RECTIFY_ERROR_OVERLAP);
  forward(f32, reinterpret_cast<char*>(x.data()) + 1, nullptr, relu, y.data(), nullptr, RECTIFY_ERROR_UNALIGNED);

  const auto backward = [&](const void* given_x, const void* given_mask, rectify_activation activation, void* dx,
                            void* dparameter, int32_t status) {
    expect(rectify_fused_backward(f32, f32, shape, given_x, bias.data(), nullptr, given_mask, activation, dy.data(), dx,
                                  dbias.data(), dparameter, nullptr),
           rectify_cuda_fused_backward(f32, f32, shape, given_x, bias.data(), nullptr, given_mask, activation, dy.data(),
                                       dx, dbias.data(), dparameter, scratch.data(), 64 * sizeof(float), nullptr),
           status);
  };
  backward(nullptr, nullptr, relu, y.data(), nullptr, RECTIFY_ERROR_NULL_POINTER);
  backward(x.data(), nullptr, relu, y.data(), sums.data(), RECTIFY_ERROR_INVALID_ARGUMENT);
  backward(x.data(), mask.data(), {RECTIFY_ELU, 1, nullptr}, y.data(), nullptr, RECTIFY_ERROR_INVALID_ARGUMENT);
  backward(x.data(), mask.data(), {RECTIFY_PRELU, 0, bias.data()}, y.data(), nullptr, RECTIFY_ERROR_INVALID_ARGUMENT);
  backward(x.data(), mask.data(), {RECTIFY_LEAKY_RELU, 1, nullptr}, y.data(), sums.data(), RECTIFY_ERROR_INVALID_ARGUMENT);
  backward(x.data(), nullptr, {RECTIFY_ELU, 1, nullptr}, dy.data(), sums.data(), RECTIFY_ERROR_OVERLAP);
  backward(x.data(), nullptr, {RECTIFY_ELU, 1, nullptr}, y.data(), dbias.data(), RECTIFY_ERROR_OVERLAP);
  expect(rectify_relu_forward_with_mask(f32, 64, x.data(), y.data(), nullptr, nullptr),
         rectify_cuda_relu_forward_with_mask(f32, 64, x.data(), y.data(), nullptr, nullptr), RECTIFY_ERROR_NULL_POINTER);
  expect(rectify_relu_backward_from_mask(f32, 64, nullptr, dy.data(), y.data(), nullptr),
         rectify_cuda_relu_backward_from_mask(f32, 64, nullptr, dy.data(), y.data(), nullptr), RECTIFY_ERROR_NULL_POINTER);
  expect(rectify_relu_backward_from_mask(f32, 64, y.data() + 3, dy.data(), y.data(), nullptr),
         rectify_cuda_relu_backward_from_mask(f32, 64, y.data() + 3, dy.data(), y.data(), nullptr), RECTIFY_ERROR_OVERLAP);

  executor::device().status = RECTIFY_ERROR_NO_DEVICE;
  EXPECT_EQ(rectify_cuda_fused_forward(0, 0, shape, nullptr, nullptr, nullptr, relu, nullptr, nullptr, nullptr),
            RECTIFY_ERROR_NO_DEVICE);
  EXPECT_EQ(rectify_cuda_relu_forward_with_mask(f32, 64, x.data(), y.data(), mask.data(), nullptr),
            RECTIFY_ERROR_NO_DEVICE);
  executor::device() = {};
}

TEST(CudaFusedErrors, ChecksItsScratch) {
  const rectify_shape shape = {2000, 4, 1};
  const size_t n = 8000;
  // Far enough from each other for scratch to overlap one of them alone.
  std::vector<float> x(n), residual(n), dy(n), dx(n), scratch(n), small(4 * n);
  float *const bias = &small[0], *const dbias = &small[n], *const dslope = &small[2 * n], *const slope = &small[3 * n];
  size_t needed = 0;
  ASSERT_EQ(rectify_cuda_fused_scratch_bytes(RECTIFY_F32, RECTIFY_F32, shape, &needed), RECTIFY_OK);
  ASSERT_GT(needed, 16u);
  const auto expect = [&](void* given, size_t bytes, int32_t status) {
    EXPECT_EQ(
        rectify_cuda_fused_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), bias, residual.data(), nullptr,
                                    {RECTIFY_PRELU, 0, slope}, dy.data(), dx.data(), dbias, dslope, given, bytes, nullptr),
        status);
    EXPECT_EQ(executor::queue().empty(), status != RECTIFY_OK);
    executor::synchronise();
  };
  expect(scratch.data(), needed - 1, RECTIFY_ERROR_SCRATCH_TOO_SMALL);
  expect(nullptr, needed, RECTIFY_ERROR_NULL_POINTER);
  expect(reinterpret_cast<char*>(scratch.data()) + 2, needed, RECTIFY_ERROR_UNALIGNED);
  ASSERT_LT(needed, n * sizeof(float));
  for (std::vector<float>* tensor : {&x, &residual, &dy, &dx}) expect(tensor->data(), needed, RECTIFY_ERROR_OVERLAP);
  for (float* array : {bias, dbias, dslope, slope}) expect(array, needed, RECTIFY_ERROR_OVERLAP);
  expect(scratch.data(), needed, RECTIFY_OK);
  EXPECT_EQ(rectify_cuda_fused_scratch_bytes(RECTIFY_F32, RECTIFY_F32, shape, nullptr), RECTIFY_ERROR_NULL_POINTER);
  EXPECT_EQ(rectify_cuda_fused_scratch_bytes(0, RECTIFY_F32, shape, &needed), RECTIFY_ERROR_UNKNOWN_DTYPE);
}

// Sums of nothing are +0, and masks of nothing may be NULL.
TYPED_TEST(CudaFused, Empty) {
  for (const rectify_shape shape : {rectify_shape{0, 5, 1}, {3, 5, 0}, {3, 0, 4}}) {
    const std::vector<typename TypeParam::Slope> zeros(shape.channels, from_bits<typename TypeParam::Slope>(0));
    for (int32_t kind = RECTIFY_RELU; kind <= RECTIFY_ELU; ++kind) {
      const rectify_activation activation = {kind, 0.7, nullptr};
      const bool is_prelu = kind == RECTIFY_PRELU;
      std::vector<typename TypeParam::Slope> dbias(shape.channels, unwritten<typename TypeParam::Slope>), dslope = dbias;
      typename TypeParam::Scalar scalar = 7;
      void* const dparameter = kind == RECTIFY_RELU ? nullptr : is_prelu ? static_cast<void*>(dslope.data()) : &scalar;
      ASSERT_EQ(
          rectify_cuda_fused_backward(TypeParam::dtype, TypeParam::slope_dtype, shape, nullptr, nullptr, nullptr, nullptr,
                                      activation, nullptr, nullptr, dbias.data(), dparameter, nullptr, 0, nullptr),
          RECTIFY_OK);
      executor::synchronise();
      EXPECT_TRUE(identical_bits(zeros, dbias));
      if (is_prelu) {
        EXPECT_TRUE(identical_bits(zeros, dslope));
      }
      if (dparameter == &scalar) {
        EXPECT_EQ(bits_of(scalar), 0u);
      }
      EXPECT_EQ(rectify_cuda_fused_forward(TypeParam::dtype, TypeParam::slope_dtype, shape, nullptr, nullptr, nullptr,
                                           activation, nullptr, nullptr, nullptr),
                RECTIFY_OK);
      EXPECT_TRUE(executor::queue().empty());
    }
  }
  EXPECT_EQ(rectify_cuda_relu_forward_with_mask(TypeParam::dtype, 0, nullptr, nullptr, nullptr, nullptr), RECTIFY_OK);
}

// ---- Which channel an element belongs to ----

TEST(CudaDivisor, Divides) {
  std::vector<uint64_t> numbers = {0, 1, 2, 3};
  for (unsigned power = 2; power < 63; ++power) {
    for (const uint64_t value : {(uint64_t{1} << power) - 1, uint64_t{1} << power, (uint64_t{1} << power) + 1}) {
      numbers.push_back(value);
    }
  }
  numbers.push_back((uint64_t{1} << 63) - 1);
  for (uint32_t i = 0; i < 300; ++i) numbers.push_back((uint64_t{scrambled(i)} << 32 | scrambled(~i)) >> (1 + i % 60));
  for (const uint64_t value : numbers) {
    if (value == 0) continue;
    const cuda::Divisor divisor = cuda::Divisor::of(value);
    for (const uint64_t number : numbers) {
      const uint64_t multiple = number - number % value;
      for (const uint64_t n : {number, multiple, multiple - 1}) {
        if (n >> 63 != 0) continue;
        ASSERT_EQ(divisor.divide(n), n / value) << n << " / " << value;
        if (n >> 31 != 0) continue;
        ASSERT_EQ(divisor.divide(static_cast<uint32_t>(n)), n / value) << n << " / " << value << " in 32 bits";
      }
    }
  }
}

}  // namespace
}  // namespace rectify::tests
