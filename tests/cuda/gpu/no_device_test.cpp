// The library as nvcc builds it, on a machine without driver or GPU: every call answers, and nothing happens.
#include <gtest/gtest.h>

#include <vector>

#include "rectify/rectify_cuda.h"

namespace rectify::tests {
namespace {

class NoDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (rectify_cuda_available() == RECTIFY_OK) GTEST_SKIP() << "there is a CUDA device";
  }

  static constexpr size_t n = 1000;
  std::vector<double> x = std::vector<double>(n, -1), dy = x, out = std::vector<double>(n, 7), sums = out, scratch = out;
  std::vector<unsigned char> mask = std::vector<unsigned char>(n, 7);
};

TEST_F(NoDevice, IsTheStatusOfEveryCall) {
  constexpr int32_t missing = RECTIFY_ERROR_NO_DEVICE;
  const rectify_shape shape = {10, 10, 10};
  const size_t bytes = n * sizeof(double);
  EXPECT_EQ(rectify_cuda_available(), missing);
  for (const int32_t dtype : {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    EXPECT_EQ(rectify_cuda_relu_forward(dtype, n, x.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_relu_backward(dtype, n, x.data(), dy.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_leaky_relu_forward(dtype, n, 0.1, x.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_leaky_relu_backward(dtype, n, 0.1, x.data(), dy.data(), out.data(), sums.data(), scratch.data(),
                                               bytes, nullptr),
              missing);
    EXPECT_EQ(rectify_cuda_prelu_forward(dtype, dtype, shape, x.data(), dy.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_prelu_backward(dtype, dtype, shape, x.data(), x.data(), dy.data(), out.data(), sums.data(),
                                          scratch.data(), bytes, nullptr),
              missing);
    EXPECT_EQ(rectify_cuda_elu_forward(dtype, n, 0.5, x.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_elu_backward(dtype, n, 0.5, x.data(), dy.data(), out.data(), sums.data(), scratch.data(), bytes,
                                        nullptr),
              missing);
    EXPECT_EQ(rectify_cuda_elu_backward_from_y(dtype, n, 0.5, x.data(), dy.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_relu_forward_with_mask(dtype, n, x.data(), out.data(), mask.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_relu_backward_from_mask(dtype, n, mask.data(), dy.data(), out.data(), nullptr), missing);
    EXPECT_EQ(rectify_cuda_leaky_relu_forward_with_mask(dtype, n, 0.1, x.data(), out.data(), mask.data(), nullptr),
              missing);
    EXPECT_EQ(rectify_cuda_leaky_relu_backward_from_mask(dtype, n, 0.1, mask.data(), dy.data(), out.data(), nullptr),
              missing);
    EXPECT_EQ(
        rectify_cuda_prelu_forward_with_mask(dtype, dtype, shape, x.data(), dy.data(), out.data(), mask.data(), nullptr),
        missing);
    EXPECT_EQ(rectify_cuda_prelu_backward_from_mask(dtype, dtype, shape, x.data(), mask.data(), x.data(), dy.data(),
                                                    out.data(), sums.data(), scratch.data(), bytes, nullptr),
              missing);
    const rectify_activation relu = {RECTIFY_RELU, 0, nullptr};
    EXPECT_EQ(rectify_cuda_fused_forward(dtype, dtype, shape, x.data(), x.data(), dy.data(), relu, out.data(), mask.data(),
                                         nullptr),
              missing);
    EXPECT_EQ(rectify_cuda_fused_backward(dtype, dtype, shape, x.data(), x.data(), nullptr, nullptr, relu, dy.data(),
                                          out.data(), sums.data(), nullptr, scratch.data(), bytes, nullptr),
              missing);
  }
  EXPECT_EQ(out, std::vector<double>(n, 7));
  EXPECT_EQ(sums, std::vector<double>(n, 7));
  EXPECT_EQ(mask, std::vector<unsigned char>(n, 7));
}

TEST_F(NoDevice, ScratchIsKnownAllTheSame) {
  size_t bytes = 0;
  EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(RECTIFY_F32, RECTIFY_F32, {1, 1, size_t{1} << 24}, &bytes), RECTIFY_OK);
  EXPECT_GT(bytes, 0u);
}

}  // namespace
}  // namespace rectify::tests
