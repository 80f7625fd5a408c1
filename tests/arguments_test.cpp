// Every bad argument gets its own status, and the call that refuses it reads nothing and writes nothing: the tensors lie in
// memory that may not be touched. What is allowed is accepted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <ostream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
bool refuse_memory = false;
size_t refusals = 0;
}  // namespace rectify::tests

// Memory that the library asks for and does not get. Nothing else here uses the form that returns NULL.
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  if (rectify::tests::refuse_memory) return ++rectify::tests::refusals, nullptr;
  try {
    return ::operator new[](bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

namespace rectify::tests {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr size_t most = std::numeric_limits<size_t>::max();

struct Arguments {
  int32_t dtype;
  int32_t slope_dtype;
  rectify_shape shape;  // a flat function takes shape.inner elements
  double parameter = 0.5;
  std::byte* x;
  std::byte* slope;
  std::byte* dy;
  std::byte* out;
  std::byte* sums;
  const rectify_options* options = nullptr;
};

enum class Parameter { none, slope, alpha, alpha_from_y };

struct Function {
  const char* name;
  bool backward;
  bool shaped;  // has a shape and slopes
  bool summed;  // has a parameter's gradient, and either output may be NULL
  Parameter parameter;
  int32_t (*call)(const Arguments&);
};

std::ostream& operator<<(std::ostream& stream, const Function& function) { return stream << function.name; }

const Function functions[] = {
    {"relu_forward", false, false, false, Parameter::none,
     [](const Arguments& a) { return rectify_relu_forward(a.dtype, a.shape.inner, a.x, a.out, a.options); }},
    {"relu_backward", true, false, false, Parameter::none,
     [](const Arguments& a) { return rectify_relu_backward(a.dtype, a.shape.inner, a.x, a.dy, a.out, a.options); }},
    {"leaky_relu_forward", false, false, false, Parameter::slope,
     [](const Arguments& a) {
       return rectify_leaky_relu_forward(a.dtype, a.shape.inner, a.parameter, a.x, a.out, a.options);
     }},
    {"leaky_relu_backward", true, false, true, Parameter::slope,
     [](const Arguments& a) {
       return rectify_leaky_relu_backward(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.sums, a.options);
     }},
    {"prelu_forward", false, true, false, Parameter::none,
     [](const Arguments& a) {
       return rectify_prelu_forward(a.dtype, a.slope_dtype, a.shape, a.x, a.slope, a.out, a.options);
     }},
    {"prelu_backward", true, true, true, Parameter::none,
     [](const Arguments& a) {
       return rectify_prelu_backward(a.dtype, a.slope_dtype, a.shape, a.x, a.slope, a.dy, a.out, a.sums, a.options);
     }},
    {"elu_forward", false, false, false, Parameter::alpha,
     [](const Arguments& a) { return rectify_elu_forward(a.dtype, a.shape.inner, a.parameter, a.x, a.out, a.options); }},
    {"elu_backward", true, false, true, Parameter::alpha,
     [](const Arguments& a) {
       return rectify_elu_backward(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.sums, a.options);
     }},
    {"elu_backward_from_y", true, false, false, Parameter::alpha_from_y,
     [](const Arguments& a) {
       return rectify_elu_backward_from_y(a.dtype, a.shape.inner, a.parameter, a.x, a.dy, a.out, a.options);
     }},
};

class ArgumentsOf : public testing::TestWithParam<std::tuple<Function, Sizes>> {
 protected:
  // {2, 5, 10} for a shaped function, 100 elements for a flat one.
  Arguments in(const Memory& memory) const {
    Arguments a;
    a.dtype = sizes.dtype;
    a.slope_dtype = sizes.slope_dtype;
    a.shape = function.shaped ? rectify_shape{2, 5, 10} : rectify_shape{1, 1, 100};
    a.x = memory.tensor(0);
    a.slope = memory.tensor(1);
    a.dy = memory.tensor(2);
    a.out = memory.tensor(3);
    a.sums = memory.tensor(4);
    return a;
  }

  // Where a call may take these arguments: tensors hold values, of whatever format.
  Arguments in_open_memory() {
    for (size_t tensor = 0; tensor < 5; ++tensor) {
      const std::vector<float> values = ordinary_values(Memory::room / sizeof(float), static_cast<uint32_t>(tensor));
      std::memcpy(open_memory.tensor(tensor) - Memory::room / 2, values.data(), Memory::room);
    }
    return in(open_memory);
  }

  void expect_refused(const Arguments& a, int32_t status) const { EXPECT_EQ(function.call(a), status); }
  void expect_accepted(const Arguments& a) const { EXPECT_EQ(function.call(a), RECTIFY_OK); }

  // Of the slopes, and of the parameter's gradient, which is of their type or, for a scalar parameter, of the one that
  // computes.
  size_t parameter_size() const { return function.shaped ? sizes.slope : sizes.scalar; }

  const Function function = std::get<0>(GetParam());
  const Sizes sizes = std::get<1>(GetParam());
  const Memory closed_memory{Memory::closed};
  const Memory open_memory{Memory::open};
  const Arguments good = in(closed_memory);  // but for the memory
};
class ArgumentsOfBackward : public ArgumentsOf {};
class ArgumentsOfPrelu : public ArgumentsOf {};

// Functions with slopes in every format, the others once for each element type.
std::vector<std::tuple<Function, Sizes>> functions_where(const std::function<bool(const Function&)>& chosen) {
  std::vector<std::tuple<Function, Sizes>> list;
  for (const Function& function : functions) {
    for (const Sizes& sizes : all_formats()) {
      if (chosen(function) && (function.shaped || sizes.slope == sizes.scalar)) list.emplace_back(function, sizes);
    }
  }
  return list;
}

const auto name_of = [](const testing::TestParamInfo<std::tuple<Function, Sizes>>& instance) {
  return std::string(std::get<0>(instance.param).name) + "_" + std::get<1>(instance.param).name;
};
const auto any_function = [](const Function&) { return true; };
INSTANTIATE_TEST_SUITE_P(, ArgumentsOf, testing::ValuesIn(functions_where(any_function)), name_of);
INSTANTIATE_TEST_SUITE_P(, ArgumentsOfBackward, testing::ValuesIn(functions_where(&Function::backward)), name_of);
INSTANTIATE_TEST_SUITE_P(, ArgumentsOfPrelu, testing::ValuesIn(functions_where(&Function::shaped)), name_of);

// Without this the refusals below would prove nothing.
TEST_P(ArgumentsOf, GoodOnesAreAccepted) {
  Arguments a = in_open_memory();
  expect_accepted(a);
  if (!function.summed) return;
  a.out = nullptr;
  expect_accepted(a);
  a = in_open_memory();
  a.sums = nullptr;
  expect_accepted(a);
}

TEST_P(ArgumentsOf, NullPointers) {
  Arguments a = good;
  a.x = nullptr;
  expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
  if (function.backward) {
    a = good;
    a.dy = nullptr;
    expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
  }
  if (function.shaped) {
    a = good;
    a.slope = nullptr;
    expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
  }
  a = good;
  a.out = nullptr;
  a.sums = nullptr;
  expect_refused(a, function.summed ? RECTIFY_ERROR_INVALID_ARGUMENT : RECTIFY_ERROR_NULL_POINTER);
}

constexpr int32_t unknown_dtypes[] = {
    0, -1, -2, 5, 99, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};

TEST_P(ArgumentsOf, UnknownNumberFormats) {
  for (const int32_t unknown : unknown_dtypes) {
    Arguments a = good;
    a.dtype = unknown;
    expect_refused(a, RECTIFY_ERROR_UNKNOWN_DTYPE);
    if (!function.shaped) continue;
    a.slope_dtype = unknown;
    expect_refused(a, RECTIFY_ERROR_UNKNOWN_DTYPE);
    a.dtype = sizes.dtype;
    expect_refused(a, RECTIFY_ERROR_UNKNOWN_DTYPE);
  }
}

// Slopes are of the tensor's own type, or of f32 where it has 16 bits. Any other known type has no kernels.
TEST_P(ArgumentsOfPrelu, NumberFormatsOfSlopes) {
  for (const int32_t slope_dtype : {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    const bool sixteen_bit = sizes.dtype == RECTIFY_F16 || sizes.dtype == RECTIFY_BF16;
    const bool supported = slope_dtype == sizes.dtype || (sixteen_bit && slope_dtype == RECTIFY_F32);
    Arguments a = supported ? in_open_memory() : good;
    a.slope_dtype = slope_dtype;
    EXPECT_EQ(function.call(a), supported ? RECTIFY_OK : RECTIFY_ERROR_UNSUPPORTED_DTYPE) << slope_dtype;
  }
}

TEST_P(ArgumentsOf, SizesThatOverflow) {
  std::vector<rectify_shape> shapes = {{1, 1, most}, {1, 1, most / sizes.element + 1}};
  if (sizes.element > 2) shapes.push_back({1, 1, most / 2 + 1});
  if (function.shaped) {
    constexpr size_t third = size_t{1} << 22, half = size_t{1} << 32;
    shapes.insert(shapes.end(), {{most, 1, 1},
                                 {1, most, 1},
                                 {most, most, most},
                                 {half, half, 1},
                                 {1, half, half},
                                 {half, 1, half},
                                 {third, third, third},
                                 {2, most / sizes.element, 1},
                                 {most / sizes.element / 2 + 1, 2, 1},
                                 {0, most, 1},  // no element, but the slopes overflow
                                 {0, most / sizes.slope + 1, 1}});
  }
  for (const rectify_shape& shape : shapes) {
    Arguments a = good;
    a.shape = shape;
    EXPECT_EQ(function.call(a), RECTIFY_ERROR_SIZE_OVERFLOW)
        << shape.outer << ", " << shape.channels << ", " << shape.inner;
  }
}

// Sizes that can be counted and cannot be had: pointers are looked at all the same.
TEST_P(ArgumentsOf, HugeSizesWithBadPointers) {
  for (const size_t n : {most / sizes.element, most / sizes.element - 1, most / 8, size_t{1} << 60}) {
    Arguments a = good;
    a.shape = {1, 1, n};
    expect_refused(a, RECTIFY_ERROR_OVERLAP);  // nothing else fits
    a.x = nullptr;
    expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
    a = good;
    a.shape = {1, 1, n};
    a.out += 1;
    expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    if (!function.shaped) continue;
    a = good;
    a.shape = {1, n, 1};
    const bool countable = n <= most / sizes.scalar;  // sums are taken in that type, one for each slope
    expect_refused(a, countable ? RECTIFY_ERROR_OVERLAP : RECTIFY_ERROR_SIZE_OVERFLOW);
    a.slope = nullptr;
    expect_refused(a, countable ? RECTIFY_ERROR_NULL_POINTER : RECTIFY_ERROR_SIZE_OVERFLOW);
  }
}

TEST_P(ArgumentsOf, UnalignedPointers) {
  const auto expect_aligned = [&](std::byte* Arguments::*pointer, size_t size) {
    for (size_t bytes = 1; bytes < 2 * size; ++bytes) {
      Arguments a = bytes == size ? in_open_memory() : good;
      a.*pointer += bytes;
      EXPECT_EQ(function.call(a), bytes == size ? RECTIFY_OK : RECTIFY_ERROR_UNALIGNED) << bytes << " bytes";
    }
  };
  expect_aligned(&Arguments::x, sizes.element);
  expect_aligned(&Arguments::out, sizes.element);
  if (function.backward) expect_aligned(&Arguments::dy, sizes.element);
  if (function.shaped) expect_aligned(&Arguments::slope, sizes.slope);
  if (function.summed) expect_aligned(&Arguments::sums, parameter_size());
}

// ---- Overlaps ----

// A tensor as the rules on aliasing see it.
struct Place {
  const char* name;
  std::byte* Arguments::*pointer;
  ptrdiff_t bytes;
  ptrdiff_t alignment;
  enum { input, output, parameter, sums } role;
};

std::vector<Place> places_of(const Function& function, const Sizes& sizes) {
  const ptrdiff_t element = static_cast<ptrdiff_t>(sizes.element), slope = static_cast<ptrdiff_t>(sizes.slope);
  const ptrdiff_t scalar = static_cast<ptrdiff_t>(sizes.scalar);
  std::vector<Place> places = {{"x", &Arguments::x, 100 * element, element, Place::input},
                               {"out", &Arguments::out, 100 * element, element, Place::output}};
  if (function.backward) places.push_back({"dy", &Arguments::dy, 100 * element, element, Place::input});
  if (function.shaped) places.push_back({"slope", &Arguments::slope, 5 * slope, slope, Place::parameter});
  if (function.summed && function.shaped) places.push_back({"sums", &Arguments::sums, 5 * slope, slope, Place::sums});
  if (function.summed && !function.shaped) places.push_back({"sums", &Arguments::sums, scalar, scalar, Place::sums});
  return places;
}

bool written(const Place& place) { return place.role == Place::output || place.role == Place::sums; }

TEST_P(ArgumentsOf, Overlaps) {
  const std::vector<Place> places = places_of(function, sizes);
  for (const Place& fixed : places) {
    for (const Place& moving : places) {
      if (fixed.name == moving.name) continue;
      // The distances from one that just touches before to one that just touches behind.
      const ptrdiff_t before = -moving.bytes, behind = fixed.bytes, step = moving.alignment;
      for (const ptrdiff_t distance : {before, before + step, -step, ptrdiff_t{0}, step, behind - step, behind}) {
        const bool apart = distance <= before || distance >= behind;
        const bool in_place = distance == 0 && ((fixed.role == Place::input && moving.role == Place::output) ||
                                                (fixed.role == Place::output && moving.role == Place::input));
        const bool allowed = apart || in_place || (!written(fixed) && !written(moving));
        Arguments a = allowed ? in_open_memory() : good;
        a.*moving.pointer = a.*fixed.pointer + distance;
        EXPECT_EQ(function.call(a), allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP)
            << moving.name << " " << distance << " bytes from " << fixed.name;
      }
    }
  }
}

// Exactly one input, but another one only nearly.
TEST_P(ArgumentsOfBackward, OverlapBesideAnAllowedOne) {
  Arguments a = good;
  a.out = a.x;
  a.dy = a.x + sizes.element;
  expect_refused(a, RECTIFY_ERROR_OVERLAP);
  a.dy = good.dy;
  a.out = a.dy;
  a.x = a.dy - sizes.element;
  expect_refused(a, RECTIFY_ERROR_OVERLAP);
  a = in_open_memory();
  a.dy = a.x;
  a.out = a.x;
  expect_accepted(a);
}

// A slope tensor of full size is not a full-size input: the slope of one element is read for others too.
TEST_P(ArgumentsOfPrelu, SlopesAreNotForWritingInPlace) {
  Arguments a = good;
  a.shape = {1, 100, 1};
  a.slope = a.out;
  expect_refused(a, RECTIFY_ERROR_OVERLAP);
}

// ---- Parameters ----

TEST_P(ArgumentsOf, Parameter) {
  const bool is_double = sizes.scalar == sizeof(double);
  constexpr double rounds_to_infinity = 3.4028235677973366e38;
  static_assert(rounds_to_infinity == 0x1.ffffffp127);
  const double largest_accepted = is_double ? std::numeric_limits<double>::max() : 0x1.fffffefffffffp127;
  const auto expect = [&](double parameter, bool accepted) {
    Arguments a = accepted ? in_open_memory() : good;
    a.parameter = parameter;
    EXPECT_EQ(function.call(a), accepted ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT) << parameter;
  };
  const bool any = function.parameter == Parameter::slope || function.parameter == Parameter::none;
  const bool negative = function.parameter != Parameter::alpha_from_y;
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1e-45, 4.9e-324, 3.4e38, largest_accepted}) expect(value, true);
  for (const double value : {-1.0, -1e-45, -4.9e-324, -largest_accepted}) expect(value, negative);
  for (const double value :
       {infinity, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::signaling_NaN()}) {
    expect(value, any);
    expect(-value, any);
  }
  for (const double value : {1e39, 1e300, rounds_to_infinity}) {
    expect(value, any || is_double);
    expect(-value, any || (is_double && negative));
  }
}

// ---- Options ----

// Room for fields that this version does not know.
struct NewerOptions {
  rectify_options known;
  unsigned char tail[64];
};

NewerOptions newer_options() {
  NewerOptions options;
  std::memset(&options, 0, sizeof options);
  options.known.struct_size = sizeof options;
  return options;
}

TEST_P(ArgumentsOf, Options) {
  const auto expect = [&](const rectify_options& options, int32_t status) {
    Arguments a = status == RECTIFY_OK ? in_open_memory() : good;
    a.options = &options;
    EXPECT_EQ(function.call(a), status);
    const char* const untouched = "untouched";
    const char* name = untouched;
    EXPECT_EQ(rectify_backend_in_use(&options, &name), status);
    EXPECT_EQ(name == untouched, status != RECTIFY_OK);
  };
  rectify_options options = {};
  for (const size_t size : {size_t{0}, size_t{1}, sizeof(size_t), sizeof options - 1}) {
    options.struct_size = size;
    expect(options, RECTIFY_ERROR_INVALID_OPTIONS);
  }
  options = {};
  options.struct_size = sizeof options;
  expect(options, RECTIFY_OK);
  for (const int32_t sums : {1, -1, std::numeric_limits<int32_t>::max()}) {
    options.sums = sums;
    expect(options, RECTIFY_ERROR_INVALID_OPTIONS);
  }
  options.sums = RECTIFY_SUMS_ORDERED;
  for (const int32_t reserved : {1, -1}) {
    options.reserved = reserved;
    expect(options, RECTIFY_ERROR_INVALID_OPTIONS);
  }
  options.reserved = 0;
  for (const char* const backend : {"", "nonsense", "AVX2", "scalar ", "scala"}) {
    options.backend = backend;
    expect(options, RECTIFY_ERROR_UNKNOWN_BACKEND);
  }
  options.backend = "scalar";
  expect(options, RECTIFY_OK);

  NewerOptions newer = newer_options();
  expect(newer.known, RECTIFY_OK);
  for (const size_t byte : {size_t{0}, size_t{7}, sizeof newer.tail - 1}) {
    newer = newer_options();
    newer.tail[byte] = 0x80;
    expect(newer.known, RECTIFY_ERROR_INVALID_OPTIONS);
    newer.known.struct_size = sizeof newer.known + byte;  // what lies past the end is not looked at
    expect(newer.known, RECTIFY_OK);
  }
}

// ---- Several bad arguments ----

struct Fault {
  const char* name;
  int32_t status;
  std::function<void(Arguments&)> apply;
};

// "When several arguments are bad, one of them is reported."
TEST_P(ArgumentsOf, TwoFaultsGiveOneOfTheirStatuses) {
  static const rectify_options no_size = {};
  static const rectify_options nonsense = [] {
    rectify_options options = {};
    options.struct_size = sizeof options;
    options.backend = "nonsense";
    return options;
  }();
  std::vector<Fault> faults = {
      {"x is NULL", RECTIFY_ERROR_NULL_POINTER, [](Arguments& a) { a.x = nullptr; }},
      {"unknown dtype", RECTIFY_ERROR_UNKNOWN_DTYPE, [](Arguments& a) { a.dtype = 99; }},
      {"too many elements", RECTIFY_ERROR_SIZE_OVERFLOW, [](Arguments& a) { a.shape.inner = most; }},
      {"out near x", RECTIFY_ERROR_OVERLAP, [this](Arguments& a) { a.out = (a.x ? a.x : a.out) + sizes.element; }},
      {"x unaligned", RECTIFY_ERROR_UNALIGNED, [](Arguments& a) { a.x += 1; }},
      {"no struct_size", RECTIFY_ERROR_INVALID_OPTIONS, [](Arguments& a) { a.options = &no_size; }},
      {"unknown backend", RECTIFY_ERROR_UNKNOWN_BACKEND, [](Arguments& a) { a.options = &nonsense; }},
  };
  if (function.shaped) {
    const int32_t other = sizes.dtype == RECTIFY_F64 ? RECTIFY_F32 : RECTIFY_F64;
    faults.push_back({"unsupported slopes", RECTIFY_ERROR_UNSUPPORTED_DTYPE, [=](Arguments& a) { a.slope_dtype = other; }});
  }
  if (function.summed) {
    faults.push_back({"no output", RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.out = a.sums = nullptr; }});
  }
  if (function.parameter == Parameter::alpha || function.parameter == Parameter::alpha_from_y) {
    faults.push_back({"alpha", RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.parameter = infinity; }});
  }
  for (const Fault& first : faults) {
    for (const Fault& second : faults) {
      if (first.name == second.name) continue;
      Arguments a = good;
      first.apply(a);
      second.apply(a);
      const int32_t status = function.call(a);
      EXPECT_TRUE(status == first.status || status == second.status)
          << first.name << " and " << second.name << ": " << rectify_status_text(status);
    }
  }
}

