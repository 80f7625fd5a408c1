// A request for memory that is refused is a status, and nothing was written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"

namespace {
bool refuse_memory = false;
size_t refusals = 0;
}  // namespace

// Memory that the library asks for and does not get. Nothing else here uses the form that returns NULL.
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  if (refuse_memory) return ++refusals, nullptr;
  try {
    return ::operator new[](bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace rectify::tests {
namespace {

class OutOfMemoryOf : public ArgumentsOf {};
bool sums_each_channel(const Function& function) {
  return std::ranges::any_of(
      function.tensors, [](const Tensor& tensor) { return tensor.role == Role::alone && tensor.size == Size::parameters; });
}
INSTANTIATE_TEST_SUITE_P(, OutOfMemoryOf, testing::ValuesIn(functions_where(sums_each_channel)), name_of);

// So many channels that their sums need more than the stack has, however many threads there are.
TEST_P(OutOfMemoryOf, IsAStatusAndNothingIsWritten) {
  const Memory memory(Memory::open, size_t{1} << 18);
  Arguments a = in(memory);
  a.shape = {2, 4000, 2};
  const std::vector<std::byte> before(memory.bytes().begin(), memory.bytes().end());
  refusals = 0;
  refuse_memory = true;
  const int32_t status = function.call(a);
  refuse_memory = false;
  EXPECT_EQ(refusals, 1u) << "the scratch space is one allocation";
  EXPECT_EQ(status, RECTIFY_ERROR_OUT_OF_MEMORY);
  EXPECT_TRUE(std::ranges::equal(before, memory.bytes()));
  EXPECT_EQ(function.call(a), RECTIFY_OK);
}

}  // namespace
}  // namespace rectify::tests
