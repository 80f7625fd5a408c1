// What the CUDA backend offers: a function per operation of activations/list.hpp that enqueues its kernels on a stream and
// returns a status. Tensors are those of a checked call with elements, on the device. work.parameter is an array on the
// device, or NULL, and then `parameter` serves all channels.
#pragma once

#include "../backend.hpp"

namespace rectify::cuda {

// Whether the calling thread has a device to work on.
int32_t available();

#define RECTIFY_MAP(activation, direction) \
  int32_t activation##_##direction(const Work& work, float parameter, void* stream);
RECTIFY_MAPS(RECTIFY_MAP)
#undef RECTIFY_MAP

// `scratch` holds scratch_bytes(work) of plan.hpp.
#define RECTIFY_SUM(activation, direction) \
  int32_t activation##_##direction(const Work& work, float parameter, void* scratch, void* sums, void* stream);
RECTIFY_SUMS(RECTIFY_SUM)
#undef RECTIFY_SUM

// Sets `channels` sums to +0.
int32_t clear_sums(size_t channels, void* sums, void* stream);

}  // namespace rectify::cuda
