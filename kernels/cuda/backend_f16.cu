#include "backend.cuh"

RECTIFY_CUDA_EXPORT(f16, Half)
