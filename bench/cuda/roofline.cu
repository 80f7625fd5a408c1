// The roofline of a CUDA device: what its memory gives at best, and every operation of the library in every number format
// held against it, each round back to back with its ceiling and, where there is one, its peer. Writes JSON of the form of
// roofline.json, anew after each row: a device may be taken away.
//     cuda_roofline FILE        exits with 77 where there is no device
#include <algorithm>
#include <chrono>
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

// Bytes of an array, in every format: at least 2^26 elements of the largest.
constexpr size_t fewest_elements = size_t{1} << 26;
constexpr size_t sizes[] = {fewest_elements * sizeof(double), fewest_elements * sizeof(double) * 4};
constexpr size_t slack = size_t{1} << 20;  // more than a layout rounds up by
constexpr int sets = 3, rounds = 31;       // an array alone is larger than any L2; sets take turns besides

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Numbers in [-4, 4) without visible order.
template <class T>
__global__ void fill(T* values, size_t n, unsigned seed) {
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += size_t{gridDim.x} * blockDim.x) {
    unsigned bits = (static_cast<unsigned>(i) ^ seed) * 0x7feb352du;
    bits = (bits ^ bits >> 15) * 0x846ca68bu;
    values[i] = static_cast<T>(static_cast<float>(bits ^ bits >> 16) * 0x1p-29f - 4.0f);
  }
}

template <class T>
void fill_all(void* memory, size_t bytes, unsigned seed) {
  fill<<<1024, 256>>>(static_cast<T*>(memory), bytes / sizeof(T), seed);
  check(cudaGetLastError(), "fill");
}

void* allocated(size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes), "cudaMalloc");
  return memory;
}

// Keeps the device busy while the host enqueues what is measured: its launches take microseconds, which would count.
__global__ void spin(long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {
  }
}

