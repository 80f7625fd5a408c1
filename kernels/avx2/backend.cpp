#include "../backend.hpp"

namespace rectify {

extern const Kernels avx2_f32, avx2_f16, avx2_bf16, avx2_f64, avx2_f16_slopes, avx2_bf16_slopes;

extern const Backend avx2_backend;
constexpr Backend avx2_backend = {"avx2",           feature_avx2 | feature_fma | feature_f16c,
                                  &avx2_f32,        &avx2_f16,
                                  &avx2_bf16,       &avx2_f64,
                                  &avx2_f16_slopes, &avx2_bf16_slopes};

}  // namespace rectify
