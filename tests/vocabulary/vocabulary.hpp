// The vector operations of one instruction set as functions over plain arrays, each of `lanes` elements unless it says
// otherwise. Between the file that is compiled for that instruction set and the test that is compiled for any CPU; so it
// includes nothing that could leave an inline function behind.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace rectify::tests {

struct Vocabulary {
  const char* backend;
  size_t lanes;

  void (*broadcast)(float a, float* out);
  void (*copy)(const float* from, float* to);  // load, store
  void (*load_partial)(const float* from, size_t count, float* out);
  void (*store_partial)(float* to, const float* a, size_t count);
  void (*transpose)(const float* rows, float* columns);  // lanes * lanes elements
  void (*stream)(float* to, const float* a);             // with its fence

  void (*add)(const float* a, const float* b, float* out);
  void (*subtract)(const float* a, const float* b, float* out);
  void (*multiply)(const float* a, const float* b, float* out);
  void (*fma)(const float* a, const float* b, const float* c, float* out);

  // (1 + p)*2^n, where scale is 2^(n + 24).
  void (*scale_one_plus)(const float* p, const float* n, const float* scale, float* out);

  // Compares l with r; out is a where that holds, else b.
  void (*select_less)(const float* l, const float* r, const float* a, const float* b, float* out);
  void (*select_less_equal)(const float* l, const float* r, const float* a, const float* b, float* out);
  // out is a in the first `count` lanes, else b.
  void (*select_first)(size_t count, const float* a, const float* b, float* out);
  // Compares l with r; out is +0 where that holds, else a.
  void (*zero_where_less)(const float* l, const float* r, const float* a, float* out);
  void (*zero_where_less_equal)(const float* l, const float* r, const float* a, float* out);
  void (*greater_or_second)(const float* a, const float* b, float* out);
  // Compares l with r; out is sum + a*b where that holds, else sum.
  void (*fma_where_less)(const float* l, const float* r, const float* a, const float* b, const float* sum, float* out);

  void (*broadcast_bits)(uint32_t bits, float* out);
  void (*through_bits)(const float* a, float* out);  // as_bits, as_float
  void (*min_signed)(const float* a, const float* b, float* out);
  void (*min_unsigned)(const float* a, const float* b, float* out);
  void (*shift_left_1)(const float* a, float* out);
  void (*shift_left_23)(const float* a, float* out);
  void (*shift_left_31)(const float* a, float* out);
};

}  // namespace rectify::tests
