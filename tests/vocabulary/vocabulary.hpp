// The vector operations of one instruction set as functions over plain arrays, each of `lanes` values unless it says
// otherwise. Between the file that is compiled for that instruction set and the test that is compiled for any CPU; so it
// includes nothing that could leave an inline function behind.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/formats.hpp"

namespace rectify::tests {

// How elements in memory meet vectors of values. Where a vector computes, an element is widened as it is loaded and rounded
// as it is stored; where it only moves, values are elements.
template <class Element_, class Value_>
struct Memory {
  using Element = Element_;
  using Value = Value_;
  size_t lanes;
  void (*load)(const Element* from, Value* to);
  void (*load_once)(const Element* from, Value* to);
  void (*load_partial)(const Element* from, size_t count, Value* to);
  void (*store)(Element* to, const Value* from);
  void (*store_partial)(Element* to, const Value* from, size_t count);
  void (*stream)(Element* to, const Value* from);  // which the same thread sees without a fence
};

// A constant whose last bit counts.
template <class Value>
inline constexpr Value third = Value(1) / 3;

// What every vector that computes can do.
template <class Value_>
struct Arithmetic {
  using Value = Value_;
  size_t lanes;
  void (*broadcast)(Value a, Value* to);
  void (*in_register)(Value a, Value* to);
  void (*in_memory)(Value* to);  // third<Value>
  void (*add)(const Value* a, const Value* b, Value* to);
  void (*multiply)(const Value* a, const Value* b, Value* to);
  // to is a where c is below zero (is zero or below), else b.
  void (*select_below_zero)(const Value* c, const Value* a, const Value* b, Value* to);
  void (*select_zero_or_below)(const Value* c, const Value* a, const Value* b, Value* to);
  void (*select_first)(size_t count, const Value* a, const Value* b, Value* to);
  void (*select_of_bits)(uint64_t word, size_t begin, const Value* a, const Value* b, Value* to);  // bits from `begin` on
  void (*greater_or_second)(const Value* a, const Value* b, Value* to);
  // to is sum + a*b where c is below zero (in the first `count` lanes), else sum.
  void (*fma_where_below_zero)(const Value* c, const Value* a, const Value* b, const Value* sum, Value* to);
  void (*fma_where_first)(size_t count, const Value* a, const Value* b, const Value* sum, Value* to);
};

// What the vectors can do that formulas and sums are written for.
template <class Value, class Bits>
struct Computing {
  Arithmetic<Value> arithmetic;
  void (*transpose)(const Value* rows, Value* columns);  // lanes * lanes values
  void (*fold_across)(const Value* rows, Value* sums);   // of lanes rows
  Value (*fold_lanes)(const Value* a);
  void (*permuted)(const Value* a, const Value* numbers, Value* to);  // null where nothing asks for it
  void (*subtract)(const Value* a, const Value* b, Value* to);
  void (*divide)(const Value* a, const Value* b, Value* to);
  void (*fma)(const Value* a, const Value* b, const Value* c, Value* to);
  // (1 + p)*2^n, where scale is 2^(n + 24), in f64 2^(n + 54).
  void (*scale_one_plus)(const Value* p, const Value* n, const Value* scale, Value* to);
  // to is +0 where c is below zero (is zero or below), else a.
  void (*zero_where_below_zero)(const Value* c, const Value* a, Value* to);
  void (*zero_where_zero_or_below)(const Value* c, const Value* a, Value* to);
  uint64_t (*bits_of_zero_or_below)(const Value* c);  // bit j for lane j

  void (*broadcast_bits)(Bits bits, Value* to);
  void (*through_bits)(const Value* a, Value* to);  // as_bits, as_float
  // Of every 32 bits by themselves, whatever the lane.
  void (*min_signed)(const Value* a, const Value* b, Value* to);
  void (*min_unsigned)(const Value* a, const Value* b, Value* to);
  void (*add_bits)(const Value* a, const Value* b, Value* to);
  void (*shift_left_1)(const Value* a, Value* to);
  void (*shift_left_by_mantissa)(const Value* a, Value* to);  // 23, 52
  void (*shift_left_most)(const Value* a, Value* to);         // 31, 63
};

// What patterns can do that are only moved.
template <class Element_>
struct Moving {
  using Element = Element_;
  size_t lanes;
  void (*zero_where_below_zero)(const Element* c, const Element* a, Element* to);
  void (*zero_where_zero_or_below)(const Element* c, const Element* a, Element* to);
  void (*zero_where_bits)(uint64_t word, size_t begin, const Element* a, Element* to);
  void (*select_of_bits)(uint64_t word, size_t begin, const Element* a, const Element* b, Element* to);
  uint64_t (*bits_of_zero_or_below)(const Element* c);
};

struct Vocabulary {
  const char* backend;

  float (*widen_half)(Half);
  float (*widen_bfloat)(Bfloat);

  // F32, and whatever elements it meets.
  Memory<float, float> f32;
  Memory<Half, float> f32_of_f16;
  Memory<Bfloat, float> f32_of_bf16;
  Computing<float, uint32_t> f32_computing;
  void (*f32_without_payload)(const float* a, float* to);

  // BfloatVector, which may be another.
  Memory<Bfloat, float> bfloats;
  Memory<float, float> bfloats_of_f32;
  Arithmetic<float> bfloats_arithmetic;
  void (*bfloats_without_payload)(const float* a, float* to);
  void (*multiply_patterns)(const Bfloat* a, const float* b, Bfloat* to);  // null where nothing asks for it

  Memory<double, double> f64;
  Computing<double, uint64_t> f64_computing;

  Memory<Half, Half> f16_patterns;
  Memory<Bfloat, Bfloat> bf16_patterns;
  Moving<Half> f16_moving;
  Moving<Bfloat> bf16_moving;
};

}  // namespace rectify::tests
