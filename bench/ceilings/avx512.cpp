// Ceiling kernels of 512 bits.
#include <immintrin.h>

#include "loops.hpp"

namespace roofline {
namespace {

// Widening is done where they are loaded, which takes less than from a register.
alignas(64) constexpr short halves[16] = {0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400,
                                          0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400};

struct Avx512 {
  using Type = __m512;
  static constexpr size_t bits = 512;
  static Type load(const float* p) { return _mm512_load_ps(p); }
  static Type either(Type a, Type b) {
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static void store(float* p, Type v) { _mm512_store_ps(p, v); }
  static void store_streaming(float* p, Type v) { _mm512_stream_ps(p, v); }
  static void fence() { _mm_sfence(); }
  static void keep(Type& v) { asm volatile("" : "+v"(v)); }
  static Type broadcast(float f) { return _mm512_set1_ps(f); }
  static Type fused(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
  // Comparisons yield a mask register, and selecting takes one, whatever it holds.
  template <Other kind>
  static void other(Type& v) {
    if constexpr (kind == Other::add) asm volatile("vaddps %0, %0, %0" : "+v"(v));
    if constexpr (kind == Other::maximum) asm volatile("vmaxps %0, %0, %0" : "+v"(v));
    if constexpr (kind == Other::compare) asm volatile("vcmpltps %0, %0, %%k1" : "+v"(v)::"k1");
    if constexpr (kind == Other::select) asm volatile("vblendmps %0, %0, %0%{%%k1%}" : "+v"(v));
    if constexpr (kind == Other::integer_minimum) asm volatile("vpminsd %0, %0, %0" : "+v"(v));
    if constexpr (kind == Other::shift) asm volatile("vpslld $23, %0, %0" : "+v"(v));
    if constexpr (kind == Other::integer) asm volatile("vpaddd %0, %0, %0" : "+v"(v));
    if constexpr (kind == Other::widen_half) asm volatile("vcvtph2ps %1, %0" : "=v"(v) : "m"(halves));
    if constexpr (kind == Other::narrow_half) asm volatile("vcvtps2ph $0, %0, %t0" : "+v"(v));
  }
};

constexpr CeilingKernel kernels[] = {ROOFLINE_UNROLL(Avx512, 1), ROOFLINE_UNROLL(Avx512, 2), ROOFLINE_UNROLL(Avx512, 4),
                                     ROOFLINE_UNROLL(Avx512, 8)};

}  // namespace

constexpr CeilingTable ceilings_avx512 = {"avx512", Avx512::bits, kernels, sizeof kernels / sizeof *kernels,
                                          ROOFLINE_FUSED(Avx512, 12)};

}  // namespace roofline
