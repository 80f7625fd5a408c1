// What the CUDA backend offers: for each type of elements a table of functions, one per operation of activations/list.hpp,
// that enqueue its kernels on a stream and return a status.
#pragma once

#include "../backend.hpp"

namespace rectify::cuda {

// A checked call with elements. Its tensors are on the device.
struct Request {
  Work work;           // its parameter: an array of one value per channel, or NULL
  const void* scalar;  // on the host, of the type that computes: the parameter of all channels where there is no array
  bool narrow_slopes;  // work.parameter and sums are of the elements' own 16 bits rather than of the type that computes
  void* sums;
  void* scratch;  // scratch_bytes() of plan.hpp
  void* stream;
};

// Leaky ReLU is PReLU with one slope.
enum class Activation { relu, prelu, elu };

// The same of a call with bias, residual and masks.
struct FusedRequest : Request {
  const void* mask;  // to be read in place of x; work.x is y, or NULL where the mask says enough
  void* dbias;
  Activation activation;
  bool per_channel;       // the activation's parameter and its gradient, `sums`, are arrays; else one value that computes
  bool divides_by_slope;  // sums
};

using EnqueueFused = int32_t (*)(const FusedRequest& request);

using Enqueue = int32_t (*)(const Request& request);

struct Operations {
#define RECTIFY_MEMBER(activation, direction) Enqueue activation##_##direction;
  RECTIFY_MAPS(RECTIFY_MEMBER)
  RECTIFY_SUMS(RECTIFY_MEMBER)
#undef RECTIFY_MEMBER
  Enqueue clear_sums;  // sets the sums of a tensor without elements to +0
  EnqueueFused fused_forward;
  EnqueueFused fused_backward;
};

extern const Operations operations_f32;
extern const Operations operations_f16;
extern const Operations operations_bf16;
extern const Operations operations_f64;

}  // namespace rectify::cuda
