// What only a GPU can show: streams side by side, a graph that is replayed over new values, more than 2^32 bytes.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "rectify/rectify.h"
#include "rectify/rectify_cuda.h"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;
constexpr int32_t f32 = RECTIFY_F32;

// An array on the device.
class Array {
 public:
  explicit Array(size_t count) : count_(count) {
    error_ = cudaMalloc(&data_, std::max<size_t>(count, 1) * sizeof(float));
    if (error_ == cudaSuccess) return;
    data_ = nullptr;
    cudaGetLastError();
    EXPECT_EQ(error_, cudaErrorMemoryAllocation) << "want of memory is the one error that excuses a case";
  }
  explicit Array(const Values& values) : Array(values.size()) { set(values); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { cudaFree(data_); }

  float* data() const { return static_cast<float*>(data_); }
  bool refused() const { return error_ != cudaSuccess; }
  void set(const Values& values, size_t at = 0) {
    EXPECT_EQ(cudaMemcpy(data() + at, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  }
  Values get() const { return get(0, count_); }
  Values get(size_t at, size_t count) const {
    Values values(count);
    EXPECT_EQ(cudaMemcpy(values.data(), data() + at, count * sizeof(float), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  size_t count_;
  void* data_ = nullptr;
  cudaError_t error_;
};

// PReLU backward over everything it has.
struct Job {
  Job(rectify_shape job_shape, uint32_t seed)
      : shape(job_shape),
        n(shape.outer * shape.channels * shape.inner),
        host_x(ordinary_values(n, seed)),
        host_dy(ordinary_values(n, seed + 1)),
        host_slope(ordinary_values(shape.channels, seed + 2)),
        x(host_x),
        dy(host_dy),
        slope(host_slope),
        dx(n),
        dslope(shape.channels),
        scratch(bytes() / sizeof(float)) {}

  size_t bytes() const {
    size_t needed = 0;
    EXPECT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, shape, &needed), RECTIFY_OK);
    return needed;
  }
  void enqueue(cudaStream_t stream) {
    ASSERT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), slope.data(), dy.data(), dx.data(), dslope.data(),
                                          scratch.data(), bytes(), stream),
              RECTIFY_OK);
  }
  void expect_bits_of_the_cpu() const {
    Values expected_dx(n), expected_dslope(shape.channels);
    ASSERT_EQ(rectify_prelu_backward(f32, f32, shape, host_x.data(), host_slope.data(), host_dy.data(), expected_dx.data(),
                                     expected_dslope.data(), nullptr),
              RECTIFY_OK);
    EXPECT_TRUE(same_bits(expected_dx, dx.get()));
    EXPECT_TRUE(same_bits(expected_dslope, dslope.get()));
  }

  rectify_shape shape;
  size_t n;
  Values host_x, host_dy, host_slope;
  Array x, dy, slope, dx, dslope, scratch;
};

TEST(CudaStreams, RunSideBySide) {
  std::vector<cudaStream_t> streams(4);
  for (cudaStream_t& stream : streams) ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  Job jobs[] = {{{1, 1, 3000001}, 1}, {{20000, 64, 1}, 2}, {{16, 48, 3136}, 3}, {{70, 10007, 1}, 4}};
  for (int round = 0; round < 20; ++round) {
    for (size_t i = 0; i < 4; ++i) jobs[i].enqueue(streams[i]);
  }
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  for (const Job& job : jobs) job.expect_bits_of_the_cpu();
  for (const cudaStream_t stream : streams) cudaStreamDestroy(stream);
}

TEST(CudaStreams, TheDefaultStreamServes) {
  Job job({9, 33, 784}, 5);
  job.enqueue(nullptr);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  job.expect_bits_of_the_cpu();
}

TEST(CudaGraph, IsReplayedOverNewValues) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  Job job({3000, 100, 1}, 6);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  job.enqueue(stream);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  for (uint32_t round = 0; round < 3; ++round) {
    job.host_x = ordinary_values(job.n, 100 + round);
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

size_t as_many_as_fit(size_t arrays) {
  size_t available = 0, total = 0;
  EXPECT_EQ(cudaMemGetInfo(&available, &total), cudaSuccess);
  const size_t bytes = arrays * sizeof(float) + arrays;  // with room for scratch
  const size_t elements = available / bytes > size_t{5} << 30 ? size_t{1} << 32 : size_t{1} << 30;
  return elements + 12345;
}

TEST(CudaLarge, MapsReachTheEnd) {
  const size_t many = as_many_as_fit(1);
  Array x(many);
  if (x.refused()) GTEST_SKIP() << "the device has too little free memory for tensors beyond 2^32 elements";
  ASSERT_EQ(cudaMemset(x.data(), 0, many * sizeof(float)), cudaSuccess);
  const Values values = ordinary_values(ending, 1);
  x.set(values, many - ending);
  ASSERT_EQ(rectify_cuda_elu_forward(f32, many, 0.25, x.data(), x.data(), nullptr), RECTIFY_OK);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  Values expected(ending);
  ASSERT_EQ(rectify_elu_forward(f32, ending, 0.25, values.data(), expected.data(), nullptr), RECTIFY_OK);
  EXPECT_TRUE(same_bits(expected, x.get(many - ending, ending)));
}

TEST(CudaLarge, SumsReachTheEnd) {
  const size_t n = as_many_as_fit(2) / 64 * 64, last = 64 * 3;
  Array x(n), dx(n);
  if (x.refused() || dx.refused()) GTEST_SKIP() << "the device has too little free memory for tensors beyond 2^32 elements";
  ASSERT_EQ(cudaMemset(x.data(), 0, n * sizeof(float)), cudaSuccess);
  x.set(Values(last, -2.0f), n - last);
  for (const rectify_shape shape : {rectify_shape{1, 1, n}, {n / 64, 64, 1}, {2, 2, n / 4}}) {
    size_t bytes = 0;
    ASSERT_EQ(rectify_cuda_prelu_scratch_bytes(f32, f32, shape, &bytes), RECTIFY_OK);
    const Array slope(Values(shape.channels, 0.5f)), dslope(shape.channels), scratch(bytes / sizeof(float));
    ASSERT_EQ(rectify_cuda_prelu_backward(f32, f32, shape, x.data(), slope.data(), x.data(), dx.data(), dslope.data(),
                                          scratch.data(), bytes, nullptr),
              RECTIFY_OK);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    Values expected(shape.channels, 4.0f * 3);  // 192 products of 4, over the 64 channels
    if (shape.channels == 1) expected = {4.0f * 192};
    if (shape.channels == 2) expected = {0.0f, 4.0f * 192};
    EXPECT_TRUE(same_bits(expected, dslope.get()));
    EXPECT_TRUE(same_bits(Values(last, -1.0f), dx.get(n - last, last)));
  }
}

}  // namespace
}  // namespace rectify::tests
