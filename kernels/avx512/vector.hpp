// The vocabulary on AVX-512 (F, BW, DQ, VL): f32.hpp (also for 16-bit elements), f64.hpp, and patterns.hpp for 16-bit
// elements that are only moved.
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

// What bf16 is computed in.
using BfloatVector = Pair<F32>;

}  // namespace
}  // namespace rectify
