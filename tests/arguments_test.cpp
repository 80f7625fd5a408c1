// Every bad argument gets its own status, and the call that refuses it reads nothing and writes nothing: the tensors lie in
// memory that may not be touched. What is allowed is accepted.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

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
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/inputs.hpp"
#include "tests/support/same_bits.hpp"

namespace {
bool refuse_memory = false;
size_t refusals = 0;
}  // namespace

// Memory that the library asks for and does not get. Nothing else here uses the form that returns NULL.
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  if (refuse_memory) return ++refusals, nullptr;
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
  int32_t dtype = RECTIFY_F32;
  int32_t slope_dtype = RECTIFY_F32;
  rectify_shape shape;  // a flat function takes shape.inner elements
  double parameter = 0.5;
  const float* x;
  const float* slope;
  const float* dy;
  float* out;
  float* sums;
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

// One block of memory, open or closed, with room for every tensor well apart from the others.
class Memory {
 public:
  static constexpr size_t room = 65536;  // bytes for a tensor; it begins in the middle
  enum Access { open, closed };
  explicit Memory(Access access) {
    data_ =
        mmap(nullptr, 5 * room, access == open ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(data_, 5 * room); }

  float* tensor(size_t index) const {
    return reinterpret_cast<float*>(static_cast<char*>(data_) + index * room + room / 2);
  }

 private:
  void* data_;
};

template <class T>
T* moved_by_bytes(T* pointer, size_t bytes) {
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(pointer) + bytes);
}

class ArgumentsOf : public testing::TestWithParam<Function> {
 protected:
  // {2, 5, 10} for a shaped function, 100 elements for a flat one.
  Arguments in(const Memory& memory) const {
    Arguments a;
    a.shape = function.shaped ? rectify_shape{2, 5, 10} : rectify_shape{1, 1, 100};
    a.x = memory.tensor(0);
    a.slope = memory.tensor(1);
    a.dy = memory.tensor(2);
    a.out = memory.tensor(3);
    a.sums = memory.tensor(4);
    return a;
  }

  // Where a call may take these arguments: tensors hold values.
  Arguments in_open_memory() {
    for (size_t tensor = 0; tensor < 5; ++tensor) {
      const std::vector<float> values = ordinary_values(Memory::room / sizeof(float), static_cast<uint32_t>(tensor));
      std::memcpy(open_memory.tensor(tensor) - Memory::room / 2 / sizeof(float), values.data(), Memory::room);
    }
    return in(open_memory);
  }

  void expect_refused(const Arguments& a, int32_t status) const { EXPECT_EQ(function.call(a), status); }
  void expect_accepted(const Arguments& a) const { EXPECT_EQ(function.call(a), RECTIFY_OK); }

  const Function function = GetParam();
  const Memory closed_memory{Memory::closed};
  const Memory open_memory{Memory::open};
  const Arguments good = in(closed_memory);  // but for the memory
};
class ArgumentsOfBackward : public ArgumentsOf {};
class ArgumentsOfPrelu : public ArgumentsOf {};

std::vector<Function> functions_where(bool Function::*property) {
  std::vector<Function> chosen;
  std::copy_if(std::begin(functions), std::end(functions), std::back_inserter(chosen), std::mem_fn(property));
  return chosen;
}

const auto name_of = [](const testing::TestParamInfo<Function>& instance) { return instance.param.name; };
INSTANTIATE_TEST_SUITE_P(, ArgumentsOf, testing::ValuesIn(functions), name_of);
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

