// Which backend runs: what the machine and RECTIFY_ISA offer, what options ask for, and that a call reaches the kernels of
// that backend and no other. system.cmake runs the cases named Dispatch under several values of RECTIFY_ISA, each in a
// process of its own, because the variable is read once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "rectify/rectify.h"
#include "tests/support/backends.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/public_calls.hpp"

namespace rectify::tests {
namespace {

// ---- What is expected, worked out without the library ----

// What the compiler's runtime says of this machine; it looks at the operating system's part too.
bool machine_has(std::string_view backend) {
  if (backend == "scalar") return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  unsigned eax, ebx, ecx = 0, edx;
  __get_cpuid(1, &eax, &ebx, &ecx, &edx);
  if (backend == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (ecx & bit_F16C) != 0;
  if (backend == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  }
#elif defined(__aarch64__)
  if (backend == "neon") return true;
#endif
  return false;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The backends this process may run, best first, or the status of a RECTIFY_ISA that asks for the impossible.
struct Offer {
  int32_t status = RECTIFY_OK;
  std::vector<std::string> backends;

  bool has(const std::string& name) const { return std::find(backends.begin(), backends.end(), name) != backends.end(); }

  // The status of a call that asks for this backend.
  int32_t status_of(const std::string& name) const {
    if (status != RECTIFY_OK) return status;
    return !is_compiled(name) ? RECTIFY_ERROR_UNKNOWN_BACKEND : has(name) ? RECTIFY_OK : RECTIFY_ERROR_UNAVAILABLE_BACKEND;
  }
};

Offer expected_offer() {
  const char* const variable = std::getenv("RECTIFY_ISA");
  const std::vector<std::string> listed = split(variable ? variable : "");
  const bool restricted = variable != nullptr && *variable != '\0';
  Offer offer;
  if (restricted) {
    for (const std::string& name : listed) {
      const int32_t status = !is_compiled(name)   ? RECTIFY_ERROR_UNKNOWN_BACKEND
                             : !machine_has(name) ? RECTIFY_ERROR_UNAVAILABLE_BACKEND
                                                  : RECTIFY_OK;
      if (status != RECTIFY_OK) return {status, {}};
    }
  }
  for (const std::string& name : compiled_backends()) {
    const bool listed_here = std::find(listed.begin(), listed.end(), name) != listed.end();
    if (machine_has(name) && (!restricted || listed_here)) offer.backends.push_back(name);
  }
  return offer;
}

// ---- What the library says ----

TEST(Dispatch, OffersWhatTheMachineAndRectifyIsaAllow) {
  const Offer expected = expected_offer();
  for (const std::string& name : compiled_backends()) {
    EXPECT_EQ(rectify_backend_available(name.c_str()), expected.status_of(name)) << name;
  }
}

TEST(Dispatch, ChoosesTheBestBackendOffered) {
  const Offer expected = expected_offer();
  const char* const untouched = "untouched";
  const char* name = untouched;
  ASSERT_EQ(rectify_backend_in_use(nullptr, &name), expected.status);
  EXPECT_STREQ(name, expected.status == RECTIFY_OK ? expected.backends.front().c_str() : untouched);
  const char* const announced = std::getenv("RECTIFY_TESTS_EXPECT_BACKEND");
  EXPECT_STREQ(name, announced ? announced : name);
}

TEST(Dispatch, CallsSucceedOrFailAsOffered) {
  const Offer expected = expected_offer();
  std::vector<std::string> names = compiled_backends();
  for (const char* const unknown : {"", "avx", "AVX2", "avx2 ", "scalar,avx2", "nonsense"}) names.emplace_back(unknown);
  std::vector<PublicCall> calls;
  add_flat_calls(calls, 100, 0.1, 1.0);
  add_shaped_calls(calls, {2, 5, 10});
  add_shaped_calls(calls, {10, 10, 1});
  const std::vector<float> x = ordinary_values(100, 1), dy = ordinary_values(100, 2), slope = ordinary_values(10, 3);
  const Results<> failed = [&] {
    const rectify_options bad = {};  // struct_size 0: refused before anything else
    return run_call(calls.back(), x.data(), dy.data(), slope.data(), &bad);
  }();
  ASSERT_EQ(failed.status, RECTIFY_ERROR_INVALID_OPTIONS);
  for (const PublicCall& call : calls) {
    EXPECT_EQ(run_call(call, x.data(), dy.data(), slope.data(), nullptr).status, expected.status) << call;
    for (const std::string& name : names) {
      const rectify_options options = options_for(name);
      const Results<> results = run_call(call, x.data(), dy.data(), slope.data(), &options);
      EXPECT_EQ(results.status, expected.status_of(name)) << call << " with " << name;
      if (results.status == RECTIFY_OK) continue;
      for (const float value : results.out) ASSERT_EQ(value, unwritten<float>) << call << " wrote, and failed";
      for (const float value : results.sums) ASSERT_EQ(value, unwritten<float>) << call << " wrote, and failed";
    }
  }
}

TEST(Dispatch, NamesItsBackendsBestFirst) {
  const std::vector<std::string> names = compiled_backends();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size()) << "a name occurs twice";
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "scalar");
  const std::vector<std::string> order = {"avx512", "avx2", "neon", "scalar"};
  const auto place = [&](const std::string& name) { return std::find(order.begin(), order.end(), name); };
  EXPECT_TRUE(
      std::is_sorted(names.begin(), names.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); }));
  EXPECT_EQ(rectify_backend_name(names.size()), nullptr);
  EXPECT_EQ(rectify_backend_name(std::numeric_limits<size_t>::max()), nullptr);
}

TEST(Dispatch, RefusesNullNames) {
  EXPECT_EQ(rectify_backend_available(nullptr), RECTIFY_ERROR_NULL_POINTER);
  EXPECT_EQ(rectify_backend_in_use(nullptr, nullptr), RECTIFY_ERROR_NULL_POINTER);
}

// A program may change its environment while other threads compute.
TEST(Dispatch, ReadsRectifyIsaOnce) {
  const char* before = "none";
  const int32_t status = rectify_backend_in_use(nullptr, &before);
  setenv("RECTIFY_ISA", "nonsense", 1);
  const char* after = "none";
  EXPECT_EQ(rectify_backend_in_use(nullptr, &after), status);
  EXPECT_STREQ(after, before);
}

}  // namespace
}  // namespace rectify::tests
