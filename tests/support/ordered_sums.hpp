// The order of every sum (docs/numerics.md, section 4), written out with plain arrays and with no regard to tasks, threads
// or registers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/formats.hpp"

namespace rectify::tests {

inline constexpr size_t leaf_of_run = 4096, leaf_of_rows = 64;
template <class Scalar>
inline constexpr size_t lanes = sizeof(Scalar) == 8 ? 32 : 64;

inline std::string shown(rectify_shape shape) {
  std::ostringstream text;
  text << '{' << shape.outer << ", " << shape.channels << ", " << shape.inner << '}';
  return text.str();
}

inline size_t count(rectify_shape shape) { return shape.outer * shape.channels * shape.inner; }

// What the sums are taken of: 16-bit values widened.
template <AnyNumber T>
std::vector<Computed<T>> all_widened(const std::vector<T>& values) {
  std::vector<Computed<T>> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), [](T value) { return widened(value); });
  return result;
}

template <AnyNumber T, class Scalar>
std::vector<T> all_rounded(const std::vector<Scalar>& values) {
  std::vector<T> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), [](Scalar value) { return rounded<T>(value); });
  return result;
}

// One block of a run: its lanes, folded by halves.
template <class Scalar>
Scalar run_sum(const Scalar* x, const Scalar* dy, const Scalar* factor, size_t n) {
  Scalar lane[lanes<Scalar>] = {};
  for (size_t i = 0; i < n; ++i) {
    Scalar& sum = lane[i % lanes<Scalar>];
    if (x[i] < 0) sum = std::fma(dy[i], factor[i], sum);
  }
  for (size_t half = lanes<Scalar> / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

// Pairs are added until one is left; an odd last one moves up as it is. Zero signs inside do not reach the result.
template <class Scalar>
Scalar tree_sum(std::vector<Scalar> sums) {
  if (sums.empty()) return 0;
  while (sums.size() > 1) {
    std::vector<Scalar> next;
    for (size_t k = 0; k + 1 < sums.size(); k += 2) next.push_back(sums[k] + sums[k + 1]);
    if (sums.size() % 2 == 1) next.push_back(sums.back());
    sums = next;
  }
  return sums[0] + Scalar{0};
}

// Sum over x < 0 of dy * factor, per channel. For PReLU the factor is x itself, for ELU expm1(x).
template <class Scalar>
std::vector<Scalar> ordered_sums(rectify_shape shape, const std::vector<Scalar>& x, const std::vector<Scalar>& dy,
                                 const std::vector<Scalar>& factor) {
  if (shape.channels == 1) shape = {1, 1, shape.outer * shape.inner};
  std::vector<Scalar> result;
  for (size_t c = 0; c < shape.channels; ++c) {
    std::vector<Scalar> blocks;
    if (shape.channels == 1 || shape.inner > 1) {
      for (size_t o = 0; o < shape.outer; ++o) {
        const size_t run = (o * shape.channels + c) * shape.inner;
        for (size_t begin = 0; begin < shape.inner; begin += leaf_of_run) {
          const size_t at = run + begin;
          blocks.push_back(run_sum(&x[at], &dy[at], &factor[at], std::min(leaf_of_run, shape.inner - begin)));
        }
      }
    } else {
      for (size_t begin = 0; begin < shape.outer; begin += leaf_of_rows) {
        Scalar sum = 0;
        for (size_t row = begin; row < std::min(begin + leaf_of_rows, shape.outer); ++row) {
          const size_t at = row * shape.channels + c;
          if (x[at] < 0) sum = std::fma(dy[at], factor[at], sum);
        }
        blocks.push_back(sum);
      }
    }
    result.push_back(tree_sum(blocks));
  }
  return result;
}

// The sum of all of a channel's elements, whatever their sign: as above with factors of one, which round nothing.
template <class Scalar>
std::vector<Scalar> ordered_sums_of_all(rectify_shape shape, const std::vector<Scalar>& dx) {
  const std::vector<Scalar> counted(dx.size(), -1), one(dx.size(), 1);
  return ordered_sums(shape, counted, dx, one);
}

}  // namespace rectify::tests
