// The roofline of a CUDA device: what its memory gives at best, and every operation of the library held against it, each
// round back to back with its ceiling and, where there is one, its peer. Writes JSON of the form of roofline.json.
//     cuda_roofline FILE        exits with 77 where there is no device
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ceilings.cuh"
#include "operations.cuh"

namespace roofline_cuda {
namespace {

constexpr size_t sizes[] = {size_t{1} << 26, size_t{1} << 28};
constexpr size_t slack = size_t{1} << 20;  // elements that a layout rounds up by
constexpr int sets = 3, rounds = 31;       // an array alone is larger than any L2; sets take turns besides

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Numbers in [-4, 4) without visible order.
__global__ void fill(float* values, size_t n, unsigned seed) {
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += size_t{gridDim.x} * blockDim.x) {
    unsigned bits = (static_cast<unsigned>(i) ^ seed) * 0x7feb352du;
    bits = (bits ^ bits >> 15) * 0x846ca68bu;
    values[i] = static_cast<float>(bits ^ bits >> 16) * 0x1p-29f - 4.0f;
  }
}

float* filled(size_t n, unsigned seed) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, n * sizeof(float)), "cudaMalloc");
  fill<<<1024, 256>>>(static_cast<float*>(memory), n, seed);
  return static_cast<float*>(memory);
}

class Clock {
 public:
  Clock() {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  template <class F>
  double nanoseconds(F work) {
    check(cudaEventRecord(start_), "cudaEventRecord");
    work();
    check(cudaEventRecord(end_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start_, end_), "cudaEventElapsedTime");
    check(cudaGetLastError(), "a measured kernel");
    return static_cast<double>(milliseconds) * 1e6;
  }

 private:
  cudaEvent_t start_, end_;
};

std::string traffic(int reads) { return std::to_string(reads) + "R1W"; }

double gbps(int reads, size_t n, double nanoseconds) {
  return static_cast<double>(n * sizeof(float) * static_cast<size_t>(reads + 1)) / nanoseconds;
}

class Roofline {
 public:
  explicit Roofline(FILE* json) : json_(json) {
    check(cudaGetDeviceProperties(&device_, 0), "cudaGetDeviceProperties");
    size_t available, total;
    check(cudaMemGetInfo(&available, &total), "cudaMemGetInfo");
    for (const size_t n : sizes)
      if ((n + slack) * sizeof(float) * 3 * sets * 11 / 10 < available) largest_ = n;
    if (largest_ == 0) throw std::runtime_error("the device has too little memory for arrays of 2^26 elements");
    for (unsigned i = 0; i < sets; ++i) {
      arrays_.push_back(
          {filled(largest_ + slack, 3 * i), filled(largest_ + slack, 3 * i + 1), filled(largest_ + slack, 2)});
    }
    small_.slope = filled(largest_ / 64 + slack, 77);
    small_.sums = filled(largest_ / 64 + slack, 78);
    for (const Operation& o : operations()) {
      size_t bytes = 0;
      rectify_cuda_prelu_scratch_bytes(RECTIFY_F32, RECTIFY_F32, shape_of(o.layout, largest_), &bytes);
      small_.scratch_bytes = std::max(small_.scratch_bytes, bytes);
    }
    small_.scratch_bytes *= 2;
    small_.scratch = filled(small_.scratch_bytes / sizeof(float) + 1, 79);
  }

  void run() {
    std::fprintf(json_,
                 "{\n  \"machine\": {\"device\": \"%s\", \"compute_capability\": \"%d.%d\", \"multiprocessors\": %d, ",
                 device_.name, device_.major, device_.minor, device_.multiProcessorCount);
    int driver = 0, runtime = 0;
    check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    std::fprintf(json_, "\"memory_bytes\": %zu, \"l2_bytes\": %d, \"driver\": %d, \"runtime\": %d},\n",
                 device_.totalGlobalMem, device_.l2CacheSize, driver, runtime);
    std::fprintf(json_, "  \"ceilings\": [");
    for (const size_t n : sizes) measure_ceilings(n);
    std::fprintf(json_, "\n  ],\n  \"rows\": [");
    std::vector<std::string> peers;
    first_ = true;
    for (const size_t n : sizes)
      if (n <= largest_)
        for (const Operation& o : operations()) peers.push_back(measure_row(o, n));
    std::fprintf(json_, "\n  ],\n  \"peers\": [");
    first_ = true;
    for (const std::string& peer : peers)
      if (!peer.empty()) std::fprintf(json_, "%s\n    %s", comma(), peer.c_str());
    std::fprintf(json_, "\n  ]\n}\n");
  }

 private:
  const char* comma() { return std::exchange(first_, false) ? "" : ","; }
  const Arrays& next_set() { return arrays_[turn_++ % sets]; }

