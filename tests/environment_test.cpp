// Whatever floating-point environment the caller has, the results are those of the default one, no exception is delivered,
// and the caller's control bits come back as they were. And the upper halves of the vector registers come back empty.
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/public_calls.hpp"

#if defined(RECTIFY_TESTS_TBB)
#include <tbb/parallel_for.h>
#endif

namespace rectify::tests {
namespace {

// ---- The control register ----

#if defined(__x86_64__)

using Control = uint32_t;
constexpr Control sticky_flags = 0x3f;

Control read_register() {
  Control value;
  __asm__ volatile("stmxcsr %0" : "=m"(value)::"memory");
  return value;
}
void write_register(Control value) { __asm__ volatile("ldmxcsr %0" ::"m"(value) : "memory"); }

constexpr Control default_control = 0x1f80, everything_unmasked = 0;
constexpr Control denormals_are_zero = 0x0040, flush_to_zero = 0x8000, downward = 0x2000, upward = 0x4000, to_zero = 0x6000;

struct Environment {
  std::string name;
  Control control;
};

std::vector<Environment> environments() {
  const auto masked = [](Control bits) { return default_control | bits; };
  return {
      {"flush to zero", masked(flush_to_zero)},
      {"denormals are zero", masked(denormals_are_zero)},
      {"flush to zero, denormals are zero", masked(flush_to_zero | denormals_are_zero)},
      {"downward", masked(downward)},
      {"upward", masked(upward)},
      {"to zero", masked(to_zero)},
      {"upward, flush to zero, denormals are zero", masked(upward | flush_to_zero | denormals_are_zero)},
      {"every flag raised before", masked(sticky_flags)},
      {"every flag raised before, downward", masked(sticky_flags | downward)},
      {"every flag raised before, everything unmasked", sticky_flags},
      {"invalid unmasked", default_control & ~Control{0x0080}},
      {"denormal operand unmasked", default_control & ~Control{0x0100}},
      {"division by zero unmasked", default_control & ~Control{0x0200}},
      {"overflow unmasked", default_control & ~Control{0x0400}},
      {"underflow unmasked", default_control & ~Control{0x0800}},
      {"inexact unmasked", default_control & ~Control{0x1000}},
      {"everything unmasked", everything_unmasked},
      {"everything unmasked, to zero", to_zero},
      {"everything unmasked, upward, flush to zero, denormals are zero", upward | flush_to_zero | denormals_are_zero},
  };
}

#elif defined(__aarch64__)

using Control = uint64_t;
constexpr Control sticky_flags = 0;  // a register of their own

Control read_register() {
  Control value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value)::"memory");
  return value;
}
void write_register(Control value) { __asm__ volatile("msr fpcr, %0" ::"r"(value) : "memory"); }

constexpr Control default_control = 0;
constexpr Control upward = Control{1} << 22, downward = Control{2} << 22, to_zero = Control{3} << 22;
constexpr Control flush_to_zero = Control{1} << 24, default_nan = Control{1} << 25;
constexpr Control invalid = 1 << 8, division = 1 << 9, overflow = 1 << 10, underflow = 1 << 11, inexact = 1 << 12,
                  denormal_input = 1 << 15;
constexpr Control everything_unmasked = invalid | division | overflow | underflow | inexact | denormal_input;

struct Environment {
  std::string name;
  Control control;
};

std::vector<Environment> environments() {
  return {
      {"flush to zero", flush_to_zero},
      {"downward", downward},
      {"upward", upward},
      {"to zero", to_zero},
      {"default NaN", default_nan},
      {"upward, flush to zero, default NaN", upward | flush_to_zero | default_nan},
      {"invalid unmasked", invalid},
      {"denormal operand unmasked", denormal_input},
      {"division by zero unmasked", division},
      {"overflow unmasked", overflow},
      {"underflow unmasked", underflow},
      {"inexact unmasked", inexact},
      {"everything unmasked, to zero", to_zero | everything_unmasked},
  };
}

#endif

// An environment for the scope's duration; what a call left of it is read before the old one returns.
class Within {
 public:
  explicit Within(Control control) : before_(read_register()) { write_register(control); }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;
  ~Within() { write_register(before_); }

