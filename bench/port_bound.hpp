// How fast a kernel could be if memory cost nothing: the time of its arithmetic on the pipes of the fused multiply-adds,
// which it crowds most.
//
// Which other instructions run on these pipes depends on the core, so it is measured: fused multiply-adds that fill the
// pipes, alone and with a few of the other instruction among them. What takes no longer runs beside them. The bound is then
// the time of the fused multiply-adds, the multiplications and whatever shares their pipes. For ELU forward with alpha = 1
// on Zen 3 and 4 that is 8 instructions a vector, the additions, the maximum, the integer minimum and the shift running
// beside them; on an Intel core with 512 bits everything shares two ports, and 14 count.
//
// 16-bit elements are widened and rounded besides, in bf16 mostly by integer arithmetic, which can be more than the fused
// multiply-adds. So the bound is also the time of each kind of instruction at the rate that it has alone, and of all of
// them at the rate of the kind that has the highest.
#pragma once

#include <stddef.h>

#include <array>
#include <string>
#include <vector>

#include "arithmetic.hpp"
#include "ceilings/kernel.hpp"

namespace roofline {

const char* name(Other instruction);

// The measured rate of independent fused multiply-adds with an instruction set's vectors.
struct Fused {
  std::string isa;
  size_t lanes;
  double per_cycle;
  double gflops;
  std::array<int, others> places;  // of a fused multiply-add that one of the other instructions takes: 0 if it runs beside
  std::array<double, others> others_per_cycle;  // alone
  const FusedPeak* peak;
};

std::vector<Fused> measure_fused(size_t rounds);

// Nanoseconds that one of them takes right now: another hardware thread may have its share of the core.
double fused_nanoseconds(const FusedPeak& peak);

// What an element's arithmetic takes on one thread.
struct PortBound {
  double places;          // of fused multiply-adds, or as many as take that long
  double cycles;          // that they take at least
  const FusedPeak* peak;  // NULL for a backend without vectors, where cycles is a guess: a lane at a time, on two pipes
};

PortBound port_bound(const Arithmetic& arithmetic, const std::string& backend, const std::vector<Fused>& fused);

}  // namespace roofline
