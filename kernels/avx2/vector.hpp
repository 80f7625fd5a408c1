// The vocabulary on AVX2 + FMA + F16C: f32.hpp (also for f16), f64.hpp, pairs.hpp for bf16, and patterns.hpp for
// 16-bit elements that are only moved.
//
// Zen 3 and Zen 4 run fma, mul, blendv on two pipes (FP0, FP1) and add on two others; logic and integer operations run on
// all four. Loads: two 32-byte a cycle; stores: one. Comparisons yield a vector mask, so selecting against +0 is one `and`.
#pragma once

#include "f32.hpp"
#include "f64.hpp"
#include "pairs.hpp"
#include "patterns.hpp"

namespace rectify {
namespace {

// Operations round as the environment says.
constexpr bool rounds_by_itself = false;

RECTIFY_INLINE void empty_upper_halves() { _mm256_zeroupper(); }

// What bf16 is computed in.
using BfloatVector = Pair<F32>;

}  // namespace
}  // namespace rectify
