// The top of every sum: leaves folded by the pairwise tree of docs/numerics.md section 4.
#pragma once

#include "elements.cuh"
#include "formulas.cuh"
#include "tuning.cuh"

namespace rectify {
namespace {

// A tree grown leaf by leaf like a binary counter, up to 2^levels of them: level k holds a node of 2^k leaves where bit k
// of the number of leaves so far is set.
template <class V, unsigned levels>
class Tree {
 public:
  RECTIFY_INLINE void add(V node) {
    unsigned k = 0;
    for (; leaves_ >> k & 1; ++k) node = level_[k] + node;
    level_[k] = node;
    ++leaves_;
  }

  // Odd ones are carried up. +0 is added, which hides the sign of a zero.
  RECTIFY_INLINE V sum() const {
    V node = {};
    bool first = true;
    for (unsigned k = 0; leaves_ >> k != 0; ++k) {
      if ((leaves_ >> k & 1) == 0) continue;
      node = first ? level_[k] : level_[k] + node;
      first = false;
    }
    return node + V{};
  }

 private:
  V level_[levels + 1];
  size_t leaves_ = 0;
};

template <class V>
RECTIFY_INLINE void set_node(typename V::Scalar* nodes, size_t node, V sum) {
  nodes[node] = sum.v;
}

// The second kernel of a sum: `count` nodes per channel, node k of channel c at nodes[k * channels + c]. `threads` of a
// block, a power of two, share a channel; each folds `each` neighbouring nodes, a power of two, and then they fold theirs.
// Without nodes the sum is +0. Where `divisor` has values the sum is divided by their magnitudes. One node of a channel may
// lie where its sum goes.
template <class Element, class Scalar = typename Computed<Element>::Scalar>
__global__ void __launch_bounds__(cuda::fold_threads)
    fold_nodes(const Scalar* nodes, size_t count, size_t channels, const Sums<Element> sums, unsigned threads, size_t each,
               const Parameter<Element> divisor) {
  using V = Computed<Element>;
  __shared__ Scalar part[cuda::fold_threads];
  constexpr unsigned at_once = 8;
  const unsigned in_block = blockDim.x / threads, mine = threadIdx.x / in_block;
  const size_t begin = mine * each, end = begin + each < count ? begin + each : count;
  for (size_t base = size_t{blockIdx.x} * in_block; base < channels; base += size_t{gridDim.x} * in_block) {
    const size_t channel = base + threadIdx.x % in_block;
    V node = {};
    if (channel < channels && begin < end) {
      Tree<V, 32> tree;
      size_t k = begin;
      for (; k + at_once <= end; k += at_once) {
        V leaf[at_once];
        RECTIFY_UNROLL for (unsigned i = 0; i < at_once; ++i) leaf[i] = {nodes[(k + i) * channels + channel]};
        RECTIFY_UNROLL for (unsigned i = 0; i < at_once; ++i) tree.add(leaf[i]);
      }
      for (; k < end; ++k) tree.add({nodes[k * channels + channel]});
      node = tree.sum();
    }
    part[threadIdx.x] = node.v;
    __syncthreads();
    for (unsigned distance = 1; distance < threads; distance *= 2) {
      if (mine % (2 * distance) == 0 && (mine + distance) * each < count) {
        node = node + V{part[threadIdx.x + distance * in_block]};
        part[threadIdx.x] = node.v;
      }
      __syncthreads();
    }
    if (mine == 0 && channel < channels) {
      node = node + V{};
      if (divisor.values != nullptr) node = prelu::over_magnitude(node, divisor.of(channel));
      sums.set(channel, node);
    }
    __syncthreads();
  }
}

}  // namespace
}  // namespace rectify
