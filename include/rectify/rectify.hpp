// rectify for C++20: the C ABI of rectify.h with spans for pointers, and nothing hidden.
//
// SPDX-License-Identifier: Apache-2.0
//
// Each function here is the C function of the same name, called once; what is computed, aliasing, errors, threads and the
// floating-point environment are described there. Four things differ:
//
//   Types       The number format is that of the tensors: float, double, rectify::float16, rectify::bfloat16, the
//               compiler's own 16-bit types, and any other type that dtype_of below has been told of. What does not fit
//               together does not compile.
//   Lengths     Tensors carry theirs. Where they do not fit each other or the shape, the answer is
//               status::invalid_argument and the C function is not called: nothing is read, nothing is written.
//   Outputs     One that may be left out is left out by std::nullopt, or by an empty std::optional of a span. (An empty
//               span does not; it is a tensor of no elements, and must have the length that the other tensors have.)
//   Results     A call returns a rectify::status, which the compiler asks you not to drop.
//
// A tensor is a std::span or whatever converts to one: std::vector, std::array, an array, a class of your own. Braces, as
// in {pointer, count}, take the number format of x; as x itself they are f32, or what the call names:
// relu_forward<std::span<const double>>({x, n}, {y, n}).
//
// Nothing here allocates or throws, and there is nothing to link but librectify:
//
//     std::vector<float> x = ..., y(x.size());
//     if (auto s = rectify::elu_forward(1.0, x, y, {.threads = 4}); s != rectify::status::ok) return rectify::text(s);
#ifndef RECTIFY_RECTIFY_HPP
#define RECTIFY_RECTIFY_HPP

#if __cplusplus < 202002L
#error "rectify.hpp needs C++20; rectify.h serves C and every C++"
#endif

#include <rectify/rectify.h>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#if __has_include(<stdfloat>)
#include <stdfloat>
#endif

// The compiler's own 16-bit types. (g++ before 13 has the first, in C++, on x86 alone, and tells its size everywhere;
// clang says nothing of the second.)
#if defined(__STDCPP_FLOAT16_T__)
#define RECTIFY_COMPILERS_FLOAT16 std::float16_t
#elif defined(__FLT16_MANT_DIG__) && (defined(__clang__) || defined(__SSE2__) || __GNUC__ >= 13)
#define RECTIFY_COMPILERS_FLOAT16 _Float16
#endif
#if defined(__STDCPP_BFLOAT16_T__)
#define RECTIFY_COMPILERS_BFLOAT16 std::bfloat16_t
#elif defined(__BFLT16_MANT_DIG__) || (__clang_major__ >= 17 && (defined(__SSE2__) || defined(__aarch64__)))
#define RECTIFY_COMPILERS_BFLOAT16 __bf16
#endif

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

// Not for callers: the 16-bit formats in integers, whatever the floating-point environment.
namespace detail {

// The nearest number of 16 bits, ties to even: past the largest infinity, below the normal ones denormal. A NaN stays one
// and keeps the upper bits of its payload. Exact for a float, which is a double too.
template <int exponent_bits>
[[nodiscard]] constexpr std::uint16_t narrow(double value) noexcept {
  constexpr int mantissa_bits = 15 - exponent_bits, rebias = 1024 - (1 << (exponent_bits - 1));
  constexpr std::uint64_t hidden = std::uint64_t{1} << 52, infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t sign = bits >> 48 & 0x8000, magnitude = bits & ~std::uint64_t{0} >> 1, mantissa = bits & (hidden - 1);
  const int exponent = static_cast<int>(magnitude >> 52) - rebias;
  // Drops the lowest bits. A carry runs on into the exponent, as it should.
  const auto drop = [](std::uint64_t from, int count) {
    return (from + (std::uint64_t{1} << (count - 1)) - 1 + (from >> count & 1)) >> count;
  };
  std::uint64_t rounded = 0;
  if (magnitude > std::uint64_t{0x7FF} << 52) {
    rounded = infinity | std::uint64_t{1} << (mantissa_bits - 1) | mantissa >> (52 - mantissa_bits);
  } else if (exponent >= (1 << exponent_bits) - 1) {
    rounded = infinity;
  } else if (exponent >= 1) {
    rounded = drop(magnitude - (static_cast<std::uint64_t>(rebias) << 52), 52 - mantissa_bits);
  } else if (exponent >= -mantissa_bits) {
    rounded = drop(mantissa | hidden, 53 - mantissa_bits - exponent);
  }
  return static_cast<std::uint16_t>(sign | rounded);
}

}  // namespace detail

