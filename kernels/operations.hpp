// The table of a backend's kernels: every operation of activations/list.hpp for a line of RECTIFY_FORMATS, each a formula
// of activations/ put into a walk of loops/ (operations/). A backend includes this after its vector.hpp and exports the
// table.
#pragma once

#include "operations/bias.hpp"
#include "operations/elu.hpp"
#include "operations/fused.hpp"
#include "operations/masks.hpp"
#include "operations/prelu.hpp"
#include "operations/prelu_sums.hpp"
#include "operations/relu.hpp"

namespace rectify {
namespace {

// A kernel as a table has it: with no upper halves of registers left in use. GCC sees to that but where a function's last
// call takes a vector or a half of one (256 elements of 64 channels and the caller's code behind it took 2.8 times as long
// on Zen 3).
template <auto kernel>
struct Entry;
template <class... Arguments, void (*kernel)(Arguments...)>
struct Entry<kernel> {
  static void run(Arguments... arguments) {
    kernel(arguments...);
    empty_upper_halves();
  }
};

template <class E, class S>
constexpr Kernels kernels = [] {
  using prelu_format = Format<E, S>;
  using relu_format = Format<E, typename prelu_format::Scalar>;  // which have no slopes: one kernel for all
  using leaky_relu_format = relu_format;
  using elu_format = relu_format;
  using mask_format = relu_format;
  // Biases are of the slopes' format.
  using fused_sum_format = prelu_format;
  using fused_relu_format = prelu_format;
  using fused_leaky_relu_format = prelu_format;
  using fused_prelu_format = prelu_format;
  using fused_elu_format = prelu_format;
  return Kernels{
#define RECTIFY_ENTRY(activation, direction) Entry<activation##_##direction<activation##_format>>::run,
      RECTIFY_MAPS(RECTIFY_ENTRY) RECTIFY_FUSED(RECTIFY_ENTRY) RECTIFY_STAGES(RECTIFY_ENTRY) RECTIFY_SUMS(RECTIFY_ENTRY)
      // Sums are of the type that computes: one kernel for all formats of biases.
      Entry<bias_backward<relu_format>>::run,
#undef RECTIFY_ENTRY
      Entry<fold<prelu_format>>::run, rounds_by_itself && is_same<E, typename relu_format::Scalar>};
}();

}  // namespace
}  // namespace rectify

// The tables of a backend's element: with slopes of the type that computes, and of the element's own 16 bits.
#define RECTIFY_EXPORT_KERNELS(name, Element, Slope) \
  namespace rectify {                                \
  extern const Kernels name;                         \
  constexpr Kernels name = kernels<Element, Slope>;  \
  }
