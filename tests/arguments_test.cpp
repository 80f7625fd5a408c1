// Every bad argument gets its own status, and the call that refuses it reads nothing and writes nothing: the tensors lie in
// memory that may not be touched. What is allowed is accepted.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/arguments.hpp"
#include "tests/support/ordered_sums.hpp"

namespace rectify::tests {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr int32_t lowest = std::numeric_limits<int32_t>::min(), highest = std::numeric_limits<int32_t>::max();
constexpr size_t most = std::numeric_limits<size_t>::max();

// Without this the refusals below would prove nothing.
TEST_P(ArgumentsOf, GoodOnesAreAccepted) {
  EXPECT_TRUE(gives(RECTIFY_OK, [](Arguments&) {}));
}

TEST_P(ArgumentsOf, NullPointers) {
  for (const Tensor& tensor : function.tensors) {
    EXPECT_TRUE(gives(tensor.required() ? RECTIFY_ERROR_NULL_POINTER : RECTIFY_OK, [&](Arguments& a) {
      a.*tensor.pointer = nullptr;
    })) << tensor.name;
  }
  EXPECT_TRUE(gives(function.has(Presence::either) ? RECTIFY_ERROR_INVALID_ARGUMENT : RECTIFY_OK, [&](Arguments& a) {
    for (const Tensor& tensor : function.tensors) {
      if (!tensor.required()) a.*tensor.pointer = nullptr;
    }
  }));
}

TEST_P(ArgumentsOf, UnknownNumberFormats) {
  for (const int32_t unknown : {0, -1, -2, 5, 99, lowest, highest}) {
    EXPECT_TRUE(gives(RECTIFY_ERROR_UNKNOWN_DTYPE, [&](Arguments& a) { a.dtype = unknown; })) << unknown;
    if (!function.shaped()) continue;
    EXPECT_TRUE(gives(RECTIFY_ERROR_UNKNOWN_DTYPE, [&](Arguments& a) { a.slope_dtype = unknown; })) << unknown;
    EXPECT_TRUE(gives(RECTIFY_ERROR_UNKNOWN_DTYPE, [&](Arguments& a) { a.dtype = a.slope_dtype = unknown; })) << unknown;
  }
}

// Parameters are of the tensor's own type, or of f32 where it has 16 bits. Any other known type has no kernels.
TEST_P(ArgumentsOfShaped, NumberFormatsOfParameters) {
  for (const int32_t dtype : {RECTIFY_F32, RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    const bool supported = dtype == sizes.dtype || (sizes.element == 2 && dtype == RECTIFY_F32);
    EXPECT_TRUE(gives(supported ? RECTIFY_OK : RECTIFY_ERROR_UNSUPPORTED_DTYPE, [&](Arguments& a) {
      a.slope_dtype = dtype;
    })) << dtype;
  }
}

TEST_P(ArgumentsOf, SizesThatOverflow) {
  std::vector<rectify_shape> shapes = {{1, 1, most}, {1, 1, most / sizes.element + 1}, {1, 1, most / 2 + 1}};
  if (function.shaped()) {
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
    EXPECT_TRUE(gives(RECTIFY_ERROR_SIZE_OVERFLOW, [&](Arguments& a) { a.shape = shape; })) << shown(shape);
  }
}

// Sizes that can be counted and cannot be had: pointers are looked at all the same.
TEST_P(ArgumentsOf, HugeSizesWithBadPointers) {
  for (const size_t n : {most / sizes.element, most / sizes.element - 1, most / 8, size_t{1} << 60}) {
    std::vector<rectify_shape> shapes = {{1, 1, n}};
    if (function.shaped()) shapes.push_back({1, n, 1});
    for (const rectify_shape& shape : shapes) {
      SCOPED_TRACE(shown(shape));
      const bool countable = shape.channels <= most / sizes.scalar;  // sums are taken in that type, one for each channel
      const auto expect = [&](int32_t status, const Change& change) {
        EXPECT_TRUE(gives(countable ? status : RECTIFY_ERROR_SIZE_OVERFLOW, [&](Arguments& a) {
          a.shape = shape;
          change(a);
        }));
      };
      expect(RECTIFY_ERROR_OVERLAP, [](Arguments&) {});  // nothing else fits
      expect(RECTIFY_ERROR_UNALIGNED, [](Arguments& a) { a.out += 1; });
      for (const Tensor& tensor : function.tensors) {
        // A mask comes after what overlaps: one of the two is reported.
        if (!tensor.required() || tensor.size == Size::mask) continue;
        expect(RECTIFY_ERROR_NULL_POINTER, [&](Arguments& a) { a.*tensor.pointer = nullptr; });
      }
    }
  }
}

TEST_P(ArgumentsOf, UnalignedPointers) {
  for (const Tensor& tensor : function.tensors) {
    const size_t size = alignment(tensor);
    for (size_t distance = 1; distance <= 2 * size; ++distance) {
      EXPECT_TRUE(gives(distance % size == 0 ? RECTIFY_OK : RECTIFY_ERROR_UNALIGNED,
                        [&](Arguments& a) { a.*tensor.pointer += distance; }))
          << tensor.name << ", " << distance << " bytes";
    }
  }
}

TEST_P(ArgumentsOf, Parameter) {
  const bool is_double = sizes.scalar == sizeof(double);
  constexpr double rounds_to_infinity = 3.4028235677973366e38;
  static_assert(rounds_to_infinity == 0x1.ffffffp127);
  const double largest_accepted = is_double ? std::numeric_limits<double>::max() : 0x1.fffffefffffffp127;
  const auto expect = [&](double parameter, bool accepted) {
    EXPECT_TRUE(gives(accepted ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT, [&](Arguments& a) {
      a.parameter = parameter;
    })) << parameter;
  };
  const bool any = function.parameter == Parameter::any, negative = function.parameter != Parameter::finite_not_negative;
  for (const double value : {0.0, 1.0, 0.1, 1e-45, 4.9e-324, 3.4e38, largest_accepted}) {
    expect(value, true);
    expect(-value, negative || value == 0);
  }
  for (const double value : {infinity, not_a_number, std::numeric_limits<double>::signaling_NaN()}) {
    expect(value, any);
    expect(-value, any);
  }
  for (const double value : {1e39, 1e300, rounds_to_infinity}) {
    expect(value, any || is_double);
    expect(-value, any || (is_double && negative));
  }
}

// ---- Options ----

rectify_options options_of_backend(const char* name) {
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.backend = name;
  return options;
}

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
  const auto expect = [&](int32_t status, const rectify_options& options) {
    EXPECT_TRUE(gives(status, [&](Arguments& a) { a.options = &options; }));
    const char* const untouched = "untouched";
    const char* name = untouched;
    EXPECT_EQ(rectify_backend_in_use(&options, &name), status);
    EXPECT_EQ(name == untouched, status != RECTIFY_OK);
  };
  rectify_options options = {};
  for (const size_t size : {size_t{0}, size_t{1}, sizeof(size_t), sizeof options - 1}) {
    options.struct_size = size;
    expect(RECTIFY_ERROR_INVALID_OPTIONS, options);
  }
  options = options_of_backend(nullptr);
  expect(RECTIFY_OK, options);
  for (const int32_t sums : {1, -1, highest}) {
    options.sums = sums;
    expect(RECTIFY_ERROR_INVALID_OPTIONS, options);
  }
  options.sums = RECTIFY_SUMS_ORDERED;
  for (const int32_t reserved : {1, -1}) {
    options.reserved = reserved;
    expect(RECTIFY_ERROR_INVALID_OPTIONS, options);
  }
  for (const char* const unknown : {"", "nonsense", "AVX2", "scalar ", "scala"}) {
    expect(RECTIFY_ERROR_UNKNOWN_BACKEND, options_of_backend(unknown));
  }
  expect(RECTIFY_OK, options_of_backend("scalar"));

  NewerOptions newer = newer_options();
  expect(RECTIFY_OK, newer.known);
  for (const size_t byte : {size_t{0}, size_t{7}, sizeof newer.tail - 1}) {
    newer = newer_options();
    newer.tail[byte] = 0x80;
    expect(RECTIFY_ERROR_INVALID_OPTIONS, newer.known);
    newer.known.struct_size = sizeof newer.known + byte;  // what lies past the end is not looked at
    expect(RECTIFY_OK, newer.known);
  }
}

// ---- Several bad arguments ----

// "When several arguments are bad, one of them is reported."
TEST_P(ArgumentsOf, TwoFaultsGiveOneOfTheirStatuses) {
  struct Fault {
    std::string name;
    int32_t status;
    Change apply;
  };
  static const rectify_options no_size = {}, nonsense = options_of_backend("nonsense");
  std::byte* const an_input = good.*function.tensors.front().pointer;
  std::vector<Fault> faults = {
      {"unknown dtype", RECTIFY_ERROR_UNKNOWN_DTYPE, [](Arguments& a) { a.dtype = 99; }},
      {"too many elements", RECTIFY_ERROR_SIZE_OVERFLOW, [](Arguments& a) { a.shape.inner = most; }},
      {"no struct_size", RECTIFY_ERROR_INVALID_OPTIONS, [](Arguments& a) { a.options = &no_size; }},
      {"unknown backend", RECTIFY_ERROR_UNKNOWN_BACKEND, [](Arguments& a) { a.options = &nonsense; }},
  };
  for (const Tensor& tensor : function.tensors) {
    const auto add = [&](const char* what, int32_t status, std::byte* place) {
      faults.push_back({tensor.name + std::string(what), status, [=](Arguments& a) { a.*tensor.pointer = place; }});
    };
    const size_t step = alignment(tensor);
    if (tensor.required()) add(" NULL", RECTIFY_ERROR_NULL_POINTER, nullptr);
    if (step != 1) add(" unaligned", RECTIFY_ERROR_UNALIGNED, good.*tensor.pointer + 1);
    if (tensor.written()) add(" in an input", RECTIFY_ERROR_OVERLAP, an_input + step);
  }
  if (function.has(Presence::either)) {
    faults.push_back({"no output", RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.out = a.sums = nullptr; }});
  }
  if (function.shaped()) {
    const int32_t other = sizes.dtype == RECTIFY_F64 ? RECTIFY_F32 : RECTIFY_F64;
    faults.push_back({"unsupported slopes", RECTIFY_ERROR_UNSUPPORTED_DTYPE, [=](Arguments& a) { a.slope_dtype = other; }});
  }
  if (function.parameter != Parameter::any) {
    faults.push_back({"parameter", RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.parameter = infinity; }});
  }
  if (function.fused()) faults.push_back({"kind", RECTIFY_ERROR_INVALID_ARGUMENT, [](Arguments& a) { a.kind = 7; }});
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

}  // namespace
}  // namespace rectify::tests
