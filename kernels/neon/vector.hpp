// The vocabulary on NEON (armv8-a): f32.hpp (also for 16-bit elements), f64.hpp, and patterns.hpp for 16-bit elements that
// are only moved.
//
// Neoverse N1 and V1 run fma, mul and add alike on their two (four) vector pipes; loads and stores are two 16-byte ones a
// cycle (N1: one store). There are no masked accesses: a partial one is made of smaller ones.
#pragma once

#include "f32.hpp"
#include "f64.hpp"
#include "patterns.hpp"

namespace rectify {
namespace {

// Operations round as the environment says.
constexpr bool rounds_by_itself = false;

RECTIFY_INLINE void empty_upper_halves() {}

// What bf16 is computed in: here neither widening nor rounding takes a shuffle.
using BfloatVector = F32;

}  // namespace
}  // namespace rectify
