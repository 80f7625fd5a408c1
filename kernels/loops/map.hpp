// out[i] = f(inputs[i]...) over contiguous elements, on vectors V. The aligning head, the body and the tail call the same f
// on a vector, so an element's position cannot change its bits. A vector is loaded whole before its result is stored, and
// never again: in place is safe.
#pragma once

#include "../pair.hpp"
#include "stores.hpp"

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

// Prefetches run ahead of the elements in hand by 16 KiB of one input, by 4 KiB each of two: where arithmetic or the ends
// of runs keep loads from running ahead. Zen 5's own prefetchers are further than 2 KiB, which then cost ELU's gradient
// from DRAM 17 %, its value 6 %; 8 KiB each cost the gradient 13 %, one of 8 KiB the value 3 %. Brief formulas become
// slower.
template <class Element, size_t inputs>
constexpr size_t far_ahead = (inputs == 1 ? 256 : 64) * 64 / sizeof(Element);

// That, unless n elements are so few that much of it would be beyond them: the lines in hand then, at no cost. One input is
// prefetched half as far where the caches take the results: ELU's value at L3 0.96 of the time (Zen 5), from DRAM 1.03.
template <class Element, size_t inputs, Store how>
RECTIFY_INLINE size_t distance(size_t n) {
  constexpr size_t ahead = far_ahead<Element, inputs>;
  if (n < 4 * ahead) return 0;
  return how == Store::ordinary && inputs == 1 ? ahead / 2 : ahead;
}

// The lines of `count` elements that are `ahead`. A prefetch never faults.
template <class Element, size_t count, class... Inputs>
RECTIFY_INLINE void prefetch(size_t ahead, const Inputs*... inputs) {
#pragma GCC unroll 8
  for (size_t i = 0; i < count; i += 64 / sizeof(Element)) (__builtin_prefetch(inputs + ahead + i), ...);
}
template <class Element, size_t count, class... Inputs>
RECTIFY_INLINE void prefetch_far(const Inputs*... inputs) {
  prefetch<Element, count>(far_ahead<Element, sizeof...(Inputs)>, inputs...);
}

// Brief formulas that are nearly lengthy on AVX2, from DRAM: those that convert 16 bits. On Zen 3 they take 0.85 to 0.95 of
// the time; others would take 1.0 to 1.13, and those that have an input of 32 bits, a slope an element, 1.0 (bf16) to 1.2
// (f16).
template <class V, class Element, Store how>
constexpr bool conversions_prefetched = how == Store::streaming&& requires {
  requires V::vector_registers == 16 && sizeof(Element) < sizeof(typename V::Scalar);
};

// Whether the results of a turn are stored at its end: those of one input that are whole lines. Between the loads such
// stores take ReLU in place in L2 1.2 times as long in some processes, for a reason not found (Zen 5; in L1 1 to 2 % less).
// Others are done as each result is there: Zen 5 takes two stores of 32 bytes in a cycle if they follow each other into one
// line, so that AVX2 takes 1.1 to 1.2 times as long in L1 otherwise, and gradients on AVX-512 1.03 to 1.05.
template <class V, class Element, size_t inputs>
constexpr bool stores_at_end = inputs == 1 && V::lanes * sizeof(Element) % 64 == 0;

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
  const size_t ahead = distance<Element, sizeof...(Inputs), how>(n);
  for (; i + vectors * lanes <= n; i += vectors * lanes) {
    if constexpr (lengthy || (conversions_prefetched<V, Element, how> && (is_same<Inputs, Element> && ...)))
      prefetch<Element, vectors * lanes>(ahead, (inputs + i)...);
    if constexpr (stores_at_end<V, Element, sizeof...(Inputs)>) {
      V result[vectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) result[v] = f(take(inputs + i + v * lanes)...);
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) put<how>(out + i + v * lanes, result[v]);
    } else {
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) put<how>(out + i + v * lanes, f(take(inputs + i + v * lanes)...));
    }
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
    if constexpr (conversions_prefetched<V, Element, how>) prefetch_far<Element, vectors * lanes>((inputs + i)...);
    const auto result = [&](size_t v) RECTIFY_LAMBDA { return f(parameters(v), V::load_once(inputs + i + v * lanes)...); };
    if constexpr (V::registers == 1) {
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) put<how>(out + i + v * lanes, result(v));
    } else {  // rounding takes so long that both go side by side: 0.98 of the time
      const V first = result(0), second = result(1);
      put<how>(out + i, first);
      put<how>(out + i + lanes, second);
    }
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
