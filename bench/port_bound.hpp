// How fast a kernel could be if memory cost nothing: the time of its arithmetic on the pipes that it crowds most.
//
// ELU from x is the one formula with enough arithmetic to matter. What a vector of it puts on the pipes for multiplication
// and fused multiply-add, as kernels/activations/exponential.hpp writes it (additions, shifts and integer minima run beside
// them; on AMD a blend by sign shares them, and before Zen 4 so does a maximum):
//   expm1, alpha = 1     t, r, r*r, y, u, g, p and the last fma                                                     8
//   exp                  a second term of r, and the last scaling                                                  10
//   value                expm1, the maximum that selects                                                            9
//   gradient             exp, the product with dy, the select                                                      12
//   gradient and sum     expm1, exp, the product with dy, the sum's fma                                            20
// How many such instructions a cycle takes is measured, not looked up.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

#include "operations.hpp"

namespace roofline {

// The measured rate of independent fused multiply-adds with an instruction set's vectors.
struct Fused {
  std::string isa;
  size_t lanes;
  double per_cycle;
  double gflops;
};

std::vector<Fused> measure_fused(size_t rounds);

// Cycles per element of the operation's arithmetic on this backend; 0 where it never is the bound.
double port_bound(const Operation& operation, const std::string& backend, const std::vector<Fused>& fused);

}  // namespace roofline
