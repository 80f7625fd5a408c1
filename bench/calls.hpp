// Every call of the library at every level of the memory as a plain Google Benchmark, without ceilings: what two builds are
// compared by.
#pragma once

#include "machine.hpp"

namespace roofline {

// Takes Google Benchmark's own options: --benchmark_filter, --benchmark_repetitions, --benchmark_out.
void run_calls(const Machine& machine);

}  // namespace roofline
