// Sums over rows of channels (inner == 1), and dx in the same loop, in the order of docs/numerics.md section 4: a leaf is a
// block of 64 rows, and each channel takes its rows in ascending order.
//
// - Narrow rows keep their sums in registers through a leaf, and everything is walked in order. On Zen 3 in L2 with 64
//   channels: 98 % of the ceiling, as dx alone (four rows at a time, with the sums in L1: 90 %).
// - Wide rows keep them in L1, a row at a time, and two where L1 would be full of them. Of 1024 channels four at a time are
//   faster in L2 and slower elsewhere: twelve streams are too many for the prefetchers, and rows of 4 KiB for L1's ways.
//
// add(x, dy, sum) adds an element's part to the sum, nothing for x = 0; gradient(parameter, x, dy) is dx.
#pragma once

#include "../pair.hpp"
#include "prefetch.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

// Vectors of sums that leave half of 16 registers for the rest: rows of up to as many are narrow.
template <class V>
constexpr size_t narrow_row = 8 / V::registers;
// Of 32 registers half are twice as many: rows of just that, 256 channels of f32 on AVX-512, are narrow too, and take 0.88
// of the time in L2 and 0.94 in DRAM (Zen 5).
template <class V>
constexpr size_t double_row = V::vector_registers / 2 / V::registers;
template <class V>
RECTIFY_INLINE bool is_narrow(size_t width) {
  return width <= narrow_row<V> * V::lanes || width == double_row<V> * V::lanes;
}

// Rows from some row on, as a part sees them: its channels of each.
template <class V, class Element>
struct Rows {
  const Element *x, *dy;
  Element* dx;                          // NULL: not wanted
  const typename V::Scalar* parameter;  // whole vectors kept
  const V* parameters;                  // the same in vectors, of narrow rows of whole ones
  size_t stride;                        // from row to row
  size_t width;                         // channels of the part

  RECTIFY_INLINE Rows from(size_t row) const {
    return {
        x + row * stride, dy + row * stride, dx == nullptr ? dx : dx + row * stride, parameter, parameters, stride, width};
  }
};

// `count` rows of `vectors` vectors with their sums in registers, of `leaves` neighbouring leaves side by side: several
// hide the latency of a short row's sums. Rows that do not fill vectors have no dx here. The sums of a leaf are left at
// sums[vectors * lanes].
template <class V, Store how, size_t leaves, size_t vectors, class Element, class Gradient, class Add>
RECTIFY_INLINE void sum_narrow_rows(const Rows<V, Element> rows, size_t count, typename V::Scalar* sums, Gradient gradient,
                                    Add add) {
  constexpr size_t lanes = V::lanes;
  const size_t rest = rows.width % lanes;
  V sum[leaves * vectors];
#pragma GCC unroll 16
  for (size_t s = 0; s < leaves * vectors; ++s) sum[s] = V::broadcast(0);
  for (size_t row = 0; row < count; ++row) {
#pragma GCC unroll 16
    for (size_t s = 0; s < leaves * vectors; ++s) {
      const size_t v = s % vectors, at = (s / vectors * row_block + row) * rows.stride + v * lanes;
      // 0.89 to 0.97 of the time from DRAM (Zen 3).
      if (conversions_prefetched<V, Element, how> && v * lanes * sizeof(Element) % 64 == 0)
        prefetch_near<V, 1>(rows.x + at, rows.dy + at);
      const bool partial = how == Store::none && v + 1 == vectors && rest != 0;
      const V vx = partial ? V::load_partial(rows.x + at, rest) : V::load_once(rows.x + at);
      const V vdy = partial ? V::load_partial(rows.dy + at, rest) : V::load_once(rows.dy + at);
      sum[s] = add(vx, vdy, sum[s]);
      if constexpr (how != Store::none) put<how>(rows.dx + at, gradient(rows.parameters[v], vx, vdy));
    }
  }
#pragma GCC unroll 16
  for (size_t s = 0; s < leaves * vectors; ++s) store(sums + s * lanes, sum[s]);
}

// The same for one leaf, with code for each number of vectors up to `vectors`.
template <class V, Store how, size_t vectors, class Element, class Gradient, class Add>
RECTIFY_INLINE void sum_narrow_leaf(const Rows<V, Element>& rows, size_t count, typename V::Scalar* sums, Gradient gradient,
                                    Add add) {
  if (vectors == 1 || rows.width > (vectors - 1) * V::lanes) {
    sum_narrow_rows<V, how, 1, vectors>(rows, count, sums, gradient, add);
  } else if constexpr (vectors > 1) {
    sum_narrow_leaf<V, how, vectors - 1>(rows, count, sums, gradient, add);
  }
}

