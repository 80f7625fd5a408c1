// PyTorch by ATen, the C++ API under its Python one, without autograd's graph: out variants where there are any. PReLU has
// none and allocates; the allocator is told to keep its memory, so that no page is asked for twice.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include <array>
#include <memory>
#include <tuple>

#include "worker.hpp"

namespace peers {
namespace {

at::ScalarType type_of(Format format) {
  constexpr at::ScalarType types[] = {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble};
  return types[static_cast<int>(format)];
}

at::Tensor view(const void* data, at::IntArrayRef sizes, at::IntArrayRef strides, Format format) {
  return at::from_blob(const_cast<void*>(data), sizes, strides, at::TensorOptions().dtype(type_of(format)));
}

Call flat(const Case& c, const Tensors& t) {
  const auto n = static_cast<int64_t>(c.n());
  const auto tensor = [&](const void* data) { return view(data, {n}, {1}, c.format); };
  const at::Tensor x = tensor(t.x), dy = tensor(t.dy);
  at::Tensor out = tensor(t.out);
  const at::Scalar slope = leaky_slope, alpha = elu_alpha;
  if (c.is("relu", "forward")) return {.run = [=]() mutable { at::clamp_min_out(out, x, 0); }};  // what relu calls
  if (c.is("relu", "backward")) return {.run = [=]() mutable { at::threshold_backward_out(out, dy, x, 0); }};
  if (c.is("leaky_relu", "forward")) return {.run = [=]() mutable { at::leaky_relu_out(out, x, slope); }};
  if (c.is("leaky_relu", "backward"))
    return {.run = [=]() mutable { at::leaky_relu_backward_out(out, dy, x, slope, false); }};
  if (c.is("elu", "forward")) return {.run = [=]() mutable { at::elu_out(out, x, alpha); }};
  const bool of_y = c.from_y();
  return {.run = [=]() mutable { at::elu_backward_out(out, dy, alpha, 1, 1, of_y, x); }};
}

Call prelu(const Case& c, const Tensors& t) {
  const auto dim = [](size_t size) { return static_cast<int64_t>(size); };
  const int64_t channels = dim(c.channels), area = dim(c.area()), width = dim(c.width);
  const auto tensor = [&](const void* data) {
    const std::array<int64_t, 4> sizes = {dim(c.batch), channels, dim(c.height), width};
    if (c.layout == "nhwc") return view(data, sizes, {area * channels, 1, width * channels, channels}, c.format);
    return view(data, sizes, {area * channels, area, width, 1}, c.format);
  };
  const at::Tensor x = tensor(t.x), dy = tensor(t.dy), out = tensor(t.out);
  const at::Tensor slope = view(t.slope, {channels}, {1}, c.format), dslope = view(t.dslope, {channels}, {1}, c.format);
  struct Results {
    at::Tensor out, dslope;
  };
  const auto results = std::make_shared<Results>();
  const auto finish = [=] {
    out.copy_(results->out);
    if (results->dslope.defined()) dslope.copy_(results->dslope);
  };
  if (c.forward()) return {.run = [=] { results->out = at::prelu(x, slope); }, .finish = finish};
  // As autograd does for prelu: products of full size, of which those of a channel are then summed.
  const at::Tensor of_channels = slope.view({1, channels, 1, 1});
  if (!c.with_parameter())
    return {.run = [=] { results->out = std::get<0>(at::_prelu_kernel_backward(dy, x, of_channels)); }, .finish = finish};
  return {.run =
              [=] {
                at::Tensor products;
                std::tie(results->out, products) = at::_prelu_kernel_backward(dy, x, of_channels);
                results->dslope = products.sum({0, 2, 3});
              },
          .finish = finish};
}

Library open(size_t threads) {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  at::set_num_threads(static_cast<int>(threads));
  return {"pytorch", TORCH_VERSION, [](const Case& c, const Tensors& t) {
            thread_local const c10::InferenceMode without_autograd;
            return c.operation == "prelu" ? prelu(c, t) : flat(c, t);
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
