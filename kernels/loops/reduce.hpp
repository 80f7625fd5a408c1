// dx and the parameter's gradient in one pass, summed in the one fixed order of docs/numerics.md section 4.
//
// A leaf of a run is 64 lanes wide whatever the vector: 4 zmm, 8 ymm or 16 q registers of independent sums, more than the
// latency of an fma needs, so the sums ride along with dx. A leaf of rows keeps one sum per channel in a buffer that stays
// in L1 and takes four rows at a time, which divides its traffic by four.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

constexpr size_t sum_lanes = 64;

// 64 lane sums folded by halves: the first steps on vectors, the last ones lane by lane.
RECTIFY_INLINE float fold_lanes(float* lane) {
  size_t half = sum_lanes / 2;
  for (; half >= F32::lanes; half /= 2) {
    for (size_t j = 0; j < half; j += F32::lanes) store(lane + j, load(lane + j) + load(lane + j + half));
  }
  for (; half != 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) lane[j] = lane[j] + lane[j + half];
  }
  return lane[0];
}

// f(x, dy, &sum) returns dx and adds the element's part to the sum; an element x = 0 adds nothing.
//
// Stores to dx are aligned by taking its first `head` elements alone, as if a group of 64 had begun before the block and
// they were its end. From then on element i of the block sits in lane i - head (mod 64). The fold need not know: rotated or
// not, it adds the same pairs.
template <Store how, class F>
RECTIFY_INLINE float sum_run(const float* x, const float* dy, float* dx, size_t count, F f) {
  constexpr size_t lanes = F32::lanes, vectors = sum_lanes / lanes;
  F32 sum[vectors];
#pragma GCC unroll 16
  for (size_t v = 0; v < vectors; ++v) sum[v] = broadcast(0);

  size_t head = 0;
  if constexpr (how != Store::none) head = smaller(count, elements_to_alignment(dx));
  if (head != 0) {
    F32 first = broadcast(0);
    put_partial<how>(dx, f(load_partial(x, head), load_partial(dy, head), &first), head);
    float shifted[2 * lanes];
    store(shifted, broadcast(0));
    store(shifted + lanes, first);
    sum[vectors - 1] = load(shifted + head);
  }

  size_t i = head;
  for (; i + sum_lanes <= count; i += sum_lanes) {
#pragma GCC unroll 16
    for (size_t v = 0; v < vectors; ++v) {
      const size_t at = i + v * lanes;
      const F32 result = f(load(x + at), load(dy + at), &sum[v]);
      put<how>(dx + at, result);
    }
  }

  float lane[sum_lanes];
#pragma GCC unroll 16
  for (size_t v = 0; v < vectors; ++v) store(lane + v * lanes, sum[v]);
  for (float* part = lane; i < count; part += lanes, i += lanes) {
    F32 value = load(part);
    if (count - i >= lanes) {
      put<how>(dx + i, f(load(x + i), load(dy + i), &value));
    } else {
      put_partial<how>(dx + i, f(load_partial(x + i, count - i), load_partial(dy + i, count - i), &value), count - i);
    }
    store(part, value);
  }
  return fold_lanes(lane);
}

// `rows` rows for `channels` neighbouring channels: sums[c] takes them in ascending order.
template <Store how, size_t rows, class F>
RECTIFY_INLINE void add_rows(const float* x, const float* dy, float* dx, size_t stride, const float* parameter, float* sums,
                             size_t channels, F f) {
  constexpr size_t lanes = F32::lanes;
  size_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    const F32 slope = how == Store::none ? broadcast(0) : load(parameter + c);
    F32 sum = load(sums + c);
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; ++r) {
      const size_t at = r * stride + c;
      const F32 result = f(slope, load(x + at), load(dy + at), &sum);
      put<how>(dx + at, result);
    }
    store(sums + c, sum);
  }
  const size_t rest = channels - c;
  if (rest == 0) return;
  const F32 slope = how == Store::none ? broadcast(0) : load_partial(parameter + c, rest);
  F32 sum = load_partial(sums + c, rest);
#pragma GCC unroll 4
  for (size_t r = 0; r < rows; ++r) {
    const size_t at = r * stride + c;
    put_partial<how>(dx + at, f(slope, load_partial(x + at, rest), load_partial(dy + at, rest), &sum), rest);
  }
  store_partial(sums + c, sum, rest);
}

// Adds a leaf to the pairwise trees of `channels` channels as they grow, a binary counter: level k of `levels` holds a node
// of 2^k leaves where bit k of `index` is set. The leaf comes in `node`; after the last one `node` is the task's node, odd
// ones having been carried up.
RECTIFY_INLINE void grow_tree(float* node, float* levels, size_t channels, size_t index, bool last) {
  for (size_t k = 0;; ++k) {
    float* level = levels + k * channels;
    if (index >> k & 1) {
      for (size_t c = 0; c < channels; ++c) node[c] = level[c] + node[c];
    } else if (!last) {
      for (size_t c = 0; c < channels; ++c) level[c] = node[c];
      return;
    } else if (index >> k == 0) {
      return;
    }
  }
}

