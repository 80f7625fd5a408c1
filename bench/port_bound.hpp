// How fast a kernel could be if memory cost nothing: the time of its arithmetic on the pipes that it crowds most.
//
// ELU from x is the one formula with enough arithmetic to matter. Its instructions on the floating-point multiply-add
// pipes, for a vector, where multiplication, fused multiply-add and a select by sign bits share these and everything else
// runs beside them (kernels/activations/exponential.hpp names the steps):
//   value                t, r, r*r, Y, U, G, p, and the last fma: 8 with alpha = 1; scaling by another alpha one more     8
//   gradient             t, r in two terms, a polynomial of degree 6, two scalings, dy: 12; alpha one more              12
//   gradient and sum     both share t and n; the sum's own fma comes on top                                             20
// How many such instructions a cycle takes is measured, not looked up (Fused in this header).
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
