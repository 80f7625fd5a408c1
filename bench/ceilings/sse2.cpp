// Ceiling kernels of 128 bits, which every x86-64 core has.
#include <immintrin.h>

#include "loops.hpp"

namespace roofline {
namespace {

struct Sse2 {
  using Type = __m128;
  static constexpr size_t bits = 128;
  static Type load(const float* p) { return _mm_load_ps(p); }
  static Type either(Type a, Type b) { return _mm_or_ps(a, b); }
  static void store(float* p, Type v) { _mm_store_ps(p, v); }
  static void store_streaming(float* p, Type v) { _mm_stream_ps(p, v); }
  static void fence() { _mm_sfence(); }
  static void keep(Type& v) { asm volatile("" : "+x"(v)); }
};

constexpr CeilingKernel kernels[] = {ROOFLINE_UNROLL(Sse2, 1), ROOFLINE_UNROLL(Sse2, 2), ROOFLINE_UNROLL(Sse2, 4),
                                     ROOFLINE_UNROLL(Sse2, 8)};

}  // namespace

constexpr CeilingTable ceilings_sse2 = {
    "sse2", Sse2::bits, kernels, sizeof kernels / sizeof *kernels, {nullptr, 0, {}, {}}};

}  // namespace roofline
