// "Aliasing" of rectify.h: the output may be exactly an input, or overlaps nothing, as all else that is written.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"

namespace rectify::tests {
namespace {

// One of them may be made in place of the other.
bool in_place(const Tensor& a, const Tensor& b) {
  return (a.role == Role::input && b.role == Role::output) || (a.role == Role::output && b.role == Role::input);
}

TEST_P(ArgumentsOf, Overlaps) {
  for (const Tensor& fixed : function.tensors) {
    for (const Tensor& moving : function.tensors) {
      if (fixed.pointer == moving.pointer) continue;
      // The distances from one that just touches before to one that just touches behind, or as nearly as it is aligned.
      const ptrdiff_t step = static_cast<ptrdiff_t>(alignment(moving));
      const ptrdiff_t own_bytes = static_cast<ptrdiff_t>(bytes(moving, good.shape));
      const ptrdiff_t bytes_of_fixed = static_cast<ptrdiff_t>(bytes(fixed, good.shape));
      const ptrdiff_t before = -own_bytes, behind = (bytes_of_fixed + step - 1) / step * step;
      for (const ptrdiff_t distance : {before, before + step, -step, ptrdiff_t{0}, step, behind - step, behind}) {
        const bool apart = distance <= before || distance >= bytes_of_fixed;
        const bool allowed = apart || (distance == 0 && in_place(fixed, moving)) || (!fixed.written() && !moving.written());
        EXPECT_TRUE(gives(allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP,
                          [&](Arguments& a) { a.*moving.pointer = a.*fixed.pointer + distance; }))
            << moving.name << " " << distance << " bytes from " << fixed.name;
      }
    }
  }
}

// Exactly one input, but another one only nearly.
TEST_P(ArgumentsOf, OverlapBesideAnAllowedOne) {
  for (const Tensor& exactly : function.tensors) {
    for (const Tensor& nearly : function.tensors) {
      if (exactly.pointer == nearly.pointer || exactly.role != Role::input || nearly.role != Role::input) continue;
      const auto expect = [&](int32_t status, ptrdiff_t distance) {
        EXPECT_TRUE(gives(status,
                          [&](Arguments& a) {
                            a.out = a.*exactly.pointer;
                            a.*nearly.pointer = a.out + distance;
                          }))
            << "out at " << exactly.name << ", " << nearly.name << " " << distance << " bytes from it";
      };
      const ptrdiff_t element = static_cast<ptrdiff_t>(sizes.element);
      expect(RECTIFY_ERROR_OVERLAP, element);
      expect(RECTIFY_ERROR_OVERLAP, -element);
      expect(RECTIFY_OK, 0);
    }
  }
}

// Parameters of a tensor's size are not a full-size input: what one element reads others read too.
TEST_P(ArgumentsOfShaped, ParametersAreNotForWritingInPlace) {
  for (const Tensor& tensor : function.tensors) {
    if (tensor.size != Size::parameters || tensor.role != Role::kept) continue;
    EXPECT_TRUE(gives(RECTIFY_ERROR_OVERLAP, [&](Arguments& a) {
      a.shape = {1, 100, 1};
      a.*tensor.pointer = a.out;
    })) << tensor.name;
  }
}

TEST_P(ArgumentsOf, DxMayBeDyWhereNoParameterIsAskedFor) {
  if (!function.has(&Arguments::dy)) return;
  EXPECT_TRUE(gives(RECTIFY_OK, [](Arguments& a) {
    a.out = a.dy;
    a.sums = nullptr;
  }));
}

}  // namespace
}  // namespace rectify::tests