// Every leaf of the task: leaf(index, node) leaves one sum per channel in `node`.
template <class Leaf>
RECTIFY_INLINE void sum_leaves(const SumTask& task, Leaf leaf) {
  float* node = static_cast<float*>(task.nodes);
  const size_t width = task.channel_end - task.channel_begin;
  for (size_t index = task.leaf_begin; index < task.leaf_end; ++index) {
    leaf(index, node);
    grow_tree(node, static_cast<float*>(task.scratch), width, index - task.leaf_begin, index + 1 == task.leaf_end);
  }
}

// Runs: f(parameter, x, dy, &sum) returns dx and adds the element's part to the sum.
template <Store how, class F>
RECTIFY_INLINE void sum_runs(const SumTask& task, F f) {
  const float *x = static_cast<const float*>(task.x), *dy = static_cast<const float*>(task.dy);
  const float* parameter = static_cast<const float*>(task.parameter);
  float* dx = static_cast<float*>(task.dx);
  const size_t blocks = (task.inner + run_block - 1) / run_block;
  sum_leaves(task, [&](size_t leaf, float* node) RECTIFY_LAMBDA {
    const size_t run = leaf / blocks * task.channels, offset = leaf % blocks * run_block;
    const size_t count = smaller(run_block, task.inner - offset);
    for (size_t channel = task.channel_begin; channel < task.channel_end; ++channel) {
      const size_t at = (run + channel) * task.inner + offset;
      const F32 p = broadcast(how == Store::none ? 0 : parameter[channel]);
      *node++ = sum_run<how>(x + at, dy + at, how == Store::none ? dx : dx + at, count,
                             [&](F32 vx, F32 vdy, F32* sum) RECTIFY_LAMBDA { return f(p, vx, vdy, sum); });
    }
  });
}

// Rows: the same where inner == 1.
template <Store how, class F>
RECTIFY_INLINE void sum_rows(const SumTask& task, F f) {
  const float *x = static_cast<const float*>(task.x), *dy = static_cast<const float*>(task.dy);
  const float* parameter = static_cast<const float*>(task.parameter) + task.channel_begin;
  float* dx = static_cast<float*>(task.dx);
  const size_t width = task.channel_end - task.channel_begin;
  sum_leaves(task, [&](size_t leaf, float* node) RECTIFY_LAMBDA {
    for (size_t c = 0; c < width; ++c) node[c] = 0;
    size_t row = leaf * row_block;
    const size_t end = smaller(task.outer, row + row_block);
    const auto take = [&]<size_t rows>() RECTIFY_LAMBDA {
      const size_t at = row * task.channels + task.channel_begin;
      add_rows<how, rows>(x + at, dy + at, how == Store::none ? dx : dx + at, task.channels, parameter, node, width, f);
      row += rows;
    };
    while (row + 4 <= end) take.template operator()<4>();
    while (row < end) take.template operator()<1>();
  });
}

// Chooses the kind of store, once per task. Rows are not peeled one by one: there streaming asks that each starts on a
// vector.
template <class Walk>
RECTIFY_INLINE void with_sum_store(const SumTask& task, bool rows, Walk walk) {
  if (task.dx == nullptr) return walk.template operator()<Store::none>();
  const size_t offsets = task.channels | task.channel_begin;
  const bool rows_aligned = offsets % F32::lanes == 0 && elements_to_alignment(static_cast<float*>(task.dx)) == 0;
  if (!task.streaming || (rows && !rows_aligned)) return walk.template operator()<Store::ordinary>();
  walk.template operator()<Store::streaming>();
  stream_fence();
}

// The last step: folds `count` nodes per channel by the pairwise tree and adds +0, which hides the sign of a zero sum.
RECTIFY_INLINE void fold_nodes(const FoldTask& task) {
  float* node = static_cast<float*>(task.nodes);
  float* sums = static_cast<float*>(task.sums);
  const size_t channels = task.channels;
  for (size_t count = task.count; count > 1; count = (count + 1) / 2) {
    for (size_t k = 0; k < count / 2; ++k) {
      const float *first = node + 2 * k * channels, *second = first + channels;
      for (size_t c = 0; c < channels; ++c) node[k * channels + c] = first[c] + second[c];
    }
    if (count % 2 != 0) {
      for (size_t c = 0; c < channels; ++c) node[count / 2 * channels + c] = node[(count - 1) * channels + c];
    }
  }
  for (size_t c = 0; c < channels; ++c) sums[c] = node[c] + 0.0f;
}

}  // namespace
}  // namespace rectify
