// What only the CUDA library has: streams, scratch, a device that may be missing, work that waits in a queue. On the
// executor.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <functional>
#include <limits>
#include <ostream>
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

// Both inputs are one array of -1 and are not written: it costs no memory that the pages stand for each other.
class Endless {
 public:
  explicit Endless(size_t bytes) : bytes_(bytes) {
    constexpr size_t piece = size_t{32} << 20;
    const int file = memfd_create("endless", 0);
    EXPECT_EQ(ftruncate(file, piece), 0);
    void* const address = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT_NE(address, MAP_FAILED);
    data_ = static_cast<char*>(address);
    for (size_t at = 0; at < bytes; at += piece) {
      EXPECT_NE(mmap(data_ + at, std::min(piece, bytes - at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0),
                MAP_FAILED);
    }
    close(file);
  }
  Endless(const Endless&) = delete;
  Endless& operator=(const Endless&) = delete;
  ~Endless() { munmap(data_, bytes_); }

  float* data() const { return reinterpret_cast<float*>(data_); }
  // Memory of its own from there on.
  float* own_from(size_t element) const {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), at = element * sizeof(float) / page * page;
    EXPECT_NE(mmap(data_ + at, bytes_ - at, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
              MAP_FAILED);
    return reinterpret_cast<float*>(data_ + at);
  }

 private:
  char* data_;
  size_t bytes_;
};

constexpr size_t many = (size_t{1} << 30) + 12345;  // elements: more than 2^32 bytes

TEST(CudaLarge, MapsReachTheEnd) {
  const Endless x(many * sizeof(float)), y(many * sizeof(float));
  float* const end_of_x = x.own_from(many - 5000);
  const size_t first = static_cast<size_t>(end_of_x - x.data());
  const Values values = ordinary_values(many - first, 1);
  std::copy(values.begin(), values.end(), end_of_x);
  float* const end_of_y = y.own_from(first);
  ASSERT_EQ(rectify_cuda_leaky_relu_forward(f32, many, 0.25, x.data(), y.data(), nullptr), RECTIFY_OK);
  synchronise();
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(end_of_y[i], values[i] < 0 ? 0.25f * values[i] : values[i]);
}

// Zeros but for the last elements: their sum is the sum of all. NHWC, so that the rows reach beyond 2^32 bytes too.
TEST(CudaLarge, SumsReachTheEnd) {
  const size_t n = many / 64 * 64;
  for (const rectify_shape shape : {rectify_shape{1, 1, n}, {n / 64, 64, 1}, {2, 2, n / 4}}) {
    const Endless x(n * sizeof(float));
    float* const end_of_x = x.own_from(n - 5000);
    const size_t last = 64 * 3;
    for (float* p = x.data() + n - last; p < x.data() + n; ++p) *p = -2.0f;
    ASSERT_LE(end_of_x, x.data() + n - last);
    size_t bytes = 0;
    ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, shape, &bytes), RECTIFY_OK);
    const GuardedBuffer<unsigned char> scratch(bytes);
    const GuardedBuffer<float> sums(shape.channels);
    ASSERT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), sums.data(), x.data(), nullptr, sums.data(),
                                          scratch.data(), bytes, nullptr),
              RECTIFY_ERROR_OVERLAP);
    const Values slope(shape.channels);
    ASSERT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), slope.data(), x.data(), nullptr, sums.data(),
                                          scratch.data(), bytes, nullptr),
              RECTIFY_OK);
    synchronise();
    Values expected(shape.channels, 4.0f * 3);  // 192 elements of 4, over the 64 channels
    if (shape.channels == 1) expected = {4.0f * 192};
    if (shape.channels == 2) expected = {0.0f, 4.0f * 192};
    EXPECT_TRUE(same_bits(expected, sums.span()));
    EXPECT_TRUE(sums.check());
    EXPECT_TRUE(scratch.check());
  }
}

}  // namespace
}  // namespace rectify::tests