// IEEE-754 binary16 and bfloat16, for tensors of programs that have no such types of their own: trivial, of two bytes, made
// to be stored. To float they convert exactly and by themselves, so they calculate as floats do; from a number they are
// made on request, correctly rounded.
struct float16 {
  std::uint16_t bits;

  float16() = default;
  constexpr explicit float16(double value) noexcept : bits(detail::narrow<5>(value)) {}
  [[nodiscard]] static constexpr float16 from_bits(std::uint16_t bits) noexcept {
    float16 made{};
    made.bits = bits;
    return made;
  }
  [[nodiscard]] constexpr operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, mantissa = bits & 0x3FF;
    if (exponent == 0) {  // zero, or denormal here and normal as a float
      return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(mantissa) * 0x1p-24f));
    }
    return std::bit_cast<float>(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13);
  }
};

struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  constexpr explicit bfloat16(double value) noexcept : bits(detail::narrow<8>(value)) {}
  [[nodiscard]] static constexpr bfloat16 from_bits(std::uint16_t bits) noexcept {
    bfloat16 made{};
    made.bits = bits;
    return made;
  }
  [[nodiscard]] constexpr operator float() const noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

// The number format of a type. An engine's own types work without a copy, once told of:
//     template <> struct rectify::dtype_of<Eigen::bfloat16> : rectify::is_dtype<rectify::dtype::bf16> {};
template <dtype format>
struct is_dtype {
  static constexpr dtype value = format;
};
template <class T>
struct dtype_of;
template <>
struct dtype_of<float> : is_dtype<dtype::f32> {};
template <>
struct dtype_of<double> : is_dtype<dtype::f64> {};
template <>
struct dtype_of<float16> : is_dtype<dtype::f16> {};
template <>
struct dtype_of<bfloat16> : is_dtype<dtype::bf16> {};
#if defined(RECTIFY_COMPILERS_FLOAT16)
template <>
struct dtype_of<RECTIFY_COMPILERS_FLOAT16> : is_dtype<dtype::f16> {};
#endif
#if defined(RECTIFY_COMPILERS_BFLOAT16)
template <>
struct dtype_of<RECTIFY_COMPILERS_BFLOAT16> : is_dtype<dtype::bf16> {};
#endif
#if defined(__ARM_FP16_FORMAT_IEEE)
template <>
struct dtype_of<__fp16> : is_dtype<dtype::f16> {};
#endif

// A type whose objects are the numbers of a format.
template <class T>
concept element = std::is_trivially_copyable_v<T> && requires {
  { dtype_of<T>::value } -> std::convertible_to<dtype>;
} && sizeof(T) == (dtype_of<T>::value == dtype::f64 ? 8 : dtype_of<T>::value == dtype::f32 ? 4 : 2);

// ---- Tensors --------------------------------------------------------------------------------------------------------
// What the functions below ask of their arguments; the names are what a compiler cites where one does not fit.

// Not for callers.
namespace detail {

// The element type of an argument, by std::span's own deduction, or because it converts to a span of one of rectify's
// types; void if it is no tensor.
template <class Argument>
[[nodiscard]] consteval auto find_element() noexcept {
  if constexpr (requires(std::remove_reference_t<Argument> & lvalue) { std::span(lvalue); }) {
    using Span = decltype(std::span(std::declval<std::remove_reference_t<Argument>&>()));
    return std::type_identity<typename Span::value_type>();
  } else if constexpr (std::convertible_to<Argument, std::span<const float>>) {
    return std::type_identity<float>();
  } else if constexpr (std::convertible_to<Argument, std::span<const double>>) {
    return std::type_identity<double>();
  } else if constexpr (std::convertible_to<Argument, std::span<const float16>>) {
    return std::type_identity<float16>();
  } else if constexpr (std::convertible_to<Argument, std::span<const bfloat16>>) {
    return std::type_identity<bfloat16>();
  } else {
    return std::type_identity<void>();
  }
}

}  // namespace detail

