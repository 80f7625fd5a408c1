// out[i] = f(inputs[i]...) over contiguous elements. The aligning head, the body and the tail call the same f on a vector,
// so an element's position cannot change its bits. A vector is loaded whole before its result is stored, and never again:
// in place is safe.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

// What a loop should know of the formula it runs.
//
// Brief: a turn of four vectors pays for its address updates, and the reorder buffer holds many turns, so loads run far
// ahead.
//
// Lengthy: four vectors would spill on 16 registers, two do not. The arithmetic fills the reorder buffer, so loads see only
// a few lines ahead; from DRAM those are prefetched, 2 KiB over all inputs. On Zen 3 this took ELU in DRAM from 71 to about
// 90 % of the ceiling forward and from 78 to about 88 % backward; it slows a brief formula down. A prefetch never faults.
enum class Formula { brief, lengthy, lengthy_from_dram };

template <Store how, Formula formula, class F, class... Inputs>
RECTIFY_INLINE void map(float* out, size_t n, F f, const Inputs*... inputs) {
  constexpr bool lengthy = formula != Formula::brief;
  constexpr size_t lanes = F32::lanes, vectors = lengthy ? 2 : 4;
  constexpr size_t ahead = formula == Formula::lengthy_from_dram ? 512 / sizeof...(Inputs) : 0;
  // ELU's value has no register to spare, and uses its input but twice.
  const auto take = [](const float* p)
                        RECTIFY_LAMBDA { return lengthy && sizeof...(Inputs) == 1 ? load(p) : load_once(p); };
  const size_t head = smaller(n, elements_to_alignment(out));
  if (head != 0) put_partial<how>(out, f(load_partial(inputs, head)...), head);
  size_t i = head;
  for (; i + vectors * lanes <= n; i += vectors * lanes) {
    if constexpr (ahead != 0) {
#pragma GCC unroll 4
      for (size_t line = 0; line < vectors * lanes; line += 16) (__builtin_prefetch(inputs + i + ahead + line), ...);
    }
    F32 result[vectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) result[v] = f(take(inputs + i + v * lanes)...);
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) put<how>(out + i + v * lanes, result[v]);
  }
  for (; i + lanes <= n; i += lanes) put<how>(out + i, f(take(inputs + i)...));
  if (i != n) put_partial<how>(out + i, f(load_partial(inputs + i, n - i)...), n - i);
}

// out[i] = f(parameter, inputs[i]...) where the parameters repeat: pattern[k] belongs to every element head + k (mod
// period), the head's own stand before pattern[0]. head aligns out, and the period is a multiple of the vector. In cache
// four periods (two with dy) are walked side by side, so that a vector of parameters is loaded once for them: one more load
// a vector costs up to a quarter of the speed in L2. Streaming stores want one stream.
template <Store how, class F, class... Inputs>
RECTIFY_INLINE void map_pattern(float* out, size_t n, size_t head, const float* pattern, size_t period, F f,
                                const Inputs*... inputs) {
  constexpr size_t lanes = F32::lanes, rows = how == Store::streaming ? 1 : 4 / sizeof...(Inputs);
  if (head != 0) put_partial<how>(out, f(load_partial(pattern - head, head), load_partial(inputs, head)...), head);
  size_t i = head;
  for (; i + rows * period <= n; i += rows * period) {
    for (size_t k = 0; k < period; k += lanes) {
      const F32 parameter = load(pattern + k);
      F32 result[rows];
#pragma GCC unroll 4
      for (size_t r = 0; r < rows; ++r) result[r] = f(parameter, load_once(inputs + i + r * period + k)...);
#pragma GCC unroll 4
      for (size_t r = 0; r < rows; ++r) put<how>(out + i + r * period + k, result[r]);
    }
  }
  size_t k = 0;
  for (; i + lanes <= n; i += lanes) {
    put<how>(out + i, f(load(pattern + k), load_once(inputs + i)...));
    k = k + lanes == period ? 0 : k + lanes;
  }
  const size_t rest = n - i;
  if (rest != 0) put_partial<how>(out + i, f(load_partial(pattern + k, rest), load_partial(inputs + i, rest)...), rest);
}

}  // namespace
}  // namespace rectify
