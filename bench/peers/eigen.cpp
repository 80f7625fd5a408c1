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

// What is computed in. Of half Eigen vectorizes little but the conversions; bfloat16 it computes as it is, and faster so.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, Eigen::half>, float, T>;
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

template <class T>
auto values(const T* data, size_t n) {
  return Values<T>(data, index(n)).template cast<Wide<T>>();
}

template <class T, class Formula>
Call forward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) {
      Results<T>(p.out + begin, index(end - begin)) = formula(values(p.x + begin, end - begin)).template cast<T>();
    });
  }};
}

template <class T, class Formula>
Call backward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) {
      Results<T>(p.out + begin, index(end - begin)) =
          formula(values(p.x + begin, end - begin), values(p.dy + begin, end - begin)).template cast<T>();
    });
  }};
}

template <class T>
Call prelu_nchw(const Case& c, const Pointers<T>& p, size_t threads) {
  using W = Wide<T>;
  const size_t channels = c.channels, area = c.area(), maps = c.batch * channels;
  const bool is_forward = c.forward(), sum = c.with_parameter();
  return {.run = [=, sums = Sums<T>(index(channels), index(threads))]() mutable {
    if (sum) sums.setZero();
    in_parts(maps, threads, [&](size_t begin, size_t end, size_t part) {
      for (size_t map = begin; map < end; ++map) {
        const size_t at = map * area, channel = map % channels;
        const W slope = static_cast<W>(p.slope[channel]), zero = W(0), one = W(1);
        const auto x = values(p.x + at, area);
        Results<T> out(p.out + at, index(area));
        if (is_forward) {
          out = (x.max(zero) + slope * x.min(zero)).template cast<T>();
          continue;
        }
        const auto dy = values(p.dy + at, area);
        out = (slope * dy + (one - slope) * (x > zero).select(dy, zero)).template cast<T>();
        if (sum) sums(index(channel), index(part)) += (x.min(zero) * dy).template cast<Sum<T>>().sum();
      }
    });
    if (sum) Results<T>(p.dslope, index(channels)) = sums.rowwise().sum().template cast<T>();
  }};
}

template <class T>
Call prelu_nhwc(const Case& c, const Pointers<T>& p, size_t threads) {
  using W = Wide<T>;
  const size_t channels = c.channels, pixels = c.batch * c.area();
  const bool is_forward = c.forward(), sum = c.with_parameter();
  return {.run = [=, sums = Sums<T>(index(channels), index(threads))]() mutable {
    if (sum) sums.setZero();
    in_parts(pixels, threads, [&](size_t begin, size_t end, size_t part) {
      const W zero = W(0), one = W(1);
      const auto slope = values(p.slope, channels);
      auto dslope = sums.col(index(part));
      for (size_t pixel = begin; pixel < end; ++pixel) {
        const size_t at = pixel * channels;
        const auto x = values(p.x + at, channels);
        Results<T> out(p.out + at, index(channels));
        if (is_forward) {
          out = (x.max(zero) + slope * x.min(zero)).template cast<T>();
          continue;
        }
        const auto dy = values(p.dy + at, channels);
        out = (slope * dy + (one - slope) * (x > zero).select(dy, zero)).template cast<T>();
        if (sum) dslope += (x.min(zero) * dy).template cast<Sum<T>>();
      }
    });
    if (sum) Results<T>(p.dslope, index(channels)) = sums.rowwise().sum().template cast<T>();
  }};
}

template <class T>
Call call_of(const Case& c, const Tensors& t, size_t threads) {
  const Pointers<T> p = {static_cast<const T*>(t.x), static_cast<const T*>(t.dy), static_cast<const T*>(t.slope),
                         static_cast<T*>(t.out), static_cast<T*>(t.dslope)};
  using W = Wide<T>;
  const W slope = static_cast<W>(leaky_slope), zero = W(0), one = W(1);
  static_assert(elu_alpha == 1 && 0 <= leaky_slope && leaky_slope <= 1);
  const size_t n = c.n();
  if (c.operation == "prelu") return c.layout == "nhwc" ? prelu_nhwc(c, p, threads) : prelu_nchw(c, p, threads);
  if (c.is("relu", "forward")) return forward(p, n, threads, [=](auto x) { return x.max(zero); });
  if (c.is("relu", "backward"))
    return backward(p, n, threads, [=](auto x, auto dy) { return (x > zero).select(dy, zero); });
  if (c.is("leaky_relu", "forward")) return forward(p, n, threads, [=](auto x) { return x.max(slope * x); });
  if (c.is("leaky_relu", "backward"))
    return backward(p, n, threads,
                    [=](auto x, auto dy) { return slope * dy + (one - slope) * (x > zero).select(dy, zero); });
  if (c.is("elu", "forward"))
    return forward(p, n, threads, [=](auto x) { return x.max(zero) + (x.min(zero).exp() - one); });
  if (c.is("elu", "backward")) return backward(p, n, threads, [=](auto x, auto dy) { return x.min(zero).exp() * dy; });
  if (c.is("elu", "backward_from_y"))
    return backward(p, n, threads, [=](auto y, auto dy) { return (y.min(zero) + one) * dy; });
  throw Unsupported("no such operation");
}

Library open(size_t threads) {
  const std::string version = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
                              std::to_string(EIGEN_MINOR_VERSION);
  return {"eigen", version + " -O3 -march=native", [threads](const Case& c, const Tensors& t) {
            return of_type<Eigen::half, Eigen::bfloat16>(c.format, [&]<class T>() { return call_of<T>(c, t, threads); });
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