template <class Argument>
using element_of = typename decltype(detail::find_element<Argument>())::type;

// Not for callers: the output that an argument of the type Plain, without its reference, asks for.
namespace detail {

template <class Plain, class Argument, class X>
struct asked_for {
  using type = Argument;
};
template <class Output, class Argument, class X>
struct asked_for<std::optional<Output>, Argument, X> {
  using type = Output;
};
template <class Argument, class X>
struct asked_for<std::nullopt_t, Argument, X> {
  using type = std::span<element_of<X>>;
};

}  // namespace detail

template <class X>
concept tensor = element<element_of<X>> && std::convertible_to<X, std::span<const element_of<X>>>;

template <tensor X>
inline constexpr dtype format_of = dtype_of<element_of<X>>::value;

template <class A, class X>
concept same_number_format = (format_of<A> == format_of<X>);

// Not read-only, and not a temporary that owns what would be written.
template <class Y>
concept writable = tensor<Y> && std::convertible_to<Y, std::span<element_of<Y>>>;

template <class A, class X>
concept input_like = tensor<A> && tensor<X> && same_number_format<A, X>;

template <class A, class X>
concept output_like = input_like<A, X> && writable<A>;

// An output, a std::optional one, or std::nullopt.
template <class A, class X>
concept optional_output_like = output_like<typename detail::asked_for<std::remove_cvref_t<A>, A, X>::type, X>;

// What rectify computes in for X's number format.
template <tensor X>
using computed_in = std::conditional_t<format_of<X> == dtype::f64, double, float>;

// Slopes are of the tensor's number format or of the one that computes.
template <class Slope, class X>
concept slopes_for = tensor<Slope> && tensor<X> &&
    (same_number_format<Slope, X> || same_number_format<Slope, std::span<computed_in<X>>>);

// Not for callers.
namespace detail {

template <class Argument>
inline constexpr bool left_out = std::same_as<std::remove_cvref_t<Argument>, std::nullopt_t>;

// What a std::optional holds; anything else is itself.
template <class Argument>
using held = typename asked_for<std::remove_cvref_t<Argument>, Argument, Argument>::type;

}  // namespace detail

// An input or parameters that a fused call may be without: std::nullopt, or a std::optional of a tensor, or a tensor.
template <class A, class X>
concept optional_input_like = detail::left_out<A> || input_like<detail::held<A>, X>;

template <class A, class X>
concept optional_slopes_for = detail::left_out<A> || slopes_for<detail::held<A>, X>;

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

// Not for callers.
namespace detail {

// A tensor as the C functions see it.
template <class Pointer>
struct view {
  Pointer data;
  std::size_t size;
  bool absent = false;

