// out[i] = f(inputs[i]...) over contiguous elements. The aligning head, the body and the tail call the same f on a vector,
// so an element's position cannot change its bits. A vector is loaded whole before its result is stored, and never again:
// in place is safe.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

// An input read in order, element by element of memory.
struct Contiguous {
  const float* p;
  RECTIFY_INLINE const float* next(size_t count) {
    const float* here = p;
    p += count;
    return here;
  }
};

// An input that repeats every `period` elements, read from a table that continues past the period by `ahead` elements; a
// request is for at most that many.
struct Periodic {
  static constexpr size_t ahead = 4 * 16;
  const float* table;
  size_t period;
  size_t position;
  RECTIFY_INLINE const float* next(size_t count) {
    const float* here = table + position;
    position += count;
    if (position >= period) position = position < 2 * period ? position - period : position % period;
    return here;
  }
};

// Four vectors a turn: enough independent work to hide the latency of a load or of a short formula, and one address update
// for all of them.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE void map(float* out, size_t n, F f, Inputs... inputs) {
  constexpr size_t lanes = F32::lanes, unroll = 4;
  const size_t head = smaller(n, elements_to_alignment(out));
  if (head != 0) {
    put_partial<how>(out, f(load_partial(inputs.next(head), head)...), head);
    out += head;
    n -= head;
  }
  for (; n >= unroll * lanes; n -= unroll * lanes, out += unroll * lanes) {
    [&](auto... p) RECTIFY_LAMBDA {
      F32 result[unroll];
#pragma GCC unroll 4
      for (size_t u = 0; u < unroll; ++u) result[u] = f(load(p + u * lanes)...);
#pragma GCC unroll 4
      for (size_t u = 0; u < unroll; ++u) put<how>(out + u * lanes, result[u]);
    }(inputs.next(unroll * lanes)...);
  }
  for (; n >= lanes; n -= lanes, out += lanes) put<how>(out, f(load(inputs.next(lanes))...));
  if (n != 0) put_partial<how>(out, f(load_partial(inputs.next(n), n)...), n);
}

}  // namespace
}  // namespace rectify
