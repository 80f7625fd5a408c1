// What a call costs besides its arithmetic: every operation of f32, and one in 16 bits, on 16 elements, against its bare
// kernel. The least time of many counts for both: nanoseconds cannot be told from those that a disturbance adds.
#pragma once

#include <string>
#include <vector>

#include "arena.hpp"
#include "operations.hpp"

namespace roofline {

struct SmallCall {
  const Operation* operation;
  rectify_shape shape;
  double call_ns = 0;
  double kernel_ns = 0;  // the backend's kernel called with its work ready: no checks, no choice, no environment

  std::string name() const;
  double above_kernel_ns() const { return call_ns - kernel_ns; }
};

// Takes the least of what is known and of a count or two, as a caller without options calls it: the best backend. The
// shape has one leaf, of at most 4096 elements. Throws if a call fails.
void measure(SmallCall& call, const Arena& arena);

// Each operation on 16 elements.
std::vector<SmallCall> measure_small_calls(const Arena& arena, size_t rounds);

}  // namespace roofline