  [[nodiscard]] constexpr bool has(std::size_t n) const noexcept { return absent || size == n; }
};

template <tensor X>
[[nodiscard]] constexpr view<const void*> input(X&& x) noexcept {
  const std::span<const element_of<X>> span = std::forward<X>(x);
  return {span.data(), span.size()};
}

template <class Y>
[[nodiscard]] constexpr view<void*> output(Y&& y) noexcept {
  if constexpr (writable<Y>) {
    const std::span<element_of<Y>> span = std::forward<Y>(y);
    return {span.data(), span.size()};
  } else if constexpr (std::same_as<std::remove_cvref_t<Y>, std::nullopt_t>) {
    return {nullptr, 0, true};
  } else {
    return y ? output(*y) : view<void*>{nullptr, 0, true};
  }
}

template <tensor X>
inline constexpr std::int32_t number = static_cast<std::int32_t>(format_of<X>);

// Of a temporary, for the length of the call that it is handed to.
[[nodiscard]] inline const rectify_options* pointer(const rectify_options& how) noexcept { return &how; }

// The shape's elements. No tensor has more than SIZE_MAX / 2, of two bytes each.
[[nodiscard]] inline status count(const shape& s, std::size_t& elements) noexcept {
  elements = s.outer != 0 && s.channels != 0 && s.inner != 0;
  for (const std::size_t factor : {s.outer, s.channels, s.inner}) {
    if (elements != 0 && elements > SIZE_MAX / 2 / factor) return status::size_overflow;
    elements *= factor;
  }
  return status::ok;
}

// ok if x has the shape's elements and slope its channels.
[[nodiscard]] inline status fit(const shape& s, const view<const void*>& x, const view<const void*>& slope) noexcept {
  std::size_t elements;
  if (const status counted = count(s, elements); counted != status::ok) return counted;
  return x.has(elements) && slope.has(s.channels) ? status::ok : status::invalid_argument;
}

}  // namespace detail

// ---- ReLU -----------------------------------------------------------------------------------------------------------

template <tensor X = std::span<const float>, output_like<X> Y = std::span<element_of<X>>>
inline status relu_forward(X&& x, Y&& y, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x));
  const auto out = detail::output(std::forward<Y>(y));
  if (!out.has(in.size)) return status::invalid_argument;
  return status{rectify_relu_forward(detail::number<X>, in.size, in.data, out.data, detail::pointer(how.c_options()))};
}

template <tensor X = std::span<const float>, input_like<X> DY = std::span<const element_of<X>>,
          output_like<X> DX = std::span<element_of<X>>>
inline status relu_backward(X&& x, DY&& dy, DX&& dx, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!gradient.has(in.size) || !out.has(in.size)) return status::invalid_argument;
  return status{rectify_relu_backward(detail::number<X>, in.size, in.data, gradient.data, out.data,
                                      detail::pointer(how.c_options()))};
}

// ---- Leaky ReLU -----------------------------------------------------------------------------------------------------

template <tensor X = std::span<const float>, output_like<X> Y = std::span<element_of<X>>>
inline status leaky_relu_forward(double slope, X&& x, Y&& y, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x));
  const auto out = detail::output(std::forward<Y>(y));
  if (!out.has(in.size)) return status::invalid_argument;
  return status{
      rectify_leaky_relu_forward(detail::number<X>, in.size, slope, in.data, out.data, detail::pointer(how.c_options()))};
}

// dslope: one value, or nullptr to leave it out.
template <tensor X = std::span<const float>, input_like<X> DY = std::span<const element_of<X>>,
          optional_output_like<X> DX = std::optional<std::span<element_of<X>>>>
inline status leaky_relu_backward(double slope, X&& x, DY&& dy, DX&& dx, computed_in<X>* dslope,
                                  const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!gradient.has(in.size) || !out.has(in.size)) return status::invalid_argument;
  return status{rectify_leaky_relu_backward(detail::number<X>, in.size, slope, in.data, gradient.data, out.data, dslope,
                                            detail::pointer(how.c_options()))};
}

// ---- PReLU ----------------------------------------------------------------------------------------------------------
// slope and dslope have shape.channels elements, both of the same type: x's own, or for 16-bit tensors float.

template <tensor X = std::span<const float>, slopes_for<X> Slope = std::span<const computed_in<X>>,
          output_like<X> Y = std::span<element_of<X>>>
inline status prelu_forward(const shape& s, X&& x, Slope&& slope, Y&& y, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), slopes = detail::input(std::forward<Slope>(slope));
  const auto out = detail::output(std::forward<Y>(y));
  if (const status fit = detail::fit(s, in, slopes); fit != status::ok) return fit;
  if (!out.has(in.size)) return status::invalid_argument;
  return status{rectify_prelu_forward(detail::number<X>, detail::number<Slope>, s, in.data, slopes.data, out.data,
                                      detail::pointer(how.c_options()))};
}

