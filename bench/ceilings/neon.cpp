// Ceiling kernels of NEON: single 128-bit vectors, and pairs, which load and store pairs of registers move at once. The
// only store past the caches is that of a pair.
#include <arm_neon.h>

#include "loops.hpp"

namespace roofline {
namespace {

struct Neon {
  using Type = float32x4_t;
  static constexpr size_t bits = 128;
  static Type load(const float* p) { return vld1q_f32(p); }
  static Type either(Type a, Type b) {
    return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
  }
  static void store(float* p, Type v) { vst1q_f32(p, v); }
  static void keep(Type& v) { asm volatile("" : "+w"(v)); }
  static Type broadcast(float f) { return vdupq_n_f32(f); }
  static Type fused(Type a, Type b, Type c) { return vfmaq_f32(c, a, b); }
  // A maximum that gives the second where neither is greater takes a comparison and a select.
  template <Other kind>
  static void other(Type& v) {
    if constexpr (kind == Other::add) asm volatile("fadd %0.4s, %0.4s, %0.4s" : "+w"(v));
    if constexpr (kind == Other::maximum) asm volatile("fcmgt %0.4s, %0.4s, %0.4s\n\tbit %0.16b, %0.16b, %0.16b" : "+w"(v));
    if constexpr (kind == Other::compare) asm volatile("fcmgt %0.4s, %0.4s, %0.4s" : "+w"(v));
    if constexpr (kind == Other::select) asm volatile("bit %0.16b, %0.16b, %0.16b" : "+w"(v));
    if constexpr (kind == Other::integer_minimum) asm volatile("smin %0.4s, %0.4s, %0.4s" : "+w"(v));
    if constexpr (kind == Other::shift) asm volatile("shl %0.4s, %0.4s, #23" : "+w"(v));
    if constexpr (kind == Other::integer) asm volatile("add %0.4s, %0.4s, %0.4s" : "+w"(v));
    if constexpr (kind == Other::widen_half) asm volatile("fcvtl %0.4s, %0.4h" : "+w"(v));
    if constexpr (kind == Other::narrow_half) asm volatile("fcvtn %0.4h, %0.4s" : "+w"(v));
  }
};

struct NeonPair {
  struct Type {
    float32x4_t low, high;
  };
  static constexpr size_t bits = 256;
  static Type load(const float* p) {
    Type v;
    asm("ldp %q0, %q1, %2" : "=w"(v.low), "=w"(v.high) : "Ump"(*reinterpret_cast<const float(*)[8]>(p)));
    return v;
  }
  static Type either(Type a, Type b) { return {Neon::either(a.low, b.low), Neon::either(a.high, b.high)}; }
  static void store(float* p, Type v) { asm volatile("stp %q1, %q2, [%0]" ::"r"(p), "w"(v.low), "w"(v.high) : "memory"); }
  static void store_streaming(float* p, Type v) {
    asm volatile("stnp %q1, %q2, [%0]" ::"r"(p), "w"(v.low), "w"(v.high) : "memory");
  }
  static void fence() { asm volatile("dmb ishst" ::: "memory"); }
  static void keep(Type& v) { asm volatile("" : "+w"(v.low), "+w"(v.high)); }
};

#define ROOFLINE_UNROLL_SINGLE(unroll) ROOFLINE_MOVES(Neon, false, unroll), ROOFLINE_READS(Neon, unroll)

constexpr CeilingKernel kernels[] = {
    ROOFLINE_UNROLL_SINGLE(1),    ROOFLINE_UNROLL_SINGLE(2),    ROOFLINE_UNROLL_SINGLE(4),    ROOFLINE_UNROLL_SINGLE(8),
    ROOFLINE_UNROLL(NeonPair, 1), ROOFLINE_UNROLL(NeonPair, 2), ROOFLINE_UNROLL(NeonPair, 4), ROOFLINE_UNROLL(NeonPair, 8)};

}  // namespace

// 20 of the 32 registers: four pipes of latency 4 need 16.
constexpr CeilingTable ceilings_neon = {"neon", Neon::bits, kernels, sizeof kernels / sizeof *kernels,
                                        ROOFLINE_FUSED(Neon, 20)};

}  // namespace roofline