// ---- Nothing to do ----

TEST_P(ArgumentsOf, NoElements) {
  std::vector<rectify_shape> shapes = {{1, 1, 0}};
  if (function.shaped)
    shapes.insert(shapes.end(), {{0, 5, 10}, {2, 5, 0}, {0, 5, 1}, {2, 0, 10}, {most, 0, most}, {most, 5, 0}});
  for (const rectify_shape& shape : shapes) {
    SCOPED_TRACE(testing::Message() << shape.outer << ", " << shape.channels << ", " << shape.inner);
    Arguments a = good;  // closed: no tensor is touched
    a.shape = shape;
    a.sums = nullptr;
    expect_accepted(a);
    a.x = a.dy = a.slope = nullptr;
    a.out = nullptr;
    const int32_t without_outputs = function.call(a);  // "both NULL" and "n == 0" meet: either answer keeps its promise
    EXPECT_TRUE(without_outputs == RECTIFY_OK || (function.summed && without_outputs == RECTIFY_ERROR_INVALID_ARGUMENT));
    if (!function.summed) continue;
    alignas(8) std::byte sums[6 * 8];
    std::fill(std::begin(sums), std::end(sums), std::byte{7});
    a.sums = sums;
    expect_accepted(a);
    const size_t written_bytes = (function.shaped ? shape.channels : 1) * parameter_size();
    for (size_t i = 0; i < sizeof sums; ++i)
      EXPECT_EQ(sums[i], std::byte{i < written_bytes ? uint8_t{0} : uint8_t{7}}) << i;
  }
  Arguments a = good;
  a.shape = {1, 1, 0};
  a.dtype = 99;
  expect_refused(a, RECTIFY_ERROR_UNKNOWN_DTYPE);
}