template <tensor X = std::span<const float>, slopes_for<X> Slope = std::span<const computed_in<X>>,
          input_like<X> DY = std::span<const element_of<X>>,
          optional_output_like<X> DX = std::optional<std::span<element_of<X>>>,
          optional_output_like<Slope> DSlope = std::optional<std::span<element_of<Slope>>>>
inline status prelu_backward(const shape& s, X&& x, Slope&& slope, DY&& dy, DX&& dx, DSlope&& dslope,
                             const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), slopes = detail::input(std::forward<Slope>(slope)),
             gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx)), sums = detail::output(std::forward<DSlope>(dslope));
  if (const status fit = detail::fit(s, in, slopes); fit != status::ok) return fit;
  if (!gradient.has(in.size) || !out.has(in.size) || !sums.has(s.channels)) return status::invalid_argument;
  return status{rectify_prelu_backward(detail::number<X>, detail::number<Slope>, s, in.data, slopes.data, gradient.data,
                                       out.data, sums.data, detail::pointer(how.c_options()))};
}

// ---- ELU ------------------------------------------------------------------------------------------------------------

template <tensor X = std::span<const float>, output_like<X> Y = std::span<element_of<X>>>
inline status elu_forward(double alpha, X&& x, Y&& y, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x));
  const auto out = detail::output(std::forward<Y>(y));
  if (!out.has(in.size)) return status::invalid_argument;
  return status{
      rectify_elu_forward(detail::number<X>, in.size, alpha, in.data, out.data, detail::pointer(how.c_options()))};
}

// dalpha: one value, or nullptr to leave it out.
template <tensor X = std::span<const float>, input_like<X> DY = std::span<const element_of<X>>,
          optional_output_like<X> DX = std::optional<std::span<element_of<X>>>>
inline status elu_backward(double alpha, X&& x, DY&& dy, DX&& dx, computed_in<X>* dalpha,
                           const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!gradient.has(in.size) || !out.has(in.size)) return status::invalid_argument;
  return status{rectify_elu_backward(detail::number<X>, in.size, alpha, in.data, gradient.data, out.data, dalpha,
                                     detail::pointer(how.c_options()))};
}

template <tensor Y = std::span<const float>, input_like<Y> DY = std::span<const element_of<Y>>,
          output_like<Y> DX = std::span<element_of<Y>>>
inline status elu_backward_from_y(double alpha, Y&& y, DY&& dy, DX&& dx, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<Y>(y)), gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!gradient.has(in.size) || !out.has(in.size)) return status::invalid_argument;
  return status{rectify_elu_backward_from_y(detail::number<Y>, in.size, alpha, in.data, gradient.data, out.data,
                                            detail::pointer(how.c_options()))};
}

// ---- Masks ----------------------------------------------------------------------------------------------------------

// The bytes of a mask of n elements: what the spans below must have.
[[nodiscard]] constexpr std::size_t mask_bytes(std::size_t n) noexcept { return n / 8 + (n % 8 != 0); }

template <tensor X = std::span<const float>, output_like<X> Y = std::span<element_of<X>>>
inline status relu_forward_with_mask(X&& x, Y&& y, std::span<std::uint8_t> mask, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x));
  const auto out = detail::output(std::forward<Y>(y));
  if (!out.has(in.size) || mask.size() != mask_bytes(in.size)) return status::invalid_argument;
  return status{rectify_relu_forward_with_mask(detail::number<X>, in.size, in.data, out.data, mask.data(),
                                               detail::pointer(how.c_options()))};
}

template <tensor DY = std::span<const float>, output_like<DY> DX = std::span<element_of<DY>>>
inline status relu_backward_from_mask(std::span<const std::uint8_t> mask, DY&& dy, DX&& dx,
                                      const options& how = {}) noexcept {
  const auto gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!out.has(gradient.size) || mask.size() != mask_bytes(gradient.size)) return status::invalid_argument;
  return status{rectify_relu_backward_from_mask(detail::number<DY>, gradient.size, mask.data(), gradient.data, out.data,
                                                detail::pointer(how.c_options()))};
}

