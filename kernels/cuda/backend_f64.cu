#include "backend.cuh"

RECTIFY_CUDA_EXPORT(f64, double)
