// dx and the parameters' gradients over rows of channels (inner == 1), in the order of docs/numerics.md section 4: a leaf
// is a block of 64 rows, and each channel takes its rows in ascending order.
//
// - Narrow rows keep their sums in registers through a leaf, and everything is walked in order. On Zen 3 in L2 with 64
//   channels: 98 % of the ceiling, as dx alone (four rows at a time, with the sums in L1: 90 %).
// - Wide rows keep them in L1, a row at a time, and two where L1 would be full of them. Of 1024 channels four at a time are
//   faster in L2 and slower elsewhere: twelve streams are too many for the prefetchers, and rows of 4 KiB for L1's ways.
// - One row, i.e. a parameter an element, is a map with two outputs.
// - Rows of less than a vector are summed transposed, many leaves at a time.
// - Where rows are not whole, aligned vectors, the sums of some rows are taken first, with loads alone, and dx is
//   written by a flat walk while they are in L1.
//
// add(x, dy, sum) adds an element's part to the sum, nothing for x = 0; gradient(parameter, x, dy) is dx.
#pragma once

#include "../pair.hpp"
#include "pieces.hpp"
#include "tree.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE bool is_one_row(const Work& work) { return has_rows(work) && work.outer == 1; }

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
template <class V, Store how, size_t leaves, size_t vectors, class Rows, class Gradient, class Add>
RECTIFY_INLINE void sum_narrow_rows(const Rows rows, size_t count, typename V::Scalar* sums, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
  const size_t rest = rows.width % lanes;
  V sum[leaves * vectors];
#pragma GCC unroll 16
  for (size_t s = 0; s < leaves * vectors; ++s) sum[s] = V::broadcast(0);
  for (size_t row = 0; row < count; ++row) {
#pragma GCC unroll 16
    for (size_t s = 0; s < leaves * vectors; ++s) {
      const size_t v = s % vectors, at = (s / vectors * row_block + row) * rows.stride + v * lanes;
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
template <class V, Store how, size_t vectors, class Rows, class Gradient, class Add>
RECTIFY_INLINE void sum_narrow_leaf(const Rows& rows, size_t count, typename V::Scalar* sums, Gradient gradient, Add add) {
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
template <class V, Store how, class Rows, class Gradient, class Add>
RECTIFY_INLINE void add_rows(const Rows& all, size_t count, typename V::Scalar* sums, Gradient gradient, Add add) {
  // Two pairs and not four where four would spill: bf16 0.85 to 0.93 of the time (Zen 3, rows of 512 to 2048, L2).
  constexpr size_t lanes = V::lanes, turn = V::vector_registers == 16 ? 4 / V::registers : 4;
  for (size_t r = 0; r < count; ++r) {
    const Rows row = all.from(r);
    size_t c = 0;
    const auto take = [&]<size_t vectors>() RECTIFY_LAMBDA {
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
// registers. From 4096 channels of f32 on 0.75 to 0.95 of the time, from DRAM more than in L2; three at a time are as fast,
// four slower in bf16, narrower rows take 1.0 (Zen 3).
constexpr size_t rows_together = 2;
template <class V>
constexpr size_t together_vectors = 2 / V::registers;
template <class V>
RECTIFY_INLINE bool is_taken_together(size_t width) {
  return width * sizeof(typename V::Scalar) >= 16384 && width % (together_vectors<V> * V::lanes) == 0;
}
template <class V, Store how, class Rows, class Gradient, class Add>
RECTIFY_INLINE void add_rows_together(const Rows& all, size_t count, typename V::Scalar* sums, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes, vectors = together_vectors<V>;
  size_t row = 0;
  for (; row + rows_together <= count; row += rows_together) {
    const Rows rows = all.from(row);
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

// A tensor of one row, i.e. a parameter an element: dx and the sums are two outputs of a map. parameters(i) are those of a
// vector, from channel i on; parameters(i, count) of the first `count` lanes.
template <class V, Store how, Store how_sums, class Element, class Parameters, class Gradient, class Add>
RECTIFY_INLINE void map_one_row(const Element* x, const Element* dy, Element* dx, typename V::Scalar* sums, size_t width,
                                Parameters parameters, Gradient gradient, Add add) {
  constexpr size_t lanes = V::lanes;
  size_t c = 0;
  const auto take = [&]<size_t vectors>() RECTIFY_LAMBDA {
    V sum[vectors], result[vectors];
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) {
      const size_t at = c + v * lanes;
      const V vx = V::load_once(x + at), vdy = V::load_once(dy + at);
      sum[v] = add(vx, vdy, V::broadcast(0)) + V::broadcast(0);
      if constexpr (how != Store::none) result[v] = gradient(parameters(at), vx, vdy);
    }
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) {
      if constexpr (how != Store::none) put<how>(dx + c + v * lanes, result[v]);
    }
#pragma GCC unroll 2
    for (size_t v = 0; v < vectors; ++v) put<how_sums>(sums + c + v * lanes, sum[v]);
    c += vectors * lanes;
  };
  const auto take_partial = [&](size_t count) RECTIFY_LAMBDA {
    if (count == 0) return;
    const V vx = V::load_partial(x + c, count), vdy = V::load_partial(dy + c, count);
    store_partial(sums + c, add(vx, vdy, V::broadcast(0)) + V::broadcast(0), count);
    if constexpr (how != Store::none) put_partial<how>(dx + c, gradient(parameters(c, count), vx, vdy), count);
    c += count;
  };
  take_partial(smaller(width, how == Store::none ? elements_to_alignment<V>(sums) : elements_to_alignment<V>(dx)));
  while (c + 2 * lanes <= width) take.template operator()<2>();
  while (c + lanes <= width) take.template operator()<1>();
  take_partial(width - c);
}

template <class V, class Element, Store how, class Parameters, class Gradient, class Add>
RECTIFY_INLINE void sum_one_row(const Work& work, const SumPart& part, Parameters parameters, Gradient gradient, Add add) {
  const size_t first = part.channel_begin, width = part.channel_end - first;
  const Element *x = static_cast<const Element*>(work.x) + first, *dy = static_cast<const Element*>(work.dy) + first;
  Element* const dx = how == Store::none ? nullptr : static_cast<Element*>(work.out) + first;
  auto* const sums = static_cast<typename V::Scalar*>(part.nodes);
  if constexpr (how == Store::streaming) {
    if (part.nodes_are_sums && elements_to_alignment<V>(sums) == elements_to_alignment<V>(dx))
      return map_one_row<V, how, Store::streaming>(x, dy, dx, sums, width, parameters, gradient, add);
  }
  map_one_row<V, how, Store::ordinary>(x, dy, dx, sums, width, parameters, gradient, add);
}

// The sums of rows alone, whatever their width: of `leaves` leaves side by side, or of `count` rows of one leaf; narrow
// ones are overwritten, wide ones added to. Calls: of the kernels that differ in their stores alone one is enough.
template <class V, class Rows, class Gradient, class Add>
[[gnu::noinline]] void sum_narrow_rows_alone(const Rows& rows, size_t leaves, size_t count, typename V::Scalar* sums,
                                             Gradient gradient, Add add) {
  if (leaves == 4) return sum_narrow_rows<V, Store::none, 4, 1>(rows, row_block, sums, gradient, add);
  if (leaves == 2) return sum_narrow_rows<V, Store::none, 2, 2>(rows, row_block, sums, gradient, add);
  if constexpr (double_row<V> != narrow_row<V>) {
    if (rows.width == double_row<V> * V::lanes)
      return sum_narrow_rows<V, Store::none, 1, double_row<V>>(rows, count, sums, gradient, add);
  }
  sum_narrow_leaf<V, Store::none, narrow_row<V>>(rows, count, sums, gradient, add);
}
template <class V, class Rows, class Gradient, class Add>
[[gnu::noinline]] void add_rows_alone(const Rows& rows, size_t count, typename V::Scalar* sums, Gradient gradient,
                                      Add add) {
  add_rows<V, Store::none>(rows, count, sums, gradient, add);
}

// Rows that are better summed transposed: where they leave half of a vector S idle, where a partial load is a loop of its
// own, and where memory wants to be told what comes next. With 3 channels on Zen 3: f32 in 0.7 of the time in L2 and 0.4 in
// DRAM, f16 and bf16 in 0.2 and 0.3.
template <class S, class Element>
constexpr bool is_transposed(size_t channels, bool beyond_cache) {
  return channels < S::lanes && (2 * channels <= S::lanes || sizeof(Element) == 2 || beyond_cache);
}

// Of 3 channels so many leaves gain by being taken transposed, beside as many that need not be as fill the lanes: 14112
// rows take 0.94 of the time (Zen 5, L2). Other numbers of channels lose by it.
constexpr size_t few_leaves = 3;

// The vectors at `from` in as many neighbouring leaves as S has lanes, in that order and transposed. The leaves lie one
// after the other, but are read side by side: what follows them does not come by itself.
template <class S, class Element>
RECTIFY_INLINE void take_leaves(const Element* from, size_t leaf, bool from_dram, S (&v)[S::lanes]) {
  constexpr size_t lanes = S::lanes;
  constexpr BitReversed<lanes> order;
#pragma GCC unroll 16
  for (size_t k = 0; k < lanes; ++k) v[k] = S::load(from + order.of[k] * leaf);
  if (from_dram) {
    for (size_t k = 0; k < lanes; ++k) __builtin_prefetch(from + (lanes + k) * leaf);
  }
  transpose(v);
}

// The sums of such rows, of as many leaves as S has lanes: a lane is a leaf, and none is idle. Those of channel c
// are left at sums[c].
template <class S, class Element, class Add>
[[gnu::noinline]] void sum_leaves_of_narrow_rows(const Element* x, const Element* dy, size_t channels, S (&sum)[S::lanes],
                                                 bool from_dram, Add add) {
  constexpr size_t lanes = S::lanes;
  const size_t leaf = row_block * channels;
  for (size_t c = 0; c < channels; ++c) sum[c] = S::broadcast(0);
  const auto take = [&](const Element* from, S* to) RECTIFY_LAMBDA {
    S v[lanes];
    take_leaves(from, leaf, from_dram, v);
#pragma GCC unroll 16
    for (size_t k = 0; k < lanes; ++k) to[k] = v[k];
  };
  // As many rows at a time as there are lanes: that is a whole number of vectors of each leaf.
  for (size_t at = 0; at < leaf; at += channels * lanes) {
    S vx[lanes * lanes], vdy[lanes * lanes];
    for (size_t v = 0; v < channels; ++v) {
      take(x + at + v * lanes, vx + v * lanes);
      take(dy + at + v * lanes, vdy + v * lanes);
    }
    for (size_t c = 0; c < channels; ++c) {
      const S *of_x = vx + c, *of_dy = vdy + c;
#pragma GCC unroll 16
      for (size_t row = 0; row < lanes; ++row, of_x += channels, of_dy += channels) sum[c] = add(*of_x, *of_dy, sum[c]);
    }
  }
}

// The same for a number of channels that is known: their sums stay in registers and grow with every vector, where above 16
// rows of one channel are a chain that fills the reorder buffer. A vector ends with another channel than it began with, so
// the sums change places.
//
// dx, unless that is done apart (`how` is none), is written after the shuffles have read its x and dy, and while those of
// the next vectors run, which the memory's time then hides. pattern: the parameters of `channels` vectors.
template <class S, size_t channels, Store how, class Element, class Gradient, class Add>
[[gnu::noinline]] void sum_leaves_of_rows_of(const Element* x, const Element* dy, Element* dx,
                                             const typename S::Scalar* pattern, S (&sums)[S::lanes], bool from_dram,
                                             Gradient gradient, Add add) {
  constexpr size_t lanes = S::lanes, leaf = row_block * channels;
  S sum[channels];
#pragma GCC unroll 4
  for (size_t c = 0; c < channels; ++c) sum[c] = S::broadcast(0);
  for (size_t at = 0, phase = 0; at < leaf; at += lanes) {
    S vx[lanes], vdy[lanes], next[channels];
    take_leaves(x + at, leaf, from_dram, vx);
    take_leaves(dy + at, leaf, from_dram, vdy);
#pragma GCC unroll 16
    for (size_t k = 0; k < lanes; ++k) sum[k % channels] = add(vx[k], vdy[k], sum[k % channels]);
#pragma GCC unroll 4
    for (size_t c = 0; c < channels; ++c) next[c] = sum[(c + lanes) % channels];
#pragma GCC unroll 4
    for (size_t c = 0; c < channels; ++c) sum[c] = next[c];
    if constexpr (how != Store::none) {
      const S parameters = S::load_once(pattern + phase * lanes);
      phase = phase + 1 == channels ? 0 : phase + 1;
#pragma GCC unroll 16
      for (size_t k = 0; k < lanes; ++k) {
        const size_t i = at + k * leaf;
        put<how>(dx + i, gradient(parameters, S::load_once(x + i), S::load_once(dy + i)));
      }
    }
  }
#pragma GCC unroll 4
  for (size_t c = 0; c < channels; ++c) sums[c] = sum[c];
}

// Rows of whole vectors, which dx is written for as they are summed.
template <class V, Store how, class Rows, class Trees, class Gradient, class Add>
RECTIFY_INLINE void sum_whole_rows(const Work& work, const SumPart& part, Rows all, Trees& trees, Gradient gradient,
                                   Add add) {
  constexpr size_t lanes = V::lanes;
  const size_t width = all.width;
  V parameters[double_row<V>];
  if (is_narrow<V>(width)) {
    for (size_t v = 0; v < width / lanes; ++v) parameters[v] = load_kept<V>(all.parameter + v * lanes);
    all.parameters = parameters;
  }
  for (size_t leaf = part.leaf_begin; leaf < part.leaf_end; ++leaf) {
    const Rows rows = all.from(leaf * row_block);
    const size_t count = smaller(row_block, work.outer - leaf * row_block);
    auto* const sums = trees.next();
    if (width <= narrow_row<V> * lanes) {
      sum_narrow_leaf<V, how, narrow_row<V>>(rows, count, sums, gradient, add);
    } else if (is_narrow<V>(width)) {
      sum_narrow_rows<V, how, 1, double_row<V>>(rows, count, sums, gradient, add);
    } else {
      combine<V>(sums, width, []() RECTIFY_LAMBDA { return V::broadcast(0); });
      if (is_taken_together<V>(width))
        add_rows_together<V, how>(rows, count, sums, gradient, add);
      else
        add_rows<V, how>(rows, count, sums, gradient, add);
      put_in_order<V>(sums, width);
    }
    trees.add_leaf();
  }
}

// `parameter`: those of the part's channels, as Rows has them. `pieces`, where dx is done apart.
template <class V, class Element, Store how, class Gradient, class Add>
RECTIFY_INLINE void sum_rows(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                             Pieces<Element>& pieces, Gradient gradient, Add add) {
  using Scalar = typename V::Scalar;
  constexpr size_t lanes = V::lanes;
  Element* dx = static_cast<Element*>(work.out);
  const size_t first = part.channel_begin, width = part.channel_end - first, channels = work.channels;
  Rows<V, Element> all = {pieces.x + first,
                          pieces.dy + first,
                          how == Store::none ? nullptr : dx + first,
                          how == Store::none ? nullptr : parameter,
                          nullptr,
                          channels,
                          width};

  using Single = decltype(folded_to_vector(V()));
  Trees<Single> trees(part);
  if constexpr (how != Store::none) {
    if ((channels | first | width) % lanes == 0 && (how != Store::streaming || elements_to_alignment<V>(dx) == 0))
      return sum_whole_rows<V, how>(work, part, all, trees, gradient, add);
  }

  // Rows that are not whole vectors, or have no dx: sums first.
  const auto from_row = [&](size_t row, size_t count) RECTIFY_LAMBDA -> Rows<V, Element> {
    const size_t at = row * channels;
    pieces.before(at, at + count * channels);
    return {pieces.x + at + first, pieces.dy + at + first, nullptr, nullptr, nullptr, channels, width};
  };
  size_t summed = part.leaf_begin * row_block;  // the pieces from this row on are not yet done
  const auto done_until = [&](size_t row, bool at_once) RECTIFY_LAMBDA {
    if (!pieces.are_something() || (!at_once && (row - summed) * width < stretch)) return;
    if (width == channels) {
      pieces.after(summed * channels, row * channels);
    } else {
      for (size_t at = summed * channels + first; at < row * channels; at += channels) pieces.after(at, at + width);
    }
    summed = row;
  };
  // Leaves of whole blocks are taken transposed, as many at a time as there are lanes. Never rows that are made on the way.
  constexpr size_t lanes_of_leaves = Single::lanes;
  static_assert(lanes_of_leaves <= fewest_made_channels);
  const size_t whole_leaves = smaller(part.leaf_end, work.outer / row_block);
  const bool transposed = width == channels && is_transposed<Single, Element>(width, work.beyond_cache) &&
                          whole_leaves >= part.leaf_begin + lanes_of_leaves;
  constexpr bool has_three = lanes_of_leaves > 3;
  const bool of_three = has_three && channels == 3;
  // Of 3 channels, in caches: the parameters of 3 vectors.
  constexpr bool with_dx = how == Store::ordinary && is_same<Single, V>;
  alignas(64) Scalar pattern[3 * Single::lanes];
  if (with_dx && transposed && of_three) {
    for (size_t k = 0; k < 3 * Single::lanes; ++k) pattern[k] = parameter[k % 3];
  }
  for (size_t leaf = part.leaf_begin, leaves; leaf < part.leaf_end; leaf += leaves) {
    size_t row = leaf * row_block;
    if (!is_narrow<V>(width) || (pieces.tile != nullptr && row_block * width > longest_piece<Element>)) {
      leaves = 1;
      Scalar* const sums = trees.next();
      combine<V>(sums, width, []() RECTIFY_LAMBDA { return V::broadcast(0); });
      const size_t end = smaller(work.outer, row + row_block);
      const size_t at_a_time = pieces.are_something() ? stretch / width + 1 : row_block;
      for (size_t count; row < end; row += count) {
        count = smaller(at_a_time, end - row);
        add_rows_alone<V>(from_row(row, count), count, sums, gradient, add);
        done_until(row + count, true);
      }
      put_in_order<V>(sums, width);
      trees.add_leaf();
      continue;
    }
    const bool full = leaf + lanes_of_leaves <= whole_leaves;
    if (transposed && (full || (of_three && leaf + few_leaves <= whole_leaves))) {
      // The last leaves are taken together with some that are done. What is read of those may be dx already; their sums go
      // nowhere.
      const size_t first_leaf = full ? leaf : whole_leaves - lanes_of_leaves, at = first_leaf * row_block * channels;
      leaves = full ? lanes_of_leaves : whole_leaves - leaf;
      Single sums[lanes_of_leaves];
      const Element *x = all.x + at, *dy = all.dy + at;
      if (!of_three) {
        sum_leaves_of_narrow_rows<Single>(x, dy, channels, sums, work.beyond_cache, add);
      } else if constexpr (has_three) {
        if (with_dx && full) {
          done_until(row, true);
          sum_leaves_of_rows_of<Single, 3, with_dx ? how : Store::none>(x, dy, dx + at, pattern, sums, false, gradient,
                                                                        add);
          summed = row + leaves * row_block;
        } else {
          sum_leaves_of_rows_of<Single, 3, Store::none>(x, dy, dx, pattern, sums, work.beyond_cache, gradient, add);
        }
      }
      if (full) {
        trees.add_lanes(sums);
      } else {
        trees.add_last_lanes(sums, leaves);
      }
      done_until(row + leaves * row_block, leaf + leaves == part.leaf_end);
      continue;
    }
    // As many whole leaves side by side as keep four sums going.
    const size_t vectors = (width + lanes - 1) / lanes;
    leaves = vectors == 1 ? 4 : vectors == 2 ? 2 : 1;
    static_assert(4 * lanes * row_block <= longest_piece<Element>);
    if (leaf + leaves > part.leaf_end || row + leaves * row_block > work.outer) leaves = 1;
    const size_t end = smaller(work.outer, row + leaves * row_block);
    const Rows<V, Element> rows = from_row(row, end - row);
    if (leaves == 1 && width % lanes == 0) {
      sum_narrow_rows_alone<V>(rows, 1, end - row, trees.next(), gradient, add);
      trees.add_leaf();
    } else {
      Scalar sums[narrow_row<V> * lanes];
      sum_narrow_rows_alone<V>(rows, leaves, end - row, sums, gradient, add);
      for (size_t l = 0; l < leaves; ++l) {
        for (size_t c = 0; c < width; ++c) trees.next()[c] = sums[l * vectors * lanes + c];
        trees.add_leaf();
      }
    }
    done_until(end, leaf + leaves == part.leaf_end);
  }
}

}  // namespace
}  // namespace rectify