template <tensor X = std::span<const float>, output_like<X> Y = std::span<element_of<X>>>
inline status leaky_relu_forward_with_mask(double slope, X&& x, Y&& y, std::span<std::uint8_t> mask,
                                           const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x));
  const auto out = detail::output(std::forward<Y>(y));
  if (!out.has(in.size) || mask.size() != mask_bytes(in.size)) return status::invalid_argument;
  return status{rectify_leaky_relu_forward_with_mask(detail::number<X>, in.size, slope, in.data, out.data, mask.data(),
                                                     detail::pointer(how.c_options()))};
}

template <tensor DY = std::span<const float>, output_like<DY> DX = std::span<element_of<DY>>>
inline status leaky_relu_backward_from_mask(double slope, std::span<const std::uint8_t> mask, DY&& dy, DX&& dx,
                                            const options& how = {}) noexcept {
  const auto gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx));
  if (!out.has(gradient.size) || mask.size() != mask_bytes(gradient.size)) return status::invalid_argument;
  return status{rectify_leaky_relu_backward_from_mask(detail::number<DY>, gradient.size, slope, mask.data(), gradient.data,
                                                      out.data, detail::pointer(how.c_options()))};
}

template <tensor X = std::span<const float>, slopes_for<X> Slope = std::span<const computed_in<X>>,
          output_like<X> Y = std::span<element_of<X>>>
inline status prelu_forward_with_mask(const shape& s, X&& x, Slope&& slope, Y&& y, std::span<std::uint8_t> mask,
                                      const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), slopes = detail::input(std::forward<Slope>(slope));
  const auto out = detail::output(std::forward<Y>(y));
  if (const status fit = detail::fit(s, in, slopes); fit != status::ok) return fit;
  if (!out.has(in.size) || mask.size() != mask_bytes(in.size)) return status::invalid_argument;
  return status{rectify_prelu_forward_with_mask(detail::number<X>, detail::number<Slope>, s, in.data, slopes.data, out.data,
                                                mask.data(), detail::pointer(how.c_options()))};
}

template <tensor Y = std::span<const float>, slopes_for<Y> Slope = std::span<const computed_in<Y>>,
          input_like<Y> DY = std::span<const element_of<Y>>, output_like<Y> DX = std::span<element_of<Y>>,
          optional_output_like<Slope> DSlope = std::optional<std::span<element_of<Slope>>>>
inline status prelu_backward_from_mask(const shape& s, Y&& y, std::span<const std::uint8_t> mask, Slope&& slope, DY&& dy,
                                       DX&& dx, DSlope&& dslope, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<Y>(y)), slopes = detail::input(std::forward<Slope>(slope)),
             gradient = detail::input(std::forward<DY>(dy));
  const auto out = detail::output(std::forward<DX>(dx)), sums = detail::output(std::forward<DSlope>(dslope));
  if (const status fit = detail::fit(s, in, slopes); fit != status::ok) return fit;
  if (!gradient.has(in.size) || !out.has(in.size) || !sums.has(s.channels) || mask.size() != mask_bytes(in.size)) {
    return status::invalid_argument;
  }
  return status{rectify_prelu_backward_from_mask(detail::number<Y>, detail::number<Slope>, s, in.data, mask.data(),
                                                 slopes.data, gradient.data, out.data, sums.data,
                                                 detail::pointer(how.c_options()))};
}

// ---- Fused: bias, residual and activation ---------------------------------------------------------------------------
// What may be left out is left out by std::nullopt. bias, dbias and PReLU's slopes have shape.channels elements, all of one
// type: that of the tensors or the one that computes.

// The activations, as an argument: relu{}, leaky_relu{0.1}, prelu{slopes}, elu{1.0}.
struct relu {};
struct leaky_relu {
  double slope;
};
template <tensor Slope>
struct prelu {
  Slope slope;
};
template <class Slope>
prelu(Slope&&) -> prelu<std::span<const element_of<Slope>>>;
struct elu {
  double alpha;
};