// ---- Memory that cannot be had ----

template <class Format>
void expect_status_where_memory_is_refused() {
  SCOPED_TRACE(Format::name);
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  constexpr rectify_shape shape = {1000, 500, 1};
  constexpr size_t n = shape.outer * shape.channels;
  const std::vector<Element> x = ordinary_values<Element>(n, 1), dy = ordinary_values<Element>(n, 2);
  const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 3);
  const std::vector<Element> no_dx(n, unwritten<Element>);
  const std::vector<Slope> no_dslope(shape.channels, unwritten<Slope>);
  std::vector<Element> dx = no_dx;
  std::vector<Slope> dslope = no_dslope;
  const auto call = [&] {
    return rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(), dx.data(),
                                  dslope.data(), nullptr);
  };
  refusals = 0;
  refuse_memory = true;
  const int32_t status = call();
  refuse_memory = false;
  EXPECT_EQ(refusals, 1u) << "the scratch space is one allocation";
  EXPECT_EQ(status, RECTIFY_ERROR_OUT_OF_MEMORY);
  EXPECT_TRUE(identical_bits(no_dx, dx));
  EXPECT_TRUE(identical_bits(no_dslope, dslope));
  EXPECT_EQ(call(), RECTIFY_OK);
}

TEST(OutOfMemory, IsAStatusAndNothingIsWritten) {
  for_each_format([]<class Format>() { expect_status_where_memory_is_refused<Format>(); });
}

