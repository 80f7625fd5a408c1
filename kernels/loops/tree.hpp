// The top of every sum: leaves folded by the pairwise tree of docs/numerics.md section 4.
#pragma once

#include "../inline.hpp"

namespace rectify {
namespace {

// to[i] = f(from[i]...) for `count` values, on vectors V.
template <class V, class To, class F, class... From>
RECTIFY_INLINE void combine(To* to, size_t count, F f, const From*... from) {
  size_t i = 0;
  for (; i + V::lanes <= count; i += V::lanes) store(to + i, f(V::load(from + i)...));
  if (i != count) store_partial(to + i, f(V::load_partial(from + i, count - i)...), count - i);
}

// The same of sums. One that has just been taken is stored alone, and a vector of it would wait for that, at every level.
template <class V, class F, class... From>
RECTIFY_INLINE void combine_sums(typename V::Scalar* to, size_t count, F f, const From*... from) {
  if (count != 1) return combine<V>(to, count, f, from...);
  *to = f(*from...);
}

constexpr auto itself = [](auto sum) RECTIFY_LAMBDA { return sum; };
constexpr auto sum_of = [](auto a, auto b) RECTIFY_LAMBDA { return a + b; };
// Hides the sign of a zero.
constexpr auto and_zero = [](auto sum) RECTIFY_LAMBDA { return sum + decltype(sum){}; };

// A whole tree of `leaves` leaves, a power of two, for each channel: neighbours are added until one is left. Leaf l of
// channel c stands at sums[l * next_leaf + c * next_channel]; all are overwritten. For few channels, of which a vector at
// each leaf would be mostly empty. A call: many walks add leaves.
template <class Scalar>
[[gnu::noinline]] void fold_neighbours(Scalar* sums, size_t leaves, size_t next_leaf, size_t next_channel, size_t channels,
                                       Scalar* nodes) {
  for (size_t c = 0; c < channels; ++c, sums += next_channel) {
    for (size_t half = leaves / 2; half != 0; half /= 2) {
      for (size_t l = 0; l < half; ++l) sums[l * next_leaf] = sums[2 * l * next_leaf] + sums[(2 * l + 1) * next_leaf];
    }
    nodes[c] = sums[0];
  }
}

// The trees of a part's channels, grown leaf by leaf like a binary counter: level k holds a node of 2^k leaves where bit k
// of the number of leaves so far is set.
template <class V>
class Trees {
 public:
  using Scalar = typename V::Scalar;

  RECTIFY_INLINE explicit Trees(const SumPart& part)
      : node_(static_cast<Scalar*>(part.nodes)),
        levels_(static_cast<Scalar*>(part.scratch)),
        channels_(part.channel_end - part.channel_begin),
        leaves_(part.leaf_end - part.leaf_begin) {}

  // Where the next leaf's sums are to be left, one per channel, before it is added.
  RECTIFY_INLINE Scalar* leaf() const { return node_; }

  // The sums of `count` leaves, those of a leaf's channels one behind the other; they are overwritten.
  RECTIFY_INLINE void add_leaves(Scalar* sums, size_t count) {
    for (size_t leaves; count != 0; count -= leaves, sums += leaves * channels_) {
      for (leaves = 1; 2 * leaves <= count && done_ % (2 * leaves) == 0;) leaves *= 2;
      fold_neighbours(sums, leaves, channels_, 1, channels_, node_);
      add_node(leaves);
    }
  }

  // After the last leaf the part's nodes stand there: odd ones have been carried up, and +0 has been added.
  RECTIFY_INLINE void add_leaf() { add_node(1); }

  // The same for a node of `leaves` leaves, a power of two, of which their number so far is a multiple. A call: many walks
  // add leaves.
  [[gnu::noinline]] void add_node(size_t leaves) {
    const size_t index = done_;
    done_ += leaves;
    const bool last = done_ == leaves_;
    for (size_t k = static_cast<size_t>(__builtin_ctzll(leaves)); index >> k != 0 || !last; ++k) {
      Scalar* level = levels_ + k * channels_;
      if (index >> k & 1) {
        combine_sums<V>(node_, channels_, sum_of, level, node_);
      } else if (!last) {
        return combine<V>(
            level, channels_, [](auto node) RECTIFY_LAMBDA { return node; }, node_);
      }
    }
    combine_sums<V>(node_, channels_, and_zero, node_);
  }

 private:
  Scalar* node_;
  Scalar* levels_;
  size_t channels_;
  size_t leaves_, done_ = 0;
};

// Folds `count` nodes per channel by the pairwise tree: the sums stand at the first.
template <class V>
RECTIFY_INLINE void fold_nodes(typename V::Scalar* node, size_t count, size_t channels) {
  for (; count > 1; count = (count + 1) / 2) {
    for (size_t k = 0; k < count / 2; ++k) {
      combine_sums<V>(node + k * channels, channels, sum_of, node + 2 * k * channels, node + (2 * k + 1) * channels);
    }
    if (count % 2 != 0) {
      __builtin_memmove(node + count / 2 * channels, node + (count - 1) * channels, channels * sizeof *node);
    }
  }
}

// The upper half of n vectors added to the lower, until one is left.
template <size_t n, class V>
RECTIFY_INLINE V fold_halves(V* v) {
  if constexpr (n == 1) {
    return v[0];
  } else {
#pragma GCC unroll 16
    for (size_t j = 0; j < n / 2; ++j) v[j] = v[j] + v[j + n / 2];
    return fold_halves<n / 2>(v);
  }
}

}  // namespace
}  // namespace rectify
