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

// And what the calls with masks and the fused calls are put together from.
//   relu, leaky_relu backward_from_mask    x: the mask; leaky_relu has one slope
//   bias forward                           x + parameter
//   residual forward                       x + dy, which is the second input here
//   mask forward                           out: the mask of x; begin is a multiple of 64
//   mask backward                          x: the mask, dy: y; something whose sign is x's and whose magnitude is y's
//   bias backward                          sums of x; neither dy nor out
#define RECTIFY_STAGES(X)           \
  X(relu, backward_from_mask)       \
  X(leaky_relu, backward_from_mask) \
  X(bias, forward)                  \
  X(residual, forward)              \
  X(mask, forward)                  \
  X(mask, backward)

#define RECTIFY_STAGE_SUMS(X) X(bias, backward)