// ---- Statuses and versions ----

TEST(Statuses, HaveATextEach) {
  std::set<std::string> texts;
  for (int32_t status = RECTIFY_OK; status <= RECTIFY_ERROR_SCRATCH_TOO_SMALL; ++status) {
    ASSERT_NE(rectify_status_text(status), nullptr) << status;
    EXPECT_FALSE(std::string(rectify_status_text(status)).empty()) << status;
    EXPECT_TRUE(texts.insert(rectify_status_text(status)).second) << status << " shares another's text";
  }
  for (const int32_t unknown : {-1, RECTIFY_ERROR_SCRATCH_TOO_SMALL + 1, 1000, std::numeric_limits<int32_t>::min(),
                                std::numeric_limits<int32_t>::max()}) {
    ASSERT_NE(rectify_status_text(unknown), nullptr) << unknown;
    EXPECT_FALSE(texts.contains(rectify_status_text(unknown))) << unknown << " shares a known one's text";
  }
}

// The numbers are part of the ABI.
TEST(Statuses, HaveFixedNumbers) {
  const int32_t numbers[] = {RECTIFY_OK,
                             RECTIFY_ERROR_NULL_POINTER,
                             RECTIFY_ERROR_UNKNOWN_DTYPE,
                             RECTIFY_ERROR_UNSUPPORTED_DTYPE,
                             RECTIFY_ERROR_SIZE_OVERFLOW,
                             RECTIFY_ERROR_OVERLAP,
                             RECTIFY_ERROR_UNALIGNED,
                             RECTIFY_ERROR_INVALID_ARGUMENT,
                             RECTIFY_ERROR_INVALID_OPTIONS,
                             RECTIFY_ERROR_UNKNOWN_BACKEND,
                             RECTIFY_ERROR_UNAVAILABLE_BACKEND,
                             RECTIFY_ERROR_OUT_OF_MEMORY,
                             RECTIFY_ERROR_NO_DEVICE,
                             RECTIFY_ERROR_CUDA,
                             RECTIFY_ERROR_SCRATCH_TOO_SMALL};
  for (int32_t i = 0; i < 15; ++i) EXPECT_EQ(numbers[i], i);
  EXPECT_EQ(RECTIFY_F32, 1);
  EXPECT_EQ(RECTIFY_F16, 2);
  EXPECT_EQ(RECTIFY_BF16, 3);
  EXPECT_EQ(RECTIFY_F64, 4);
  EXPECT_EQ(RECTIFY_SUMS_ORDERED, 0);
}

