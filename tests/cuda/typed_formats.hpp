// The number formats as the types of typed tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/formats.hpp"

namespace rectify::tests {

using Formats =
    testing::Types<formats::f32, formats::f16, formats::bf16, formats::f64, formats::f16_slopes, formats::bf16_slopes>;
struct FormatName {
  template <class Format>
  static std::string GetName(int) {
    return Format::name;
  }
};

}  // namespace rectify::tests
