// What only the CUDA library has: streams, scratch, a device that may be missing, work that waits in a queue. On the
// executor.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "rectify/rectify_cuda.h"
#include "tests/cuda/host/executor.hpp"
#include "tests/cuda/typed_formats.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using executor::synchronise;

constexpr size_t most = std::numeric_limits<size_t>::max();

// A call over its own arrays of n elements, 4 channels: {n / 4, 4, 1} where it has a shape.
template <class Format>
struct Library {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  using Scalar = typename Format::Scalar;
  static constexpr size_t n = 20000;
  static constexpr rectify_shape shape = {n / 4, 4, 1};
  static constexpr int32_t dtype = Format::dtype, slope_dtype = Format::slope_dtype;

  std::vector<Element> x = ordinary_values<Element>(n, 1), dy = ordinary_values<Element>(n, 2), out;
  std::vector<Slope> slope = ordinary_values<Slope>(4, 3), sums;
  std::vector<Scalar> scratch = std::vector<Scalar>(n);
  int stream = 0;

  Library() { clear(); }
  void clear() {
    out.assign(n, unwritten<Element>);
    sums.assign(4, unwritten<Slope>);
    std::memset(scratch.data(), 0xff, n * sizeof(Scalar));
  }
  bool wrote() const {
    return !same_bits(out, std::vector<Element>(n, unwritten<Element>)) ||
           !same_bits(sums, std::vector<Slope>(4, unwritten<Slope>));
  }
};

template <class Format>
struct Function {
  using Of = Library<Format>;
  std::string name;
  int32_t (*call)(Of&, void* scratch, size_t scratch_bytes);
  int32_t (*scratch_bytes)(size_t* bytes) = nullptr;

  bool summed() const { return scratch_bytes != nullptr; }
  size_t needed() const {
    size_t bytes = summed() ? most : 0;
    if (summed()) {
      EXPECT_EQ(scratch_bytes(&bytes), RECTIFY_OK);
    }
    return bytes;
  }
};

// Those of a shape in every format, the others once for each type of elements.
template <class Format>
std::vector<Function<Format>> functions() {
  using Of = Library<Format>;
  std::vector<Function<Format>> all = {
      {"prelu_forward",
       [](Of& l, void*, size_t) {
         return rectify_cuda_prelu_forward(l.dtype, l.slope_dtype, l.shape, l.x.data(), l.slope.data(), l.out.data(),
                                           &l.stream);
       }},
      {"prelu_backward",
       [](Of& l, void* scratch, size_t bytes) {
         return rectify_cuda_prelu_backward(l.dtype, l.slope_dtype, l.shape, l.x.data(), l.slope.data(), l.dy.data(),
                                            l.out.data(), l.sums.data(), scratch, bytes, &l.stream);
       },
       [](size_t* bytes) { return rectify_cuda_prelu_scratch_bytes(Of::dtype, Of::slope_dtype, Of::shape, bytes); }}};
  if (!Format::has_scalar_slopes) return all;
  all.push_back({"relu_forward", [](Of& l, void*, size_t) {
                   return rectify_cuda_relu_forward(l.dtype, l.n, l.x.data(), l.out.data(), &l.stream);
                 }});
  all.push_back({"relu_backward", [](Of& l, void*, size_t) {
                   return rectify_cuda_relu_backward(l.dtype, l.n, l.x.data(), l.dy.data(), l.out.data(), &l.stream);
                 }});
  all.push_back({"leaky_relu_forward", [](Of& l, void*, size_t) {
                   return rectify_cuda_leaky_relu_forward(l.dtype, l.n, 0.1, l.x.data(), l.out.data(), &l.stream);
                 }});
  all.push_back({"leaky_relu_backward",
                 [](Of& l, void* scratch, size_t bytes) {
                   return rectify_cuda_leaky_relu_backward(l.dtype, l.n, 0.1, l.x.data(), l.dy.data(), l.out.data(),
                                                           l.sums.data(), scratch, bytes, &l.stream);
                 },
                 [](size_t* bytes) { return rectify_cuda_leaky_relu_scratch_bytes(Of::dtype, Of::n, bytes); }});
  all.push_back({"elu_forward", [](Of& l, void*, size_t) {
                   return rectify_cuda_elu_forward(l.dtype, l.n, 0.7, l.x.data(), l.out.data(), &l.stream);
                 }});
  all.push_back({"elu_backward",
                 [](Of& l, void* scratch, size_t bytes) {
                   return rectify_cuda_elu_backward(l.dtype, l.n, 0.7, l.x.data(), l.dy.data(), l.out.data(), l.sums.data(),
                                                    scratch, bytes, &l.stream);
                 },
                 [](size_t* bytes) { return rectify_cuda_elu_scratch_bytes(Of::dtype, Of::n, bytes); }});
  all.push_back({"elu_backward_from_y", [](Of& l, void*, size_t) {
                   return rectify_cuda_elu_backward_from_y(l.dtype, l.n, 0.7, l.x.data(), l.dy.data(), l.out.data(),
                                                           &l.stream);
                 }});
  return all;
}

