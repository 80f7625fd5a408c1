// What only fused calls have: an activation, and what goes together with it.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"

namespace rectify::tests {
namespace {

class ArgumentsOfFused : public ArgumentsOf {};
INSTANTIATE_TEST_SUITE_P(, ArgumentsOfFused, testing::ValuesIn(functions_where(&Function::fused)), name_of);

TEST_P(ArgumentsOfFused, UnknownKinds) {
  using Limits = std::numeric_limits<int32_t>;
  for (const int32_t kind : {0, 5, -1, Limits::min(), Limits::max()}) {
    EXPECT_TRUE(gives(RECTIFY_ERROR_INVALID_ARGUMENT, [&](Arguments& a) { a.kind = kind; })) << kind;
  }
}

// Where an activation has none they are not looked at.
TEST_P(ArgumentsOfFused, SlopesOfOthers) {
  if (function.has(&Arguments::slope)) return;
  EXPECT_TRUE(gives(RECTIFY_OK, [](Arguments& a) { a.slope = a.out + 1; }));
}

class ArgumentsOfFusedBackward : public ArgumentsOf {};
bool is_fused_backward(const Function& function) { return function.fused() && function.has(&Arguments::dy); }
INSTANTIATE_TEST_SUITE_P(, ArgumentsOfFusedBackward, testing::ValuesIn(functions_where(is_fused_backward)), name_of);

// A mask is enough for dx of ReLU and Leaky ReLU, for the gradient of a parameter it is not; ReLU has none.
TEST_P(ArgumentsOfFusedBackward, MaskAndGradientOfTheParameter) {
  const int32_t kind = function.kind;
  const auto expect = [&](bool mask, bool gradient, bool allowed) {
    const int32_t status = allowed ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT;
    EXPECT_TRUE(gives(status,
                      [&](Arguments& a) {
                        a.mask = mask ? memory_of(status).tensor(8) : nullptr;
                        a.sums = gradient ? memory_of(status).tensor(9) : nullptr;
                      }))
        << (mask ? "with a mask" : "from x") << (gradient ? ", with a gradient" : "");
  };
  if (!function.has(&Arguments::mask)) {  // else x is not there
    expect(false, false, true);
    expect(false, true, kind != RECTIFY_RELU);
  }
  expect(true, false, kind == RECTIFY_RELU || kind == RECTIFY_LEAKY_RELU);
  expect(true, true, false);
}

// Not one of ArgumentsOf*, which run on a GPU too: there whatever a call is given is copied.
class UnreadArgumentsOf : public ArgumentsOf {};
bool reads_a_mask_for_x(const Function& function) { return is_fused_backward(function) && function.has(&Arguments::mask); }
INSTANTIATE_TEST_SUITE_P(, UnreadArgumentsOf, testing::ValuesIn(functions_where(reads_a_mask_for_x)), name_of);

TEST_P(UnreadArgumentsOf, AreWhatTheMaskStandsFor) {
  EXPECT_TRUE(gives(RECTIFY_OK, [&](Arguments& a) {
    a.x = closed_memory.tensor(7);
    a.bias = closed_memory.tensor(8);
    a.residual = closed_memory.tensor(9);
  }));
}

}  // namespace
}  // namespace rectify::tests
