// Plain C++: the loops that one writes without a library, for the compiler to vectorize (-O3 -march=native -ffast-math),
// with its vectors of exp and expm1.
#include <stdint.h>
#include <string.h>

#include <cmath>
#include <string>
#include <vector>

#include "parts.hpp"
#include "worker.hpp"

namespace peers {
namespace {

__extension__ using Half = _Float16;
struct Bfloat {
  uint16_t bits;
};

inline float wide(Half x) { return static_cast<float>(x); }
inline float wide(float x) { return x; }
inline double wide(double x) { return x; }
inline float wide(Bfloat x) { return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16); }

template <class T, class Computed>
inline T narrow(Computed x) {
  return static_cast<T>(x);
}
template <>
inline Bfloat narrow<Bfloat, float>(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

template <class T>
using Computed = decltype(wide(T()));

template <class T>
struct Pointers {
  const T* __restrict x;
  const T* __restrict dy;
  const T* __restrict slope;
  T* __restrict out;
  T* __restrict dslope;
};

// The formula by value: the compiler need not think that a store changes a slope.
template <class T, class Formula>
void values(const T* __restrict x, T* __restrict y, size_t begin, size_t end, Formula formula) {
#pragma GCC ivdep
  for (size_t i = begin; i < end; ++i) y[i] = narrow<T>(formula(wide(x[i])));
}

template <class T, class Formula>
void gradients(const T* __restrict x, const T* __restrict dy, T* __restrict dx, size_t begin, size_t end, Formula formula) {
#pragma GCC ivdep
  for (size_t i = begin; i < end; ++i) dx[i] = narrow<T>(formula(wide(x[i]), wide(dy[i])));
}

template <class T, class Formula>
Call forward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) { values(p.x, p.out, begin, end, formula); });
  }};
}

template <class T, class Formula>
Call backward(const Pointers<T>& p, size_t n, size_t threads, const Formula& formula) {
  return {.run = [=] {
    in_parts(n, threads, [&](size_t begin, size_t end, size_t) { gradients(p.x, p.dy, p.out, begin, end, formula); });
  }};
}

// A run of elements with one slope, as of NCHW: its part of dslope where that is wanted.
template <bool sum, class T>
Computed<T> run_of_one_slope(const T* __restrict x, const T* __restrict dy, Computed<T> slope, T* __restrict dx, size_t n) {
  Computed<T> dslope = 0;
#pragma GCC ivdep
  for (size_t i = 0; i < n; ++i) {
    const Computed<T> xi = wide(x[i]), dyi = wide(dy[i]);
    dx[i] = narrow<T>(xi <= 0 ? slope * dyi : dyi);
    if constexpr (sum) dslope += xi < 0 ? dyi * xi : 0;
  }
  return dslope;
}

// A pixel with all its channels, as of NHWC.
template <bool sum, class T>
void pixel(const T* __restrict x, const T* __restrict dy, const T* __restrict slope, T* __restrict dx,
           Computed<T>* __restrict dslope, size_t channels) {
#pragma GCC ivdep
  for (size_t c = 0; c < channels; ++c) {
    const Computed<T> xi = wide(x[c]), dyi = wide(dy[c]), slope_c = wide(slope[c]);
    dx[c] = narrow<T>(xi <= 0 ? slope_c * dyi : dyi);
    if constexpr (sum) dslope[c] += xi < 0 ? dyi * xi : 0;
  }
}

template <class T>
Call prelu_forward(const Case& c, const Pointers<T>& p, size_t threads) {
  const size_t channels = c.channels, area = c.area(), pixels = c.batch * area, maps = c.batch * channels;
  const auto value = [](const T* __restrict x, auto slope_at, T* __restrict y, size_t n) {
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) {
      const Computed<T> xi = wide(x[i]), slope = slope_at(i);
      y[i] = narrow<T>(xi < 0 ? slope * xi : xi);
    }
  };
  if (c.layout == "nhwc")
    return {.run = [=] {
      in_parts(pixels, threads, [&](size_t begin, size_t end, size_t) {
        const T* __restrict slope = p.slope;
        for (size_t i = begin; i < end; ++i)
          value(
              p.x + i * channels, [=](size_t at) { return wide(slope[at]); }, p.out + i * channels, channels);
      });
    }};
  return {.run = [=] {
    in_parts(maps, threads, [&](size_t begin, size_t end, size_t) {
      for (size_t map = begin; map < end; ++map) {
        const Computed<T> slope = wide(p.slope[map % channels]);
        value(
            p.x + map * area, [=](size_t) { return slope; }, p.out + map * area, area);
      }
    });
  }};
}

