// What only the CUDA library has: streams, scratch, a device that may be missing, work that waits in a queue. On the
// executor.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "rectify/rectify_cuda.h"
#include "tests/cuda/host/executor.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;
using executor::synchronise;

constexpr size_t most = std::numeric_limits<size_t>::max();

// A call over its own arrays of n elements, 4 channels: {n / 4, 4, 1} where it has a shape.
struct Library {
  static constexpr size_t n = 20000;
  Values x = ordinary_values(n, 1), dy = ordinary_values(n, 2), slope = ordinary_values(4, 3);
  Values out = Values(n, untouched), sums = Values(4, untouched);
  std::vector<unsigned char> scratch = std::vector<unsigned char>(n * sizeof(float));
  int stream = 0;
  rectify_shape shape = {n / 4, 4, 1};

  static constexpr float untouched = -12345.0f;
  bool wrote() const { return out != Values(n, untouched) || sums != Values(4, untouched); }
};

struct Function {
  const char* name;
  bool summed;
  int32_t (*call)(Library&, void* scratch, size_t scratch_bytes);
};
std::ostream& operator<<(std::ostream& stream, const Function& function) { return stream << function.name; }

constexpr int32_t f32 = RECTIFY_F32;
const Function functions[] = {
    {"relu_forward", false,
     [](Library& l, void*, size_t) { return rectify_cuda_relu_forward(f32, l.n, l.x.data(), l.out.data(), &l.stream); }},
    {"relu_backward", false,
     [](Library& l, void*, size_t) {
       return rectify_cuda_relu_backward(f32, l.n, l.x.data(), l.dy.data(), l.out.data(), &l.stream);
     }},
    {"leaky_relu_forward", false,
     [](Library& l, void*, size_t) {
       return rectify_cuda_leaky_relu_forward(f32, l.n, 0.1, l.x.data(), l.out.data(), &l.stream);
     }},
    {"leaky_relu_backward", true,
     [](Library& l, void* scratch, size_t bytes) {
       return rectify_cuda_leaky_relu_backward(f32, l.n, 0.1, l.x.data(), l.dy.data(), l.out.data(), l.sums.data(), scratch,
                                               bytes, &l.stream);
     }},
    {"prelu_forward", false,
     [](Library& l, void*, size_t) {
       return rectify_cuda_prelu_forward(f32, f32, l.shape, l.x.data(), l.slope.data(), l.out.data(), &l.stream);
     }},
    {"prelu_backward", true,
     [](Library& l, void* scratch, size_t bytes) {
       return rectify_cuda_prelu_backward(f32, f32, l.shape, l.x.data(), l.slope.data(), l.dy.data(), l.out.data(),
                                          l.sums.data(), scratch, bytes, &l.stream);
     }},
    {"elu_forward", false,
     [](Library& l, void*, size_t) {
       return rectify_cuda_elu_forward(f32, l.n, 0.7, l.x.data(), l.out.data(), &l.stream);
     }},
    {"elu_backward", true,
     [](Library& l, void* scratch, size_t bytes) {
       return rectify_cuda_elu_backward(f32, l.n, 0.7, l.x.data(), l.dy.data(), l.out.data(), l.sums.data(), scratch, bytes,
                                        &l.stream);
     }},
    {"elu_backward_from_y", false,
     [](Library& l, void*, size_t) {
       return rectify_cuda_elu_backward_from_y(f32, l.n, 0.7, l.x.data(), l.dy.data(), l.out.data(), &l.stream);
     }},
};

size_t scratch_bytes(const Function& function) {
  size_t bytes = most;
  const std::string name = function.name;
  const int32_t status = name == "prelu_backward" ? rectify_cuda_prelu_scratch_bytes(f32, f32, Library().shape, &bytes)
                         : name == "elu_backward" ? rectify_cuda_elu_scratch_bytes(f32, Library::n, &bytes)
                         : name == "leaky_relu_backward" ? rectify_cuda_leaky_relu_scratch_bytes(f32, Library::n, &bytes)
                                                         : (bytes = 0, RECTIFY_OK);
  EXPECT_EQ(status, RECTIFY_OK);
  return bytes;
}

class CudaLibrary : public testing::TestWithParam<Function> {
 protected:
  void TearDown() override {
    executor::device() = {};
    EXPECT_TRUE(executor::queue().empty());
  }

  const Function function = GetParam();
  const size_t needed = scratch_bytes(function);
  Library library;
};
INSTANTIATE_TEST_SUITE_P(, CudaLibrary, testing::ValuesIn(functions),
                         [](const testing::TestParamInfo<Function>& instance) { return instance.param.name; });

