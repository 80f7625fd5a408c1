// rectify for C++20: the C ABI of rectify.h with spans for pointers, and nothing hidden.
//
// SPDX-License-Identifier: Apache-2.0
//
// Each function here is the C function of the same name, called once; what is computed, aliasing, errors, threads and the
// floating-point environment are described there. Three things differ:
//
//   Lengths     Tensors carry theirs. Where they do not fit each other or the shape, the answer is
//               status::invalid_argument and the C function is not called: nothing is read, nothing is written.
//   Outputs     One that may be left out is an optional_output: std::nullopt leaves it out. (An empty span does not; it
//               is a tensor of no elements, and must have the length that the other tensors have.)
//   Results     A call returns a rectify::status, which the compiler asks you not to drop.
//
// Nothing here allocates or throws, and there is nothing to link but the C library:
//
//     std::vector<float> x = ..., y(x.size());
//     if (auto s = rectify::elu_forward(1.0, x, y, {.threads = 4}); s != rectify::status::ok) return rectify::text(s);
#ifndef RECTIFY_RECTIFY_HPP
#define RECTIFY_RECTIFY_HPP

#if __cplusplus < 202002L
#error "rectify.hpp needs C++20; rectify.h serves C and every C++"
#endif

#include <rectify/rectify.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rectify {

// ---- Status ---------------------------------------------------------------------------------------------------------

// RECTIFY_OK and the RECTIFY_ERROR_ numbers of the C ABI.
enum class [[nodiscard]] status : std::int32_t;
enum class status : std::int32_t {
  ok = RECTIFY_OK,
  null_pointer = RECTIFY_ERROR_NULL_POINTER,
  unknown_dtype = RECTIFY_ERROR_UNKNOWN_DTYPE,
  unsupported_dtype = RECTIFY_ERROR_UNSUPPORTED_DTYPE,
  size_overflow = RECTIFY_ERROR_SIZE_OVERFLOW,
  overlap = RECTIFY_ERROR_OVERLAP,
  unaligned = RECTIFY_ERROR_UNALIGNED,
  invalid_argument = RECTIFY_ERROR_INVALID_ARGUMENT,  // also: the lengths of the spans do not fit
  invalid_options = RECTIFY_ERROR_INVALID_OPTIONS,
  unknown_backend = RECTIFY_ERROR_UNKNOWN_BACKEND,
  unavailable_backend = RECTIFY_ERROR_UNAVAILABLE_BACKEND,
  out_of_memory = RECTIFY_ERROR_OUT_OF_MEMORY,
  no_device = RECTIFY_ERROR_NO_DEVICE,
  cuda = RECTIFY_ERROR_CUDA,
  scratch_too_small = RECTIFY_ERROR_SCRATCH_TOO_SMALL,
};

// The status in words, English; never null.
[[nodiscard]] inline const char* text(status s) noexcept { return rectify_status_text(static_cast<std::int32_t>(s)); }

// ---- Versions -------------------------------------------------------------------------------------------------------

// Of the library linked in: RECTIFY_VERSION, and the number that rises whenever the bits of a result change.
[[nodiscard]] inline std::int32_t version() noexcept { return rectify_version(); }
[[nodiscard]] inline std::int32_t numerics_version() noexcept { return rectify_numerics_version(); }

// ---- Number formats -------------------------------------------------------------------------------------------------

enum class dtype : std::int32_t { f32 = RECTIFY_F32, f16 = RECTIFY_F16, bf16 = RECTIFY_BF16, f64 = RECTIFY_F64 };

// The number format of an element type; defined for those that rectify computes.
template <class Element>
struct dtype_of;
template <>
struct dtype_of<float> {
  static constexpr dtype value = dtype::f32;
};

// ---- Options --------------------------------------------------------------------------------------------------------

enum class sums : std::int32_t { ordered = RECTIFY_SUMS_ORDERED };

// rectify_options without its bookkeeping; an options{} stands for the defaults, {.threads = 4} changes one thing.
struct options {
  std::size_t threads = 0;
  rectify_parallel_for parallel_for = nullptr;
  void* pool = nullptr;
  const char* backend = nullptr;
  rectify::sums sums = rectify::sums::ordered;

  [[nodiscard]] constexpr rectify_options c_options() const noexcept {
    return {sizeof(rectify_options), threads, parallel_for, pool, backend, static_cast<std::int32_t>(sums), 0};
  }
};

// ---- Backends -------------------------------------------------------------------------------------------------------

// The name of the index-th backend compiled into the library, best first; null past the last.
[[nodiscard]] inline const char* backend_name(std::size_t index) noexcept { return rectify_backend_name(index); }

// ok if this machine and RECTIFY_ISA offer the backend, else why not.
inline status backend_available(const char* name) noexcept { return status{rectify_backend_available(name)}; }

// Sets name to the backend that a call with these options uses; unchanged on an error.
inline status backend_in_use(const char*& name, const options& how = {}) noexcept {
  const rectify_options c = how.c_options();
  return status{rectify_backend_in_use(&c, &name)};
}

// ---- Shapes ---------------------------------------------------------------------------------------------------------

// {outer, channels, inner}, row-major, one PReLU slope per channel. The usual layouts by their names:
using shape = rectify_shape;

// Images one after the other, each channel's pixels together.
[[nodiscard]] constexpr shape nchw(std::size_t images, std::size_t channels, std::size_t pixels) noexcept {
  return {images, channels, pixels};
}

// Pixels one after the other, each pixel's channels together. (A product past size_t becomes status::size_overflow.)
[[nodiscard]] constexpr shape nhwc(std::size_t images, std::size_t channels, std::size_t pixels) noexcept {
  const bool overflow = pixels != 0 && images > SIZE_MAX / pixels;
  return {overflow ? SIZE_MAX : images * pixels, channels, 1};
}

