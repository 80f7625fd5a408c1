// What only a GPU can show, in every format: arrays that are allocations by themselves, so that compute-sanitizer sees one
// that is left; streams side by side; a graph that is replayed over new values; more than 2^32 bytes.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lost_device.hpp"
#include "rectify/rectify.h"
#include "rectify/rectify_cuda.h"
#include "tests/cuda/typed_formats.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

class OnDevice : public testing::Test {
 protected:
  void TearDown() override { end_if_device_is_lost(); }
};

// An array on the device, an allocation of exactly its size.
template <class T>
class Array {
  using Values = std::vector<T>;

 public:
  explicit Array(size_t count) : count_(count) {
    error_ = cudaMalloc(&data_, std::max<size_t>(count, 1) * sizeof(T));
    if (error_ == cudaSuccess) return;
    data_ = nullptr;
    cudaGetLastError();
    EXPECT_EQ(error_, cudaErrorMemoryAllocation) << "want of memory is the one error that excuses a case";
  }
  explicit Array(const Values& values) : Array(values.size()) { set(values); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { cudaFree(data_); }

  T* data() const { return static_cast<T*>(data_); }
  bool refused() const { return error_ != cudaSuccess; }
  void set(const Values& values, size_t at = 0) {
    EXPECT_EQ(cudaMemcpy(data() + at, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
    // The copy may be under way yet, and the tests' streams do not wait for it.
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  }
  Values get() const { return get(0, count_); }
  Values get(size_t at, size_t count) const {
    Values values(count);
    EXPECT_EQ(cudaMemcpy(values.data(), data() + at, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  size_t count_;
  void* data_ = nullptr;
  cudaError_t error_;
};

// What an output holds before a job: memory that was freed may hold what an earlier one wrote. Scratch is left as it comes,
// for initcheck to see what is read of it too early.
template <class T>
std::vector<T> not_yet_written(size_t count) {
  return std::vector<T>(count, unwritten<T>);
}

// A job: calls with arrays of their own.
template <class Format>
struct Tensors {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  using Scalar = typename Format::Scalar;
  static constexpr int32_t dtype = Format::dtype, slope_dtype = Format::slope_dtype;

  Tensors(rectify_shape job_shape, uint32_t seed)
      : shape(job_shape),
        n(shape.outer * shape.channels * shape.inner),
        host_x(ordinary_values<Element>(n, seed)),
        host_dy(ordinary_values<Element>(n, seed + 1)),
        x(host_x),
        dy(host_dy),
        dx(not_yet_written<Element>(n)) {}

  rectify_shape shape;
  size_t n;
  std::vector<Element> host_x, host_dy;
  Array<Element> x, dy, dx;
};

// PReLU backward over everything it has.
template <class Format>
struct PreluJob : Tensors<Format> {
  using typename Tensors<Format>::Element, typename Tensors<Format>::Slope, typename Tensors<Format>::Scalar;
  using Tensors<Format>::dtype, Tensors<Format>::slope_dtype, Tensors<Format>::shape, Tensors<Format>::n;
  using Tensors<Format>::host_x, Tensors<Format>::host_dy, Tensors<Format>::x, Tensors<Format>::dy, Tensors<Format>::dx;

  PreluJob(rectify_shape job_shape, uint32_t seed)
      : Tensors<Format>(job_shape, seed),
        host_slope(ordinary_values<Slope>(shape.channels, seed + 2)),
        slope(host_slope),
        dslope(not_yet_written<Slope>(shape.channels)),
        scratch(bytes() / sizeof(Scalar)) {}

  size_t bytes() const {
    size_t needed = 0;
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, shape, &needed), RECTIFY_OK);
    return needed;
  }
  void enqueue(cudaStream_t stream) {
    ASSERT_EQ(rectify_cuda_prelu_backward(dtype, slope_dtype, shape, x.data(), slope.data(), dy.data(), dx.data(),
                                          dslope.data(), scratch.data(), bytes(), stream),
              RECTIFY_OK);
  }
  void expect_bits_of_the_cpu() const {
    std::vector<Element> expected_dx(n);
    std::vector<Slope> expected_dslope(shape.channels);
    ASSERT_EQ(rectify_prelu_backward(dtype, slope_dtype, shape, host_x.data(), host_slope.data(), host_dy.data(),
                                     expected_dx.data(), expected_dslope.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected_dx, dx.get()));
    EXPECT_TRUE(same_bits(expected_dslope, dslope.get()));
  }

  std::vector<Slope> host_slope;
  Array<Slope> slope, dslope;
  Array<Scalar> scratch;
};

// ELU forward, backward with dalpha, and backward from y.
template <class Format>
struct EluJob : Tensors<Format> {
  using typename Tensors<Format>::Element, typename Tensors<Format>::Scalar;
  using Tensors<Format>::dtype, Tensors<Format>::n;
  using Tensors<Format>::host_x, Tensors<Format>::host_dy, Tensors<Format>::x, Tensors<Format>::dy, Tensors<Format>::dx;
  static constexpr double alpha = 0.75;

  EluJob(rectify_shape job_shape, uint32_t seed)
      : Tensors<Format>(job_shape, seed),
        y(not_yet_written<Element>(n)),
        dx_from_y(not_yet_written<Element>(n)),
        dalpha(not_yet_written<Scalar>(1)),
        scratch(bytes() / sizeof(Scalar)) {}

  size_t bytes() const {
    size_t needed = 0;
    EXPECT_EQ(rectify_cuda_elu_scratch_bytes(dtype, n, &needed), RECTIFY_OK);
    return needed;
  }
  void enqueue(cudaStream_t stream) {
    ASSERT_EQ(rectify_cuda_elu_forward(dtype, n, alpha, x.data(), y.data(), stream), RECTIFY_OK);
    ASSERT_EQ(rectify_cuda_elu_backward(dtype, n, alpha, x.data(), dy.data(), dx.data(), dalpha.data(), scratch.data(),
                                        bytes(), stream),
              RECTIFY_OK);
    ASSERT_EQ(rectify_cuda_elu_backward_from_y(dtype, n, alpha, y.data(), dy.data(), dx_from_y.data(), stream), RECTIFY_OK);
  }
  void expect_bits_of_the_cpu() const {
    std::vector<Element> expected_y(n), expected_dx(n);
    std::vector<Scalar> expected_dalpha(1);
    ASSERT_EQ(rectify_elu_forward(dtype, n, alpha, host_x.data(), expected_y.data(), nullptr), RECTIFY_OK);
    ASSERT_EQ(rectify_elu_backward(dtype, n, alpha, host_x.data(), host_dy.data(), expected_dx.data(),
                                   expected_dalpha.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected_y, y.get()));
    EXPECT_TRUE(same_bits(expected_dx, dx.get()));
    EXPECT_TRUE(same_bits(expected_dalpha, dalpha.get()));
    ASSERT_EQ(rectify_elu_backward_from_y(dtype, n, alpha, expected_y.data(), host_dy.data(), expected_dx.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected_dx, dx_from_y.get()));
  }

  Array<Element> y, dx_from_y;
  Array<Scalar> dalpha;
  Array<Scalar> scratch;
};

// ReLU with bias, residual and mask: forward, backward from x and backward from the mask, both with dbias. And PReLU with
// its gradient beside dbias.
template <class Format>
struct FusedJob : Tensors<Format> {
  using typename Tensors<Format>::Element, typename Tensors<Format>::Slope, typename Tensors<Format>::Scalar;
  using Tensors<Format>::dtype, Tensors<Format>::slope_dtype, Tensors<Format>::shape, Tensors<Format>::n;
  using Tensors<Format>::host_x, Tensors<Format>::host_dy, Tensors<Format>::x, Tensors<Format>::dy, Tensors<Format>::dx;
  static constexpr rectify_activation relu = {RECTIFY_RELU, 0, nullptr};

  FusedJob(rectify_shape job_shape, uint32_t seed)
      : Tensors<Format>(job_shape, seed),
        host_residual(ordinary_values<Element>(n, seed + 2)),
        host_bias(ordinary_values<Slope>(shape.channels, seed + 3)),
        host_slope(ordinary_values<Slope>(shape.channels, seed + 4)),
        residual(host_residual),
        y(not_yet_written<Element>(n)),
        dx_from_mask(not_yet_written<Element>(n)),
        dx_of_prelu(not_yet_written<Element>(n)),
        bias(host_bias),
        slope(host_slope),
        dbias(not_yet_written<Slope>(shape.channels)),
        dbias_from_mask(not_yet_written<Slope>(shape.channels)),
        dbias_of_prelu(not_yet_written<Slope>(shape.channels)),
        dslope(not_yet_written<Slope>(shape.channels)),
        mask(std::vector<unsigned char>((n + 7) / 8, 0xA5)),
        scratch(bytes() / sizeof(Scalar)) {}

  size_t bytes() const {
    size_t needed = 0;
    EXPECT_EQ(rectify_cuda_fused_scratch_bytes(dtype, slope_dtype, shape, &needed), RECTIFY_OK);
    return needed;
  }
  void enqueue(cudaStream_t stream) {
    const rectify_activation prelu = {RECTIFY_PRELU, 0, slope.data()};
    ASSERT_EQ(rectify_cuda_fused_forward(dtype, slope_dtype, shape, x.data(), bias.data(), residual.data(), relu, y.data(),
                                         mask.data(), stream),
              RECTIFY_OK);
    ASSERT_EQ(rectify_cuda_fused_backward(dtype, slope_dtype, shape, x.data(), bias.data(), residual.data(), nullptr, relu,
                                          dy.data(), dx.data(), dbias.data(), nullptr, scratch.data(), bytes(), stream),
              RECTIFY_OK);
    ASSERT_EQ(
        rectify_cuda_fused_backward(dtype, slope_dtype, shape, nullptr, nullptr, nullptr, mask.data(), relu, dy.data(),
                                    dx_from_mask.data(), dbias_from_mask.data(), nullptr, scratch.data(), bytes(), stream),
        RECTIFY_OK);
    ASSERT_EQ(rectify_cuda_fused_backward(dtype, slope_dtype, shape, x.data(), bias.data(), residual.data(), nullptr, prelu,
                                          dy.data(), dx_of_prelu.data(), dbias_of_prelu.data(), dslope.data(),
                                          scratch.data(), bytes(), stream),
              RECTIFY_OK);
  }
  void expect_bits_of_the_cpu() const {
    const rectify_activation prelu = {RECTIFY_PRELU, 0, host_slope.data()};
    std::vector<Element> expected(n);
    std::vector<Slope> expected_dbias(shape.channels), expected_dslope(shape.channels);
    std::vector<unsigned char> expected_mask((n + 7) / 8);
    ASSERT_EQ(rectify_fused_forward(dtype, slope_dtype, shape, host_x.data(), host_bias.data(), host_residual.data(), relu,
                                    expected.data(), expected_mask.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected, y.get()));
    EXPECT_TRUE(expected_mask == mask.get());
    ASSERT_EQ(
        rectify_fused_backward(dtype, slope_dtype, shape, host_x.data(), host_bias.data(), host_residual.data(), nullptr,
                               relu, host_dy.data(), expected.data(), expected_dbias.data(), nullptr, nullptr),
        RECTIFY_OK);
    for (const Array<Element>* each : {&dx, &dx_from_mask}) EXPECT_TRUE(same_bits(expected, each->get()));
    for (const Array<Slope>* each : {&dbias, &dbias_from_mask}) EXPECT_TRUE(same_bits(expected_dbias, each->get()));
    ASSERT_EQ(rectify_fused_backward(dtype, slope_dtype, shape, host_x.data(), host_bias.data(), host_residual.data(),
                                     nullptr, prelu, host_dy.data(), expected.data(), expected_dbias.data(),
                                     expected_dslope.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected, dx_of_prelu.get()));
    EXPECT_TRUE(same_bits(expected_dbias, dbias_of_prelu.get()));
    EXPECT_TRUE(same_bits(expected_dslope, dslope.get()));
  }

  std::vector<Element> host_residual;
  std::vector<Slope> host_bias, host_slope;
  Array<Element> residual, y, dx_from_mask, dx_of_prelu;
  Array<Slope> bias, slope, dbias, dbias_from_mask, dbias_of_prelu, dslope;
  Array<unsigned char> mask;
  Array<Scalar> scratch;
};

// ---- Allocations of exact sizes ----

template <class Format>
class CudaAllocations : public OnDevice {
 protected:
  // Flat, in rows and in runs, small and cut into blocks; no tensor ends with a piece of 16 bytes or a byte of the mask.
  template <class Job>
  static void expect_job() {
    for (const rectify_shape shape : {rectify_shape{1, 1, 1},
                                      {257, 33, 1},
                                      {5, 7, 131},
                                      {1, 1, 1000003},
                                      {20001, 63, 1},
                                      {3, 3, 133333},
                                      {3, 10007, 1}}) {
      SCOPED_TRACE(testing::Message() << '{' << shape.outer << ", " << shape.channels << ", " << shape.inner << '}');
      Job job(shape, 7);
      job.enqueue(nullptr);
      ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
      job.expect_bits_of_the_cpu();
    }
  }
};
TYPED_TEST_SUITE(CudaAllocations, Formats, FormatName);

TYPED_TEST(CudaAllocations, OfPrelu) { this->template expect_job<PreluJob<TypeParam>>(); }
TYPED_TEST(CudaAllocations, OfElu) {
  if (!TypeParam::has_scalar_slopes) return;  // no slopes here
  this->template expect_job<EluJob<TypeParam>>();
}
TYPED_TEST(CudaAllocations, OfFusedCalls) { this->template expect_job<FusedJob<TypeParam>>(); }

// ---- Streams and graphs ----

template <class Format>
class CudaStreams : public OnDevice {};
TYPED_TEST_SUITE(CudaStreams, Formats, FormatName);

TYPED_TEST(CudaStreams, RunSideBySide) {
  std::vector<cudaStream_t> streams(4);
  for (cudaStream_t& stream : streams) ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  PreluJob<TypeParam> jobs[] = {{{1, 1, 3000001}, 1}, {{20000, 64, 1}, 2}, {{16, 48, 3136}, 3}, {{70, 10007, 1}, 4}};
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < 4; ++i) jobs[i].enqueue(streams[i]);
  }
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  for (const PreluJob<TypeParam>& job : jobs) job.expect_bits_of_the_cpu();
  for (const cudaStream_t stream : streams) cudaStreamDestroy(stream);
}

TYPED_TEST(CudaStreams, TheDefaultStreamServes) {
  PreluJob<TypeParam> job({9, 33, 784}, 5);
  job.enqueue(nullptr);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  job.expect_bits_of_the_cpu();
}

template <class Format>
class CudaGraph : public OnDevice {};
TYPED_TEST_SUITE(CudaGraph, Formats, FormatName);

TYPED_TEST(CudaGraph, IsReplayedOverNewValues) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  PreluJob<TypeParam> job({3000, 100, 1}, 6);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  job.enqueue(stream);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  for (uint32_t round = 0; round < 3; ++round) {
    job.host_x = ordinary_values<typename TypeParam::Element>(job.n, 100 + round);
    job.x.set(job.host_x);
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    job.expect_bits_of_the_cpu();
  }
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

// ---- More than 2^32 elements, or at least bytes, as the device's memory goes: zeros but for the end ----

constexpr size_t ending = 5000;

template <class T>
size_t as_many_as_fit(size_t arrays) {
  size_t available = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&available, &total), cudaSuccess);
  const size_t bytes = arrays * sizeof(T) + arrays * sizeof(T) / 4 + 1;  // with room for scratch
  const size_t elements = available / bytes > size_t{5} << 30 ? size_t{1} << 32 : (size_t{1} << 32) / sizeof(T);
  return elements + 12345;
}

