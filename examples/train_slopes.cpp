// Real data through a PReLU layer whose slopes are learned.
//
// Handwritten digits (data/README.md) go through a fixed bank of eight 3x3 filters, a PReLU with one slope per filter, the
// means of the image's four quarters, and a linear classifier. Slopes and classifier are learned together by gradient
// descent on the squared error. Three things are shown, each an error of the program where it fails:
//
//   - NCHW and NHWC agree: y and dx bit for bit, dslope within what is usual by rectify.h;
//   - the loss goes down, and further than with the slopes held where they start;
//   - every backend of this machine learns the same bits. The arithmetic around rectify is written to have only one result,
//     too: plain loops, no contraction, nothing from libm.
#include <rectify/rectify.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <vector>

#include "digits.hpp"

namespace {

using std::size_t;
using Tensor = std::vector<float>;

constexpr size_t side = Digits::side, pixels = Digits::pixels;

// ---- The fixed filters

struct Filter {
  const char* name;
  std::array<int, 9> taps;
};

constexpr Filter filters[] = {
    {"left to right", {-1, 0, 1, -2, 0, 2, -1, 0, 1}},    {"top to bottom", {-1, -2, -1, 0, 0, 0, 1, 2, 1}},
    {"to top right", {0, 1, 2, -1, 0, 1, -2, -1, 0}},     {"to bottom right", {-2, -1, 0, -1, 0, 1, 0, 1, 2}},
    {"spot", {-1, -1, -1, -1, 8, -1, -1, -1, -1}},        {"horizontal line", {-1, -1, -1, 2, 2, 2, -1, -1, -1}},
    {"vertical line", {-1, 2, -1, -1, 2, -1, -1, 2, -1}}, {"crossing", {1, 0, -1, 0, 0, 0, -1, 0, 1}},
};
constexpr size_t channels = std::size(filters);

// x in NCHW: each image under each filter, zeros around the image, divided by 4. Pixels are sixteenths, taps integers:
// every sum is exact.
Tensor filter_bank(const Digits& digits) {
  Tensor x;
  x.reserve(digits.count() * channels * pixels);
  for (size_t image = 0; image < digits.count(); ++image) {
    const float* in = &digits.images[image * pixels];
    for (const Filter& filter : filters) {
      for (size_t row = 0; row < side; ++row) {
        for (size_t column = 0; column < side; ++column) {
          float sum = 0;
          for (size_t tap = 0; tap < 9; ++tap) {
            // One up and left of what is meant: the border is not below zero then.
            const size_t r = row + tap / 3, c = column + tap % 3;
            if (r == 0 || r > side || c == 0 || c > side) continue;
            sum += static_cast<float>(filter.taps[tap]) * in[(r - 1) * side + c - 1];
          }
          x.push_back(sum / 4);
        }
      }
    }
  }
  return x;
}

// ---- Errors and bits

void require(rectify::status status, const char* call) {
  if (status == rectify::status::ok) return;
  std::fprintf(stderr, "%s: %s\n", call, rectify::text(status));
  std::exit(EXIT_FAILURE);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float p, float q) { return std::bit_cast<uint32_t>(p) == std::bit_cast<uint32_t>(q); });
}

// FNV-1a over the bits.
uint64_t hash(const Tensor& values, uint64_t start = 0xcbf29ce484222325) {
  for (const float value : values) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) start = (start ^ (bits >> shift & 0xff)) * 0x100000001b3;
  }
  return start;
}

// ---- The classifier behind the PReLU

constexpr size_t quarters = 4, features = channels * quarters, classes = 10;

// Where pixel i of an image lies.
constexpr size_t quarter_of(size_t pixel) { return pixel / (pixels / 2) * 2 + pixel % side / (side / 2); }

struct Model {
  Tensor slopes = Tensor(channels, 0.25F);  // where He et al. start
  Tensor weights = Tensor(classes * features);
  Tensor bias = Tensor(classes);
};

Tensor quarter_means(const Tensor& y) {
  Tensor means(y.size() / pixels * quarters);
  for (size_t plane = 0; plane < y.size() / pixels; ++plane) {
    float* mean = &means[plane * quarters];
    for (size_t i = 0; i < pixels; ++i) mean[quarter_of(i)] += y[plane * pixels + i];
    for (size_t q = 0; q < quarters; ++q) mean[q] /= pixels / quarters;
  }
  return means;
}