template <bool sum, class T>
Call prelu_backward(const Case& c, const Pointers<T>& p, size_t threads) {
  const size_t channels = c.channels, area = c.area(), pixels = c.batch * area, maps = c.batch * channels;
  const bool nhwc = c.layout == "nhwc";
  return {.run = [=, sums = std::vector<Computed<T>>(channels * threads)]() mutable {
    if constexpr (sum) std::fill(sums.begin(), sums.end(), Computed<T>());
    in_parts(nhwc ? pixels : maps, threads, [&](size_t begin, size_t end, size_t part) {
      Computed<T>* const dslope = sums.data() + part * channels;
      for (size_t i = begin; i < end; ++i) {
        if (nhwc) {
          const size_t at = i * channels;
          pixel<sum>(p.x + at, p.dy + at, p.slope, p.out + at, dslope, channels);
        } else {
          const size_t at = i * area, channel = i % channels;
          dslope[channel] += run_of_one_slope<sum>(p.x + at, p.dy + at, wide(p.slope[channel]), p.out + at, area);
        }
      }
    });
    for (size_t channel = 0; sum && channel < channels; ++channel) {
      Computed<T> all = 0;
      for (size_t part = 0; part < threads; ++part) all += sums[part * channels + channel];
      p.dslope[channel] = narrow<T>(all);
    }
  }};
}

template <class T>
Call call_of(const Case& c, const Tensors& t, size_t threads) {
  using C = Computed<T>;
  const Pointers<T> p = {static_cast<const T*>(t.x), static_cast<const T*>(t.dy), static_cast<const T*>(t.slope),
                         static_cast<T*>(t.out), static_cast<T*>(t.dslope)};
  const C slope = static_cast<C>(leaky_slope), alpha = static_cast<C>(elu_alpha);
  const size_t n = c.n();
  if (c.operation == "prelu") {
    if (c.forward()) return prelu_forward(c, p, threads);
    return c.with_parameter() ? prelu_backward<true>(c, p, threads) : prelu_backward<false>(c, p, threads);
  }
  if (c.is("relu", "forward")) return forward(p, n, threads, [](C x) { return x < 0 ? C() : x; });
  if (c.is("relu", "backward")) return backward(p, n, threads, [](C x, C dy) { return x <= 0 ? C() : dy; });
  if (c.is("leaky_relu", "forward")) return forward(p, n, threads, [=](C x) { return x < 0 ? slope * x : x; });
  if (c.is("leaky_relu", "backward")) return backward(p, n, threads, [=](C x, C dy) { return x <= 0 ? slope * dy : dy; });
  if (c.is("elu", "forward")) return forward(p, n, threads, [=](C x) { return x < 0 ? alpha * std::expm1(x) : x; });
  if (c.is("elu", "backward"))
    return backward(p, n, threads, [=](C x, C dy) { return x <= 0 ? alpha * std::exp(x) * dy : dy; });
  if (c.is("elu", "backward_from_y"))
    return backward(p, n, threads, [=](C y, C dy) { return y <= 0 ? (y + alpha) * dy : dy; });
  throw Unsupported("no such operation");
}

Library open(size_t threads) {
  return {"plain", "GCC " __VERSION__ " -O3 -march=native -ffast-math", [threads](const Case& c, const Tensors& t) {
            return of_type<Half, Bfloat>(c.format, [&]<class T>() { return call_of<T>(c, t, threads); });
          }};
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::serve(argc, argv, peers::open); }
