#include "dispatch/format.hpp"

#include <algorithm>
#include <bit>
#include <iterator>

namespace rectify {
namespace {

template <class Element>
constexpr int32_t dtype_of = RECTIFY_F32;
template <>
constexpr int32_t dtype_of<Half> = RECTIFY_F16;
template <>
constexpr int32_t dtype_of<Bfloat> = RECTIFY_BF16;
template <>
constexpr int32_t dtype_of<double> = RECTIFY_F64;

}  // namespace

constexpr Format formats[] = {
#define RECTIFY_FORMAT(name, Element, Slope) \
  {dtype_of<Element>, dtype_of<Slope>, sizeof(Element), sizeof(Slope), sizeof(Element) == 8 ? 8u : 4u, &Backend::name},
    RECTIFY_FORMATS(RECTIFY_FORMAT)
#undef RECTIFY_FORMAT
};

namespace {

static_assert(formats[0].dtype == 1 && formats[1].dtype == 2 && formats[2].dtype == 3 && formats[3].dtype == 4);
static_assert(std::all_of(formats, formats + wide_formats, [](const Format& f) { return f.slope_size == f.scalar_size; }));

// Without a floating-point instruction: the caller's environment is still in force.
float round_to_f32(double value) noexcept {
  const uint64_t bits = std::bit_cast<uint64_t>(value), magnitude = bits & ~uint64_t{0} >> 1, exponent = magnitude >> 52;
  constexpr uint64_t hidden = uint64_t{1} << 52, infinity = 0x7F800000;
  // Drops the lowest bits: rounds to nearest, ties to even. A carry runs on into the exponent, as it should.
  const auto drop = [](uint64_t from, uint64_t count) {
    return (from + (uint64_t{1} << (count - 1)) - 1 + (from >> count & 1)) >> count;
  };
  uint64_t rounded = 0;
  if (magnitude > uint64_t{0x7FF} << 52) {
    rounded = 0x7FC00000;  // NaN
  } else if (exponent >= 897) {
    rounded = std::min(drop(magnitude - (uint64_t{896} << 52), 29), infinity);
  } else if (exponent >= 872) {
    rounded = drop((magnitude & (hidden - 1)) | hidden, 926 - exponent);  // denormal in f32
  }
  return std::bit_cast<float>(static_cast<uint32_t>(bits >> 32 & 0x80000000) | static_cast<uint32_t>(rounded));
}

}  // namespace

const Format* find_narrow_format(int32_t dtype, int64_t slope_dtype) noexcept {
  for (const Format& candidate : formats) {
    if (candidate.dtype == dtype && candidate.slope_dtype == slope_dtype) return &candidate;
  }
  return nullptr;
}

bool is_known(int64_t dtype) noexcept {
  return std::any_of(std::begin(formats), std::end(formats), [=](const Format& f) { return f.dtype == dtype; });
}

Scalar round_scalar(const Format& format, double value) noexcept {
  Scalar rounded;
  if (format.scalar_size == sizeof(double)) {
    rounded.f64 = value;
  } else {
    rounded.f32 = round_to_f32(value);
  }
  return rounded;
}

}  // namespace rectify
