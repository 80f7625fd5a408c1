// Training in mixed precision: activations and gradients are bf16, a PReLU's slopes and their gradients f32.
//
// The engine has a bfloat16 of its own; rectify is told of it by one line and works on its tensors in place. A layer learns
// the slopes of another one from its outputs, by gradient descent on the squared error.
#include <rectify/rectify.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

// The engine's type, and how it makes one. (Without one: rectify::bfloat16.)
struct EngineBfloat {
  std::uint16_t bits;
};
static EngineBfloat to_bfloat(float value) { return {rectify::bfloat16(value).bits}; }
static float to_float(EngineBfloat value) { return rectify::bfloat16::from_bits(value.bits); }

template <>
struct rectify::dtype_of<EngineBfloat> : rectify::is_dtype<rectify::dtype::bf16> {};

using Tensor = std::vector<EngineBfloat>;

static void require(rectify::status status) {
  if (status == rectify::status::ok) return;
  std::fprintf(stderr, "%s\n", rectify::text(status));
  std::exit(EXIT_FAILURE);
}

int main() {
  constexpr std::size_t images = 8, channels = 4, pixels = 64;
  constexpr rectify::shape shape = rectify::nchw(images, channels, pixels);
  const std::vector<float> teacher = {0.1F, -0.5F, 0.75F, 2.0F};

  Tensor x(images * channels * pixels), target(x.size()), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = to_bfloat(static_cast<float>(i * 37 % 101) / 32 - 1.5F);
  require(rectify::prelu_forward(shape, x, teacher, target));

  std::vector<float> slopes(channels, 0.25F), dslopes(channels);
  for (int step = 0; step < 40; ++step) {
    require(rectify::prelu_forward(shape, x, slopes, y));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = to_bfloat(to_float(y[i]) - to_float(target[i]));  // dy, in y's place
    // Nothing is before this layer: dx is left out.
    require(rectify::prelu_backward(shape, x, slopes, y, std::nullopt, dslopes));
    for (std::size_t c = 0; c < channels; ++c) slopes[c] -= dslopes[c] * 2 / (images * pixels);
  }

  bool learned = true;
  for (std::size_t c = 0; c < channels; ++c) {
    std::printf("slope %zu  %8.5f  of %5.2f\n", c, static_cast<double>(slopes[c]), static_cast<double>(teacher[c]));
    learned &= std::abs(slopes[c] - teacher[c]) < 2e-3F;  // bf16 holds 2 to 3 digits of each y
  }
  return learned ? EXIT_SUCCESS : EXIT_FAILURE;
}