// On every 64-bit machine.
TEST(Options, KeepTheirLayout) {
  static_assert(sizeof(void*) == 8 && sizeof(rectify_options) == 48 && sizeof(rectify_shape) == 24);
  EXPECT_EQ(offsetof(rectify_options, struct_size), 0u);
  EXPECT_EQ(offsetof(rectify_options, threads), 8u);
  EXPECT_EQ(offsetof(rectify_options, parallel_for), 16u);
  EXPECT_EQ(offsetof(rectify_options, pool), 24u);
  EXPECT_EQ(offsetof(rectify_options, backend), 32u);
  EXPECT_EQ(offsetof(rectify_options, sums), 40u);
  EXPECT_EQ(offsetof(rectify_options, reserved), 44u);
  EXPECT_EQ(offsetof(rectify_shape, outer), 0u);
  EXPECT_EQ(offsetof(rectify_shape, channels), 8u);
  EXPECT_EQ(offsetof(rectify_shape, inner), 16u);
}

TEST(Versions, AgreeWithTheHeader) {
  EXPECT_EQ(rectify_version(), RECTIFY_VERSION);
  EXPECT_EQ(RECTIFY_VERSION, RECTIFY_VERSION_MAJOR * 10000 + RECTIFY_VERSION_MINOR * 100 + RECTIFY_VERSION_PATCH);
  EXPECT_GE(rectify_numerics_version(), 1);
}

}  // namespace
}  // namespace rectify::tests
