// How plain C++ and Eigen, which leave that to their user, run on several threads: one contiguous part of the work for
// each.
#pragma once

#include <stddef.h>

namespace peers {

// body(begin, end, part) for the parts of 0..n.
template <class Body>
void in_parts(size_t n, size_t threads, const Body& body) {
  if (threads == 1) return body(size_t{0}, n, size_t{0});
#pragma omp parallel for num_threads(static_cast <int>(threads)) schedule(static, 1)
  for (size_t part = 0; part < threads; ++part) body(n * part / threads, n * (part + 1) / threads, part);
}

}  // namespace peers
