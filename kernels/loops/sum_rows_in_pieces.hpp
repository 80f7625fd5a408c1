// Sums over rows, and dx one after the other, some rows at a time while they are in L1: the sums with loads alone, dx by a
// walk of its own. For rows that are not whole, aligned vectors, and for sums without dx.
#pragma once

#include "pieces.hpp"
#include "rows.hpp"
#include "sum_transposed.hpp"

namespace rectify {
namespace {

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

// Sums and dx one after the other, some rows at a time.
template <class V, class Element, class Gradient, class Add>
class RowsInPieces {
  using Scalar = typename V::Scalar;
  using Single = decltype(folded_to_vector(V()));
  static constexpr size_t lanes = V::lanes, lanes_of_leaves = Single::lanes;
  static constexpr bool has_three = lanes_of_leaves > 3;
  // Where rows of three channels have their dx in the same loop.
  static constexpr bool has_dx = has_three && is_same<Single, V> && !is_same<Gradient, Nothing>;

 public:
  RECTIFY_INLINE RowsInPieces(const Work& work, const SumPart& part, const Scalar* parameter, Pieces<Element>& pieces,
                              Gradient gradient, Add add, Trees<Single>& trees, Scalar* pattern)
      : work_(work),
        part_(part),
        pieces_(pieces),
        gradient_(gradient),
        add_(add),
        first_(part.channel_begin),
        width_(part.channel_end - part.channel_begin),
        whole_leaves_(smaller(part.leaf_end, work.outer / row_block)),
        done_(part.leaf_begin * row_block),
        pattern_(pattern),
        trees_(trees) {
    // Never rows that are made on the way.
    static_assert(lanes_of_leaves <= fewest_made_channels);
    is_transposed_ = width_ == work.channels && is_transposed<Single, Element>(width_, work.beyond_cache) &&
                     whole_leaves_ >= part.leaf_begin + lanes_of_leaves;
    is_of_three_ = is_transposed_ && has_three && width_ == 3;
    with_dx_ = is_of_three_ && has_dx && work.out != nullptr && !work.streaming;
    if (with_dx_) {
      for (size_t k = 0; k < 3 * lanes_of_leaves; ++k) pattern_[k] = parameter[k % 3];
    }
  }

  RECTIFY_INLINE void sum() {
    const bool is_wide = !is_narrow<V>(width_) || (pieces_.tile != nullptr && row_block * width_ > longest_piece<Element>);
    for (size_t leaf = part_.leaf_begin; leaf < part_.leaf_end;) {
      if (is_wide) {
        sum_wide_leaf(leaf++);
      } else if (is_transposed_ && leaf + lanes_of_leaves <= whole_leaves_) {
        sum_transposed_leaves(leaf);
        leaf += lanes_of_leaves;
      } else if (is_of_three_ && leaf + few_leaves <= whole_leaves_) {
        sum_last_transposed_leaves(leaf);
        leaf = whole_leaves_;
      } else {
        leaf += sum_narrow_leaves(leaf);
      }
    }
  }

 private:
  RECTIFY_INLINE void sum_wide_leaf(size_t leaf) {
    Scalar* const sums = trees_.next();
    combine<V>(sums, width_, []() RECTIFY_LAMBDA { return V::broadcast(0); });
    size_t row = leaf * row_block;
    const size_t end = smaller(work_.outer, row + row_block);
    const size_t at_a_time = pieces_.have_before() || pieces_.have_after() ? stretch / width_ + 1 : row_block;
    for (size_t count; row < end; row += count) {
      count = smaller(at_a_time, end - row);
      begin(row, row + count);
      add_rows_alone<V>(from(row), count, sums, gradient_, add_);
      finish(row + count);
    }
    put_in_order<V>(sums, width_);
    trees_.add_leaf();
  }

  RECTIFY_INLINE void sum_transposed_leaves(size_t leaf) {
    const size_t row = leaf * row_block, end = row + lanes_of_leaves * row_block;
    Single sums[lanes_of_leaves];
    begin(row, end);
    if (!with_dx_) {
      transposed(row, sums);
    } else if constexpr (has_dx) {
      finish(row);
      const size_t at = row * width_;
      sum_leaves_of_three<Single, Store::ordinary>(pieces_.x + at, pieces_.dy + at, static_cast<Element*>(work_.out) + at,
                                                   pattern_, sums, false, gradient_, add_);
      done_ = end;
    }
    trees_.add_lanes(sums);
    finish(end, leaf + lanes_of_leaves == part_.leaf_end);
  }