std::array<float, classes> scores(const Model& model, const float* feature) {
  std::array<float, classes> score;
  for (size_t k = 0; k < classes; ++k) {
    score[k] = model.bias[k];
    for (size_t f = 0; f < features; ++f) score[k] += model.weights[k * features + f] * feature[f];
  }
  return score;
}

// Half the squared distance from the label's unit vector, the mean over the images; and its gradients.
struct Gradient {
  double loss = 0;
  Tensor weights = Tensor(classes * features);
  Tensor bias = Tensor(classes);
  Tensor dy;  // with respect to the PReLU's output
};

Gradient gradient(const Model& model, const Tensor& y, const int* labels) {
  const Tensor means = quarter_means(y);
  const size_t count = means.size() / features;
  Gradient result;
  result.dy.resize(y.size());
  for (size_t image = 0; image < count; ++image) {
    const float* feature = &means[image * features];
    std::array<float, classes> error = scores(model, feature);
    error[static_cast<size_t>(labels[image])] -= 1;
    std::array<float, features> dfeature{};
    for (size_t k = 0; k < classes; ++k) {
      result.loss += static_cast<double>(error[k]) * error[k] / 2;
      const float de = error[k] / static_cast<float>(count);
      result.bias[k] += de;
      for (size_t f = 0; f < features; ++f) {
        result.weights[k * features + f] += de * feature[f];
        dfeature[f] += de * model.weights[k * features + f];
      }
    }
    float* dy = &result.dy[image * channels * pixels];
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < pixels; ++i) {
        dy[c * pixels + i] = dfeature[c * quarters + quarter_of(i)] / (pixels / quarters);
      }
    }
  }
  result.loss /= static_cast<double>(count);
  return result;
}

// ---- Learning

constexpr int steps = 60;
constexpr float rate = 0.75F, momentum = 0.9F;

// Gradient descent with momentum.
void descend(Tensor& values, Tensor& velocity, const Tensor& slope_of_loss) {
  for (size_t i = 0; i < values.size(); ++i) {
    velocity[i] = momentum * velocity[i] - rate * slope_of_loss[i];
    values[i] += velocity[i];
  }
}

struct Learned {
  Model model;
  std::vector<double> losses;  // before each step, and after the last
};

Learned learn(const Tensor& x, const int* labels, bool slopes_too, const rectify::options& options) {
  const rectify::shape shape = rectify::nchw(x.size() / (channels * pixels), channels, pixels);
  Learned learned;
  Model& model = learned.model;
  Tensor slope_velocity(channels), weight_velocity(classes * features), bias_velocity(classes);
  Tensor y(x.size()), dslopes(channels);
  for (int step = 0;; ++step) {
    require(rectify::prelu_forward(shape, x, model.slopes, y, options), "prelu_forward");
    const Gradient g = gradient(model, y, labels);
    learned.losses.push_back(g.loss);
    if (step == steps) return learned;
    descend(model.weights, weight_velocity, g.weights);
    descend(model.bias, bias_velocity, g.bias);
    if (!slopes_too) continue;
    // The filters are fixed: nothing asks for dx.
    require(rectify::prelu_backward(shape, x, model.slopes, g.dy, std::nullopt, dslopes, options), "prelu_backward");
    descend(model.slopes, slope_velocity, dslopes);
  }
}

double percent_right(const Model& model, const Tensor& x, const int* labels) {
  const size_t count = x.size() / (channels * pixels);
  Tensor y(x.size());
  require(rectify::prelu_forward(rectify::nchw(count, channels, pixels), x, model.slopes, y), "prelu_forward");
  const Tensor means = quarter_means(y);
  size_t right = 0;
  for (size_t image = 0; image < count; ++image) {
    const std::array<float, classes> score = scores(model, &means[image * features]);
    right += std::max_element(score.begin(), score.end()) - score.begin() == labels[image];
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(count);
}

// ---- NCHW against NHWC

Tensor to_nhwc(const Tensor& nchw) {
  Tensor nhwc(nchw.size());
  for (size_t image = 0; image < nchw.size(); image += channels * pixels) {
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < pixels; ++i) nhwc[image + i * channels + c] = nchw[image + c * pixels + i];
    }
  }
  return nhwc;
}

// The largest error of a channel's dslope, relative to the sum of the magnitudes that were added; from exact products.
double sum_error(const Tensor& x, const Tensor& dy, const Tensor& dslopes) {
  std::array<double, channels> sum{}, magnitude{};
  for (size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] < 0)) continue;
    const double product = static_cast<double>(dy[i]) * static_cast<double>(x[i]);
    sum[i / pixels % channels] += product;
    magnitude[i / pixels % channels] += std::abs(product);
  }
  double worst = 0;
  for (size_t c = 0; c < channels; ++c) {
    worst = std::max(worst, std::abs(static_cast<double>(dslopes[c]) - sum[c]) / magnitude[c]);
  }
  return worst;
}

