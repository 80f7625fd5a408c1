#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

RECTIFY_EXPORT_KERNELS(neon_f64, double, double)
