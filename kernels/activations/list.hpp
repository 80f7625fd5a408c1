// Every operation, once. Tables, tests and benchmarks are made from these lists.
//   maps: one output element from the same element of the inputs     X(activation, direction)
//   sums: the input gradient and the parameter's gradient in one pass
// Leaky ReLU is PReLU with one slope and has no kernel of its own.
#pragma once

#define RECTIFY_MAPS(X) \
  X(relu, forward)      \
  X(relu, backward)     \
  X(prelu, forward)     \
  X(prelu, backward)    \
  X(elu, forward)       \
  X(elu, backward)      \
  X(elu, backward_from_y)

#define RECTIFY_SUMS(X)             \
  X(prelu, backward_with_parameter) \
  X(elu, backward_with_parameter)

// Of calls that do more: z = x + bias + residual, each rounded, where they are there; the activation's value of z, or z
// itself; and the mask of z.
#define RECTIFY_FUSED(X)       \
  X(fused_sum, forward)        \
  X(fused_relu, forward)       \
  X(fused_leaky_relu, forward) \
  X(fused_prelu, forward)      \
  X(fused_elu, forward)

// And what else calls with masks and fused calls are put together from.
//   relu, leaky_relu backward_from_mask    x: the mask; leaky_relu has one slope
//   mask backward                          x: the mask, dy: y; something whose sign is x's and whose magnitude is y's
//   bias backward                          sums of x; neither dy nor out
#define RECTIFY_STAGES(X)           \
  X(relu, backward_from_mask)       \
  X(leaky_relu, backward_from_mask) \
  X(mask, backward)

#define RECTIFY_STAGE_SUMS(X) X(bias, backward)
