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