// check(function, library) for each function of a format.
template <class Format>
class CudaLibrary : public testing::Test {
 protected:
  template <class Check>
  void on_each_function(Check check) {
    for (const Function<Format>& function : functions<Format>()) {
      SCOPED_TRACE(function.name);
      Library<Format> library;
      ASSERT_NO_FATAL_FAILURE(check(function, library));
      ASSERT_TRUE(executor::queue().empty());
    }
  }
  void TearDown() override {
    executor::device() = {};
    executor::set_order(executor::Order::ascending);
  }
};
TYPED_TEST_SUITE(CudaLibrary, Formats, FormatName);

TYPED_TEST(CudaLibrary, EnqueuesOnTheCallersStreamAndReturns) {
  this->on_each_function([](const auto& function, auto& library) {
    ASSERT_EQ(function.call(library, library.scratch.data(), function.needed()), RECTIFY_OK);
    ASSERT_FALSE(library.wrote()) << "the call did not wait for its turn on the stream";
    ASSERT_FALSE(executor::queue().empty());
    EXPECT_LE(executor::queue().size(), function.summed() ? 2u : 1u);
    for (const executor::Launch& launch : executor::queue()) EXPECT_EQ(launch.stream, &library.stream);
    synchronise();
    EXPECT_TRUE(library.wrote());
  });
}

// A device with one multiprocessor and one with thousands give the same bits, in whatever order their blocks run.
TYPED_TEST(CudaLibrary, BitsDoNotDependOnTheDevice) {
  this->on_each_function([](const auto& function, auto& library) {
    const size_t needed = function.needed();
    auto out = library.out;
    auto sums = library.sums;
    bool first = true;
    for (const executor::Order order :
         {executor::Order::ascending, executor::Order::descending, executor::Order::shuffled}) {
      for (const unsigned blocks : {1u, 2u, 7u, 100u, 100000u}) {
        executor::set_order(order);
        executor::device().resident_blocks = blocks;
        library.clear();
        ASSERT_EQ(function.call(library, library.scratch.data(), needed), RECTIFY_OK);
        synchronise();
        if (std::exchange(first, false)) out = library.out, sums = library.sums;
        ASSERT_TRUE(same_bits(out, library.out)) << blocks;
        ASSERT_TRUE(same_bits(sums, library.sums)) << blocks;
      }
    }
  });
}

// What the device says comes back, and no kernel is on its way.
TYPED_TEST(CudaLibrary, ADeviceThatFailsIsAStatus) {
  this->on_each_function([](const auto& function, auto& library) {
    for (const int32_t status : {RECTIFY_ERROR_NO_DEVICE, RECTIFY_ERROR_CUDA}) {
      executor::device().status = status;
      EXPECT_EQ(function.call(library, library.scratch.data(), function.needed()), status);
      EXPECT_TRUE(executor::queue().empty());
      EXPECT_EQ(rectify_cuda_available(), status);
    }
    executor::device() = {};
    EXPECT_EQ(rectify_cuda_available(), RECTIFY_OK);
  });
}

TYPED_TEST(CudaLibrary, ChecksItsScratch) {
  this->on_each_function([](const auto& function, auto& library) {
    if (!function.summed()) return;
    using Scalar = typename TypeParam::Scalar;
    const size_t needed = function.needed();
    unsigned char* const scratch = reinterpret_cast<unsigned char*>(library.scratch.data());
    ASSERT_GT(needed, 0u) << "otherwise this case checks nothing";
    ASSERT_EQ(needed % sizeof(Scalar), 0u);
    const auto expect = [&](void* given, size_t bytes, int32_t status) {
      EXPECT_EQ(function.call(library, given, bytes), status) << bytes << " of " << needed;
      EXPECT_EQ(executor::queue().empty(), status != RECTIFY_OK);
      synchronise();
    };
    for (const size_t bytes : {size_t{0}, size_t{1}, needed - 1, needed - sizeof(Scalar)}) {
      expect(scratch, bytes, RECTIFY_ERROR_SCRATCH_TOO_SMALL);
    }
    expect(nullptr, needed, RECTIFY_ERROR_NULL_POINTER);
    for (size_t bytes = 1; bytes < sizeof(Scalar); ++bytes) expect(scratch + bytes, needed, RECTIFY_ERROR_UNALIGNED);
    expect(library.x.data(), needed, RECTIFY_ERROR_OVERLAP);
    expect(library.dy.data(), needed, RECTIFY_ERROR_OVERLAP);
    expect(library.out.data() + library.n - 4, needed, RECTIFY_ERROR_OVERLAP);
    expect(library.sums.data(), needed, RECTIFY_ERROR_OVERLAP);
    EXPECT_FALSE(library.wrote());
    expect(scratch, needed, RECTIFY_OK);
    expect(scratch + sizeof(Scalar), needed + 1, RECTIFY_OK);
  });
}

