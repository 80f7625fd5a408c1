// A GPU as the device of a test. Each call's arrays are laid out in one image on the host, as far from a border of 256
// bytes as the test has them and with a margin around each; the image goes to the device, the call runs there, and of what
// comes back nothing but the outputs may have changed. Every second call is captured in a CUDA graph and launched from it.
// A CUDA error fails the case that met it.
#include "tests/cuda/device.hpp"

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "lost_device.hpp"
#include "rectify/rectify.h"

namespace rectify::tests {
namespace {

struct CudaError : std::runtime_error {
  using runtime_error::runtime_error;
};

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw CudaError(std::string(what) + ": " + cudaGetErrorString(error));
}
#define CHECKED(call) check(call, #call)

cudaStream_t stream_in_use = nullptr;

cudaStream_t the_stream() {
  if (stream_in_use == nullptr) CHECKED(cudaStreamCreateWithFlags(&stream_in_use, cudaStreamNonBlocking));
  return stream_in_use;
}

// After an error: whatever was being captured is dropped, and the next call has a stream of its own.
void leave_stream() {
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(stream_in_use, &capturing);
  cudaGraph_t graph = nullptr;
  if (capturing != cudaStreamCaptureStatusNone) cudaStreamEndCapture(stream_in_use, &graph);
  if (graph != nullptr) cudaGraphDestroy(graph);
  stream_in_use = nullptr;
}

// Device memory that grows.
unsigned char* device_memory(size_t bytes) {
  static void* memory = nullptr;
  static size_t size = 0;
  if (size < bytes) {
    CHECKED(cudaFree(memory));
    memory = nullptr;
    size = 0;
    CHECKED(cudaMalloc(&memory, bytes));
    size = bytes;
  }
  return static_cast<unsigned char*>(memory);
}

class Image {
 public:
  explicit Image(size_t bytes) { bytes_.reserve(bytes + 12 * (margin + border)); }

  // An array's place; the same one again for the same array.
  size_t place(const void* array, size_t bytes, bool written) {
    for (Array& other : arrays_) {
      if (other.host != array || other.bytes != bytes) continue;
      other.written = other.written || written;
      return other.at;
    }
    const size_t at = (bytes_.size() + margin + border - 1) / border * border + reinterpret_cast<uintptr_t>(array) % border;
    bytes_.resize(at, canary);
    const unsigned char* const first = static_cast<const unsigned char*>(array);
    bytes_.insert(bytes_.end(), first, first + bytes);
    arrays_.push_back({array, bytes, at, written});
    return at;
  }

  void finish() { bytes_.resize(bytes_.size() + margin, canary); }
  const std::vector<unsigned char>& bytes() const { return bytes_; }

  // Hands the outputs back. All else has to be as it was.
  void bring_back(std::vector<unsigned char> after) const {
    for (const Array& array : arrays_) {
      if (!array.written) continue;
      unsigned char* const from = after.data() + array.at;
      std::memcpy(const_cast<void*>(array.host), from, array.bytes);
      std::memcpy(from, bytes_.data() + array.at, array.bytes);
    }
    const auto different = std::mismatch(after.begin(), after.end(), bytes_.begin()).first;
    EXPECT_TRUE(different == after.end()) << "a byte outside the outputs was changed, at " << different - after.begin();
  }