template <class Format>
class CudaLarge : public OnDevice {};
TYPED_TEST_SUITE(CudaLarge, Formats, FormatName);

TYPED_TEST(CudaLarge, MapsReachTheEnd) {
  using Element = typename TypeParam::Element;
  if (!TypeParam::has_scalar_slopes) return;  // no slopes here
  const size_t many = as_many_as_fit<Element>(1);
  Array<Element> x(many);
  if (x.refused()) GTEST_SKIP() << "the device has too little free memory for tensors beyond 2^32 elements";
  ASSERT_EQ(cudaMemset(x.data(), 0, many * sizeof(Element)), cudaSuccess);
  const std::vector<Element> values = ordinary_values<Element>(ending, 1);
  x.set(values, many - ending);
  ASSERT_EQ(rectify_cuda_elu_forward(TypeParam::dtype, many, 0.25, x.data(), x.data(), nullptr), RECTIFY_OK);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  std::vector<Element> expected(ending);
  ASSERT_EQ(rectify_elu_forward(TypeParam::dtype, ending, 0.25, values.data(), expected.data(), nullptr), RECTIFY_OK);
  EXPECT_TRUE(same_bits(expected, x.get(many - ending, ending)));
}

TYPED_TEST(CudaLarge, SumsReachTheEnd) {
  using Element = typename TypeParam::Element;
  using Slope = typename TypeParam::Slope;
  using Scalar = typename TypeParam::Scalar;
  constexpr int32_t dtype = TypeParam::dtype, slope_dtype = TypeParam::slope_dtype;
  const size_t n = as_many_as_fit<Element>(2) / 64 * 64, last = 64 * 3;
  Array<Element> x(n), dx(n);
  if (x.refused() || dx.refused()) GTEST_SKIP() << "the device has too little free memory for tensors beyond 2^32 elements";
  ASSERT_EQ(cudaMemset(x.data(), 0, n * sizeof(Element)), cudaSuccess);
  x.set(std::vector<Element>(last, rounded<Element>(-2)), n - last);
  for (const rectify_shape shape : {rectify_shape{1, 1, n}, {n / 64, 64, 1}, {2, 2, n / 4}}) {
    size_t bytes = 0;
    ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(dtype, slope_dtype, shape, &bytes), RECTIFY_OK);
    const Array<Slope> slope(std::vector<Slope>(shape.channels, rounded<Slope>(0.5))), dslope(shape.channels);
    const Array<Scalar> scratch(bytes / sizeof(Scalar));
    ASSERT_EQ(rectify_cuda_prelu_backward(dtype, slope_dtype, shape, x.data(), slope.data(), x.data(), dx.data(),
                                          dslope.data(), scratch.data(), bytes, nullptr),
              RECTIFY_OK);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    std::vector<Slope> expected(shape.channels, rounded<Slope>(4 * 3));  // 192 products of 4, over the 64 channels
    if (shape.channels <= 2) {
      expected.assign(shape.channels, rounded<Slope>(0));
      expected.back() = rounded<Slope>(4 * 192);
    }
    EXPECT_TRUE(same_bits(expected, dslope.get()));
    EXPECT_TRUE(same_bits(std::vector<Element>(last, rounded<Element>(-1)), dx.get(n - last, last)));
  }
}

}  // namespace
}  // namespace rectify::tests
