// out[i] = f(inputs[i]...) over contiguous elements, on vectors V. The aligning head, the body and the tail call the same f
// on a vector, so an element's position cannot change its bits. A vector is loaded whole before its result is stored, and
// never again: in place is safe.
#pragma once

#include "../pair.hpp"
#include "prefetch.hpp"

namespace rectify {
namespace {

// What a loop should know of the formula it runs.
//
// Brief: a turn of four vectors pays for its address updates, and the reorder buffer holds many turns, so loads run far
// ahead.
//
// Lengthy: four vectors would spill on 16 registers, two do not. The arithmetic fills the reorder buffer, so loads see only
// a few lines ahead, and those further are prefetched. On Zen 3 that took ELU in DRAM from 71 to about 90 % of the ceiling
// forward and from 78 to about 90 % backward; on Zen 5 it takes ELU at L3 to 0.85 of the time, and in L1 and L2 costs 1 %.
//
// Selecting: brief, in caches, and the last input is used but once, under a mask. Its load becomes part of that. On Zen 5
// such a load ends 2 to 9 % sooner from L2 and L3, but from DRAM it takes a third longer, as if prefetchers did not see it.
enum class Formula { brief, selecting, lengthy };

// Past the caches AVX2 loads all of a turn before it stores: a load waits for an earlier store whose address has the same
// last 12 bits, and that one waits for its own loads. Where an output begins 16 to 64 bytes behind an input, as their pages
// have them, loads that took turns with stores took 1.2 to 2.3 times as long (Zen 3); elsewhere the order is nothing to
// memory.
template <class V, Store how>
constexpr bool loads_first = how == Store::streaming&& V::vector_registers == 16;

// Whether a turn of a map stores at its end: what has to load first; one input whose results are whole lines (on Zen 5
// stores between the loads take ReLU in place in L2 1.2 times as long in some processes, for a reason not found; in L1 1 to
// 2 % less); and pairs on AVX2, whose rounding takes so long that two go side by side (bf16 0.97 of the time on Zen 3, L2).
// Others are stored as each result is there: Zen 5 takes two stores of 32 bytes in a cycle if they follow each other into
// one line, so that AVX2 takes 1.1 to 1.2 times as long in L1 otherwise, and gradients on AVX-512 1.03 to 1.05.
template <class V, class Element, Store how, size_t inputs>
constexpr bool stores_at_end = loads_first<V, how> || (inputs == 1 && V::lanes * sizeof(Element) % 64 == 0) ||
                               (V::registers == 2 && V::vector_registers == 16 && inputs <= 2);

// The vectors of a turn, result(v) each.
template <class V, Store how, size_t vectors, bool at_end, class Element, class Result>
RECTIFY_INLINE void put_turn(Element* out, Result result) {
  if constexpr (at_end) {
    V results[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) results[v] = result(v);
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) put<how>(out + v * V::lanes, results[v]);
  } else {
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) put<how>(out + v * V::lanes, result(v));
  }
}

// Vectors of a turn of a brief formula.
template <class V>
constexpr size_t brief_turn = 4 / V::registers;

template <class V, Store how, Formula formula, class Element, class F, class... Inputs>
RECTIFY_INLINE void map(Element* out, size_t n, F f, const Inputs*... inputs) {
  constexpr bool lengthy = formula == Formula::lengthy;
  constexpr size_t lanes = V::lanes, vectors = lengthy ? 2 : brief_turn<V>;
  // ELU's value has no register to spare, and uses its input but twice.
  constexpr bool folded = formula == Formula::selecting || (lengthy && sizeof...(Inputs) == 1);
  const auto take = [](const auto* p) RECTIFY_LAMBDA { return folded ? V::load(p) : V::load_once(p); };
  const size_t head = smaller(n, elements_to_alignment<V>(out));
  if (head != 0) put_partial<how>(out, f(V::load_partial(inputs, head)...), head);
  size_t i = head;
  [[maybe_unused]] const size_t ahead = distance<Element, sizeof...(Inputs), how>(n);
  for (; i + vectors * lanes <= n; i += vectors * lanes) {
    if constexpr (lengthy) prefetch<vectors * lanes>(ahead, (inputs + i)...);
    if constexpr (!lengthy && conversions_prefetched<V, Element, how>) prefetch_near<V, vectors * lanes>((inputs + i)...);
    put_turn<V, how, vectors, stores_at_end<V, Element, how, sizeof...(Inputs)>>(
        out + i, [&](size_t v) RECTIFY_LAMBDA { return f(take(inputs + i + v * lanes)...); });
  }
  for (; i + lanes <= n; i += lanes) put<how>(out + i, f(take(inputs + i)...));
  if (i != n) put_partial<how>(out + i, f(V::load_partial(inputs + i, n - i)...), n - i);
}

// out[i] = f(parameter, inputs[i]...) where the parameters repeat: the pattern, of kept vectors, begins with element
// `head`, which aligns out, and the head has its own. The period is a number of whole turns, so that there is one loop, and
// the load of the parameters folds into the operation that uses them. A call, so that what else the caller may run does not
// take its registers: AVX2 took 1.06 times as long with 64 channels, L2, Zen 5.
template <class V, Store how, class Element, class F, class... Inputs>
[[gnu::noinline]] void map_pattern(Element* out, size_t n, size_t head, V head_parameters,
                                   const typename V::Scalar* pattern, size_t period, F f, const Inputs*... inputs) {
  constexpr size_t lanes = V::lanes, vectors = brief_turn<V>;
  static_assert(V::registers == 1 || vectors == 2);
  if (head != 0) put_partial<how>(out, f(head_parameters, V::load_partial(inputs, head)...), head);
  size_t i = head, k = 0;
  const auto take = [&](const auto& parameters) RECTIFY_LAMBDA {
    if constexpr (conversions_prefetched<V, Element, how>) prefetch_near<V, vectors * lanes>((inputs + i)...);
    put_turn<V, how, vectors, loads_first<V, how> || V::registers == 2>(
        out + i, [&](size_t v) RECTIFY_LAMBDA { return f(parameters(v), V::load_once(inputs + i + v * lanes)...); });
    i += vectors * lanes;
  };
  if (period == vectors * lanes) {  // as of 64 channels: in registers, which spares L1 a load of two
    V whole[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) whole[v] = load_kept<V>(pattern + v * lanes);
    while (i + vectors * lanes <= n) take([&](size_t v) RECTIFY_LAMBDA { return whole[v]; });
  } else {
    while (i + vectors * lanes <= n) {
      take([&](size_t v) RECTIFY_LAMBDA { return load_kept<V>(pattern + k + v * lanes); });
      k = k + vectors * lanes == period ? 0 : k + vectors * lanes;
    }
  }
  for (; i + lanes <= n; i += lanes, k += lanes)
    put<how>(out + i, f(load_kept<V>(pattern + k), V::load_once(inputs + i)...));
  if (i != n) put_partial<how>(out + i, f(load_kept<V>(pattern + k), V::load_partial(inputs + i, n - i)...), n - i);
}

}  // namespace
}  // namespace rectify
