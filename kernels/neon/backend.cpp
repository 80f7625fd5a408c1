#include "../backend.hpp"

namespace rectify {

extern const Kernels neon_f32, neon_f16, neon_bf16, neon_f64, neon_f16_slopes, neon_bf16_slopes;

extern const Backend neon_backend;
constexpr Backend neon_backend = {"neon",     feature_neon, &neon_f32,        &neon_f16,
                                  &neon_bf16, &neon_f64,    &neon_f16_slopes, &neon_bf16_slopes};

}  // namespace rectify
