// What a caller compiled against rectify.h counts on: numbers, layouts, a text for each status, versions.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>

#include "rectify/rectify.h"

namespace rectify::tests {
namespace {

TEST(Statuses, HaveATextEach) {
  std::set<std::string> texts;
  for (int32_t status = RECTIFY_OK; status <= RECTIFY_ERROR_SCRATCH_TOO_SMALL; ++status) {
    ASSERT_NE(rectify_status_text(status), nullptr) << status;
    EXPECT_FALSE(std::string(rectify_status_text(status)).empty()) << status;
    EXPECT_TRUE(texts.insert(rectify_status_text(status)).second) << status << " shares another's text";
  }
  for (const int32_t unknown : {-1, RECTIFY_ERROR_SCRATCH_TOO_SMALL + 1, 1000, std::numeric_limits<int32_t>::min(),
                                std::numeric_limits<int32_t>::max()}) {
    ASSERT_NE(rectify_status_text(unknown), nullptr) << unknown;
    EXPECT_FALSE(texts.contains(rectify_status_text(unknown))) << unknown << " shares a known one's text";
  }
}

// The numbers are part of the ABI.
TEST(Statuses, HaveFixedNumbers) {
  const int32_t numbers[] = {RECTIFY_OK,
                             RECTIFY_ERROR_NULL_POINTER,
                             RECTIFY_ERROR_UNKNOWN_DTYPE,
                             RECTIFY_ERROR_UNSUPPORTED_DTYPE,
                             RECTIFY_ERROR_SIZE_OVERFLOW,
                             RECTIFY_ERROR_OVERLAP,
                             RECTIFY_ERROR_UNALIGNED,
                             RECTIFY_ERROR_INVALID_ARGUMENT,
                             RECTIFY_ERROR_INVALID_OPTIONS,
                             RECTIFY_ERROR_UNKNOWN_BACKEND,
                             RECTIFY_ERROR_UNAVAILABLE_BACKEND,
                             RECTIFY_ERROR_OUT_OF_MEMORY,
                             RECTIFY_ERROR_NO_DEVICE,
                             RECTIFY_ERROR_CUDA,
                             RECTIFY_ERROR_SCRATCH_TOO_SMALL};
  for (int32_t i = 0; i < 15; ++i) EXPECT_EQ(numbers[i], i);
  EXPECT_EQ(RECTIFY_F32, 1);
  EXPECT_EQ(RECTIFY_F16, 2);
  EXPECT_EQ(RECTIFY_BF16, 3);
  EXPECT_EQ(RECTIFY_F64, 4);
  EXPECT_EQ(RECTIFY_SUMS_ORDERED, 0);
}

// On every 64-bit machine.
TEST(Options, KeepTheirLayout) {
  static_assert(sizeof(void*) == 8 && sizeof(rectify_options) == 48 && sizeof(rectify_shape) == 24);
  EXPECT_EQ(offsetof(rectify_options, struct_size), 0u);
  EXPECT_EQ(offsetof(rectify_options, threads), 8u);
  EXPECT_EQ(offsetof(rectify_options, parallel_for), 16u);
  EXPECT_EQ(offsetof(rectify_options, pool), 24u);
  EXPECT_EQ(offsetof(rectify_options, backend), 32u);
  EXPECT_EQ(offsetof(rectify_options, sums), 40u);
  EXPECT_EQ(offsetof(rectify_options, reserved), 44u);
  EXPECT_EQ(offsetof(rectify_shape, outer), 0u);
  EXPECT_EQ(offsetof(rectify_shape, channels), 8u);
  EXPECT_EQ(offsetof(rectify_shape, inner), 16u);
}

TEST(Activations, HaveFixedNumbersAndLayout) {
  EXPECT_EQ(RECTIFY_RELU, 1);
  EXPECT_EQ(RECTIFY_LEAKY_RELU, 2);
  EXPECT_EQ(RECTIFY_PRELU, 3);
  EXPECT_EQ(RECTIFY_ELU, 4);
  static_assert(sizeof(rectify_activation) == 24);
  EXPECT_EQ(offsetof(rectify_activation, kind), 0u);
  EXPECT_EQ(offsetof(rectify_activation, parameter), 8u);
  EXPECT_EQ(offsetof(rectify_activation, slope), 16u);
}

TEST(Versions, AgreeWithTheHeader) {
  EXPECT_EQ(rectify_version(), RECTIFY_VERSION);
  EXPECT_EQ(RECTIFY_VERSION, RECTIFY_VERSION_MAJOR * 10000 + RECTIFY_VERSION_MINOR * 100 + RECTIFY_VERSION_PATCH);
  EXPECT_GE(rectify_numerics_version(), 1);
}

}  // namespace
}  // namespace rectify::tests