 private:
  Control before_;
};

// The control bits a register really takes; trap enables read back as zero on most Arm cores.
Control offered(Control control) {
  const Within within(control);
  return read_register() & ~sticky_flags;
}

// ---- Inputs ----

// Ordinary values, so much smaller.
template <AnyNumber T>
std::vector<T> scaled(size_t count, uint32_t seed, int exponent) {
  std::vector<T> values = ordinary_values<T>(count, seed, 2.0f);
  for (T& value : values) value = rounded<T>(std::ldexp(static_cast<double>(widened(value)), exponent));
  return values;
}

template <class Format>
struct Data {
  const char* name;
  std::vector<typename Format::Element> x, dy;
  std::vector<typename Format::Slope> slope;
};

template <class Format>
std::vector<Data<Format>> data_sets(size_t count) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  // The product of two of these is denormal, or is 0 after rounding; the values of the other kind are denormal themselves.
  constexpr auto tiny = []<class T>(T) { return Number<T>::lowest_exponent / 2 - 5; };
  constexpr auto denormal = []<class T>(T) { return Number<T>::lowest_exponent - 2; };
  const auto ordinary = [&]<class T>(T, uint32_t seed) { return ordinary_values<T>(count, seed, 4.0f); };
  const auto small = [&]<class T>(T number, uint32_t seed, auto exponent) {
    return scaled<T>(count, seed, exponent(number));
  };
  const Element e{};
  const Slope s{};
  std::vector<Data<Format>> sets;
  // Where rounding, underflow, overflow, denormals, infinities and NaNs all occur.
  sets.push_back(
      {"everything", mixed_values<Element>(count, 1), mixed_values<Element>(count, 2), mixed_values<Slope>(count, 3)});
  // Finite, rounded at every addition.
  sets.push_back({"ordinary", ordinary(e, 4), ordinary(e, 5), ordinary(s, 6)});
  sets.push_back({"tiny", small(e, 7, tiny), small(e, 8, tiny), small(s, 9, tiny)});
  sets.push_back({"denormal x", small(e, 10, denormal), ordinary(e, 11), ordinary(s, 12)});
  sets.push_back({"denormal dy and slopes", ordinary(e, 13), small(e, 14, denormal), small(s, 15, denormal)});
  return sets;
}

// Parameters that are rounded, exact, denormal in the type that computes and beyond it.
template <class Format>
std::vector<PublicCall> calls() {
  std::vector<PublicCall> list;
  constexpr size_t n = 1003;
  for (const double parameter : {0.1, -0.1, 1.0, 1e-40, 1e-46, 3e-310, 0x1.000001p0, 0x1.fffffefffffffp127}) {
    add_flat_calls<Format>(list, n, parameter, parameter);
  }
  add_flat_calls<Format>(list, n, 1e300, 1.0);
  add_shaped_calls<Format>(list, {1, 1, n});
  add_shaped_calls<Format>(list, {3, 5, 67});
  add_shaped_calls<Format>(list, {3, 37, 9});
  add_shaped_calls<Format>(list, {143, 7, 1});
  add_shaped_calls<Format>(list, {2, 501, 1});
  return list;
}

constexpr size_t most_elements = 1005;

class EnvironmentOfTheCaller : public OnEachFormat {
 protected:
  template <class Format>
  void expect_same_in_every_environment(const std::vector<PublicCall>& list, const std::vector<Data<Format>>& sets) {
    size_t compared = 0;
    for (const Data<Format>& data : sets) {
      for (const PublicCall& call : list) {
        const Results<Format> expected = run_call<Format>(call, data.x.data(), data.dy.data(), data.slope.data(), &options);
        for (const Environment& environment : environments()) {
          if (offered(environment.control) != (environment.control & ~sticky_flags)) continue;  // the next case names it
          Results<Format> actual = no_results<Format>(call, data.x.data());
          const Tensors tensors = actual.tensors(data.x.data(), data.dy.data(), data.slope.data());
          Control left = 0;
          {
            const Within within(environment.control);
            actual.status = call.run(tensors, &options);
            left = read_register();
          }
          ASSERT_EQ(left & ~sticky_flags, environment.control & ~sticky_flags)
              << call << " changed the caller's environment: " << environment.name;
          ASSERT_EQ(left & environment.control & sticky_flags, environment.control & sticky_flags)
              << call << " cleared a flag of the caller's";
          ASSERT_TRUE(same_results(expected, actual)) << call << ", " << environment.name << ", " << data.name;
          ++compared;
        }
      }
    }
    EXPECT_GT(compared, 0u);
  }
};

