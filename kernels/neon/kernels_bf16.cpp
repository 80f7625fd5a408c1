#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

RECTIFY_EXPORT_KERNELS(neon_bf16, Bfloat, float)
RECTIFY_EXPORT_KERNELS(neon_bf16_slopes, Bfloat, Bfloat)