class Clock {
 public:
  Clock() {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  template <class F>
  double nanoseconds(F work) {
    spin<<<1, 1>>>(400000);  // 0.2 ms
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

double gbps(int reads, size_t bytes, double nanoseconds) {
  return static_cast<double>(bytes * static_cast<size_t>(reads + 1)) / nanoseconds;
}

class Roofline {
 public:
  explicit Roofline(std::string path) : path_(std::move(path)) {
    check(cudaGetDeviceProperties(&device_, 0), "cudaGetDeviceProperties");
    check(cudaDriverGetVersion(&driver_), "cudaDriverGetVersion");
    check(cudaRuntimeGetVersion(&runtime_), "cudaRuntimeGetVersion");
    size_t available, total;
    check(cudaMemGetInfo(&available, &total), "cudaMemGetInfo");
    for (const size_t bytes : sizes)
      if ((bytes + slack) * 3 * sets * 11 / 10 < available) largest_ = bytes;
    if (largest_ == 0) throw std::runtime_error("the device has too little memory for nine arrays of 2^29 bytes");
    write();  // before the work: an unwritable folder should not cost a run
    for (unsigned i = 0; i < sets; ++i) {
      arrays_.push_back({allocated(largest_ + slack), allocated(largest_ + slack), allocated(largest_ + slack)});
      fill_all<float>(arrays_[i].x, largest_ + slack, 3 * i);
      fill_all<float>(arrays_[i].dy, largest_ + slack, 3 * i + 1);
    }
  }

  // How many rows could not be measured.
  int run() {
    wake();
    for (const size_t bytes : sizes) measure_ceilings(bytes);
    measure_format<float>();
    measure_format<__half>();
    measure_format<__nv_bfloat16>();
    measure_format<double>();
    return failed_;
  }

 private:
  static std::string joined(const std::vector<std::string>& entries) {
    std::string list;
    for (const std::string& entry : entries) list += (list.empty() ? "\n    " : ",\n    ") + entry;
    return list;
  }

  // In a file beside it first, so that there is a whole one at any time.
  void write() const {
    const std::string unfinished = path_ + ".part";
    FILE* const json = std::fopen(unfinished.c_str(), "w");
    if (json == nullptr) throw std::runtime_error("cannot write " + unfinished);
    std::fprintf(json,
                 "{\n  \"machine\": {\"device\": \"%s\", \"compute_capability\": \"%d.%d\", \"multiprocessors\": %d, "
                 "\"memory_bytes\": %zu, \"l2_bytes\": %d, \"driver\": %d, \"runtime\": %d},\n",
                 device_.name, device_.major, device_.minor, device_.multiProcessorCount, device_.totalGlobalMem,
                 device_.l2CacheSize, driver_, runtime_);
    std::fprintf(json, "  \"ceilings\": [%s\n  ],\n  \"rows\": [%s\n  ],\n  \"peers\": [%s\n  ]\n}\n",
                 joined(ceilings_).c_str(), joined(rows_).c_str(), joined(peers_).c_str());
    const bool written = std::ferror(json) == 0;
    if (std::fclose(json) != 0 || !written || std::rename(unfinished.c_str(), path_.c_str()) != 0) {
      throw std::runtime_error("cannot write " + path_);
    }
  }

  // An idle device runs at a fraction of its clock, and a few rounds are over before it has left that.
  void wake() const {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500)) {
      for (const Arrays& arrays : arrays_) {
        check(cudaMemcpyAsync(arrays.out, arrays.x, largest_, cudaMemcpyDeviceToDevice), "cudaMemcpyAsync");
      }
      check(cudaDeviceSynchronize(), "copies");
    }
  }

  const Arrays& next_set() { return arrays_[turn_++ % sets]; }

  void measure_ceilings(size_t bytes) {
    if (bytes > largest_) return;
    for (const Ceiling& ceiling : ceilings()) {
      std::vector<double> times;
      for (int round = 0; round < rounds + 3; ++round) {
        const double time = clock_.nanoseconds([&] { ceiling.run(next_set(), bytes); });
        if (round >= 3) times.push_back(time);
      }
      const double speed = gbps(ceiling.reads, bytes, median(times));
      char text[256];
      std::snprintf(text, sizeof text,
                    "{\"traffic\": \"%s\", \"kernel\": \"%s\", \"level\": \"DRAM\", \"bytes\": %zu, \"gbps\": %.5g}",
                    traffic(ceiling.reads).c_str(), ceiling.name, bytes, speed);
      ceilings_.push_back(text);
      std::printf("ceiling %-24s 2^%.0f bytes  %8.1f GB/s\n", ceiling.name, std::log2(bytes), speed);
      found_.push_back({&ceiling, speed, bytes});
    }
  }

  const Ceiling& ceiling_for(int reads, size_t bytes) const {
    const Found* best = nullptr;
    for (const Found& found : found_) {
      if (found.ceiling->reads == reads && found.bytes == bytes && (best == nullptr || found.gbps > best->gbps)) {
        best = &found;
      }
    }
    return *best->ceiling;
  }

  template <class E>
  void measure_format() {
    using Slope = typename Format<E>::Computed;
    for (unsigned i = 0; i < sets; ++i) {
      fill_all<E>(arrays_[i].x, largest_ + slack, 3 * i);
      fill_all<E>(arrays_[i].dy, largest_ + slack, 3 * i + 1);
    }
    Small small = {};
    size_t channels = 1;
    for (const Operation& o : operations<E>()) {
      for (const size_t wanted : sizes) {
        if (wanted > largest_) continue;
        const rectify_shape shape = shape_of(o.layout, wanted / sizeof(E));
        // Of a fused call, which needs the most.
        size_t bytes = 0;
        check_status(rectify_cuda_fused_scratch_bytes(Format<E>::dtype, Format<E>::slope_dtype, shape, &bytes), "scratch");
        small.scratch_bytes = std::max(small.scratch_bytes, bytes);
        channels = std::max(channels, shape.channels);
      }
    }
    small.slope = allocated(channels * sizeof(Slope));
    small.sums = allocated(channels * sizeof(Slope));
    small.scratch = allocated(small.scratch_bytes);
    fill_all<Slope>(small.slope, channels * sizeof(Slope), 77);
    wake();
    for (const size_t bytes : sizes) {
      if (bytes > largest_) continue;
      for (const Operation& o : operations<E>()) try_row<E>(o, small, bytes);
    }
    for (void* const memory : {small.slope, small.sums, small.scratch}) check(cudaFree(memory), "cudaFree");
  }

  static void check_status(int32_t status, const char* what) {
    if (status != RECTIFY_OK) throw std::runtime_error(std::string(what) + ": " + rectify_status_text(status));
  }

  // One row that cannot be measured does not take the others with it, unless the device is lost.
  template <class E>
  void try_row(const Operation& o, const Small& small, size_t wanted) {
    try {
      measure_row<E>(o, small, wanted);
    } catch (const std::exception& error) {
      std::printf("NOT MEASURED: %s %s %s %s: %s\n", Format<E>::name, o.operation, o.direction, o.layout, error.what());
      ++failed_;
      cudaGetLastError();
      check(cudaDeviceSynchronize(), "the device is lost");
    }
    write();
  }

  template <class E>
  void measure_row(const Operation& o, const Small& small, size_t wanted) {
    const rectify_shape shape = shape_of(o.layout, wanted / sizeof(E));
    const size_t n = shape.outer * shape.channels * shape.inner, bytes = n * sizeof(E);
    const Ceiling& ceiling = ceiling_for(o.reads, wanted);
    std::vector<double> ours, percent, peers;
    for (int round = 0; round < rounds + 3; ++round) {
      int32_t status = RECTIFY_OK;
      const double time = clock_.nanoseconds([&] { status = o.run(next_set(), shape, small); });
      check_status(status, o.operation);
      const double roof = clock_.nanoseconds([&] { ceiling.run(next_set(), bytes / 16 * 16); });
      double peer = 0;
      if (o.cub) peer = clock_.nanoseconds([&] { check(o.cub(next_set(), n), "cub::DeviceTransform"); });
      if (o.cub) next_set();  // else each had the same set every round
      if (round < 3) continue;
      ours.push_back(time);
      percent.push_back(100 * roof / time);
      if (o.cub) peers.push_back(peer);
    }
    const double time = median(ours), share = median(percent);
    char text[512];
    std::snprintf(
        text, sizeof text,
        "{\"operation\": \"%s\", \"direction\": \"%s\", \"format\": \"%s\", \"layout\": \"%s\", "
        "\"backend\": \"cuda\", \"bound\": \"memory\", \"level\": \"DRAM\", \"n\": %zu, \"shape\": [%zu, %zu, %zu], "
        "\"traffic\": \"%s\", \"gbps\": %.5g, \"ns_per_element\": %.5g, \"percent_of_ceiling\": %.5g}",
        o.operation, o.direction, Format<E>::name, o.layout, n, shape.outer, shape.channels, shape.inner,
        traffic(o.reads).c_str(), gbps(o.reads, bytes, time), time / static_cast<double>(n), share);
    rows_.push_back(text);
    std::printf("%-4s %-10s %-22s %-12s n = %zu  %8.1f GB/s  %5.1f %% of the ceiling", Format<E>::name, o.operation,
                o.direction, o.layout, n, gbps(o.reads, bytes, time), share);
    if (o.cub) {
      const double peer = median(peers);
      std::snprintf(text, sizeof text,
                    "{\"peer\": \"cub::DeviceTransform\", \"operation\": \"%s\", \"direction\": \"%s\", "
                    "\"format\": \"%s\", \"layout\": \"%s\", \"n\": %zu, \"gbps\": %.5g, \"ns_per_element\": %.5g, "
                    "\"times_rectify\": %.5g}",
                    o.operation, o.direction, Format<E>::name, o.layout, n, gbps(o.reads, bytes, peer),
                    peer / static_cast<double>(n), peer / time);
      peers_.push_back(text);
      std::printf("  cub::DeviceTransform takes %.3f times as long", peer / time);
    }
    std::printf("\n");
  }

  struct Found {
    const Ceiling* ceiling;
    double gbps;
    size_t bytes;
  };

  std::string path_;
  int failed_ = 0;
  unsigned turn_ = 0;
  cudaDeviceProp device_;
  int driver_ = 0, runtime_ = 0;
  Clock clock_;
  size_t largest_ = 0;
  std::vector<Arrays> arrays_;
  std::vector<Found> found_;
  std::vector<std::string> ceilings_, rows_, peers_;
};

}  // namespace
}  // namespace roofline_cuda

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cuda_roofline FILE\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what is measured is seen, whatever comes later
  int driver = 0;
  // Without a driver its version is 0.
  const bool has_driver = cudaDriverGetVersion(&driver) == cudaSuccess && driver != 0;
  const int32_t available = rectify_cuda_available();
  if (available == RECTIFY_ERROR_NO_DEVICE && has_driver && driver < CUDART_VERSION / 1000 * 1000) {
    std::fprintf(stderr, "cuda_roofline: the driver is too old for CUDA %d\n", CUDART_VERSION / 1000);
    return 1;
  }
  if (available == RECTIFY_ERROR_NO_DEVICE) return 77;
  if (available != RECTIFY_OK) {
    std::fprintf(stderr, "cuda_roofline: %s\n", rectify_status_text(available));
    return 1;
  }
  try {
    return roofline_cuda::Roofline(argv[1]).run() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cuda_roofline: %s\n", error.what());
    return 1;
  }
}
