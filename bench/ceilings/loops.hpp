// The ceiling loops, written once over a vector type V:
//   V::Type, V::bits, load, either (bitwise or), store, streaming store, fence, keep (to the compiler: used and changed)
#pragma once

#include "kernel.hpp"

// Without it the compiler may recognise a copy loop and call memcpy, or merge turns.
#define ROOFLINE_KEEP_LOOP asm volatile("" ::: "memory")

namespace roofline {
namespace {

template <class V, int reads, int writes, bool streaming, size_t unroll>
inline __attribute__((always_inline)) void move_turn(const Streams& s, size_t i) {
  constexpr size_t lanes = V::bits / 32;
  typename V::Type v[unroll];
#pragma GCC unroll 16
  for (size_t k = 0; k < unroll; ++k) v[k] = V::load(s.in[0] + i + k * lanes);
#pragma GCC unroll 4
  for (int r = 1; r < reads; ++r) {
#pragma GCC unroll 16
    for (size_t k = 0; k < unroll; ++k) v[k] = V::either(v[k], V::load(s.in[r] + i + k * lanes));
  }
#pragma GCC unroll 4
  for (int w = 0; w < writes; ++w) {
#pragma GCC unroll 16
    for (size_t k = 0; k < unroll; ++k) {
      if constexpr (streaming)
        V::store_streaming(s.out[w] + i + k * lanes, v[k]);
      else
        V::store(s.out[w] + i + k * lanes, v[k]);
    }
  }
  ROOFLINE_KEEP_LOOP;
}

template <class V, int reads, int writes, bool streaming, size_t unroll>
void move(const Streams& streams) {
  constexpr size_t step = unroll * (V::bits / 32);
  const Streams s = streams;
  size_t i = 0;
  for (; i + step <= s.n; i += step) move_turn<V, reads, writes, streaming, unroll>(s, i);
  for (; i < s.n; i += V::bits / 32) move_turn<V, reads, writes, streaming, 1>(s, i);
  if constexpr (streaming) V::fence();
}

// Reading two arrays and writing none: each vector of the turn has an accumulator of its own.
template <class V, size_t unroll>
void read_two(const Streams& streams) {
  constexpr size_t lanes = V::bits / 32;
  const Streams s = streams;
  typename V::Type v[unroll];
#pragma GCC unroll 16
  for (size_t k = 0; k < unroll; ++k) v[k] = V::load(s.in[0] + k * lanes);
  size_t i = 0;
  for (; i + unroll * lanes <= s.n; i += unroll * lanes) {
#pragma GCC unroll 2
    for (int r = 0; r < 2; ++r) {
#pragma GCC unroll 16
      for (size_t k = 0; k < unroll; ++k) v[k] = V::either(v[k], V::load(s.in[r] + i + k * lanes));
    }
    ROOFLINE_KEEP_LOOP;
  }
  for (; i < s.n; i += lanes) v[0] = V::either(v[0], V::either(V::load(s.in[0] + i), V::load(s.in[1] + i)));
#pragma GCC unroll 16
  for (size_t k = 0; k < unroll; ++k) V::keep(v[k]);
}

// `chains` chains, enough to cover the latency of the instruction on every pipe. The values converge to 1. A turn goes
// through them several times, so that its own instructions hardly count; `more` adds to each time what else should run.
template <class V, size_t chains, class More>
inline __attribute__((always_inline)) void fused_turns(size_t turns, More more) {
  typename V::Type acc[chains];
  const typename V::Type half = V::broadcast(0.5f);
#pragma GCC unroll 32
  for (size_t k = 0; k < chains; ++k) {
    acc[k] = half;
    V::keep(acc[k]);  // else all chains are one to the compiler
  }
  for (size_t t = 0; t < turns; ++t) {
#pragma GCC unroll 8
    for (size_t time = 0; time < times_a_turn; ++time) {
#pragma GCC unroll 32
      for (size_t k = 0; k < chains; ++k) acc[k] = V::fused(acc[k], half, half);
      more();
    }
    ROOFLINE_KEEP_LOOP;
  }
#pragma GCC unroll 32
  for (size_t k = 0; k < chains; ++k) V::keep(acc[k]);
}

template <class V, size_t chains>
void fused(size_t turns) {
  fused_turns<V, chains>(turns, [] {});
}

// V::other<kind>(v): one such instruction on v, which the compiler can neither drop nor replace.
template <class V, size_t chains, Other kind>
void fused_beside(size_t turns) {
  typename V::Type v[besides];
  for (size_t k = 0; k < besides; ++k) v[k] = V::broadcast(0.5f);
  fused_turns<V, chains>(
      turns, [&]() __attribute__((always_inline)) {
#pragma GCC unroll 8
        for (size_t k = 0; k < besides; ++k) {
          typename V::Type copy = v[k];  // else each would wait for the one before, and a slow one longer than a turn takes
          V::template other<kind>(copy);
        }
      });
}

template <class V, size_t chains, Other kind>
void alone(size_t turns) {
  typename V::Type v[chains];
#pragma GCC unroll 32
  for (size_t k = 0; k < chains; ++k) {
    v[k] = V::broadcast(0.5f);
    V::keep(v[k]);
  }
  for (size_t t = 0; t < turns; ++t) {
#pragma GCC unroll 8
    for (size_t time = 0; time < times_a_turn; ++time) {
#pragma GCC unroll 32
      for (size_t k = 0; k < chains; ++k) V::template other<kind>(v[k]);
    }
    ROOFLINE_KEEP_LOOP;
  }
#pragma GCC unroll 32
  for (size_t k = 0; k < chains; ++k) V::keep(v[k]);
}

}  // namespace
}  // namespace roofline

#define ROOFLINE_MOVE(V, reads, writes, streaming, unroll) \
  { reads, writes, streaming, V::bits, unroll, &move<V, reads, writes, streaming, unroll> }
#define ROOFLINE_MOVES(V, streaming, unroll)                                            \
  ROOFLINE_MOVE(V, 1, 1, streaming, unroll), ROOFLINE_MOVE(V, 2, 1, streaming, unroll), \
      ROOFLINE_MOVE(V, 3, 1, streaming, unroll), ROOFLINE_MOVE(V, 3, 2, streaming, unroll)
#define ROOFLINE_READS(V, unroll) \
  { 2, 0, false, V::bits, unroll, &read_two<V, unroll> }
#define ROOFLINE_UNROLL(V, unroll) \
  ROOFLINE_MOVES(V, false, unroll), ROOFLINE_MOVES(V, true, unroll), ROOFLINE_READS(V, unroll)
#define ROOFLINE_OTHERS(function, V, chains)                                                                               \
  {                                                                                                                        \
    &function<V, chains, Other::add>, &function<V, chains, Other::maximum>, &function<V, chains, Other::compare>,          \
        &function<V, chains, Other::select>, &function<V, chains, Other::integer_minimum>,                                 \
        &function<V, chains, Other::shift>, &function<V, chains, Other::integer>, &function<V, chains, Other::widen_half>, \
        &function<V, chains, Other::narrow_half>                                                                           \
  }
#define ROOFLINE_FUSED(V, chains) \
  { &fused<V, chains>, chains *times_a_turn, ROOFLINE_OTHERS(fused_beside, V, chains), ROOFLINE_OTHERS(alone, V, chains) }