bool layouts_agree(const Tensor& x, const int* labels, const Model& model, const rectify::options& options) {
  const size_t images = x.size() / (channels * pixels);
  Tensor y(x.size()), dx(x.size()), dslopes(channels);
  rectify::shape shape = rectify::nchw(images, channels, pixels);
  require(rectify::prelu_forward(shape, x, model.slopes, y, options), "prelu_forward");
  const Tensor dy = gradient(model, y, labels).dy;
  require(rectify::prelu_backward(shape, x, model.slopes, dy, dx, dslopes, options), "prelu_backward");

  const Tensor last_x = to_nhwc(x), last_dy = to_nhwc(dy);
  Tensor last_y(x.size()), last_dx(x.size()), last_dslopes(channels);
  shape = rectify::nhwc(images, channels, pixels);
  require(rectify::prelu_forward(shape, last_x, model.slopes, last_y, options), "prelu_forward");
  require(rectify::prelu_backward(shape, last_x, model.slopes, last_dy, last_dx, last_dslopes, options), "prelu_backward");

  constexpr double bound = 1e-7;  // what is usual
  const double error = sum_error(x, dy, dslopes), last_error = sum_error(x, dy, last_dslopes);
  const bool same_y = same_bits(to_nhwc(y), last_y), same_dx = same_bits(to_nhwc(dx), last_dx);
  std::printf("  NCHW and NHWC   y %s, dx %s, errors of dslope %.1e and %.1e of the sum of magnitudes (bound %.0e)\n",
              same_y ? "the same bits" : "DIFFERS", same_dx ? "the same bits" : "DIFFERS", error, last_error, bound);
  return same_y && same_dx && error <= bound && last_error <= bound;
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : DIGITS;
  const std::optional<Digits> digits = read_digits(path);
  if (!digits || digits->count() < 4) {
    std::fprintf(stderr, "%s: not the digits\n", path);
    return EXIT_FAILURE;
  }

  // Three quarters to learn from, the rest to test.
  const Tensor all = filter_bank(*digits);
  const size_t learning = digits->count() * 3 / 4;
  const auto border = all.begin() + static_cast<std::ptrdiff_t>(learning * channels * pixels);
  const Tensor x(all.begin(), border), unseen(border, all.end());
  const int* labels = digits->labels.data();
  std::printf("%zu handwritten digits, %zu to learn from; %zu filters, %zu features\n", digits->count(), learning, channels,
              features);

  bool good = true;
  std::optional<uint64_t> first;
  for (size_t index = 0; const char* backend = rectify::backend_name(index); ++index) {
    std::printf("\n%s\n", backend);
    if (const rectify::status status = rectify::backend_available(backend); status != rectify::status::ok) {
      std::printf("  not here: %s\n", rectify::text(status));
      continue;
    }
    const rectify::options options = {.backend = backend};
    const auto [model, losses] = learn(x, labels, true, options);
    good &= layouts_agree(x, labels, model, options);

    for (size_t step = 0; step <= steps; step += steps / 5) {
      std::printf("  loss            %.6f after %2zu steps\n", losses[step], step);
    }
    std::printf("  right           %.1f %% of those learned from, %.1f %% of the others\n", percent_right(model, x, labels),
                percent_right(model, unseen, labels + learning));
    good &= losses.back() < losses.front();

    const uint64_t bits = hash(model.bias, hash(model.weights, hash(model.slopes)));
    std::printf("  hash            %016llx\n", static_cast<unsigned long long>(bits));
    good &= bits == first.value_or(bits);
    if (first) continue;
    first = bits;

    for (size_t c = 0; c < channels; ++c) {
      std::printf("  slope           % .7f  %s\n", static_cast<double>(model.slopes[c]), filters[c].name);
    }
    const Learned held = learn(x, labels, false, options);
    std::printf("  slopes held     loss %.6f, right %.1f %% and %.1f %%\n", held.losses.back(),
                percent_right(held.model, x, labels), percent_right(held.model, unseen, labels + learning));
    good &= losses.back() < held.losses.back();
  }

  good &= first.has_value();
  std::printf("\n%s\n", good ? "Every backend learned the same bits." : "FAILED: see above.");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
