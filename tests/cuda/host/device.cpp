// The executor as the device of a test: it reads the test's own memory. From call to call the order of threads and blocks
// changes, and how many blocks the device says it holds: no result may depend on either.
#include "tests/cuda/device.hpp"

#include <gtest/gtest.h>

#include "executor.hpp"

namespace rectify::tests {

int32_t run_on_device(const DeviceArrays& arrays, const DeviceBytes&,
                      const std::function<int32_t(const DeviceArrays&, void*)>& call) {
  constexpr executor::Order orders[] = {executor::Order::ascending, executor::Order::descending, executor::Order::shuffled};
  constexpr unsigned resident_blocks[] = {1, 3, 8 * 132, 40};
  static unsigned calls = 0;
  static int stream;
  executor::set_order(orders[calls % 3]);
  executor::device().resident_blocks = resident_blocks[calls++ % 4];

  EXPECT_TRUE(executor::queue().empty());
  const int32_t status = call(arrays, &stream);
  EXPECT_TRUE(status == 0 || executor::queue().empty()) << "a refused call has enqueued a kernel";
  for (const executor::Launch& launch : executor::queue()) EXPECT_EQ(launch.stream, &stream);
  executor::synchronise();
  return status;
}

}  // namespace rectify::tests
