#include "../backend.hpp"

#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

namespace rectify {

extern const Backend neon_backend;
constexpr Backend neon_backend = {"neon", feature_neon, f32_kernels};

}  // namespace rectify
