// The top of every sum: leaves folded by the pairwise tree of docs/numerics.md section 4.
#pragma once

#include "../backend.hpp"
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

// The sums of the lanes of `count` vectors, which are no more than a vector has lanes. The others are overwritten. A call:
// it is long, and seldom needed.
template <class V>
[[gnu::noinline]] void fold_some(V (&v)[V::lanes], size_t count, typename V::Scalar* sums) {
  if (count <= V::lanes / 4) {
    for (size_t k = 0; k < count; ++k) sums[k] = fold_lanes(v[k]);
    return;
  }
  for (size_t k = count; k < V::lanes; ++k) v[k] = V::broadcast(0);
  const V folded = fold_across(v);
  if (count == V::lanes) {
    store(sums, folded);
  } else {
    store_partial(sums, folded, count);
  }
}

// The tree of `leaves` vectors, a power of two, which take(k) gives: depth first, so that few are held.
template <class V, size_t leaves, class Take>
RECTIFY_INLINE V tree_of(Take take, size_t first = 0) {
  if constexpr (leaves == 1) {
    return take(first);
  } else {
    const V lower = tree_of<V, leaves / 2>(take, first);
    return lower + tree_of<V, leaves / 2>(take, first + leaves / 2);
  }
}

// Lanes in the order in which a fold by halves adds neighbours: of the k-th lane the bits of k, reversed.
template <size_t lanes>
struct BitReversed {
  size_t of[lanes] = {};
  constexpr BitReversed() {
    for (size_t k = 1; k < lanes; ++k) of[k] = of[k / 2] / 2 + k % 2 * (lanes / 2);
  }
};

// The trees of a part's channels. Sums come leaf by leaf, those of a leaf's channels one behind the other. What fits of
// them is kept, and folded some leaves at a time with the sums in registers; one leaf after the other through memory took
// 1.2 times as long for 7x7 maps of 16 channels, 1.15 for rows of so many, and 1.05 of 64 (Zen 5, L2).
//
// Nodes of leaves grow like a binary counter: level k holds one of 2^k leaves where bit k of the number of leaves so far is
// set.
template <class V>
class Trees {
 public:
  using Scalar = typename V::Scalar;

  RECTIFY_INLINE explicit Trees(const SumPart& part)
      : node_(static_cast<Scalar*>(part.nodes)),
        levels_(static_cast<Scalar*>(part.scratch)),
        channels_(part.channel_end - part.channel_begin),
        leaves_(part.leaf_end - part.leaf_begin),
        left_(leaves_ * channels_),
        full_(channels_) {
    if (leaves_ != 1) {
      while (2 * full_ <= most_kept) full_ *= 2;
    }
  }

  // Where the next sums are to be left, of no more than room() channels and leaves. There is room for a leaf where one
  // begins.
  RECTIFY_INLINE Scalar* next() { return (full_ == channels_ ? node_ : kept_) + filled_; }
  RECTIFY_INLINE size_t room() const { return full_ - filled_; }

  // `count` sums have been left there. After the last the part's nodes stand in their place: odd ones have been carried up,
  // and +0 has been added.
  RECTIFY_INLINE void add(size_t count) {
    filled_ += count;
    if (filled_ == full_ || filled_ == left_) fold();
  }
  RECTIFY_INLINE void add_leaf() { add(channels_); }

  // The nodes of as many leaves as a vector has lanes, a vector of them for each channel, in bit-reversed order. Nothing is
  // kept at that time.
  RECTIFY_INLINE void add_lanes(V (&sums)[V::lanes]) {
    fold_some(sums, channels_, node_);
    left_ -= V::lanes * channels_;
    add_node(V::lanes);
  }
  // The same of the last `leaves` of them alone. A call: once in a part.
  [[gnu::noinline]] void add_last_lanes(const V (&sums)[V::lanes], size_t leaves) {
    constexpr BitReversed<V::lanes> order;
    Scalar lane[V::lanes * V::lanes];
    for (size_t c = 0; c < channels_; ++c) store(lane + c * V::lanes, sums[c]);
    for (size_t k = V::lanes - leaves; k < V::lanes; ++k) {
      for (size_t c = 0; c < channels_; ++c) next()[c] = lane[c * V::lanes + order.of[k]];
      add_leaf();
    }
  }

 private:
  static constexpr size_t most_kept = leaves_in_order;  // 4 KiB of f32
  // Leaves whose tree is one piece of code.
  static constexpr size_t most_folded = 16;

  // What is kept. A call: many walks add leaves.
  [[gnu::noinline]] void fold() {
    left_ -= filled_;
    if (full_ == channels_) {
      filled_ = 0;
      return add_node(1);
    }
    // No power of two is followed by a greater one, so each is a node of the trees.
    const Scalar* from = kept_;
    for (size_t leaves = most_folded; filled_ != 0;) {
      const size_t count = leaves * channels_;
      if (count > filled_) {
        leaves /= 2;
        continue;
      }
      fold_leaves<most_folded>(from, leaves);
      add_node(leaves);
      from += count;
      filled_ -= count;
    }
  }

  // The node of `leaves` leaves, a power of two up to `most`.
  template <size_t most>
  RECTIFY_INLINE void fold_leaves(const Scalar* from, size_t leaves) {
    if constexpr (most > 1) {
      if (leaves != most) return fold_leaves<most / 2>(from, leaves);
    }
    size_t c = 0;
    for (; c + V::lanes <= channels_; c += V::lanes)
      store(node_ + c, tree_of<V, most>([&](size_t k) RECTIFY_LAMBDA { return V::load(from + k * channels_ + c); }));
    if (const size_t rest = channels_ - c; rest == 1) {
      node_[c] = tree_of<Scalar, most>([&](size_t k) RECTIFY_LAMBDA { return from[k * channels_ + c]; });
    } else if (rest != 0) {
      const auto take = [&](size_t k) RECTIFY_LAMBDA { return V::load_partial(from + k * channels_ + c, rest); };
      store_partial(node_ + c, tree_of<V, most>(take), rest);
    }
  }

  // The node of so many leaves, of which their number so far is a multiple.
  void add_node(size_t leaves) {
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

  Scalar* node_;
  Scalar* levels_;
  size_t channels_;
  size_t leaves_, done_ = 0;  // of the part, and those in nodes
  size_t left_;               // sums of the leaves that are not yet in nodes
  size_t full_;               // sums to be kept, a power of two of leaves; if that is one leaf, they stand in node_
  size_t filled_ = 0;         // those that are
  Scalar kept_[most_kept];
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
