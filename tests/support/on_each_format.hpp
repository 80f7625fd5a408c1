// Test bodies that are written once over a number format and run for every format on every backend:
//
//   class Relu : public OnEachFormat {};
//   RECTIFY_ON_EACH_FORMAT(Relu, PassesZero) { … Element … Slope … Scalar … options … }
//
// gives Relu.PassesZero/f32/avx2, …, Relu.PassesZero/bf16_slopes/scalar. What has no slopes of its own is written with
// RECTIFY_ON_EACH_ELEMENT_TYPE and skips the formats that differ in the slopes alone.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/effort.hpp"
#include "tests/support/formats.hpp"

namespace rectify::tests {

// One format for each element type, with slopes of either kind.
template <class Format>
inline constexpr bool stands_for_element_type =
    std::is_same_v<Format, formats::f32> || std::is_same_v<Format, formats::f64> || std::is_same_v<Format, formats::f16> ||
    std::is_same_v<Format, formats::bf16_slopes>;

// `options` reach `backend`. A fixture may hide what stands first: the formats it takes, the backends, and the variants,
// for each of which there is a case of its own.
//
// An emulator is slow, and there for the kernels of its architecture. These are held to the reference kernel by kernel in
// all formats, and to the golden hashes, as is the reference itself. What tests values takes a format for each element type
// there, other families one whose elements are computed with as they are and one whose elements are widened; all leave the
// reference out.
class OnEachFormat : public testing::Test {
 public:
  template <class Format>
  static constexpr bool takes = true;
  template <class Format>
  static constexpr bool takes_in_emulator =
      std::is_same_v<Format, formats::f32> || std::is_same_v<Format, formats::bf16_slopes>;
  static std::vector<std::string> backends() { return emulated ? vector_backends() : compiled_backends(); }
  template <class Format>
  static std::vector<std::string> variants() {
    return {""};
  }
  std::string backend;
  std::string variant;

 protected:
  void SetUp() override { reach(backend, options); }

  rectify_options options{};
};

// For what is about how a call is run: tasks are cut by elements, and know of a format how large an element, a node and a
// sum are. One format of each kind stands for the others.
template <class Format>
inline constexpr bool differs_in_tasks = std::is_same_v<Format, formats::f32> || std::is_same_v<Format, formats::f64> ||
                                         std::is_same_v<Format, formats::bf16_slopes>;

// For bodies that compare with the scalar reference.
class AgainstScalar : public OnEachFormat {
 protected:
  void SetUp() override {
    OnEachFormat::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) reach(scalar_backend, scalar);
  }

  rectify_options scalar{};
};

// The same on the backends that are not the reference.
class VectorsAgainstScalar : public AgainstScalar {
 public:
  static std::vector<std::string> backends() { return vector_backends(); }
};

template <template <class Format> class Case, bool once_per_element_type>
bool register_on_each_format(const char* suite, const std::string& name, const char* file, int line) {
  for_each_format([&]<class Format>() {
    constexpr bool is_meant =
        once_per_element_type ? Format::has_scalar_slopes : !emulated || Case<Format>::template takes_in_emulator<Format>;
    if constexpr (is_meant && Case<Format>::template takes<Format>) {
      for (const std::string& variant : Case<Format>::template variants<Format>()) {
        for (const std::string& backend : Case<Format>::backends()) {
          const std::string full_name =
              name + "/" + (variant.empty() ? variant : variant + "/") + Format::name + "/" + backend;
          testing::RegisterTest(suite, full_name.c_str(), nullptr, nullptr, file, line, [=]() -> testing::Test* {
            Case<Format>* const test = new Case<Format>;
            test->backend = backend;
            test->variant = variant;
            return test;
          });
        }
      }
    }
  });
  return true;
}

}  // namespace rectify::tests

#define RECTIFY_FORMAT_CASE(Fixture, Name, once_per_element_type)                                                   \
  template <class Format>                                                                                           \
  class Fixture##_##Name final : public Fixture {                                                                   \
    using Element = typename Format::Element;                                                                       \
    using Slope = typename Format::Slope;                                                                           \
    using Scalar = typename Format::Scalar;                                                                         \
    using Values = std::vector<Element>;                                                                            \
    void TestBody() override;                                                                                       \
  };                                                                                                                \
  [[maybe_unused]] const bool registered_##Fixture##_##Name =                                                       \
      ::rectify::tests::register_on_each_format<Fixture##_##Name, once_per_element_type>(#Fixture, #Name, __FILE__, \
                                                                                         __LINE__);                 \
  template <class Format>                                                                                           \
  void Fixture##_##Name<Format>::TestBody()

#define RECTIFY_ON_EACH_FORMAT(Fixture, Name) RECTIFY_FORMAT_CASE(Fixture, Name, false)
#define RECTIFY_ON_EACH_ELEMENT_TYPE(Fixture, Name) RECTIFY_FORMAT_CASE(Fixture, Name, true)
