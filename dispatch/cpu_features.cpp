#include "dispatch/cpu_features.hpp"

#include "kernels/backend.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rectify {

#if defined(__x86_64__)

uint32_t cpu_features() noexcept {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
  const unsigned leaf1 = ecx;
  if (!(leaf1 & bit_OSXSAVE)) return 0;

  // CPUID says what the core can do; XCR0 says which registers the operating system saves on a switch.
  uint32_t xcr0, high;
  __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  constexpr uint32_t ymm_state = 0x06, zmm_state = 0xE6;
  if ((xcr0 & ymm_state) != ymm_state || !(leaf1 & bit_AVX)) return 0;

  uint32_t features = 0;
  if (leaf1 & bit_FMA) features |= feature_fma;
  if (leaf1 & bit_F16C) features |= feature_f16c;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return features;
  if (ebx & bit_AVX2) features |= feature_avx2;
  if ((xcr0 & zmm_state) != zmm_state) return features;
  if (ebx & bit_AVX512F) features |= feature_avx512f;
  if (ebx & bit_AVX512BW) features |= feature_avx512bw;
  if (ebx & bit_AVX512DQ) features |= feature_avx512dq;
  if (ebx & bit_AVX512VL) features |= feature_avx512vl;
  return features;
}

#else

uint32_t cpu_features() noexcept { return feature_neon; }  // part of the armv8-a floor

#endif

}  // namespace rectify