constexpr int32_t f32 = RECTIFY_F32, f16 = RECTIFY_F16, bf16 = RECTIFY_BF16, f64 = RECTIFY_F64;

TEST(CudaScratch, QueriesRefuseWhatTheCallsRefuse) {
  size_t bytes = 7;
  for (const auto& [dtype, slope_dtype] : {std::pair{f32, f16}, {f32, f64}, {f16, bf16}, {bf16, f16}, {f64, f32}}) {
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNSUPPORTED_DTYPE);
  }
  for (const int32_t dtype : {0, 5, -1}) {
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, 10, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
    EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(dtype, 10, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, f32, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, dtype, {1, 2, 3}, &bytes), RECTIFY_ERROR_UNKNOWN_DTYPE);
  }
  for_each_format([&]<class Format>() {
    constexpr int32_t dtype = Format::dtype, slope_dtype = Format::slope_dtype;
    constexpr size_t too_many = most / sizeof(typename Format::Element) + 1;
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, too_many, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
    EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(dtype, too_many, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, {too_many, 1, 1}, &bytes), RECTIFY_ERROR_SIZE_OVERFLOW);
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, 10, nullptr), RECTIFY_ERROR_NULL_POINTER);
    EXPECT_EQ(rectify_cuda_leaky_relu_scratch_bytes(dtype, 10, nullptr), RECTIFY_ERROR_NULL_POINTER);
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, {1, 2, 3}, nullptr), RECTIFY_ERROR_NULL_POINTER);
  });
  EXPECT_EQ(bytes, 7u) << "a query that refuses writes nothing";
  for (const rectify_shape shape : {rectify_shape{0, 5, 1}, {5, 0, 1}, {5, 1, 0}}) {
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f16, f16, shape, &bytes), RECTIFY_OK);
    EXPECT_EQ(bytes, 0u);
  }
}

// Where a channel has one node that is its sum; one that is still to be rounded needs a place.
TEST(CudaScratch, IsNotNeededForSmallSums) {
  for_each_format([]<class Format>() {
    for (const rectify_shape shape : {rectify_shape{64, 5, 1}, {1, 5, 4096}}) {
      size_t bytes = most;
      EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(Format::dtype, Format::slope_dtype, shape, &bytes), RECTIFY_OK);
      EXPECT_EQ(bytes, Format::has_scalar_slopes ? 0 : 5 * sizeof(float)) << Format::name;
    }
  });
}

// However large the tensor: no more than a fraction of it, and the same bytes for the same shape without a device.
TEST(CudaScratch, IsSmall) {
  executor::device().status = RECTIFY_ERROR_NO_DEVICE;
  for_each_format([]<class Format>() {
    constexpr int32_t dtype = Format::dtype, slope_dtype = Format::slope_dtype;
    for (const size_t n : {size_t{100003}, size_t{1} << 26, size_t{1} << 33, size_t{1} << 40}) {
      const size_t whole = n * sizeof(typename Format::Scalar);
      size_t bytes = most;
      EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, n, &bytes), RECTIFY_OK);
      EXPECT_LE(bytes, whole / 1000);
      EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, {n / 64, 64, 1}, &bytes), RECTIFY_OK);
      EXPECT_LE(bytes, whole / 32);
      EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, {n / 64 / 196, 64, 196}, &bytes), RECTIFY_OK);
      EXPECT_LE(bytes, whole / 100);
    }
  });
  executor::device() = {};
}

// ---- 64-bit indices ----

// So many zeros that an index of 32 bits cannot count them; only what is written takes memory. Its last values are set.
template <class T>
class Vast {
 public:
  Vast(size_t count, const std::vector<T>& last) : bytes_(count * sizeof(T)) {
    void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
    std::copy(last.begin(), last.end(), data_ + count - last.size());
  }
  Vast(const Vast&) = delete;
  Vast& operator=(const Vast&) = delete;
  ~Vast() { munmap(data_, bytes_); }