RECTIFY_ON_EACH_FORMAT(EnvironmentOfTheCaller, ChangesNothing) {
  options.threads = 1;
  expect_same_in_every_environment<Format>(calls<Format>(), data_sets<Format>(most_elements));
}

// What tasks compute the case above has seen; that each has the right environment does not depend on it.
class EnvironmentOfTasks : public EnvironmentOfTheCaller {
 public:
  template <class Format>
  static constexpr bool takes = differs_in_tasks<Format>;
};

// Too large to stay on one thread, in any format: 600 KB of tensors and more.
RECTIFY_ON_EACH_FORMAT(EnvironmentOfTasks, ChangesNothingInParallel) {
  std::vector<PublicCall> list;
  add_flat_calls<Format>(list, 150001, 0.1, 0.1);
  add_shaped_calls<Format>(list, {3, 3, 16673});
  add_shaped_calls<Format>(list, {2350, 64, 1});
  std::vector<Data<Format>> sets;
  for (Data<Format>& data : data_sets<Format>(150400)) {
    if (std::string_view(data.name) != "everything") sets.push_back(std::move(data));
  }
  if (emulated) sets.resize(1);
  expect_same_in_every_environment<Format>(list, sets);
}

// What the machine lacks among the environments above is skipped by name here, and nowhere else.
TEST(EnvironmentOfThisMachine, OffersEveryEnvironment) {
  std::string missing;
  for (const Environment& environment : environments()) {
    if (offered(environment.control) != (environment.control & ~sticky_flags)) missing += environment.name + "; ";
  }
#if defined(__x86_64__)
  EXPECT_EQ(missing, "") << "every x86-64 has these";
#else
  if (!missing.empty()) GTEST_SKIP() << "this CPU does not offer: " << missing;
#endif
}

// The environments do differ: plain arithmetic shows it, so a test that finds no difference in the library means something.
TEST(EnvironmentOfThisMachine, IsReallyChanged) {
  volatile float one = 1.0f, small = 0x1p-30f, smallest = 0x1p-126f, half = 0.5f;
  volatile float up, down, flushed;
  {
    const Within within(default_control | upward);
    up = one + small;
  }
  {
    const Within within(default_control | downward);
    down = -one - small;
  }
  {
    const Within within(default_control | flush_to_zero);
    flushed = smallest * half;
  }
  EXPECT_EQ(up, 1.0f + 0x1p-23f);
  EXPECT_EQ(down, -1.0f - 0x1p-23f);
  EXPECT_EQ(flushed, 0.0f);
  EXPECT_EQ(smallest * half, 0x1p-127f);
}

// ---- A pool whose threads have environments of their own ----

struct StrangePool {
  std::vector<Environment> environments;
  std::atomic<size_t> tasks{0};
  std::mutex mutex;
  std::string changed;  // environments that a task did not leave as it found them
};