// One slope for all elements.
[[nodiscard]] constexpr shape one_slope(std::size_t elements) noexcept { return {1, 1, elements}; }

// One slope per element of a sample, for a batch of samples.
[[nodiscard]] constexpr shape slope_per_element(std::size_t samples, std::size_t elements) noexcept {
  return {samples, elements, 1};
}

// An output that may be left out by std::nullopt.
using optional_output = std::optional<std::span<float>>;

// Not for callers.
namespace detail {

inline constexpr std::int32_t f32 = static_cast<std::int32_t>(dtype_of<float>::value);

[[nodiscard]] inline bool absent_or(std::size_t n, const optional_output& a) noexcept { return !a || a->size() == n; }

[[nodiscard]] inline float* pointer(const optional_output& a) noexcept { return a ? a->data() : nullptr; }

// Of a temporary, for the length of the call that it is handed to.
[[nodiscard]] inline const rectify_options* pointer(const rectify_options& how) noexcept { return &how; }

// ok if x has the shape's elements and slope its channels.
[[nodiscard]] inline status fit(const shape& s, std::span<const float> x, std::span<const float> slope) noexcept {
  std::size_t elements = s.outer;
  for (const std::size_t factor : {s.channels, s.inner}) {
    if (factor != 0 && elements > SIZE_MAX / factor) return status::size_overflow;
    elements *= factor;
  }
  return x.size() == elements && slope.size() == s.channels ? status::ok : status::invalid_argument;
}

}  // namespace detail

// ---- ReLU -----------------------------------------------------------------------------------------------------------

inline status relu_forward(std::span<const float> x, std::span<float> y, const options& how = {}) noexcept {
  if (y.size() != x.size()) return status::invalid_argument;
  return status{rectify_relu_forward(detail::f32, x.size(), x.data(), y.data(), detail::pointer(how.c_options()))};
}

inline status relu_backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx,
                            const options& how = {}) noexcept {
  if (dy.size() != x.size() || dx.size() != x.size()) return status::invalid_argument;
  return status{
      rectify_relu_backward(detail::f32, x.size(), x.data(), dy.data(), dx.data(), detail::pointer(how.c_options()))};
}

// ---- Leaky ReLU -----------------------------------------------------------------------------------------------------

inline status leaky_relu_forward(double slope, std::span<const float> x, std::span<float> y,
                                 const options& how = {}) noexcept {
  if (y.size() != x.size()) return status::invalid_argument;
  return status{
      rectify_leaky_relu_forward(detail::f32, x.size(), slope, x.data(), y.data(), detail::pointer(how.c_options()))};
}

// dslope: one value, or nullptr to leave it out.
inline status leaky_relu_backward(double slope, std::span<const float> x, std::span<const float> dy, optional_output dx,
                                  float* dslope, const options& how = {}) noexcept {
  if (dy.size() != x.size() || !detail::absent_or(x.size(), dx)) return status::invalid_argument;
  return status{rectify_leaky_relu_backward(detail::f32, x.size(), slope, x.data(), dy.data(), detail::pointer(dx), dslope,
                                            detail::pointer(how.c_options()))};
}

// ---- PReLU ----------------------------------------------------------------------------------------------------------
// slope and dslope have shape.channels elements.

inline status prelu_forward(const shape& s, std::span<const float> x, std::span<const float> slope, std::span<float> y,
                            const options& how = {}) noexcept {
  if (const status fit = detail::fit(s, x, slope); fit != status::ok) return fit;
  if (y.size() != x.size()) return status::invalid_argument;
  return status{rectify_prelu_forward(detail::f32, detail::f32, s, x.data(), slope.data(), y.data(),
                                      detail::pointer(how.c_options()))};
}

inline status prelu_backward(const shape& s, std::span<const float> x, std::span<const float> slope,
                             std::span<const float> dy, optional_output dx, optional_output dslope,
                             const options& how = {}) noexcept {
  if (const status fit = detail::fit(s, x, slope); fit != status::ok) return fit;
  if (dy.size() != x.size() || !detail::absent_or(x.size(), dx) || !detail::absent_or(s.channels, dslope)) {
    return status::invalid_argument;
  }
  return status{rectify_prelu_backward(detail::f32, detail::f32, s, x.data(), slope.data(), dy.data(), detail::pointer(dx),
                                       detail::pointer(dslope), detail::pointer(how.c_options()))};
}

// ---- ELU ------------------------------------------------------------------------------------------------------------

inline status elu_forward(double alpha, std::span<const float> x, std::span<float> y, const options& how = {}) noexcept {
  if (y.size() != x.size()) return status::invalid_argument;
  return status{rectify_elu_forward(detail::f32, x.size(), alpha, x.data(), y.data(), detail::pointer(how.c_options()))};
}

// dalpha: one value, or nullptr to leave it out.
inline status elu_backward(double alpha, std::span<const float> x, std::span<const float> dy, optional_output dx,
                           float* dalpha, const options& how = {}) noexcept {
  if (dy.size() != x.size() || !detail::absent_or(x.size(), dx)) return status::invalid_argument;
  return status{rectify_elu_backward(detail::f32, x.size(), alpha, x.data(), dy.data(), detail::pointer(dx), dalpha,
                                     detail::pointer(how.c_options()))};
}

inline status elu_backward_from_y(double alpha, std::span<const float> y, std::span<const float> dy, std::span<float> dx,
                                  const options& how = {}) noexcept {
  if (dy.size() != y.size() || dx.size() != y.size()) return status::invalid_argument;
  return status{rectify_elu_backward_from_y(detail::f32, y.size(), alpha, y.data(), dy.data(), dx.data(),
                                            detail::pointer(how.c_options()))};
}

}  // namespace rectify

#endif