TEST_P(CudaLibrary, EnqueuesOnTheCallersStreamAndReturns) {
  ASSERT_EQ(function.call(library, library.scratch.data(), needed), RECTIFY_OK);
  ASSERT_FALSE(library.wrote()) << "the call did not wait for its turn on the stream";
  ASSERT_FALSE(executor::queue().empty());
  EXPECT_LE(executor::queue().size(), function.summed ? 2u : 1u);
  for (const executor::Launch& launch : executor::queue()) EXPECT_EQ(launch.stream, &library.stream);
  synchronise();
  EXPECT_TRUE(library.wrote());
}

// A device with one multiprocessor and one with thousands give the same bits, in whatever order their blocks run.
TEST_P(CudaLibrary, BitsDoNotDependOnTheDevice) {
  Values out, sums;
  for (const executor::Order order : {executor::Order::ascending, executor::Order::descending, executor::Order::shuffled}) {
    for (const unsigned blocks : {1u, 2u, 7u, 100u, 100000u}) {
      executor::set_order(order);
      executor::device().resident_blocks = blocks;
      library.out.assign(library.n, Library::untouched);
      library.sums.assign(4, Library::untouched);
      std::memset(library.scratch.data(), 0xff, library.scratch.size());
      ASSERT_EQ(function.call(library, library.scratch.data(), needed), RECTIFY_OK);
      synchronise();
      if (out.empty()) out = library.out, sums = library.sums;
      ASSERT_TRUE(same_bits(out, library.out)) << blocks;
      ASSERT_TRUE(same_bits(sums, library.sums)) << blocks;
    }
  }
  executor::set_order(executor::Order::ascending);
}

// What the device says comes back, and no kernel is on its way.
TEST_P(CudaLibrary, ADeviceThatFailsIsAStatus) {
  for (const int32_t status : {RECTIFY_ERROR_NO_DEVICE, RECTIFY_ERROR_CUDA}) {
    executor::device().status = status;
    EXPECT_EQ(function.call(library, library.scratch.data(), needed), status);
    EXPECT_TRUE(executor::queue().empty());
    EXPECT_EQ(rectify_cuda_available(), status);
  }
  executor::device() = {};
  EXPECT_EQ(rectify_cuda_available(), RECTIFY_OK);
}

TEST_P(CudaLibrary, ChecksItsScratch) {
  if (!function.summed) return;
  unsigned char* const scratch = library.scratch.data();
  ASSERT_GT(needed, 0u) << "otherwise this case checks nothing";
  ASSERT_EQ(needed % sizeof(float), 0u);
  const auto expect = [&](void* given, size_t bytes, int32_t status) {
    EXPECT_EQ(function.call(library, given, bytes), status) << bytes << " of " << needed;
    EXPECT_EQ(executor::queue().empty(), status != RECTIFY_OK);
    synchronise();
  };
  for (const size_t bytes : {size_t{0}, size_t{1}, needed - 1, needed - 4}) {
    expect(scratch, bytes, RECTIFY_ERROR_SCRATCH_TOO_SMALL);
  }
  expect(nullptr, needed, RECTIFY_ERROR_NULL_POINTER);
  for (const size_t bytes : {size_t{1}, size_t{2}, size_t{3}}) expect(scratch + bytes, needed, RECTIFY_ERROR_UNALIGNED);
  expect(library.x.data(), needed, RECTIFY_ERROR_OVERLAP);
  expect(library.dy.data(), needed, RECTIFY_ERROR_OVERLAP);
  expect(library.out.data() + library.n - 1, needed, RECTIFY_ERROR_OVERLAP);
  expect(library.sums.data(), needed, RECTIFY_ERROR_OVERLAP);
  EXPECT_FALSE(library.wrote());
  expect(scratch, needed, RECTIFY_OK);
  expect(scratch + 4, needed + 1, RECTIFY_OK);
}

using CudaScratch = testing::Test;

TEST(CudaScratch, QueriesRefuseWhatTheCallsRefuse) {
  size_t bytes = 7;
  for (const int32_t dtype : {RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, 10, &bytes), RECTIFY_ERROR_UNSUPPORTED_DTYPE);
    EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(dtype, 10, &bytes), RECTIFY_ERROR_UNSUPPORTED_DTYPE);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, f32, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNSUPPORTED_DTYPE);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, dtype, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNSUPPORTED_DTYPE);
  }
  EXPECT_EQ(rectify_cuda_elu_scratch_bytes(0, 10, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
  EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(0, 10, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
  EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, 9, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
  EXPECT_EQ(rectify_cuda_elu_scratch_bytes(f32, most / 2, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
  EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(f32, most / 2, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
  EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, {most, 2, 1}, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
  EXPECT_EQ(rectify_cuda_elu_scratch_bytes(f32, 10, nullptr), RECTIFY_ERROR_NULL_POINTER);
  EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(f32, 10, nullptr), RECTIFY_ERROR_NULL_POINTER);
  EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, {1, 2, 3}, nullptr), RECTIFY_ERROR_NULL_POINTER);
  EXPECT_EQ(bytes, 7u) << "a query that refuses writes nothing";
  for (const rectify_shape shape : {rectify_shape{0, 5, 1}, {5, 0, 1}, {5, 1, 0}}) {
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, shape, &bytes), RECTIFY_OK);
    EXPECT_EQ(bytes, 0u);
  }
}