 private:
  struct Array {
    const void* host;
    size_t bytes, at;
    bool written;
  };
  static constexpr size_t border = 256, margin = 4096;
  static constexpr unsigned char canary = 0xA5;
  std::vector<unsigned char> bytes_;
  std::vector<Array> arrays_;
};

cudaGraph_t captured(const std::function<int32_t(const DeviceArrays&, void*)>& call, const DeviceArrays& arrays,
                     int32_t* status) {
  cudaGraph_t graph;
  CHECKED(cudaStreamBeginCapture(the_stream(), cudaStreamCaptureModeThreadLocal));
  *status = call(arrays, the_stream());
  CHECKED(cudaStreamEndCapture(the_stream(), &graph));
  return graph;
}

void launch(cudaGraph_t graph) {
  cudaGraphExec_t executable;
  CHECKED(cudaGraphInstantiate(&executable, graph, 0));
  CHECKED(cudaGraphLaunch(executable, the_stream()));
  CHECKED(cudaStreamSynchronize(the_stream()));
  CHECKED(cudaGraphExecDestroy(executable));
}

int32_t run(const DeviceArrays& arrays, const DeviceBytes& bytes,
            const std::function<int32_t(const DeviceArrays&, void*)>& call) {
  // First only captured, over the test's own addresses: is it refused? Then no array may be touched, not even to copy it.
  int32_t status;
  cudaGraph_t graph = captured(call, arrays, &status);
  size_t nodes = 0;
  CHECKED(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECKED(cudaGraphDestroy(graph));
  EXPECT_TRUE(status == 0 || nodes == 0) << "a refused call has enqueued a kernel";
  // No test asks for these two, and one that takes any refusal would pass for them.
  EXPECT_TRUE(status != RECTIFY_ERROR_CUDA && status != RECTIFY_ERROR_NO_DEVICE) << rectify_status_text(status);
  if (status != 0) return status;

  Image image(4 * bytes.tensor + bytes.slope + bytes.sums + bytes.scratch + bytes.bias + bytes.dbias + 2 * bytes.mask);
  DeviceArrays placed;
  const auto place = [&](auto& to, auto* array, size_t size, bool written) {
    // Offsets for now; NULL stays.
    to = array == nullptr ? nullptr : reinterpret_cast<void*>(image.place(array, size, written) + 1);
  };
  place(placed.x, arrays.x, bytes.tensor, false);
  place(placed.dy, arrays.dy, bytes.tensor, false);
  place(placed.slope, arrays.slope, bytes.slope, false);
  place(placed.out, arrays.out, bytes.tensor, true);
  place(placed.sums, arrays.sums, bytes.sums, true);
  place(placed.scratch, arrays.scratch, bytes.scratch, true);
  place(placed.residual, arrays.residual, bytes.tensor, false);
  place(placed.bias, arrays.bias, bytes.bias, false);
  place(placed.mask, arrays.mask, bytes.mask, false);
  place(placed.mask_out, arrays.mask_out, bytes.mask, true);
  place(placed.dbias, arrays.dbias, bytes.dbias, true);
  image.finish();

  unsigned char* const memory = device_memory(image.bytes().size());
  const auto move = [&](auto& pointer) {
    if (pointer != nullptr) pointer = memory + reinterpret_cast<uintptr_t>(pointer) - 1;
  };
  move(placed.x);
  move(placed.dy);
  move(placed.slope);
  move(placed.out);
  move(placed.sums);
  move(placed.scratch);
  move(placed.residual);
  move(placed.bias);
  move(placed.mask);
  move(placed.mask_out);
  move(placed.dbias);

  // On the call's own stream, which waits for no other: a plain copy may return before it is done.
  CHECKED(cudaMemcpyAsync(memory, image.bytes().data(), image.bytes().size(), cudaMemcpyHostToDevice, the_stream()));
  static unsigned calls = 0;
  if (calls++ % 2 == 0) {
    status = call(placed, the_stream());
    CHECKED(cudaStreamSynchronize(the_stream()));
  } else {
    graph = captured(call, placed, &status);
    launch(graph);
    CHECKED(cudaGraphDestroy(graph));
  }
  EXPECT_EQ(status, 0) << "refused with device addresses only";
  std::vector<unsigned char> after(image.bytes().size());
  CHECKED(cudaMemcpy(after.data(), memory, after.size(), cudaMemcpyDeviceToHost));
  image.bring_back(std::move(after));
  return status;
}

}  // namespace

// The calls of the tests come through functions that are noexcept.
int32_t run_on_device(const DeviceArrays& arrays, const DeviceBytes& bytes,
                      const std::function<int32_t(const DeviceArrays&, void*)>& call) {
  try {
    return run(arrays, bytes, call);
  } catch (const CudaError& error) {
    ADD_FAILURE() << error.what();
    leave_stream();
    end_if_device_is_lost();
    return RECTIFY_ERROR_CUDA;
  }
}

}  // namespace rectify::tests
