// Lines asked for before a loop's loads reach them, for loads that do not run far enough ahead by themselves: where
// arithmetic or the ends of runs fill the reorder buffer. How far is counted in bytes of each input. A prefetch never
// faults.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

// Lengthy formulas. Zen 5's own prefetchers are further ahead than 2 KiB, which then cost ELU's gradient from DRAM 17 %,
// its value 6 %; 8 KiB each cost the gradient 13 %, one of 8 KiB the value 3 %. On Zen 3 any of these is as good.
template <size_t inputs>
constexpr size_t far_ahead = inputs == 1 ? 16384 : 4096;

// That, unless n elements are so few that much of it would be beyond them: the lines in hand then, at no cost. One input is
// prefetched half as far where the caches take the results: ELU's value at L3 0.96 of the time (Zen 5), from DRAM 1.03.
template <class Element, size_t inputs, Store how>
RECTIFY_INLINE size_t distance(size_t n) {
  constexpr size_t ahead = far_ahead<inputs>;
  if (n * sizeof(Element) < 4 * ahead) return 0;
  return how == Store::ordinary && inputs == 1 ? ahead / 2 : ahead;
}

// Brief formulas on AVX2: 32 to 48 lines in all, about what memory brings in the time it takes to answer. On Zen 3 those of
// 16 bits take 0.80 to 1.03 of the time that they took with the distances above, and ends of runs 0.87 to 0.93.
template <class V, size_t inputs>
constexpr size_t near_ahead = V::vector_registers != 16 ? far_ahead<inputs>
                              : inputs == 1             ? 2048
                              : inputs == 2             ? 1280
                                                        : 1024;

// Those lines of `count` elements of each input.
template <size_t count, class... Inputs>
RECTIFY_INLINE void prefetch(size_t ahead, const Inputs*... inputs) {
  const auto lines_of = [&](const auto* input) RECTIFY_LAMBDA {
    const char* const at = reinterpret_cast<const char*>(input) + ahead;
#pragma GCC unroll 16
    for (size_t byte = 0; byte < count * sizeof *input; byte += 64) __builtin_prefetch(at + byte);
  };
  (lines_of(inputs), ...);
}
template <class V, size_t count, class... Inputs>
RECTIFY_INLINE void prefetch_near(const Inputs*... inputs) {
  prefetch<count>(near_ahead<V, sizeof...(Inputs)>, inputs...);
}

// Brief formulas that are nearly lengthy on AVX2, from DRAM: those that convert 16 bits. Without prefetches they take 1.05
// to 1.2 times as long on Zen 3; others take that with them.
template <class V, class Element, Store how>
constexpr bool conversions_prefetched = how == Store::streaming&& requires {
  requires V::vector_registers == 16 && sizeof(Element) < sizeof(typename V::Scalar);
};

}  // namespace
}  // namespace rectify
