// The vocabulary on AVX-512 (F, BW, DQ, VL): f32.hpp (also for f16), f64.hpp, pairs.hpp for bf16, patterns.hpp for
// 16-bit elements that are only moved, and rounding.hpp for what rounds whatever the environment says.
//
// Zen 4 runs a 512-bit operation as one that occupies its 256-bit pipe for two cycles: fma, mul, compare-into-mask on two
// pipes, i.e. one a cycle; add on two others; mask-blends, logic and integer operations on all four. Intel cores have two
// 512-bit ports for everything. Partial loads and stores are masked and cost little more than whole ones on both.
#pragma once

#include "f32.hpp"
#include "f64.hpp"
#include "pairs.hpp"
#include "patterns.hpp"

namespace rectify {
namespace {

// See kernels/apart.hpp and rounding.hpp.
template <class V>
struct ByItself {
  V v;
};
template <class V>
RECTIFY_INLINE V operator*(ByItself<V> a, V b) {
  return quiet_product(a.v, b);
}
RECTIFY_INLINE ByItself<F32> by_itself(F32 a) { return {a}; }
RECTIFY_INLINE ByItself<F64> by_itself(F64 a) { return {a}; }

// A product under a mask that keeps its other lanes is one operation of four sources. Zen 5, in L1: dx from x, dy and a
// slope takes 1.48 cycles a vector with it, 1.12 with a product and a select. Where none follows the compiler is left
// alone: it would take a turn's loads out of their order, and from DRAM forward took 1.07 to 1.09 times as long.
template <class V>
struct Apart {
  V v;
  RECTIFY_INLINE operator V() const { return v; }
};
template <class V>
RECTIFY_INLINE V operator*(Apart<V> a, V b) {
  V product = quiet_product(a.v, b);
#if defined(__AVX512F__)
  __asm__("" : "+v"(product.v));
#endif
  return product;
}
template <class V>
RECTIFY_INLINE Apart<V> operator+(V a, Apart<V> b) {
  return {quiet_sum(a, b.v)};
}
RECTIFY_INLINE Apart<F32> apart(F32 a) { return {a}; }
RECTIFY_INLINE Apart<F64> apart(F64 a) { return {a}; }

RECTIFY_INLINE void empty_upper_halves() { _mm256_zeroupper(); }

// What bf16 is computed in.
using BfloatVector = Pair<F32>;

}  // namespace
}  // namespace rectify