// Not for callers.
namespace detail {

// An activation as C has it, the slopes it has, and how its parameter's gradient is asked for.
template <class F>
struct fused;
template <>
struct fused<relu> {
  using slopes = std::nullopt_t;
  template <class D, class X>
  static constexpr bool writes = false;
  [[nodiscard]] static view<const void*> slopes_of(const relu&) noexcept { return {nullptr, 0, true}; }
  [[nodiscard]] static rectify_activation c_activation(const relu&) noexcept { return {RECTIFY_RELU, 0, nullptr}; }
};
template <>
struct fused<leaky_relu> {
  using slopes = std::nullopt_t;
  template <class D, class X>
  static constexpr bool writes = std::convertible_to<D, computed_in<X>*>;
  [[nodiscard]] static view<const void*> slopes_of(const leaky_relu&) noexcept { return {nullptr, 0, true}; }
  [[nodiscard]] static rectify_activation c_activation(const leaky_relu& f) noexcept {
    return {RECTIFY_LEAKY_RELU, f.slope, nullptr};
  }
};
template <>
struct fused<elu> {
  using slopes = std::nullopt_t;
  template <class D, class X>
  static constexpr bool writes = std::convertible_to<D, computed_in<X>*>;
  [[nodiscard]] static view<const void*> slopes_of(const elu&) noexcept { return {nullptr, 0, true}; }
  [[nodiscard]] static rectify_activation c_activation(const elu& f) noexcept { return {RECTIFY_ELU, f.alpha, nullptr}; }
};
template <class Slope>
struct fused<prelu<Slope>> {
  using slopes = Slope;
  template <class D, class X>
  static constexpr bool writes = output_like<held<D>, Slope>;
  [[nodiscard]] static view<const void*> slopes_of(const prelu<Slope>& f) noexcept { return input(f.slope); }
  [[nodiscard]] static rectify_activation c_activation(const prelu<Slope>& f) noexcept {
    return {RECTIFY_PRELU, 0, input(f.slope).data};
  }
};

// The number format of what is given of these, and that of computed_in<X> if nothing is.
template <class X>
[[nodiscard]] consteval dtype parameter_format() noexcept {
  return dtype_of<computed_in<X>>::value;
}
template <class X, class First, class... Others>
[[nodiscard]] consteval dtype parameter_format() noexcept {
  if constexpr (left_out<First>) {
    return parameter_format<X, Others...>();
  } else {
    return format_of<held<First>>;
  }
}

template <class A, dtype format>
[[nodiscard]] consteval bool has_format() noexcept {
  if constexpr (left_out<A>) {
    return true;
  } else {
    return format_of<held<A>> == format;
  }
}

template <class A>
[[nodiscard]] constexpr view<const void*> optional_input(A&& a) noexcept {
  if constexpr (left_out<A>) {
    return {nullptr, 0, true};
  } else if constexpr (tensor<A>) {
    return input(std::forward<A>(a));
  } else {
    return a ? input(*a) : view<const void*>{nullptr, 0, true};
  }
}

// Of a parameter: a tensor of PReLU's, or a pointer to one value.
template <class D>
[[nodiscard]] constexpr view<void*> gradient_of_parameter(D&& d, std::size_t& count) noexcept {
  if constexpr (std::is_pointer_v<std::remove_cvref_t<D>> || std::same_as<std::remove_cvref_t<D>, std::nullptr_t>) {
    count = 1;
    return {d, 1};
  } else {
    return output(std::forward<D>(d));
  }
}

}  // namespace detail

template <class F>
concept activation = requires {
  typename detail::fused<F>::slopes;
};

// Parameters of one number format, whichever of them are given.
template <class X, class... Parameters>
concept one_parameter_format = (detail::has_format<Parameters, detail::parameter_format<X, Parameters...>()>() && ...);

