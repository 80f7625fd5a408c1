// rectify by its C ABI, as an engine calls it: the static library, the backend of its own choice.
#include <rectify/rectify.h>

#include "worker.hpp"

namespace peers {
namespace {

int32_t dtype_of(Format format) {
  constexpr int32_t dtypes[] = {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64};
  return dtypes[static_cast<int>(format)];
}

using Function = std::function<int32_t(const rectify_options*)>;

Function function_of(const Case& c, const Tensors& t) {
  const int32_t dtype = dtype_of(c.format);
  const size_t n = c.n();
  if (c.is("relu", "forward")) return [=](auto* o) { return rectify_relu_forward(dtype, n, t.x, t.out, o); };
  if (c.is("relu", "backward")) return [=](auto* o) { return rectify_relu_backward(dtype, n, t.x, t.dy, t.out, o); };
  if (c.is("leaky_relu", "forward"))
    return [=](auto* o) { return rectify_leaky_relu_forward(dtype, n, leaky_slope, t.x, t.out, o); };
  if (c.is("leaky_relu", "backward"))
    return [=](auto* o) { return rectify_leaky_relu_backward(dtype, n, leaky_slope, t.x, t.dy, t.out, nullptr, o); };
  if (c.is("elu", "forward")) return [=](auto* o) { return rectify_elu_forward(dtype, n, elu_alpha, t.x, t.out, o); };
  if (c.is("elu", "backward"))
    return [=](auto* o) { return rectify_elu_backward(dtype, n, elu_alpha, t.x, t.dy, t.out, nullptr, o); };
  if (c.is("elu", "backward_from_y"))
    return [=](auto* o) { return rectify_elu_backward_from_y(dtype, n, elu_alpha, t.x, t.dy, t.out, o); };

  if (c.operation != "prelu") throw Unsupported("no such operation");
  const bool nhwc = c.layout == "nhwc";
  const rectify_shape shape = {nhwc ? c.batch * c.area() : c.batch, c.channels, nhwc ? 1 : c.area()};
  if (c.forward()) return [=](auto* o) { return rectify_prelu_forward(dtype, dtype, shape, t.x, t.slope, t.out, o); };
  void* dslope = c.with_parameter() ? t.dslope : nullptr;
  return [=](auto* o) { return rectify_prelu_backward(dtype, dtype, shape, t.x, t.slope, t.dy, t.out, dslope, o); };
}

Library open(size_t threads) {
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = threads;
  const char* backend = "";
  if (const int32_t status = rectify_backend_in_use(&options, &backend)) throw Unsupported(rectify_status_text(status));
  const int32_t version = rectify_version();
  const std::string number =
      std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
  return {"rectify", number + " (" + backend + ")", [options](const Case& c, const Tensors& t) {
            const Function function = function_of(c, t);
            if (const int32_t status = function(&options)) throw Unsupported(rectify_status_text(status));
            return Call{.run = [function, options] { function(&options); }};
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
