// "Empty" of rectify.h: n == 0 succeeds, whatever is NULL, touches no tensor, and sums to +0, if the rest is valid.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"
#include "tests/support/ordered_sums.hpp"

namespace rectify::tests {
namespace {

std::vector<rectify_shape> empty_shapes(const Function& function) {
  constexpr size_t most = std::numeric_limits<size_t>::max();
  if (!function.shaped()) return {{1, 1, 0}};
  return {{1, 1, 0}, {0, 5, 10}, {2, 5, 0}, {0, 5, 1}, {2, 0, 10}, {most, 0, most}, {most, 5, 0}};
}

// All is there, and closed, but for what the shape may leave to be written.
TEST_P(ArgumentsOf, NoElementsTouchNoTensor) {
  for (const rectify_shape& shape : empty_shapes(function)) {
    Arguments a = good;
    a.shape = shape;
    for (const Tensor& tensor : function.tensors) {
      if (tensor.role == Role::alone) a.*tensor.pointer = nullptr;
    }
    EXPECT_EQ(function.call(a), RECTIFY_OK) << shown(shape);
    // An empty output may lie where something begins, or in it: it is none.
    for (const Tensor& tensor : function.tensors) {
      if (tensor.role == Role::alone) continue;
      a.out = good.*tensor.pointer + 8;
      EXPECT_EQ(function.call(a), RECTIFY_OK) << shown(shape) << ", in " << tensor.name;
    }
  }
}

TEST_P(ArgumentsOf, NoElementsNeedNoTensor) {
  for (const rectify_shape& shape : empty_shapes(function)) {
    Arguments a = good;
    a.shape = shape;
    for (const Tensor& tensor : function.tensors) a.*tensor.pointer = nullptr;
    const int32_t status = function.call(a);
    // Where "both NULL" and "n == 0" meet, either answer keeps its promise.
    const bool no_output = function.has(Presence::either) && status == RECTIFY_ERROR_INVALID_ARGUMENT;
    EXPECT_TRUE(status == RECTIFY_OK || no_output) << shown(shape) << ": " << rectify_status_text(status);
  }
}

TEST_P(ArgumentsOf, NoElementsSumToZero) {
  for (const rectify_shape& shape : empty_shapes(function)) {
    for (const Tensor& tensor : function.tensors) {
      if (tensor.role != Role::alone) continue;
      Arguments a = good;
      a.shape = shape;
      for (const Tensor& other : function.tensors) a.*other.pointer = nullptr;
      alignas(8) std::byte sums[6 * 8];
      std::fill(std::begin(sums), std::end(sums), std::byte{7});
      a.*tensor.pointer = sums;
      EXPECT_EQ(function.call(a), RECTIFY_OK) << shown(shape) << ", " << tensor.name;
      const size_t written = bytes(tensor, shape);  // of a mask none
      for (size_t i = 0; i < sizeof sums; ++i) {
        EXPECT_EQ(sums[i], i < written ? std::byte{0} : std::byte{7}) << shown(shape) << ", " << tensor.name << " " << i;
      }
    }
  }
}

TEST_P(ArgumentsOf, NoElementsAndABadArgument) {
  static const rectify_options no_size = {};
  for (const rectify_shape& shape : empty_shapes(function)) {
    const auto expect = [&](int32_t status, const Change& change) {
      EXPECT_TRUE(gives(status, [&](Arguments& a) {
        a.shape = shape;
        change(a);
      })) << shown(shape);
    };
    expect(RECTIFY_ERROR_UNKNOWN_DTYPE, [](Arguments& a) { a.dtype = 99; });
    expect(RECTIFY_ERROR_INVALID_OPTIONS, [](Arguments& a) { a.options = &no_size; });
    if (function.parameter == Parameter::any) continue;
    expect(RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.parameter = std::numeric_limits<double>::infinity(); });
  }
}

}  // namespace
}  // namespace rectify::tests