  void measure_ceilings(size_t n) {
    if (n > largest_) return;
    for (const Ceiling& ceiling : ceilings()) {
      std::vector<double> times;
      for (int round = 0; round < rounds + 3; ++round) {
        const double time = clock_.nanoseconds([&] { ceiling.run(next_set(), n); });
        if (round >= 3) times.push_back(time);
      }
      const double speed = gbps(ceiling.reads, n, median(times));
      std::fprintf(json_,
                   "%s\n    {\"traffic\": \"%s\", \"kernel\": \"%s\", \"level\": \"DRAM\", \"n\": %zu, \"gbps\": %.5g}",
                   comma(), traffic(ceiling.reads).c_str(), ceiling.name, n, speed);
      std::printf("ceiling %-24s n = 2^%.0f  %8.1f GB/s\n", ceiling.name, std::log2(n), speed);
      found_.push_back({&ceiling, speed, n});
    }
  }

  const Ceiling& ceiling_for(int reads, size_t n) const {
    const Found* best = nullptr;
    for (const Found& found : found_) {
      if (found.ceiling->reads == reads && found.n == n && (best == nullptr || found.gbps > best->gbps)) best = &found;
    }
    return *best->ceiling;
  }

  // Writes the row; returns its peer's.
  std::string measure_row(const Operation& o, size_t wanted) {
    const rectify_shape shape = shape_of(o.layout, wanted);
    const size_t n = shape.outer * shape.channels * shape.inner;
    const Ceiling& ceiling = ceiling_for(o.reads, wanted);
    std::vector<double> ours, percent, peers;
    for (int round = 0; round < rounds + 3; ++round) {
      int32_t status = RECTIFY_OK;
      const double time = clock_.nanoseconds([&] { status = o.run(next_set(), shape, small_); });
      if (status != RECTIFY_OK) throw std::runtime_error(std::string(o.operation) + ": " + rectify_status_text(status));
      const double roof = clock_.nanoseconds([&] { ceiling.run(next_set(), n / 4 * 4); });
      double peer = 0;
      if (o.cub) peer = clock_.nanoseconds([&] { check(o.cub(next_set(), n), "cub::DeviceTransform"); });
      if (round < 3) continue;
      ours.push_back(time);
      percent.push_back(100 * roof / time);
      if (o.cub) peers.push_back(peer);
    }
    const double time = median(ours), share = median(percent);
    std::fprintf(
        json_,
        "%s\n    {\"operation\": \"%s\", \"direction\": \"%s\", \"format\": \"f32\", \"layout\": \"%s\", "
        "\"backend\": \"cuda\", \"bound\": \"memory\", \"level\": \"DRAM\", \"n\": %zu, \"shape\": [%zu, %zu, %zu], "
        "\"traffic\": \"%s\", \"gbps\": %.5g, \"ns_per_element\": %.5g, \"percent_of_ceiling\": %.5g}",
        comma(), o.operation, o.direction, o.layout, n, shape.outer, shape.channels, shape.inner, traffic(o.reads).c_str(),
        gbps(o.reads, n, time), time / static_cast<double>(n), share);
    std::printf("%-10s %-22s %-12s n = %zu  %8.1f GB/s  %5.1f %% of the ceiling", o.operation, o.direction, o.layout, n,
                gbps(o.reads, n, time), share);
    std::string line;
    if (o.cub) {
      const double peer = median(peers);
      char text[512];
      std::snprintf(
          text, sizeof text,
          "{\"peer\": \"cub::DeviceTransform\", \"operation\": \"%s\", \"direction\": \"%s\", \"layout\": \"%s\", "
          "\"n\": %zu, \"gbps\": %.5g, \"ns_per_element\": %.5g, \"times_rectify\": %.5g}",
          o.operation, o.direction, o.layout, n, gbps(o.reads, n, peer), peer / static_cast<double>(n), peer / time);
      line = text;
      std::printf("  cub::DeviceTransform takes %.3f times as long", peer / time);
    }
    std::printf("\n");
    return line;
  }

  struct Found {
    const Ceiling* ceiling;
    double gbps;
    size_t n;
  };

  FILE* json_;
  bool first_ = true;
  unsigned turn_ = 0;
  cudaDeviceProp device_;
  Clock clock_;
  size_t largest_ = 0;
  std::vector<Arrays> arrays_;
  Small small_ = {};
  std::vector<Found> found_;
};

}  // namespace
}  // namespace roofline_cuda

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cuda_roofline FILE\n");
    return 2;
  }
  if (rectify_cuda_available() != RECTIFY_OK) return 77;
  FILE* const json = std::fopen(argv[1], "w");
  if (json == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  try {
    roofline_cuda::Roofline(json).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cuda_roofline: %s\n", error.what());
    return 1;
  }
  const bool written = std::ferror(json) == 0;
  return std::fclose(json) == 0 && written ? 0 : 1;
}
