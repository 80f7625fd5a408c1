// Runs a test body once per backend that is compiled into the library, and makes sure that it is that backend which ran.
//
//   class Relu : public OnEachBackend {};
//   RECTIFY_ON_EACH_BACKEND(Relu);
//   TEST_P(Relu, PassesZero) { rectify_relu_forward(..., &options); }     → Relu.PassesZero/avx2, Relu.PassesZero/scalar, …
//
// A backend that this machine lacks is a skip that names it. RECTIFY_REQUIRE_ISA=avx2,avx512 turns the skip of a backend it
// names into a failure, so that a machine that is meant to have an ISA cannot be green without it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "rectify/rectify.h"

namespace rectify::tests {

// Every backend compiled into the library, best first, whether this machine has it or not.
inline std::vector<std::string> compiled_backends() {
  std::vector<std::string> names;
  for (size_t i = 0; const char* name = rectify_backend_name(i); ++i) names.emplace_back(name);
  return names;
}

inline bool is_compiled(const std::string& backend) {
  const std::vector<std::string> names = compiled_backends();
  return std::find(names.begin(), names.end(), backend) != names.end();
}

inline bool is_available(const std::string& backend) { return rectify_backend_available(backend.c_str()) == RECTIFY_OK; }

// The names in RECTIFY_REQUIRE_ISA.
inline std::vector<std::string> required_backends() {
  std::vector<std::string> names;
  const char* const list = std::getenv("RECTIFY_REQUIRE_ISA");
  std::string_view rest = list ? list : "";
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    if (comma > 0) names.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return names;
}

inline bool is_required(const std::string& backend) {
  const std::vector<std::string> names = required_backends();
  return std::find(names.begin(), names.end(), backend) != names.end();
}

// Does nothing where the backend can run. Otherwise ends the case: a skip that names the backend, or a failure where
// RECTIFY_REQUIRE_ISA names it or the status is anything but "not on this machine". After a call in a test body or in
// SetUp(): if (testing::Test::IsSkipped() || testing::Test::HasFatalFailure()) return;
inline void skip_or_fail(const std::string& backend) {
  for (const std::string& required : required_backends()) {
    ASSERT_TRUE(is_compiled(required)) << "RECTIFY_REQUIRE_ISA names " << required << ", which is not compiled in";
  }
  const int32_t status = rectify_backend_available(backend.c_str());
  if (status == RECTIFY_OK) return;
  ASSERT_EQ(status, RECTIFY_ERROR_UNAVAILABLE_BACKEND) << backend << ": " << rectify_status_text(status);
  ASSERT_FALSE(is_required(backend)) << backend << " is required by RECTIFY_REQUIRE_ISA: " << rectify_status_text(status);
  GTEST_SKIP() << backend << ": " << rectify_status_text(status);
}

// Options that ask for one backend; the string must outlive them.
inline rectify_options options_for(const std::string& backend, size_t threads = 0) {
  rectify_options options{};
  options.struct_size = sizeof options;
  options.threads = threads;
  options.backend = backend.c_str();
  return options;
}

inline std::string backend_in_use(const rectify_options& options) {
  const char* name = "none";
  const int32_t status = rectify_backend_in_use(&options, &name);
  return status == RECTIFY_OK ? name : rectify_status_text(status);
}

// Sets `options` to reach one backend and makes sure that they do; otherwise as skip_or_fail(). The best is reached without
// its name, as by most callers: what names none takes another way (dispatch/function.hpp), which the tests see so.
inline void reach(const std::string& backend, rectify_options& options) {
  skip_or_fail(backend);
  if (testing::Test::IsSkipped() || testing::Test::HasFatalFailure()) return;
  options = options_for(backend);
  options.backend = nullptr;
  if (backend_in_use(options) != backend) options.backend = backend.c_str();
  ASSERT_EQ(backend_in_use(options), backend) << "the call does not reach the backend it asks for";
}

// A fixture whose parameter is the name of a backend. `options` reaches it.
class OnEachBackend : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { reach(GetParam(), options); }

  rectify_options options{};
};

inline const std::string scalar_backend = "scalar";

// The compiled ones that are not the reference.
inline std::vector<std::string> vector_backends() {
  std::vector<std::string> names = compiled_backends();
  std::erase(names, scalar_backend);
  return names;
}

}  // namespace rectify::tests

// One case per backend, named after it. Without backends the suite is empty, which GoogleTest reports as a failure.
#define RECTIFY_ON_EACH_BACKEND(fixture)                                                        \
  INSTANTIATE_TEST_SUITE_P(, fixture, testing::ValuesIn(::rectify::tests::compiled_backends()), \
                           [](const testing::TestParamInfo<std::string>& backend) { return backend.param; })