// For ReLU std::nullopt; for Leaky ReLU and ELU also a pointer to one value; for PReLU also an output like its slopes.
template <class D, class F, class X>
concept parameter_gradient_of = detail::left_out<D> || detail::fused<F>::template writes<D, X>;

// mask: where it is to be written, or std::nullopt.
template <tensor X, optional_slopes_for<X> Bias, optional_input_like<X> Residual, activation F, output_like<X> Y>
requires one_parameter_format<X, Bias, typename detail::fused<F>::slopes>
inline status fused_forward(const shape& s, X&& x, Bias&& bias, Residual&& residual, const F& f, Y&& y,
                            std::optional<std::span<std::uint8_t>> mask, const options& how = {}) noexcept {
  const auto in = detail::input(std::forward<X>(x)), biases = detail::optional_input(std::forward<Bias>(bias)),
             added = detail::optional_input(std::forward<Residual>(residual)), slopes = detail::fused<F>::slopes_of(f);
  const auto out = detail::output(std::forward<Y>(y));
  if (const status fit = detail::fit(s, in, biases); fit != status::ok) return fit;
  if (!slopes.has(s.channels) || !added.has(in.size) || !out.has(in.size) ||
      (mask && mask->size() != mask_bytes(in.size))) {
    return status::invalid_argument;
  }
  constexpr auto parameters = detail::parameter_format<X, Bias, typename detail::fused<F>::slopes>();
  return status{rectify_fused_forward(detail::number<X>, static_cast<std::int32_t>(parameters), s, in.data, biases.data,
                                      added.data, detail::fused<F>::c_activation(f), out.data,
                                      mask ? mask->data() : nullptr, detail::pointer(how.c_options()))};
}

// Where the mask is given x, bias and residual may be std::nullopt; where it is not, x is a tensor.
template <class X, class Bias, class Residual, activation F, tensor DY, output_like<DY> DX, optional_slopes_for<DY> DBias,
          parameter_gradient_of<F, DY> DParameter>
requires optional_input_like<X, DY> && optional_slopes_for<Bias, DY> && optional_input_like<Residual, DY> &&
    one_parameter_format<DY, Bias, DBias, typename detail::fused<F>::slopes> &&
    (detail::left_out<DBias> || writable<detail::held<DBias>>)inline status
    fused_backward(const shape& s, X&& x, Bias&& bias, Residual&& residual,
                   std::optional<std::span<const std::uint8_t>> mask, const F& f, DY&& dy, DX&& dx, DBias&& dbias,
                   DParameter&& dparameter, const options& how = {}) noexcept {
  const auto in = detail::optional_input(std::forward<X>(x)), biases = detail::optional_input(std::forward<Bias>(bias)),
             added = detail::optional_input(std::forward<Residual>(residual)), slopes = detail::fused<F>::slopes_of(f),
             gradient = detail::input(std::forward<DY>(dy));
  std::size_t parameter_count = s.channels;
  const auto out = detail::output(std::forward<DX>(dx)), bias_sums = detail::output(std::forward<DBias>(dbias)),
             sums = detail::gradient_of_parameter(std::forward<DParameter>(dparameter), parameter_count);
  if (const status fit = detail::fit(s, gradient, biases); fit != status::ok) return fit;
  if (!in.has(gradient.size) || !added.has(gradient.size) || !out.has(gradient.size) || !slopes.has(s.channels) ||
      !bias_sums.has(s.channels) || !sums.has(parameter_count) || (mask && mask->size() != mask_bytes(gradient.size))) {
    return status::invalid_argument;
  }
  constexpr auto parameters = detail::parameter_format<DY, Bias, DBias, typename detail::fused<F>::slopes>();
  return status{rectify_fused_backward(detail::number<DY>, static_cast<std::int32_t>(parameters), s, in.data, biases.data,
                                       added.data, mask ? mask->data() : nullptr, detail::fused<F>::c_activation(f),
                                       gradient.data, out.data, bias_sums.data, sums.data,
                                       detail::pointer(how.c_options()))};
}

}  // namespace rectify

#endif
