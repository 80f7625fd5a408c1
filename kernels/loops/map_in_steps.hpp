// map() for a formula that is a chain of steps longer than a core sees ahead. Steps that a turn takes of different vectors
// do not wait for each other, so they leave the schedulers about as they enter them.
#pragma once

#include "map.hpp"

namespace rectify {
namespace {

// Both do the elements from i on in whole vectors, but for some of the last, and return where they end. Beyond the last
// turn that one is started again, for nobody: no epilogue then.

// With 16 registers, which hold little more than the constants: a turn approximates and finishes four vectors, and starts
// and reduces the next four; two registers a vector wait for it. (Left in memory, what waits costs stores, each of which
// takes the place of two fused multiply-adds on Zen 3: constants are there instead.) With all of the one before all of the
// other it takes 1.07 times as long there, with two vectors 1.08, with three 1.02 to 1.04.
template <class V, Store how, class Steps, class Element, class Finish, class... Inputs>
RECTIFY_INLINE size_t map_in_two_steps(size_t i, Element* out, size_t n, Finish finish, const Element* x,
                                       const Inputs*... others) {
  constexpr size_t lanes = V::lanes, vectors = V::in_steps, turn = vectors * lanes;
  const auto end = [&](auto begun, size_t at) RECTIFY_LAMBDA {
    const auto ready = Steps::approximate(begun);  // before x, which would have to wait in a register
    put<how>(out + at, finish(ready, V::load(x + at), V::load_once(others + at)...));
  };
  decltype(reduced<Steps>(V())) begun[vectors];
  if (i + turn <= n) {
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) begun[v] = reduced<Steps>(V::load(x + i + v * lanes));
    const size_t last = n - turn, ahead = distance<Element, 1 + sizeof...(Inputs), how>(n);
    for (; i + turn <= n; i += turn) {
      prefetch<turn>(ahead, x + i, (others + i)...);
      const Element* next = x + smaller(i + turn, last);
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) {
        end(begun[v], i + v * lanes);
        begun[v] = reduced<Steps>(V::load(next + v * lanes));
      }
    }
  }
  for (; i + lanes <= n; i += lanes) end(reduced<Steps>(V::load(x + i)), i);
  return i;
}

// A vector in each of four steps.
template <class V, class Steps>
struct InFlight {
  decltype(Steps::start(V())) started;
  decltype(Steps::reduce(started)) reduced;
  decltype(Steps::approximate(reduced)) ready;

  RECTIFY_INLINE void start(V x) { started = Steps::start(x); }
  RECTIFY_INLINE void reduce() { reduced = Steps::reduce(started); }
  RECTIFY_INLINE void approximate() { ready = Steps::approximate(reduced); }
};

// With 32: a turn finishes one group of vectors, approximates for the next, reduces for the one after and starts a fourth.
// ELU forward has 14 operations in a chain of 40 cycles. To fill Zen 5's pipes, a vector every 4 cycles, 140 would have to
// be in flight at once, and the schedulers hold 114: it takes 5.2 cycles, and 4.3 so. Two vectors and four steps take 26 to
// 32 registers.
template <class V, Store how, class Steps, class Element, class Finish, class... Inputs>
RECTIFY_INLINE size_t map_in_four_steps(size_t i, Element* out, size_t n, Finish finish, const Element* x,
                                        const Inputs*... others) {
  constexpr size_t lanes = V::lanes, vectors = V::in_steps, turn = vectors * lanes;
  constexpr size_t turns = 2;  // written out, so that nothing is moved from step to step
  if (i + turns * turn > n) return i;
  InFlight<V, Steps> first, second;
  const size_t last = n - turn;
  const auto start = [&](size_t at) RECTIFY_LAMBDA {
    at = smaller(at, last);
    first.start(V::load(x + at));
    if constexpr (vectors == 2) second.start(V::load(x + at + lanes));
  };
  const auto reduce = [&]() RECTIFY_LAMBDA {
    first.reduce();
    if constexpr (vectors == 2) second.reduce();
  };
  const auto approximate = [&]() RECTIFY_LAMBDA {
    first.approximate();
    if constexpr (vectors == 2) second.approximate();
  };
  const auto store = [&](size_t at, const InFlight<V, Steps>& vector) RECTIFY_LAMBDA {
    put<how>(out + at, finish(vector.ready, V::load(x + at), V::load_once(others + at)...));
  };
  start(i);
  reduce();
  approximate();
  start(i + turn);
  reduce();
  start(i + 2 * turn);
  const size_t ahead = distance<Element, 1 + sizeof...(Inputs), how>(n);
  for (; i + turns * turn <= n; i += turns * turn) {
    prefetch<turns * turn>(ahead, x + i, (others + i)...);
#pragma GCC unroll 2
    for (size_t at = i; at < i + turns * turn; at += turn) {
      store(at, first);
      if constexpr (vectors == 2) store(at + lanes, second);
      approximate();
      reduce();
      start(at + 3 * turn);
    }
  }
  return i;
}

// out[i] = finish(Steps(x[i]), x[i], others[i]...).
template <class V, Store how, class Steps, class Element, class Finish, class... Inputs>
RECTIFY_INLINE void map_in_steps(Element* out, size_t n, Finish finish, const Element* x, const Inputs*... others) {
  constexpr bool four_steps = V::vector_registers == 32;
  const auto part = [&](size_t i, size_t count) RECTIFY_LAMBDA {
    const V a = V::load_partial(x + i, count);
    put_partial<how>(out + i, finish(approximated<Steps>(a), a, V::load_partial(others + i, count)...), count);
  };
  size_t i = 0;
  // Beside so much arithmetic a store that straddles lines costs nothing: 0.97 to 1.0 of the time (Zen 3; 16 elements 0.8).
  if constexpr (four_steps || how == Store::streaming) {
    i = smaller(n, elements_to_alignment<V>(out));
    if (i != 0) part(0, i);
  }
  if constexpr (four_steps)
    i = map_in_four_steps<V, how, Steps>(i, out, n, finish, x, others...);
  else
    i = map_in_two_steps<V, how, Steps>(i, out, n, finish, x, others...);
  for (size_t count; i < n; i += count) part(i, count = smaller(V::lanes, n - i));
}

}  // namespace
}  // namespace rectify
