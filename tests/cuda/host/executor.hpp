// Runs CUDA kernels on the CPU, for tests: a launch is queued, synchronise() runs the queue. The threads of a block are
// fibers on one CPU thread, and blocks run one after the other, so that a run is the same every time. What a GPU would
// leave undefined ends the program with a message: barriers and shuffles that not every thread reaches, threads at
// different ones. Shared memory begins as NaNs, and so is what a shuffle takes from a lane that has no part in it.
//
// It shows what a kernel computes. It cannot show a race within one barrier's reach: set_order() turns the order of threads
// and blocks, and a kernel whose results depend on it is wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <vector>

namespace rectify::executor {

enum class Order { ascending, descending, shuffled };

// In which order blocks run, and threads between two barriers. Ascending at first.
void set_order(Order order);

// What launch.cuh tells of the device, for tests to change.
struct Device {
  int32_t status = 0;  // of every launch
  unsigned resident_blocks = 4;
  unsigned blocks_run = ~0u;  // the last so many of each grid: enough to see whether a vast tensor's end is found
};
Device& device();

struct Launch {
  unsigned blocks;
  unsigned threads;
  void* stream;
  std::function<void()> body;  // one thread of the kernel
};

void enqueue(Launch launch);

// The launches that wait, in order.
const std::vector<Launch>& queue();

// Runs them under the default floating-point environment: a GPU knows nothing of the caller's.
void synchronise();

// For launch.cuh: what a thread calls while it runs.
void block_barrier(std::source_location where);
void warp_barrier(uint32_t lanes, std::source_location where);
// The value of lane `source` of this warp. Every lane of `lanes` calls it.
uint32_t exchange(uint32_t lanes, uint32_t value, unsigned source, std::source_location where);

struct Index {
  unsigned x, y, z;
};
extern Index thread_index, block_index, block_size, grid_size;

}  // namespace rectify::executor
