#include "../backend.hpp"

#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

namespace rectify {

extern const Backend avx2_backend;
constexpr Backend avx2_backend = {"avx2", feature_avx2 | feature_fma | feature_f16c, f32_kernels};

}  // namespace rectify