  T* data() const { return data_; }
  std::vector<T> last(size_t count) const {
    const T* const end = data_ + bytes_ / sizeof(T);
    return {end - count, end};
  }

 private:
  T* data_;
  size_t bytes_;
};

// On a device of so many blocks that each does its own part once, and of those the last few.
template <class Format>
class CudaVast : public testing::Test {
 protected:
  void SetUp() override {
    executor::device().resident_blocks = ~0u;
    executor::device().blocks_run = 4;
  }
  void TearDown() override { executor::device() = {}; }

  template <class T>
  static T scaled(T value) {
    return rounded<T>(static_cast<double>(widened(a) * widened(value)));
  }

  static constexpr size_t ending = 192, vast = (size_t{1} << 33) + 64 * 12345;
  static constexpr rectify_shape shapes[] = {
      {1, 1, vast - 1}, {vast / 64, 64, 1}, {vast / 63, 63, 1}, {2, 2, vast / 4}, {vast / 192, 3, 64}};
  static inline const auto a = rounded<typename Format::Slope>(0.3);
  const std::vector<typename Format::Element> x_values = ordinary_values<typename Format::Element>(ending, 1);
  const std::vector<typename Format::Element> dy_values = ordinary_values<typename Format::Element>(ending, 2);
};
TYPED_TEST_SUITE(CudaVast, Formats, FormatName);

TYPED_TEST(CudaVast, MapsReachTheEnd) {
  using Element = typename TypeParam::Element;
  for (const rectify_shape shape : this->shapes) {
    const size_t n = shape.outer * shape.channels * shape.inner;
    const Vast<Element> x(n, this->x_values), out(n, {});
    const std::vector<typename TypeParam::Slope> slope(shape.channels, this->a);
    ASSERT_EQ(rectify_cuda_prelu_forward(TypeParam::dtype, TypeParam::slope_dtype, shape, x.data(), slope.data(),
                                         out.data(), nullptr),
              RECTIFY_OK);
    synchronise();
    std::vector<Element> expected = this->x_values;
    for (Element& value : expected) value = widened(value) < 0 ? this->scaled(value) : value;
    ASSERT_TRUE(same_bits(expected, out.last(this->ending)));
  }
}

// The blocks that did not run have left +0 in the scratch.
TYPED_TEST(CudaVast, SumsReachTheEnd) {
  using Element = typename TypeParam::Element;
  using Slope = typename TypeParam::Slope;
  using Scalar = typename TypeParam::Scalar;
  constexpr int32_t dtype = TypeParam::dtype, slope_dtype = TypeParam::slope_dtype;
  for (const rectify_shape shape : this->shapes) {
    const size_t n = shape.outer * shape.channels * shape.inner;
    const Vast<Element> x(n, this->x_values), dy(n, this->dy_values), out(n, {});
    const std::vector<Slope> slope(shape.channels, this->a);
    std::vector<Slope> sums(shape.channels);
    size_t bytes = 0;
    ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, shape, &bytes), RECTIFY_OK);
    const Vast<Scalar> scratch(bytes / sizeof(Scalar) + 1, {});
    executor::device().blocks_run = 4;
    ASSERT_EQ(rectify_cuda_prelu_backward(dtype, slope_dtype, shape, x.data(), slope.data(), dy.data(), out.data(),
                                          sums.data(), scratch.data(), bytes, nullptr),
              RECTIFY_OK);
    executor::Launch fold = executor::queue().back();
    synchronise();
    executor::device().blocks_run = ~0u;
    executor::enqueue(fold);
    synchronise();
    std::vector<Element> expected = this->dy_values;
    std::vector<double> expected_sums(shape.channels);
    for (size_t i = 0; i < this->ending; ++i) {
      const Scalar at = widened(this->x_values[i]);
      if (at <= 0) expected[i] = this->scaled(this->dy_values[i]);
      const size_t channel = (n - this->ending + i) / shape.inner % shape.channels;
      if (at < 0) expected_sums[channel] += static_cast<double>(at) * static_cast<double>(widened(this->dy_values[i]));
    }
    ASSERT_TRUE(same_bits(expected, out.last(this->ending)));
    for (size_t c = 0; c < shape.channels; ++c) {
      const double half_a_place = std::ldexp(std::fabs(expected_sums[c]), -Number<Slope>::precision);
      ASSERT_NEAR(static_cast<double>(widened(sums[c])), expected_sums[c], 1e-4 + half_a_place) << c;
    }
    ASSERT_NE(expected_sums.back(), 0.0);
  }
}

}  // namespace
}  // namespace rectify::tests
