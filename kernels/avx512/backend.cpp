#include "../backend.hpp"

#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

namespace rectify {

extern const Backend avx512_backend;
constexpr Backend avx512_backend = {
    "avx512", feature_avx512f | feature_avx512bw | feature_avx512dq | feature_avx512vl | feature_fma, f32_kernels};

}  // namespace rectify
