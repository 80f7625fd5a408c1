// The executor itself, with kernels small enough to know the answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <numeric>
#include <string>
#include <vector>

#include "tests/cuda/host/launch.cuh"
#include "tests/cuda/host/ptx.cuh"
#include "tests/support/guarded_buffer.hpp"

namespace rectify::tests {
namespace {

using executor::Order;

class Executor : public testing::TestWithParam<Order> {
 protected:
  void SetUp() override { executor::set_order(GetParam()); }
  void TearDown() override { executor::set_order(Order::ascending); }

  template <class... P, class... A>
  static void run(void (*kernel)(P...), unsigned blocks, unsigned threads, A... arguments) {
    ASSERT_EQ(cuda::launch(kernel, blocks, threads, nullptr, arguments...), RECTIFY_OK);
    executor::synchronise();
  }
};

constexpr const char* order_names[] = {"ascending", "descending", "shuffled"};
const auto name_of = [](const testing::TestParamInfo<Order>& order) { return order_names[static_cast<int>(order.param)]; };
const auto orders = testing::Values(Order::ascending, Order::descending, Order::shuffled);
INSTANTIATE_TEST_SUITE_P(, Executor, orders, name_of);

__global__ void each_adds_its_index(unsigned* out, size_t n) {
  const size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < n) out[i] += blockIdx.x * 1000 + threadIdx.x + gridDim.x * 1000000;
}

TEST_P(Executor, EveryThreadOfEveryBlockRunsOnce) {
  const GuardedBuffer<unsigned> out(7 * 96 - 5);
  std::fill(out.begin(), out.end(), 0u);
  run(each_adds_its_index, 7, 96, out.data(), out.size());
  for (unsigned i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], i / 96 * 1000 + i % 96 + 7000000);
}

