#include "dispatch/format.hpp"

#include <algorithm>
#include <iterator>

namespace rectify {
namespace {

template <class Element>
constexpr int32_t dtype_of = 0;  // each has its own
template <>
constexpr int32_t dtype_of<float> = RECTIFY_F32;
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

static_assert(std::none_of(formats, std::end(formats), [](const Format& f) { return f.dtype == 0 || f.slope_dtype == 0; }));
static_assert(formats[0].dtype == 1 && formats[1].dtype == 2 && formats[2].dtype == 3 && formats[3].dtype == 4);
static_assert(formats[1 + to_narrow_slopes].dtype == formats[1].dtype &&
              formats[2 + to_narrow_slopes].dtype == formats[2].dtype);
static_assert(std::all_of(formats + 1 + to_narrow_slopes, std::end(formats),
                          [](const Format& f) { return f.slope_dtype == f.dtype; }));
static_assert(std::all_of(formats, formats + wide_formats, [](const Format& f) { return f.slope_size == f.scalar_size; }));

}  // namespace

bool is_known(int64_t dtype) noexcept {
  return std::any_of(std::begin(formats), std::end(formats), [=](const Format& f) { return f.dtype == dtype; });
}

}  // namespace rectify
