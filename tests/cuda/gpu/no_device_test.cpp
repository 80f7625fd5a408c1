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
  std::vector<float> x = std::vector<float>(n, -1), dy = x, out = std::vector<float>(n, 7), sums = out, scratch = out;
};

TEST_F(NoDevice, IsTheStatusOfEveryCall) {
  constexpr int32_t f32 = RECTIFY_F32, missing = RECTIFY_ERROR_NO_DEVICE;
  const rectify_shape shape = {10, 10, 10};
  const size_t bytes = n * sizeof(float);
  EXPECT_EQ(rectify_cuda_available(), missing);
  EXPECT_EQ(rectify_cuda_relu_forward(f32, n, x.data(), out.data(), nullptr), missing);
  EXPECT_EQ(rectify_cuda_relu_backward(f32, n, x.data(), dy.data(), out.data(), nullptr), missing);
  EXPECT_EQ(rectify_cuda_leaky_relu_forward(f32, n, 0.1, x.data(), out.data(), nullptr), missing);
  EXPECT_EQ(rectify_cuda_leaky_relu_backward(f32, n, 0.1, x.data(), dy.data(), out.data(), sums.data(), scratch.data(),
                                             bytes, nullptr),
            missing);
  EXPECT_EQ(rectify_cuda_prelu_forward(f32, f32, shape, x.data(), dy.data(), out.data(), nullptr), missing);
  EXPECT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), x.data(), dy.data(), out.data(), sums.data(),
                                        scratch.data(), bytes, nullptr),
            missing);
  EXPECT_EQ(rectify_cuda_elu_forward(f32, n, 0.5, x.data(), out.data(), nullptr), missing);
  EXPECT_EQ(
      rectify_cuda_elu_backward(f32, n, 0.5, x.data(), dy.data(), out.data(), sums.data(), scratch.data(), bytes, nullptr),
      missing);
  EXPECT_EQ(rectify_cuda_elu_backward_from_y(f32, n, 0.5, x.data(), dy.data(), out.data(), nullptr), missing);
  EXPECT_EQ(out, std::vector<float>(n, 7));
  EXPECT_EQ(sums, std::vector<float>(n, 7));
}

TEST_F(NoDevice, ScratchIsKnownAllTheSame) {
  size_t bytes = 0;
  EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(RECTIFY_F32, RECTIFY_F32, {1, 1, size_t{1} << 24}, &bytes), RECTIFY_OK);
  EXPECT_GT(bytes, 0u);
}

}  // namespace
}  // namespace rectify::tests
