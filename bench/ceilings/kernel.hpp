// What a translation unit of ceiling kernels exports: one constant table per instruction set.
//
// A ceiling kernel only moves memory: it reads its inputs, combines them with a bitwise or, and stores the result. The
// instruction sets are compiled apart, each with its own flags, so nothing but this header and the intrinsics is included
// there.
#pragma once

#include <stddef.h>

namespace roofline {

inline constexpr size_t granule = 16;  // a ceiling kernel's n is a multiple of this many floats: a cache line

struct Streams {
  const float* in[3];
  float* out[2];
  size_t n;
};

struct CeilingKernel {
  int reads;
  int writes;
  bool streaming;
  size_t bits;    // of a vector
  size_t unroll;  // vectors per array and turn
  void (*run)(const Streams&);
};

// Other vector instructions of the activations. A core may run them on the pipes of its fused multiply-adds or on others.
enum class Other { add, maximum, compare, select, integer_minimum, shift, integer, widen_half, narrow_half };
inline constexpr size_t others = 9;

// Independent chains of fused multiply-adds: what the core can compute, as the kernels above are what it can move.
struct FusedPeak {
  void (*run)(size_t turns);             // NULL where the instruction set has none
  size_t per_turn;                       // vector instructions in a turn
  void (*beside[others])(size_t turns);  // the same, with besides * times_a_turn instructions of another kind
  void (*alone[others])(size_t turns);   // per_turn instructions of that kind and nothing else
};
inline constexpr size_t times_a_turn = 4, besides = 2;

struct CeilingTable {
  const char* isa;
  size_t bits;
  const CeilingKernel* kernels;
  size_t count;
  FusedPeak fused;
};

extern const CeilingTable ceilings_sse2;
extern const CeilingTable ceilings_avx2;
extern const CeilingTable ceilings_avx512;
extern const CeilingTable ceilings_neon;

}  // namespace roofline
