#include "backend.cuh"

RECTIFY_CUDA_EXPORT(bf16, Bfloat)