TEST_P(ArgumentsOf, NumberFormats) {
  const auto expect = [&](int32_t dtype, int32_t status) {
    Arguments a = good;
    a.dtype = dtype;
    expect_refused(a, status);
    if (!function.shaped) return;
    a.slope_dtype = dtype;
    expect_refused(a, status);
    a.dtype = RECTIFY_F32;
    expect_refused(a, status);
  };
  for (const int32_t unsupported : {RECTIFY_F16, RECTIFY_BF16, RECTIFY_F64}) {
    expect(unsupported, RECTIFY_ERROR_UNSUPPORTED_DTYPE);
  }
  for (const int32_t unknown : {0, -1, 5, 99, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    expect(unknown, RECTIFY_ERROR_UNKNOWN_DTYPE);
  }
}

TEST_P(ArgumentsOf, SizesThatOverflow) {
  std::vector<rectify_shape> shapes = {{1, 1, most}, {1, 1, most / 4 + 1}, {1, 1, most / 2 + 1}};
  if (function.shaped) {
    constexpr size_t third = size_t{1} << 22, half = size_t{1} << 32;
    shapes.insert(shapes.end(), {{most, 1, 1},
                                 {1, most, 1},
                                 {most, most, most},
                                 {half, half, 1},
                                 {1, half, half},
                                 {half, 1, half},
                                 {third, third, third},
                                 {2, most / 4, 1},
                                 {most / 8 + 1, 2, 1},
                                 {0, most, 1}});  // no element, but the slopes overflow
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
  for (const size_t n : {most / 4, most / 4 - 1, most / 8, size_t{1} << 61}) {
    Arguments a = good;
    a.shape = {1, 1, n};
    expect_refused(a, RECTIFY_ERROR_OVERLAP);  // nothing else fits
    a.x = nullptr;
    expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
    a = good;
    a.shape = {1, 1, n};
    a.out = moved_by_bytes(a.out, 1);
    expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    if (!function.shaped) continue;
    a = good;
    a.shape = {1, n, 1};
    expect_refused(a, RECTIFY_ERROR_OVERLAP);
    a.slope = nullptr;
    expect_refused(a, RECTIFY_ERROR_NULL_POINTER);
  }
}

TEST_P(ArgumentsOf, UnalignedPointers) {
  for (const size_t bytes : {size_t{1}, size_t{2}, size_t{3}}) {
    Arguments a = good;
    a.x = moved_by_bytes(a.x, bytes);
    expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    a = good;
    a.out = moved_by_bytes(a.out, bytes);
    expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    if (function.backward) {
      a = good;
      a.dy = moved_by_bytes(a.dy, bytes);
      expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    }
    if (function.shaped) {
      a = good;
      a.slope = moved_by_bytes(a.slope, bytes);
      expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    }
    if (function.summed) {
      a = good;
      a.sums = moved_by_bytes(a.sums, bytes);
      expect_refused(a, RECTIFY_ERROR_UNALIGNED);
    }
  }
}

// ---- Overlaps ----

// A tensor as the rules on aliasing see it.
struct Place {
  const char* name;
  std::function<float*(Arguments&)> get;
  std::function<void(Arguments&, float*)> set;
  ptrdiff_t count;
  enum { input, output, parameter, sums } role;
};

std::vector<Place> places_of(const Function& function) {
  const auto place = [](const char* name, auto member, ptrdiff_t count, auto role) {
    return Place{name, [=](Arguments& a) { return const_cast<float*>(a.*member); },
                 [=](Arguments& a, float* pointer) { a.*member = pointer; }, count, role};
  };
  std::vector<Place> places = {place("x", &Arguments::x, 100, Place::input),
                               place("out", &Arguments::out, 100, Place::output)};
  if (function.backward) places.push_back(place("dy", &Arguments::dy, 100, Place::input));
  if (function.shaped) places.push_back(place("slope", &Arguments::slope, 5, Place::parameter));
  if (function.summed) places.push_back(place("sums", &Arguments::sums, function.shaped ? 5 : 1, Place::sums));
  return places;
}

bool written(const Place& place) { return place.role == Place::output || place.role == Place::sums; }

TEST_P(ArgumentsOf, Overlaps) {
  const std::vector<Place> places = places_of(function);
  for (const Place& fixed : places) {
    for (const Place& moving : places) {
      if (fixed.name == moving.name) continue;
      // The distances from one that just touches before to one that just touches behind.
      const ptrdiff_t before = -moving.count, behind = fixed.count;
      for (const ptrdiff_t distance : {before, before + 1, ptrdiff_t{-1}, ptrdiff_t{0}, ptrdiff_t{1}, behind - 1, behind}) {
        const bool apart = distance <= before || distance >= behind;
        const bool in_place = distance == 0 && ((fixed.role == Place::input && moving.role == Place::output) ||
                                                (fixed.role == Place::output && moving.role == Place::input));
        const bool allowed = apart || in_place || (!written(fixed) && !written(moving));
        Arguments a = allowed ? in_open_memory() : good;
        moving.set(a, fixed.get(a) + distance);
        EXPECT_EQ(function.call(a), allowed ? RECTIFY_OK : RECTIFY_ERROR_OVERLAP)
            << moving.name << " " << distance << " elements from " << fixed.name;
      }
    }
  }
}

// Exactly one input, but another one only nearly.
TEST_P(ArgumentsOfBackward, OverlapBesideAnAllowedOne) {
  Arguments a = good;
  a.out = const_cast<float*>(a.x);
  a.dy = a.x + 1;
  expect_refused(a, RECTIFY_ERROR_OVERLAP);
  a.dy = good.dy;
  a.out = const_cast<float*>(a.dy);
  a.x = a.dy - 1;
  expect_refused(a, RECTIFY_ERROR_OVERLAP);
  a = in_open_memory();
  a.dy = a.x;
  a.out = const_cast<float*>(a.x);
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
  constexpr double largest_accepted = 0x1.fffffefffffffp127, rounds_to_infinity = 3.4028235677973366e38;
  static_assert(rounds_to_infinity == 0x1.ffffffp127);
  const auto expect = [&](double parameter, bool accepted) {
    Arguments a = accepted ? in_open_memory() : good;
    a.parameter = parameter;
    EXPECT_EQ(function.call(a), accepted ? RECTIFY_OK : RECTIFY_ERROR_INVALID_ARGUMENT) << parameter;
  };
  const bool any = function.parameter == Parameter::slope || function.parameter == Parameter::none;
  const bool negative = function.parameter != Parameter::alpha_from_y;
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1e-45, 4.9e-324, 3.4e38, largest_accepted}) expect(value, true);
  for (const double value : {-1.0, -1e-45, -4.9e-324, -largest_accepted}) expect(value, negative);
  for (const double value : {infinity, 1e39, 1e300, rounds_to_infinity, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::signaling_NaN()}) {
    expect(value, any);
    expect(-value, any);
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
      {"unsupported dtype", RECTIFY_ERROR_UNSUPPORTED_DTYPE, [](Arguments& a) { a.dtype = RECTIFY_F64; }},
      {"too many elements", RECTIFY_ERROR_SIZE_OVERFLOW, [](Arguments& a) { a.shape.inner = most; }},
      {"out near x", RECTIFY_ERROR_OVERLAP, [](Arguments& a) { a.out = const_cast<float*>(a.x ? a.x : a.out) + 1; }},
      {"x unaligned", RECTIFY_ERROR_UNALIGNED, [](Arguments& a) { a.x = moved_by_bytes(a.x, 2); }},
      {"no struct_size", RECTIFY_ERROR_INVALID_OPTIONS, [](Arguments& a) { a.options = &no_size; }},
      {"unknown backend", RECTIFY_ERROR_UNKNOWN_BACKEND, [](Arguments& a) { a.options = &nonsense; }},
  };
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
    float sums[] = {7, 7, 7, 7, 7, 7};
    a.sums = sums;
    expect_accepted(a);
    const size_t channels = function.shaped ? shape.channels : 1;
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(bits_of(sums[i]), bits_of(i < channels ? 0.0f : 7.0f)) << i;
  }
  Arguments a = good;
  a.shape = {1, 1, 0};
  a.dtype = 99;
  expect_refused(a, RECTIFY_ERROR_UNKNOWN_DTYPE);
}

// ---- Memory that cannot be had ----

TEST(OutOfMemory, IsAStatusAndNothingIsWritten) {
  constexpr rectify_shape shape = {1000, 500, 1};
  constexpr size_t n = shape.outer * shape.channels;
  const std::vector<float> x = ordinary_values(n, 1), dy = ordinary_values(n, 2),
                           slope = ordinary_values(shape.channels, 3);
  std::vector<float> dx(n, 7.0f), dslope(shape.channels, 7.0f);
  refuse_memory = true;
  const int32_t status = rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), dy.data(),
                                                dx.data(), dslope.data(), nullptr);
  refuse_memory = false;
  EXPECT_EQ(refusals, 1u) << "the scratch space is one allocation";
  EXPECT_EQ(status, RECTIFY_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(std::count(dx.begin(), dx.end(), 7.0f), static_cast<ptrdiff_t>(n));
  EXPECT_EQ(std::count(dslope.begin(), dslope.end(), 7.0f), static_cast<ptrdiff_t>(shape.channels));
  EXPECT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), dy.data(), dx.data(),
                                   dslope.data(), nullptr),
            RECTIFY_OK);
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
