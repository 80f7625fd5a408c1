// Stands for <immintrin.h> when the AVX-512 backend is built for a CPU without AVX-512: each intrinsic that
// kernels/avx512/vector.hpp uses is SIMDe's, which computes it with AVX2 and FMA, and the sources stay as they are. An
// intrinsic missing here fails to compile, since the target lacks the instruction.
#pragma once

#include_next <immintrin.h>

#include <math.h>
#include <simde/x86/avx512.h>
#include <string.h>

#if !defined(__AVX2__) || !defined(__FMA__) || defined(__AVX512F__)
#error "to be compiled with -mavx2 -mfma alone: SIMDe's 512-bit fma is exact only where the 256-bit one is an instruction"
#endif

#define __m512 simde__m512
#define __m512i simde__m512i
#define __mmask16 simde__mmask16

#define _mm512_set1_ps simde_mm512_set1_ps
#define _mm512_set1_epi32 simde_mm512_set1_epi32
#define _mm512_loadu_ps simde_mm512_loadu_ps
#define _mm512_storeu_ps simde_mm512_storeu_ps
#define _mm512_add_ps simde_mm512_add_ps
#define _mm512_sub_ps simde_mm512_sub_ps
#define _mm512_mul_ps simde_mm512_mul_ps
#define _mm512_fmadd_ps simde_mm512_fmadd_ps
#define _mm512_cmp_ps_mask simde_mm512_cmp_ps_mask
#define _mm512_mask_blend_ps simde_mm512_mask_blend_ps
#define _mm512_maskz_mov_ps simde_mm512_maskz_mov_ps
#define _mm512_max_ps emulated_max_ps
#define _mm512_castps_si512 simde_mm512_castps_si512
#define _mm512_castsi512_ps simde_mm512_castsi512_ps
#define _mm512_min_epi32 simde_mm512_min_epi32
#define _mm512_min_epu32 simde_mm512_min_epu32
#define _mm512_slli_epi32 simde_mm512_slli_epi32
#define _mm512_unpacklo_ps simde_mm512_unpacklo_ps
#define _mm512_unpackhi_ps simde_mm512_unpackhi_ps
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4

// What SIMDe has not: masked accesses, which touch the lanes of the mask alone; the fma that keeps its addend; the
// streaming store, which faults off its alignment; a shuffle; and the multiplication by a power of two, where SIMDe flushes
// the smallest result.

static inline __attribute__((always_inline)) simde__m512 emulated_maskz_loadu_ps(simde__mmask16 mask, const float* p) {
  float lanes[16] = {};
  for (int i = 0; i < 16; ++i) {
    if (mask >> i & 1) lanes[i] = p[i];
  }
  return simde_mm512_loadu_ps(lanes);
}
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps

static inline __attribute__((always_inline)) void emulated_mask_storeu_ps(float* p, simde__mmask16 mask, simde__m512 a) {
  float lanes[16];
  simde_mm512_storeu_ps(lanes, a);
  for (int i = 0; i < 16; ++i) {
    if (mask >> i & 1) p[i] = lanes[i];
  }
}
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps

static inline __attribute__((always_inline)) simde__m512 emulated_mask3_fmadd_ps(simde__m512 a, simde__m512 b,
                                                                                 simde__m512 c, simde__mmask16 mask) {
  return simde_mm512_mask_mov_ps(c, mask, simde_mm512_fmadd_ps(a, b, c));
}
#define _mm512_mask3_fmadd_ps emulated_mask3_fmadd_ps

// SIMDe's maximum leaves NaN and zeros to the compiler; the instruction is exactly this.
static inline __attribute__((always_inline)) simde__m512 emulated_max_ps(simde__m512 a, simde__m512 b) {
  return simde_mm512_mask_mov_ps(b, simde_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), a);
}

static inline __attribute__((always_inline)) void emulated_stream_ps(float* p, simde__m512 a) {
  if ((uintptr_t)p % 64 != 0) __builtin_trap();
  simde_mm512_storeu_ps(p, a);
}
#define _mm512_stream_ps emulated_stream_ps

static inline __attribute__((always_inline)) simde__m512 emulated_shuffle_ps(simde__m512 a, simde__m512 b, int order) {
  float from[2][16], to[16];
  simde_mm512_storeu_ps(from[0], a);
  simde_mm512_storeu_ps(from[1], b);
  for (int i = 0; i < 16; ++i) to[i] = from[i / 2 % 2][i / 4 * 4 + (order >> i % 4 * 2 & 3)];
  return simde_mm512_loadu_ps(to);
}
#define _mm512_shuffle_ps emulated_shuffle_ps

static inline __attribute__((always_inline)) simde__m512 emulated_scalef_ps(simde__m512 a, simde__m512 n) {
  float from[16], power[16];
  simde_mm512_storeu_ps(from, a);
  simde_mm512_storeu_ps(power, n);
  for (int i = 0; i < 16; ++i) from[i] = scalbnf(from[i], (int)fmaxf(-400, fminf(floorf(power[i]), 400)));
  return simde_mm512_loadu_ps(from);
}
#define _mm512_scalef_ps emulated_scalef_ps
