#include "../backend.hpp"

namespace rectify {

extern const Kernels avx512_f32, avx512_f16, avx512_bf16, avx512_f64, avx512_f16_slopes, avx512_bf16_slopes;

extern const Backend avx512_backend;
constexpr Backend avx512_backend = {
    "avx512",
    feature_avx512f | feature_avx512bw | feature_avx512dq | feature_avx512vl | feature_fma | feature_f16c,
    &avx512_f32,
    &avx512_f16,
    &avx512_bf16,
    &avx512_f64,
    &avx512_f16_slopes,
    &avx512_bf16_slopes};

}  // namespace rectify
