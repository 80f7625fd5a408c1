// Eigen: array expressions over the caller's memory, built for the machine's own vectors. Written as Eigen 3.4 is
// fastest: with minimum and maximum, a select of no more than a value or zero (GCC vectorizes that one, others branch), exp
// rather than its expm1, and what alpha = 1 allows.
#include <Eigen/Core>
#include <type_traits>

#include "parts.hpp"
#include "worker.hpp"

namespace peers {
namespace {

template <class T>
using Values = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>, Eigen::Unaligned>;
template <class T>
using Results = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>, Eigen::Unaligned>;

// What dslope is summed in: 16 bits would lose it. A column for each part.
template <class T>
using Sum = std::conditional_t<sizeof(T) == 2, float, T>;
template <class T>
using Sums = Eigen::Array<Sum<T>, Eigen::Dynamic, Eigen::Dynamic>;

template <class T>
struct Pointers {
  const T* x;
  const T* dy;
  const T* slope;
  T* out;
  T* dslope;
};

Eigen::Index index(size_t n) { return static_cast<Eigen::Index>(n); }

// formula(x, out) of each part.
template <class T, class Formula>
Call forward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) {
      Results<T> y(p.out + begin, index(end - begin));
      formula(Values<T>(p.x + begin, index(end - begin)), y);
    });
  }};
}

template <class T, class Formula>
Call backward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) {
      Results<T> dx(p.out + begin, index(end - begin));
      formula(Values<T>(p.x + begin, index(end - begin)), Values<T>(p.dy + begin, index(end - begin)), dx);
    });
  }};
}

template <class T>
Call prelu_nchw(const Case& c, const Pointers<T>& p, size_t threads) {
  const size_t channels = c.channels, area = c.area(), maps = c.batch * channels;
  const bool is_forward = c.forward(), sum = c.with_parameter();
  return {.run = [=, sums = Sums<T>(index(channels), index(threads))]() mutable {
    if (sum) sums.setZero();
    in_parts(maps, threads, [&](size_t begin, size_t end, size_t part) {
      for (size_t map = begin; map < end; ++map) {
        const size_t at = map * area, channel = map % channels;
        const T slope = p.slope[channel];
        const Values<T> x(p.x + at, index(area));
        Results<T> out(p.out + at, index(area));
        if (is_forward) {
          out = x.max(T(0)) + slope * x.min(T(0));
          continue;
        }
        const Values<T> dy(p.dy + at, index(area));
        out = slope * dy + (T(1) - slope) * (x > T(0)).select(dy, T(0));
        if (sum) sums(index(channel), index(part)) += (x.min(T(0)) * dy).template cast<Sum<T>>().sum();
      }
    });
    if (sum) Results<T>(p.dslope, index(channels)) = sums.rowwise().sum().template cast<T>();
  }};
}

template <class T>
Call prelu_nhwc(const Case& c, const Pointers<T>& p, size_t threads) {
  const size_t channels = c.channels, pixels = c.batch * c.area();
  const bool is_forward = c.forward(), sum = c.with_parameter();
  return {.run = [=, sums = Sums<T>(index(channels), index(threads))]() mutable {
    if (sum) sums.setZero();
    in_parts(pixels, threads, [&](size_t begin, size_t end, size_t part) {
      const Values<T> slope(p.slope, index(channels));
      auto dslope = sums.col(index(part));
      for (size_t pixel = begin; pixel < end; ++pixel) {
        const size_t at = pixel * channels;
        const Values<T> x(p.x + at, index(channels));
        Results<T> out(p.out + at, index(channels));
        if (is_forward) {
          out = x.max(T(0)) + slope * x.min(T(0));
          continue;
        }
        const Values<T> dy(p.dy + at, index(channels));
        out = slope * dy + (T(1) - slope) * (x > T(0)).select(dy, T(0));
        if (sum) dslope += (x.min(T(0)) * dy).template cast<Sum<T>>();
      }
    });
    if (sum) Results<T>(p.dslope, index(channels)) = sums.rowwise().sum().template cast<T>();
  }};
}

template <class T>
Call call_of(const Case& c, const Tensors& t, size_t threads) {
  const Pointers<T> p = {static_cast<const T*>(t.x), static_cast<const T*>(t.dy), static_cast<const T*>(t.slope),
                         static_cast<T*>(t.out), static_cast<T*>(t.dslope)};
  const T slope = static_cast<T>(leaky_slope), zero = T(0), one = T(1);
  static_assert(elu_alpha == 1);
  const size_t n = c.n();
  if (c.operation == "prelu") return c.layout == "nhwc" ? prelu_nhwc(c, p, threads) : prelu_nchw(c, p, threads);
  if (c.is("relu", "forward")) return forward(p, n, threads, [=](const auto& x, auto& y) { y = x.max(zero); });
  if (c.is("relu", "backward"))
    return backward(p, n, threads, [=](const auto& x, const auto& dy, auto& dx) { dx = (x > zero).select(dy, zero); });
  if (c.is("leaky_relu", "forward"))
    return forward(p, n, threads, [=](const auto& x, auto& y) { y = x.max(slope * x); });  // for 0 <= slope <= 1
  if (c.is("leaky_relu", "backward"))
    return backward(p, n, threads,
                    [=](const auto& x, const auto& dy, auto& dx) { dx = slope * dy + (one - slope) * (x > zero).select(dy, zero); });
  if (c.is("elu", "forward"))
    return forward(p, n, threads, [=](const auto& x, auto& y) { y = x.max(zero) + (x.min(zero).exp() - one); });
  if (c.is("elu", "backward"))
    return backward(p, n, threads, [=](const auto& x, const auto& dy, auto& dx) { dx = x.min(zero).exp() * dy; });
  if (c.is("elu", "backward_from_y"))
    return backward(p, n, threads, [=](const auto& y, const auto& dy, auto& dx) { dx = (y.min(zero) + one) * dy; });
  throw Unsupported("no such operation");
}

Library open(size_t threads) {
  const std::string version = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
                              std::to_string(EIGEN_MINOR_VERSION);
  return {"eigen", version + " -O3 -march=native", [threads](const Case& c, const Tensors& t) {
            switch (c.format) {
              case Format::f16:
                return call_of<Eigen::half>(c, t, threads);
              case Format::bf16:
                return call_of<Eigen::bfloat16>(c, t, threads);
              case Format::f64:
                return call_of<double>(c, t, threads);
              default:
                return call_of<float>(c, t, threads);
            }
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
