// What a test needs of the device that computes: host/device.cpp is the executor, gpu/device.cpp a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace rectify::tests {

// The arrays of a call, in the test's own memory; NULL where the call has none.
struct DeviceArrays {
  const void* x = nullptr;
  const void* dy = nullptr;
  const void* slope = nullptr;
  void* out = nullptr;
  void* sums = nullptr;
  void* scratch = nullptr;
  const void* residual = nullptr;
  const void* bias = nullptr;
  const void* mask = nullptr;
  void* mask_out = nullptr;
  void* dbias = nullptr;
};

struct DeviceBytes {
  size_t tensor = 0;  // x, residual, dy and out
  size_t slope = 0;
  size_t sums = 0;
  size_t scratch = 0;
  size_t bias = 0;
  size_t dbias = 0;
  size_t mask = 0;
};

// Runs `call` over these arrays, or over copies with the same alignment and aliasing that the device can read, and waits.
// Returns the call's status; when that is an error, makes sure that nothing was enqueued.
int32_t run_on_device(const DeviceArrays& arrays, const DeviceBytes& bytes,
                      const std::function<int32_t(const DeviceArrays& arrays, void* stream)>& call);

}  // namespace rectify::tests
