#include "backend.cuh"

RECTIFY_CUDA_EXPORT(f32, float)
