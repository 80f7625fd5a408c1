#include "vector.hpp"
// The operations are made of the vocabulary above.
#include "../operations.hpp"

RECTIFY_EXPORT_KERNELS(avx512_f64, double, double)
