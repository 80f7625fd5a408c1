// Ceiling kernels of 256 bits.
#include <immintrin.h>

#include "loops.hpp"

namespace roofline {
namespace {

// Widening is done where they are loaded, which takes less than from a register (Zen 3: no multiply pipe, twice as many).
alignas(64) constexpr short halves[8] = {0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400, 0x3400};

struct Avx2 {
  using Type = __m256;
  static constexpr size_t bits = 256;
  static Type load(const float* p) { return _mm256_load_ps(p); }
  static Type either(Type a, Type b) { return _mm256_or_ps(a, b); }
  static void store(float* p, Type v) { _mm256_store_ps(p, v); }
  static void store_streaming(float* p, Type v) { _mm256_stream_ps(p, v); }
  static void fence() { _mm_sfence(); }
  static void keep(Type& v) { asm volatile("" : "+x"(v)); }
  static Type broadcast(float f) { return _mm256_set1_ps(f); }
  static Type fused(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
  template <Other kind>
  static void other(Type& v) {
    if constexpr (kind == Other::add) asm volatile("vaddps %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::maximum) asm volatile("vmaxps %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::compare) asm volatile("vcmpltps %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::select) asm volatile("vblendvps %0, %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::integer_minimum) asm volatile("vpminsd %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::shift) asm volatile("vpslld $23, %0, %0" : "+x"(v));
    if constexpr (kind == Other::integer) asm volatile("vpaddd %0, %0, %0" : "+x"(v));
    if constexpr (kind == Other::widen_half) asm volatile("vcvtph2ps %1, %0" : "=x"(v) : "m"(halves));
    if constexpr (kind == Other::narrow_half) asm volatile("vcvtps2ph $0, %0, %x0" : "+x"(v));
  }
};

constexpr CeilingKernel kernels[] = {ROOFLINE_UNROLL(Avx2, 1), ROOFLINE_UNROLL(Avx2, 2), ROOFLINE_UNROLL(Avx2, 4),
                                     ROOFLINE_UNROLL(Avx2, 8)};

}  // namespace

// 12 of the 16 registers: two pipes of latency 4 or 5 need 8 to 10.
constexpr CeilingTable ceilings_avx2 = {"avx2", Avx2::bits, kernels, sizeof kernels / sizeof *kernels,
                                        ROOFLINE_FUSED(Avx2, 12)};

}  // namespace roofline