// However large the tensor: no more than a fraction of it, and the same bytes for the same shape without a device.
TEST(CudaScratch, IsSmall) {
  executor::device().status = RECTIFY_ERROR_NO_DEVICE;
  for (const size_t n : {size_t{100003}, size_t{1} << 26, size_t{1} << 33, size_t{1} << 40}) {
    size_t bytes = most;
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(f32, n, &bytes), RECTIFY_OK);
    EXPECT_LE(bytes, n * sizeof(float) / 1000);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, {n / 64, 64, 1}, &bytes), RECTIFY_OK);
    EXPECT_LE(bytes, n * sizeof(float) / 32);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, {n / 64 / 196, 64, 196}, &bytes), RECTIFY_OK);
    EXPECT_LE(bytes, n * sizeof(float) / 100);
  }
  executor::device() = {};
}

// ---- 64-bit indices ----

// So many zeros that an index of 32 bits cannot count them; only what is written takes memory. Its last values are set.
class Vast {
 public:
  Vast(size_t count, const Values& last) : bytes_(count * sizeof(float)) {
    void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<float*>(memory);
    std::copy(last.begin(), last.end(), data_ + count - last.size());
  }
  Vast(const Vast&) = delete;
  Vast& operator=(const Vast&) = delete;
  ~Vast() { munmap(data_, bytes_); }

  float* data() const { return data_; }
  std::span<const float> last(size_t count) const { return {data_ + bytes_ / sizeof(float) - count, count}; }

 private:
  float* data_;
  size_t bytes_;
};

// On a device of so many blocks that each does its own part once, and of those the last few.
class CudaVast : public testing::TestWithParam<rectify_shape> {
 protected:
  void SetUp() override {
    executor::device().resident_blocks = ~0u;
    executor::device().blocks_run = 4;
  }
  void TearDown() override { executor::device() = {}; }

  static constexpr size_t ending = 192;
  const rectify_shape shape = GetParam();
  const size_t n = shape.outer * shape.channels * shape.inner;
  const Values x_values = ordinary_values(ending, 1), dy_values = ordinary_values(ending, 2);
  const Vast x{n, x_values}, dy{n, dy_values}, out{n, {}};
  const Values slope = Values(shape.channels, 0.3f);
};
constexpr size_t vast = (size_t{1} << 33) + 64 * 12345;
INSTANTIATE_TEST_SUITE_P(, CudaVast,
                         testing::Values(rectify_shape{1, 1, vast - 1}, rectify_shape{vast / 64, 64, 1},
                                         rectify_shape{vast / 63, 63, 1}, rectify_shape{2, 2, vast / 4},
                                         rectify_shape{vast / 192, 3, 64}));

TEST_P(CudaVast, MapsReachTheEnd) {
  ASSERT_EQ(rectify_cuda_prelu_forward(f32, f32, shape, x.data(), slope.data(), out.data(), nullptr), RECTIFY_OK);
  synchronise();
  Values expected = x_values;
  for (float& value : expected) value = value < 0 ? 0.3f * value : value;
  ASSERT_TRUE(same_bits(expected, out.last(ending)));
}

// The blocks that did not run have left +0 in the scratch.
TEST_P(CudaVast, SumsReachTheEnd) {
  size_t bytes = 0;
  ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, shape, &bytes), RECTIFY_OK);
  const Vast scratch(bytes / sizeof(float) + 1, {});
  Values sums(shape.channels);
  ASSERT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), slope.data(), dy.data(), out.data(), sums.data(),
                                        scratch.data(), bytes, nullptr),
            RECTIFY_OK);
  executor::Launch fold = executor::queue().back();
  synchronise();
  executor::device().blocks_run = ~0u;
  executor::enqueue(fold);
  synchronise();
  Values expected = dy_values;
  std::vector<double> expected_sums(shape.channels);
  for (size_t i = 0; i < ending; ++i) {
    if (x_values[i] <= 0) expected[i] = 0.3f * dy_values[i];
    const size_t channel = (n - ending + i) / shape.inner % shape.channels;
    if (x_values[i] < 0) expected_sums[channel] += static_cast<double>(x_values[i]) * static_cast<double>(dy_values[i]);
  }
  ASSERT_TRUE(same_bits(expected, out.last(ending)));
  for (size_t c = 0; c < shape.channels; ++c) ASSERT_NEAR(static_cast<double>(sums[c]), expected_sums[c], 1e-4) << c;
  ASSERT_NE(expected_sums.back(), 0.0);
}

}  // namespace
}  // namespace rectify::tests
