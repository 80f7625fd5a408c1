// A CPU with AVX2 and FMA that claims AVX-512 too, for the library whose AVX-512 backend is emulated.
#define cpu_features native_cpu_features
#include "dispatch/cpu_features.cpp"
#undef cpu_features

namespace rectify {

uint32_t cpu_features() noexcept {
  constexpr uint32_t needed = feature_avx2 | feature_fma;
  constexpr uint32_t emulated = feature_avx512f | feature_avx512bw | feature_avx512dq | feature_avx512vl;
  const uint32_t native = native_cpu_features();
  return (native & needed) == needed ? native | emulated : native;
}

}  // namespace rectify
