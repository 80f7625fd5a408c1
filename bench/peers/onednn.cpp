// oneDNN by its C++ API: primitives and memory made beforehand, executed again and again. Its PReLU backward always gives
// both gradients. Of channels last it is told by the memory's format.
#include <oneapi/dnnl/dnnl.hpp>

#include <memory>
#include <unordered_map>

#include "worker.hpp"

namespace peers {
namespace {

using dnnl::algorithm;
using dnnl::memory;

// A call of a primitive: what it reads and writes is bound to it.
struct Bound {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;

  void bind(int argument, const memory::desc& description, const void* data) {
    arguments.insert_or_assign(argument, memory(description, engine, const_cast<void*>(data)));
  }
  void execute() {
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

memory::data_type type_of(Format format) {
  switch (format) {
    case Format::f32:
      return memory::data_type::f32;
    case Format::f16:
      return memory::data_type::f16;
    case Format::bf16:
      return memory::data_type::bf16;
    default:
      throw Unsupported("has no f64 activations");
  }
}

#if DNNL_VERSION_MAJOR >= 3
template <class Primitive, class... Arguments>
auto described(const dnnl::engine& engine, const Arguments&... arguments) {
  return typename Primitive::primitive_desc(engine, arguments...);
}
#else
template <class Primitive, class... Arguments>
auto described(const dnnl::engine& engine, const Arguments&... arguments) {
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), engine);
}
#endif

void bind_eltwise(Bound& bound, const Case& c, const Tensors& t) {
  const memory::desc tensor({static_cast<memory::dim>(c.n())}, type_of(c.format), memory::format_tag::a);
  const bool elu = c.operation == "elu";
  const algorithm formula = c.from_y() ? algorithm::eltwise_elu_use_dst_for_bwd
                            : elu      ? algorithm::eltwise_elu
                                       : algorithm::eltwise_relu;
  const auto parameter = static_cast<float>(elu ? elu_alpha : c.operation == "leaky_relu" ? leaky_slope : 0);
#if DNNL_VERSION_MAJOR >= 3
  const auto forward = described<dnnl::eltwise_forward>(bound.engine, dnnl::prop_kind::forward_training, formula, tensor,
                                                        tensor, parameter, 0.0f);
#else
  const auto forward =
      described<dnnl::eltwise_forward>(bound.engine, dnnl::prop_kind::forward_training, formula, tensor, parameter, 0.0f);
#endif
  if (c.forward()) {
    bound.primitive = dnnl::eltwise_forward(forward);
    bound.bind(DNNL_ARG_SRC, tensor, t.x);
    bound.bind(DNNL_ARG_DST, tensor, t.out);
    return;
  }
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::eltwise_backward::primitive_desc backward(bound.engine, formula, tensor, tensor, tensor, parameter, 0.0f,
                                                        forward);
#else
  const dnnl::eltwise_backward::primitive_desc backward(
      dnnl::eltwise_backward::desc(formula, tensor, tensor, parameter, 0.0f), bound.engine, forward);
#endif
  bound.primitive = dnnl::eltwise_backward(backward);
  bound.bind(c.from_y() ? DNNL_ARG_DST : DNNL_ARG_SRC, tensor, t.x);
  bound.bind(DNNL_ARG_DIFF_DST, tensor, t.dy);
  bound.bind(DNNL_ARG_DIFF_SRC, tensor, t.out);
}

void bind_prelu(Bound& bound, const Case& c, const Tensors& t) {
  const auto dim = [](size_t size) { return static_cast<memory::dim>(size); };
  const auto tag = c.layout == "nhwc" ? memory::format_tag::nhwc : memory::format_tag::nchw;
  const memory::desc tensor({dim(c.batch), dim(c.channels), dim(c.height), dim(c.width)}, type_of(c.format), tag);
  const memory::desc slopes({1, dim(c.channels), 1, 1}, type_of(c.format), memory::format_tag::nchw);
#if DNNL_VERSION_MAJOR >= 3
  const auto forward =
      described<dnnl::prelu_forward>(bound.engine, dnnl::prop_kind::forward_training, tensor, slopes, tensor);
#else
  const auto forward = described<dnnl::prelu_forward>(bound.engine, dnnl::prop_kind::forward_training, tensor, slopes);
#endif
  bound.bind(DNNL_ARG_SRC, tensor, t.x);
  bound.bind(DNNL_ARG_WEIGHTS, slopes, t.slope);
  if (c.forward()) {
    bound.primitive = dnnl::prelu_forward(forward);
    bound.bind(DNNL_ARG_DST, tensor, t.out);
    return;
  }
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::prelu_backward::primitive_desc backward(bound.engine, tensor, slopes, tensor, slopes, tensor, forward);
#else
  const dnnl::prelu_backward::primitive_desc backward(dnnl::prelu_backward::desc(tensor, slopes, tensor, slopes),
                                                      bound.engine, forward);
#endif
  bound.primitive = dnnl::prelu_backward(backward);
  bound.bind(DNNL_ARG_DIFF_DST, tensor, t.dy);
  bound.bind(DNNL_ARG_DIFF_SRC, tensor, t.out);
  bound.bind(DNNL_ARG_DIFF_WEIGHTS, slopes, t.dslope);
}

// The number of threads is that of OpenMP, which peers.py has set.
Library open(size_t) {
  const dnnl_version_t* version = dnnl_version();
  const std::string number =
      std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  return {"onednn", number, [](const Case& c, const Tensors& t) {
            const auto bound = std::make_shared<Bound>();
            c.operation == "prelu" ? bind_prelu(*bound, c, t) : bind_eltwise(*bound, c, t);
            return Call{.run = [bound] { bound->execute(); }};
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