// Brings kept vectors in order.
template <class V>
RECTIFY_INLINE void put_in_order(typename V::Scalar* sums, size_t width) {
  if constexpr (V::registers > 1) {
    for (size_t c = 0; c + V::lanes <= width; c += V::lanes) store(sums + c, load_kept<V>(sums + c));
  }
}

// Rows added to sums in memory, one after the other, and their dx unless `how` is none. Whole vectors of sums are kept.
template <class V, Store how, class Element, class Gradient, class Add>
RECTIFY_INLINE void add_rows(const Rows<V, Element>& all, size_t count, typename V::Scalar* sums, Gradient gradient,
                             Add add) {
  // Two pairs and not four where four would spill: bf16 0.85 to 0.93 of the time (Zen 3, rows of 512 to 2048, L2).
  constexpr size_t lanes = V::lanes, turn = V::vector_registers == 16 ? 4 / V::registers : 4;
  for (size_t r = 0; r < count; ++r) {
    const Rows<V, Element> row = all.from(r);
    size_t c = 0;
    const auto take = [&]<size_t vectors>() RECTIFY_LAMBDA {
      if constexpr (conversions_prefetched<V, Element, how>) prefetch_near<V, vectors * lanes>(row.x + c, row.dy + c);
      V sum[vectors], result[vectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) {
        const size_t at = c + v * lanes;
        const V vx = V::load_once(row.x + at), vdy = V::load_once(row.dy + at);
        sum[v] = add(vx, vdy, load_kept<V>(sums + at));
        if constexpr (how != Store::none) result[v] = gradient(load_kept<V>(row.parameter + at), vx, vdy);
      }
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) {
        if constexpr (how != Store::none) put<how>(row.dx + c + v * lanes, result[v]);
      }
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) keep(sums + c + v * lanes, sum[v]);
      c += vectors * lanes;
    };
    while (c + turn * lanes <= row.width) take.template operator()<turn>();
    while (c + lanes <= row.width) take.template operator()<1>();
    const size_t rest = row.width - c;
    if (rest == 0) continue;
    const V vx = V::load_partial(row.x + c, rest), vdy = V::load_partial(row.dy + c, rest);
    store_partial(sums + c, add(vx, vdy, V::load_partial(sums + c, rest)), rest);
    if constexpr (how != Store::none) {
      put_partial<how>(row.dx + c, gradient(V::load_partial(row.parameter + c, rest), vx, vdy), rest);
    }
  }
}

// The same for rows that are so wide that their sums and parameters fill L1: two at a time, between which both stay in
// registers. From 4096 channels of f32 on 0.8 to 0.97 of the time in L2 and L3; three at a time are as fast, four slower in
// bf16, narrower rows take 1.0 (Zen 3).
constexpr size_t rows_together = 2;
template <class V>
constexpr size_t together_vectors = 2 / V::registers;
template <class V>
RECTIFY_INLINE bool is_taken_together(size_t width) {
  return width * sizeof(typename V::Scalar) >= 16384 && width % (together_vectors<V> * V::lanes) == 0;
}
template <class V, Store how, class Element, class Gradient, class Add>
RECTIFY_INLINE void add_rows_together(const Rows<V, Element>& all, size_t count, typename V::Scalar* sums,
                                      Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes, vectors = together_vectors<V>;
  size_t row = 0;
  for (; row + rows_together <= count; row += rows_together) {
    const Rows<V, Element> rows = all.from(row);
    for (size_t c = 0; c < rows.width; c += vectors * lanes) {
      V sum[vectors], parameters[vectors];
#pragma GCC unroll 2
      for (size_t v = 0; v < vectors; ++v) {
        sum[v] = load_kept<V>(sums + c + v * lanes);
        parameters[v] = load_kept<V>(rows.parameter + c + v * lanes);
      }
#pragma GCC unroll 2
      for (size_t r = 0; r < rows_together; ++r) {
        V result[vectors];
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; ++v) {
          const size_t at = r * rows.stride + c + v * lanes;
          const V vx = V::load_once(rows.x + at), vdy = V::load_once(rows.dy + at);
          sum[v] = add(vx, vdy, sum[v]);
          result[v] = gradient(parameters[v], vx, vdy);
        }
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; ++v) put<how>(rows.dx + r * rows.stride + c + v * lanes, result[v]);
      }
#pragma GCC unroll 2
      for (size_t v = 0; v < vectors; ++v) keep(sums + c + v * lanes, sum[v]);
    }
  }
  if (row != count) add_rows<V, how>(all.from(row), count - row, sums, gradient, add);
}

}  // namespace
}  // namespace rectify