// Every step reads what another thread wrote in the step before.
__global__ void sum_of_block(const unsigned* in, unsigned* out) {
  __shared__ unsigned partial[256];
  partial[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
  for (unsigned half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  __syncthreads();
  if (threadIdx.x == 255) out[blockIdx.x] = partial[0];
}

TEST_P(Executor, BarriersOrderSharedMemory) {
  std::vector<unsigned> in(5 * 256), out(5);
  std::iota(in.begin(), in.end(), 3u);
  run(sum_of_block, 5, 256, in.data(), out.data());
  for (size_t block = 0; block < 5; ++block) {
    EXPECT_EQ(out[block], std::accumulate(&in[block * 256], &in[block * 256] + 256, 0u));
  }
}

// Rotates by one, with a barrier between reading and writing and none after writing: a fast thread must not overtake.
__global__ void rotate(unsigned* values, unsigned times) {
  for (unsigned i = 0; i < times; ++i) {
    const unsigned next = values[(threadIdx.x + 1) % blockDim.x];
    __syncthreads();
    values[threadIdx.x] = next;
    __syncthreads();
  }
}

TEST_P(Executor, BarriersInALoop) {
  std::vector<unsigned> values(77);
  std::iota(values.begin(), values.end(), 0u);
  run(rotate, 1, 77, values.data(), 1000u);
  for (unsigned i = 0; i < 77; ++i) ASSERT_EQ(values[i], (i + 1000) % 77);
}

__global__ void some_leave_early(unsigned* out, unsigned staying) {
  __shared__ unsigned last;
  if (threadIdx.x >= staying) return;
  if (threadIdx.x == staying - 1) last = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = last;
}

TEST_P(Executor, ABarrierDoesNotWaitForThreadsThatHaveEnded) {
  for (const unsigned staying : {1u, 31u, 33u, 100u}) {
    std::vector<unsigned> out(100, 7777u);
    run(some_leave_early, 1, 100, out.data(), staying);
    for (unsigned i = 0; i < 100; ++i) ASSERT_EQ(out[i], i < staying ? staying - 1 : 7777u);
  }
}

__global__ void shuffles(float* down, unsigned* turned, unsigned* crossed, double* wide) {
  float sum = static_cast<float>(threadIdx.x);
  for (unsigned delta = 8; delta > 0; delta /= 2) sum += __shfl_down_sync(0xffffffffu, sum, delta, 16);
  down[threadIdx.x] = sum;
  turned[threadIdx.x] = __shfl_sync(0xffffffffu, threadIdx.x, 37, 8);
  crossed[threadIdx.x] = __shfl_xor_sync(0xffffffffu, threadIdx.x, 5);
  wide[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0 / (threadIdx.x + 1), 16);
  __syncwarp();
}

TEST_P(Executor, Shuffles) {
  std::vector<float> down(96);
  std::vector<unsigned> turned(96), crossed(96);
  std::vector<double> wide(96);
  run(shuffles, 1, 96, down.data(), turned.data(), crossed.data(), wide.data());
  for (unsigned i = 0; i < 96; ++i) {
    if (i % 16 == 0) {
      EXPECT_EQ(down[i], static_cast<float>(16 * i + 120));
    }
    EXPECT_EQ(turned[i], i / 8 * 8 + 37 % 8);
    EXPECT_EQ(crossed[i], i ^ 5);
    EXPECT_EQ(wide[i], 1.0 / ((i ^ 16) + 1));
  }
}

__global__ void down_from_absent_lanes(unsigned* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_down_sync(0xffffu, threadIdx.x, 8);
}

TEST_P(Executor, LanesThatTakeNoPartGiveRubbish) {
  std::vector<unsigned> out(16);
  run(down_from_absent_lanes, 1, 32, out.data());
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(out[i], i < 8 ? i + 8 : 0xffffffffu);
}

// The two halves of a warp shuffle each for itself, at different places.
__global__ void halves(unsigned* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __shfl_sync(0x0000ffffu, threadIdx.x, 3, 16);
  } else {
    out[threadIdx.x] = __shfl_sync(0xffff0000u, threadIdx.x, 3, 16) + 100;
  }
}

TEST_P(Executor, PartsOfAWarp) {
  std::vector<unsigned> out(32);
  run(halves, 1, 32, out.data());
  for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(out[i], i < 16 ? 3u : 119u);
}

__global__ void read_shared_memory(unsigned* out, bool write) {
  __shared__ unsigned value;
  if (write) value = 5;
  out[blockIdx.x] = value;
}

TEST_P(Executor, SharedMemoryBeginsSpoilt) {
  std::vector<unsigned> out(2);
  run(read_shared_memory, 2, 1, out.data(), true);
  EXPECT_EQ(out, std::vector<unsigned>(2, 5));
  run(read_shared_memory, 2, 1, out.data(), false);
  EXPECT_EQ(out, std::vector<unsigned>(2, 0xffffffffu));
}

__global__ void add(const float* a, const float* b, float* sum) { *sum = *a + *b; }

TEST_P(Executor, HasAFloatingPointEnvironmentOfItsOwn) {
  volatile float a = 1.0f, b = 0x1p-30f, sum = 0;
  std::fesetround(FE_UPWARD);
  run(add, 1, 1, const_cast<const float*>(&a), const_cast<const float*>(&b), const_cast<float*>(&sum));
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(sum, 1.0f);
}

TEST_P(Executor, LaunchesWait) {
  std::vector<unsigned> out(3);
  unsigned n = 3;
  ASSERT_EQ(cuda::launch(each_adds_its_index, 1, 32, &out, out.data(), n), RECTIFY_OK);
  n = 0;  // the argument was copied
  EXPECT_EQ(out, std::vector<unsigned>(3, 0));
  ASSERT_EQ(executor::queue().size(), 1u);
  EXPECT_EQ(executor::queue()[0].stream, &out);
  executor::synchronise();
  EXPECT_EQ(out[2], 1000002u);
  EXPECT_TRUE(executor::queue().empty());
}

// ---- What a GPU would leave undefined ----

__global__ void different_barriers() {
  if (threadIdx.x < 3) __syncthreads();
  if (threadIdx.x >= 3) __syncthreads();
}

__global__ void shuffle_with_absent_lanes(unsigned* out) {
  if (threadIdx.x < 3) *out = __shfl_sync(0xffffffffu, threadIdx.x, 0);
}

__global__ void not_among_its_lanes(unsigned* out) { *out = __shfl_sync(1u, threadIdx.x, 0); }

__global__ void write_at(float* out, size_t i) { out[i] = 1; }

__global__ void write_four_at(float* out) { store_16_bytes(out, {{1, 2, 3, 4}}); }

using ExecutorDeathTest = Executor;
INSTANTIATE_TEST_SUITE_P(, ExecutorDeathTest, orders, name_of);

TEST_P(ExecutorDeathTest, Reports) {
  unsigned out[64] = {};
  EXPECT_DEATH(run(different_barriers, 1, 64), "while others wait at");
  EXPECT_DEATH(run(shuffle_with_absent_lanes, 1, 32, &out[0]), "deadlock: 3 threads wait at .*executor_test.cpp");
  EXPECT_DEATH(run(not_among_its_lanes, 1, 32, &out[0]), "it is not among the lanes it names");
  EXPECT_DEATH(run(write_at, 0, 1, static_cast<float*>(nullptr), size_t{0}), "a launch that a GPU refuses");
  EXPECT_DEATH(run(write_at, 1, 1025, static_cast<float*>(nullptr), size_t{0}), "a launch that a GPU refuses");
}

TEST_P(ExecutorDeathTest, StopsAtAccessesOutOfBounds) {
  const GuardedBuffer<float> at_end(5), aligned(4, flush_to_start), odd(8, elements_from_start<float>(1));
  run(write_at, 1, 1, at_end.data(), size_t{4});
  EXPECT_DEATH(run(write_at, 1, 1, at_end.data(), size_t{5}), "");
  run(write_four_at, 1, 1, aligned.data());
  EXPECT_DEATH(run(write_four_at, 1, 1, odd.data()), "");
}

}  // namespace
}  // namespace rectify::tests