  // Together with some that are done. What is read of those may be dx already; their sums go nowhere.
  RECTIFY_INLINE void sum_last_transposed_leaves(size_t leaf) {
    Single sums[lanes_of_leaves];
    begin(leaf * row_block, whole_leaves_ * row_block);
    transposed((whole_leaves_ - lanes_of_leaves) * row_block, sums);
    trees_.add_last_lanes(sums, whole_leaves_ - leaf);
    finish(whole_leaves_ * row_block, whole_leaves_ == part_.leaf_end);
  }

  RECTIFY_INLINE void transposed(size_t row, Single (&sums)[lanes_of_leaves]) {
    const Element *x = pieces_.x + row * width_, *dy = pieces_.dy + row * width_;
    const bool ahead = work_.beyond_cache && !pieces_.dx_is_first();
    if (!is_of_three_) {
      sum_leaves_of_narrow_rows<Single>(x, dy, width_, sums, ahead, add_);
    } else if constexpr (has_three) {
      sum_leaves_of_three<Single, Store::none>(x, dy, static_cast<Element*>(nullptr), pattern_, sums, ahead, gradient_,
                                               add_);
    }
  }

  // As many whole leaves side by side as keep four sums going; how many, comes back.
  RECTIFY_INLINE size_t sum_narrow_leaves(size_t leaf) {
    static_assert(4 * lanes * row_block <= longest_piece<Element>);
    const size_t vectors = (width_ + lanes - 1) / lanes, row = leaf * row_block;
    size_t leaves = vectors == 1 ? 4 : vectors == 2 ? 2 : 1;
    if (leaf + leaves > part_.leaf_end || row + leaves * row_block > work_.outer) leaves = 1;
    const size_t end = smaller(work_.outer, row + leaves * row_block);
    begin(row, end);
    if (leaves == 1 && width_ % lanes == 0) {
      sum_narrow_rows_alone<V>(from(row), 1, end - row, trees_.next(), gradient_, add_);
      trees_.add_leaf();
    } else {
      Scalar sums[narrow_row<V> * lanes];
      sum_narrow_rows_alone<V>(from(row), leaves, end - row, sums, gradient_, add_);
      for (size_t l = 0; l < leaves; ++l) {
        for (size_t c = 0; c < width_; ++c) trees_.next()[c] = sums[l * vectors * lanes + c];
        trees_.add_leaf();
      }
    }
    finish(end, leaf + leaves == part_.leaf_end);
    return leaves;
  }

  RECTIFY_INLINE Rows<V, Element> from(size_t row) const {
    const size_t at = row * work_.channels + first_;
    return {pieces_.x + at, pieces_.dy + at, nullptr, nullptr, nullptr, work_.channels, width_};
  }

  // What is done with rows before and after their sums are taken.
  RECTIFY_INLINE void begin(size_t row, size_t end) {
    if (pieces_.have_before()) run_pieces(row, end, true);
  }
  RECTIFY_INLINE void finish(size_t end, bool at_once = true) {
    if (!pieces_.have_after() || (!at_once && (end - done_) * width_ < stretch)) return;
    run_pieces(done_, end, false);
    done_ = end;
  }
  RECTIFY_INLINE void run_pieces(size_t row, size_t end, bool before) {
    const size_t channels = work_.channels;
    const bool whole = width_ == channels;
    const size_t count = whole ? (end - row) * channels : width_;
    each_piece(pieces_, row * channels + first_, end * channels, count, whole ? count : channels, before);
  }
  // A call: each walk has both.
  [[gnu::noinline]] static void each_piece(Pieces<Element>& pieces, size_t at, size_t end, size_t count, size_t step,
                                           bool before) {
    for (; at < end; at += step) {
      if (before) {
        pieces.before(at, at + count);
      } else {
        pieces.after(at, at + count);
      }
    }
  }

  const Work& work_;
  const SumPart& part_;
  Pieces<Element>& pieces_;
  Gradient gradient_;
  Add add_;
  size_t first_, width_;
  size_t whole_leaves_;  // up to which leaves have all their rows
  size_t done_;          // rows up to here are finished
  bool is_transposed_, is_of_three_, with_dx_;
  Scalar* pattern_;  // with_dx_: the parameters of 3 vectors
  Trees<Single>& trees_;
};

// A call: the kernels that differ in their stores alone share it.
template <class V, class Element, class Gradient, class Add>
[[gnu::noinline]] void sum_rows_in_pieces(const Work& work, const SumPart& part, const typename V::Scalar* parameter,
                                          Pieces<Element>& pieces, Gradient gradient, Add add) {
  // Apart, so that all else stays in registers.
  using Single = decltype(folded_to_vector(V()));
  Trees<Single> trees(part);
  alignas(64) typename V::Scalar pattern[3 * Single::lanes];
  RowsInPieces<V, Element, Gradient, Add>(work, part, parameter, pieces, gradient, add, trees, pattern).sum();
}

}  // namespace
}  // namespace rectify