void run_in_strange_pool(void* pool, size_t tasks, void (*task)(void*, size_t), void* context) {
  StrangePool& self = *static_cast<StrangePool*>(pool);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < tasks; ++i) {
    threads.emplace_back([&self, task, context, i] {
      const Environment& environment = self.environments[self.tasks++ % self.environments.size()];
      Control left;
      {
        const Within within(environment.control);
        task(context, i);
        left = read_register();
      }
      if ((left & ~sticky_flags) != (environment.control & ~sticky_flags)) {
        const std::lock_guard lock(self.mutex);
        self.changed += environment.name + "; ";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

RECTIFY_ON_EACH_FORMAT(EnvironmentOfTasks, OfAPoolsThreadsChangesNothing) {
  StrangePool pool;
  for (const Environment& environment : environments()) {
    if (offered(environment.control) == (environment.control & ~sticky_flags)) pool.environments.push_back(environment);
  }
  std::vector<PublicCall> list;
  add_flat_calls<Format>(list, 150001, 0.1, 0.1);
  add_shaped_calls<Format>(list, {3, 3, 16001});
  add_shaped_calls<Format>(list, {2200, 63, 1});
  for (const Data<Format>& data : data_sets<Format>(150001)) {
    if (std::string_view(data.name) == "everything") continue;  // its sums are NaN
    for (const PublicCall& call : list) {
      options.threads = 1;
      options.parallel_for = nullptr;
      const Results<Format> expected = run_call<Format>(call, data.x.data(), data.dy.data(), data.slope.data(), &options);
      options.threads = 4;
      options.parallel_for = run_in_strange_pool;
      options.pool = &pool;
      const Results<Format> actual = run_call<Format>(call, data.x.data(), data.dy.data(), data.slope.data(), &options);
      ASSERT_TRUE(same_results(expected, actual)) << call << ", " << data.name;
    }
    if (emulated) break;
  }
  EXPECT_GE(pool.tasks, pool.environments.size()) << "the pool was hardly used";
  EXPECT_EQ(pool.changed, "");
}

#if defined(RECTIFY_TESTS_TBB)
// oneTBB, which divides in floating point itself, keeps the environment of whoever uses it first in a process: the library,
// or its caller. CTest gives each case a process of its own.
void expect_no_exception_in_one_tbb(bool used_by_the_caller) {
  constexpr size_t n = 400009;
  const std::vector<float> x = ordinary_values(n, 3, 4.0f);
  std::vector<float> y(n);
  const Within within(everything_unmasked);
  const Control before = read_register();
  if (used_by_the_caller) tbb::parallel_for(0, 100, [](int) {});
  const int32_t status = rectify_elu_forward(RECTIFY_F32, n, 1.0, x.data(), y.data(), nullptr);
  const Control after = read_register();
  write_register(default_control);
  EXPECT_EQ(status, RECTIFY_OK);
  EXPECT_EQ(before & ~sticky_flags, after & ~sticky_flags);
}
TEST(FirstUseOfOneTbb, ByTheLibraryWithEverythingUnmasked) { expect_no_exception_in_one_tbb(false); }
TEST(FirstUseOfOneTbb, ByTheCallerWithEverythingUnmasked) { expect_no_exception_in_one_tbb(true); }

// oneTBB gives each of its threads, the caller among them, the environment it thinks right.
RECTIFY_ON_EACH_FORMAT(EnvironmentOfTasks, InsideTheCallersParallelForChangesNothing) {
  const std::vector<PublicCall> list = calls<Format>();
  const std::vector<Data<Format>> sets = data_sets<Format>(most_elements);
  const Within within(default_control | upward | flush_to_zero);
  std::vector<std::string> failures(list.size());
  tbb::parallel_for(size_t{0}, list.size(), [&](size_t i) {
    const Data<Format>& data = sets[i % sets.size()];
    Results<Format> expected;
    {
      const Within ordinary_environment(default_control);
      expected = run_call<Format>(list[i], data.x.data(), data.dy.data(), data.slope.data(), &options);
    }
    const Within here(default_control | downward);
    const testing::AssertionResult same =
        same_results(expected, run_call<Format>(list[i], data.x.data(), data.dy.data(), data.slope.data(), &options));
    if (!same) failures[i] = list[i].name + ": " + same.message();
  });
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}
#endif

// ---- The upper halves of vector registers ----

#if defined(__x86_64__)

// The parts of the registers that hold something: the upper halves of ymm, and of zmm.
uint32_t upper_halves_in_use() {
  uint32_t in_use, upper;
  __asm__ volatile("xgetbv" : "=a"(in_use), "=d"(upper) : "c"(1));
  return in_use & (1 << 2 | 1 << 6);
}

// Legacy code that runs into full upper halves merges with them: after a call in a small model's layout it took 0.1 us.
RECTIFY_ON_EACH_FORMAT(EnvironmentOfTheCaller, HasNoUpperHalvesInUse) {
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this CPU has no upper halves";
  uint32_t state[4];
  __cpuid_count(13, 1, state[0], state[1], state[2], state[3]);
  if ((state[0] & 1 << 2) == 0) GTEST_SKIP() << "this CPU does not tell which registers are in use";
  __asm__ volatile("vzeroupper" ::: "memory");
  ASSERT_EQ(upper_halves_in_use(), 0u) << "a CPU that tells of registers in use takes empty ones for some";

  std::vector<PublicCall> list = calls<Format>();
  // A pattern, by rows and by runs; runs that are short, less so, and long; 16 elements.
  for (const rectify_shape shape :
       {rectify_shape{16, 32, 1}, {8, 64, 1}, {4, 64, 4}, {2, 37, 25}, {2, 16, 49}, {3, 5, 300}, {1, 1, 16}, {1, 1024, 1}})
    add_shaped_calls<Format>(list, shape);
  size_t most = 0;
  for (const PublicCall& call : list) most = std::max(most, call.elements());
  const Data<Format> data = data_sets<Format>(most)[1];
  options.threads = 1;
  for (const PublicCall& call : list) {
    Results<Format> actual = no_results<Format>(call, data.x.data());
    const Tensors tensors = actual.tensors(data.x.data(), data.dy.data(), data.slope.data());
    __asm__ volatile("vzeroupper" ::: "memory");
    actual.status = call.run(tensors, &options);
    EXPECT_EQ(upper_halves_in_use(), 0u) << call;
    EXPECT_EQ(actual.status, RECTIFY_OK);
  }
}

#endif

// ---- Calls that compute nothing ----

// A refused argument is looked at without raising anything, and an empty call is one too.
RECTIFY_ON_EACH_ELEMENT_TYPE(EnvironmentOfTheCaller, DoesNotMatterToRefusals) {
  const Element x = rounded<Element>(-1.0), dy = rounded<Element>(1.0);
  const double largest = sizeof(Scalar) == 8 ? std::numeric_limits<double>::max() : 0x1.fffffefffffffp127;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const Environment& environment : environments()) {
    if (offered(environment.control) != (environment.control & ~sticky_flags)) continue;
    std::vector<double> refused = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::signaling_NaN(),
                                   infinity, -infinity};
    if (sizeof(Scalar) == 4) refused.insert(refused.end(), {1e39, 0x1.ffffffp127});
    for (const double alpha : refused) {
      Element y = unwritten<Element>, dx = unwritten<Element>;
      Scalar dalpha = unwritten<Scalar>;
      int32_t status[3];
      {
        const Within within(environment.control);
        status[0] = rectify_elu_forward(Format::dtype, 1, alpha, &x, &y, &options);
        status[1] = rectify_elu_backward(Format::dtype, 1, alpha, &x, &dy, &dx, &dalpha, &options);
        status[2] = rectify_elu_backward_from_y(Format::dtype, 1, alpha, &x, &dy, &dx, &options);
      }
      for (const int32_t each : status)
        EXPECT_EQ(each, RECTIFY_ERROR_INVALID_ARGUMENT) << alpha << ", " << environment.name;
      EXPECT_TRUE(identical_bits(y, unwritten<Element>));
      EXPECT_TRUE(identical_bits(dx, unwritten<Element>));
      EXPECT_TRUE(identical_bits(dalpha, unwritten<Scalar>));
    }
    // The largest double that still rounds to a finite value, by whatever direction the caller rounds.
    Element y = unwritten<Element>;
    Scalar dalpha = unwritten<Scalar>;
    int32_t accepted, empty;
    {
      const Within within(environment.control);
      accepted = rectify_elu_forward(Format::dtype, 1, largest, &x, &y, &options);
      empty = rectify_elu_backward(Format::dtype, 0, 0.1, nullptr, nullptr, nullptr, &dalpha, &options);
    }
    EXPECT_EQ(accepted, RECTIFY_OK) << environment.name;
    EXPECT_EQ(empty, RECTIFY_OK) << environment.name;
    EXPECT_EQ(bits_of(dalpha), 0u) << environment.name;
  }
}

}  // namespace
}  // namespace rectify::tests
