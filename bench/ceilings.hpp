// What this machine's memory can do: the fastest of the vector widths and unrollings tried, for each traffic, kind of
// store, level and number of threads.
#pragma once

#include <stddef.h>

#include <functional>
#include <vector>

#include "arena.hpp"
#include "ceilings/kernel.hpp"
#include "levels.hpp"
#include "machine.hpp"
#include "timing.hpp"
#include "traffic.hpp"

namespace roofline {

struct Ceiling {
  Traffic traffic;
  bool streaming;
  Level level;
  size_t threads;
  size_t bytes;  // of all arrays together
  double gbps;
  // The fastest, and of those about as fast the one with the fewest instructions, which may be the same. Where another
  // hardware thread takes its share of the core, the fastest may be no more so: kernels are held against both.
  std::vector<const CeilingKernel*> kernels;

  const CeilingKernel& steadiest() const { return *kernels.back(); }
};

// The tables of kernels that this CPU and operating system can run.
std::vector<const CeilingTable*> runnable_tables();

// Nanoseconds of one pass over the streams. Several threads each pass over a part of
// their own and do not wait for each other between passes: what the memory can do, without the cost of a parallel call.
double ceiling_nanoseconds(const CeilingKernel& kernel, const Streams& streams, size_t threads, const Timer& timer);

// A timer for it.
Timer ceiling_timer(const CeilingKernel& kernel, const Streams& streams, size_t threads);

class Ceilings {
 public:
  // Measures them all; `rounds` is how often each candidate is timed, in turn with the others (fewer in DRAM).
  // `progress` is told what is being measured.
  Ceilings(const Machine& machine, const Arena& arena, const std::vector<size_t>& threads, size_t rounds,
           const std::function<void(Level, size_t threads)>& progress);

  const std::vector<Ceiling>& all() const { return all_; }

  // What a kernel is held against. In the caches ordinary stores: a streaming store leaves them. In DRAM the better kind.
  const Ceiling& matched(Traffic traffic, Level level, size_t threads) const;

  // The kernels of a ceiling at some level, on one thread.
  std::vector<const CeilingKernel*> winners(Traffic traffic, bool streaming) const;

 private:
  const Ceiling* find(Traffic traffic, bool streaming, Level level, size_t threads) const;

  std::vector<Ceiling> all_;
};

}  // namespace roofline
