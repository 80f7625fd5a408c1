// XNNPACK by its operators, set up once and run again and again: an inference library, so forward only, with channels last.
#include <pthreadpool.h>
#include <xnnpack.h>

#include <limits>
#include <memory>

#include "worker.hpp"

namespace peers {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

void expect(xnn_status status, const char* what) {
  if (status != xnn_status_success) throw Unsupported(std::string(what) + " has status " + std::to_string(status));
}

// Create and setup of an operator on n elements, each a channel of its own.
void flat(xnn_operator_t& made, const Case& c, const Tensors& t, pthreadpool_t pool) {
  const bool f16 = c.format == Format::f16;
  const auto* x = static_cast<const float*>(t.x);
  auto* y = static_cast<float*>(t.out);
  const auto slope = static_cast<float>(leaky_slope), alpha = static_cast<float>(elu_alpha);
  if (c.operation == "relu") {
    expect(f16 ? xnn_create_clamp_nc_f16(1, 1, 1, 0, infinity, 0, &made)
               : xnn_create_clamp_nc_f32(1, 1, 1, 0, infinity, 0, &made),
           "create_clamp");
    expect(f16 ? xnn_setup_clamp_nc_f16(made, c.n(), t.x, t.out, pool) : xnn_setup_clamp_nc_f32(made, c.n(), x, y, pool),
           "setup_clamp");
  } else if (c.operation == "leaky_relu") {
    expect(f16 ? xnn_create_leaky_relu_nc_f16(1, 1, 1, slope, 0, &made)
               : xnn_create_leaky_relu_nc_f32(1, 1, 1, slope, 0, &made),
           "create_leaky_relu");
    expect(f16 ? xnn_setup_leaky_relu_nc_f16(made, c.n(), t.x, t.out, pool)
               : xnn_setup_leaky_relu_nc_f32(made, c.n(), x, y, pool),
           "setup_leaky_relu");
  } else {
    if (f16) throw Unsupported("this version has no ELU in f16");
    expect(xnn_create_elu_nc_f32(1, 1, 1, alpha, 0, &made), "create_elu");
    expect(xnn_setup_elu_nc_f32(made, c.n(), x, y, pool), "setup_elu");
  }
}

void prelu(xnn_operator_t& made, const Case& c, const Tensors& t, pthreadpool_t pool) {
  if (c.layout != "nhwc") throw Unsupported("PReLU is for channels last");
  const size_t pixels = c.batch * c.area(), channels = c.channels;
  if (c.format == Format::f16) {
    expect(xnn_create_prelu_nc_f16(channels, channels, channels, t.slope, 0, &made), "create_prelu");
    expect(xnn_setup_prelu_nc_f16(made, pixels, t.x, t.out, pool), "setup_prelu");
  } else {
    expect(xnn_create_prelu_nc_f32(channels, channels, channels, static_cast<const float*>(t.slope), 0, &made),
           "create_prelu");
    expect(xnn_setup_prelu_nc_f32(made, pixels, static_cast<const float*>(t.x), static_cast<float*>(t.out), pool),
           "setup_prelu");
  }
}

Library open(size_t threads) {
  expect(xnn_initialize(nullptr), "xnn_initialize");
  const std::shared_ptr<pthreadpool> pool(threads > 1 ? pthreadpool_create(threads) : nullptr, pthreadpool_destroy);
  return {"xnnpack", PEERS_XNNPACK_VERSION, [pool](const Case& c, const Tensors& t) {
            if (!c.forward()) throw Unsupported("has no gradients");
            if (c.format != Format::f32 && c.format != Format::f16) throw Unsupported("has neither bf16 nor f64");
            xnn_operator_t made = nullptr;
            c.operation == "prelu" ? prelu(made, c, t, pool.get()) : flat(made, c, t, pool.get());
            const std::shared_ptr<xnn_operator> owned(made, xnn_delete_operator);
            expect(xnn_run_operator(made, pool.get()), "run_operator");
            return Call{.run = [owned, pool] { xnn_run_operator(owned.get(), pool.get()); }};
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
