// How much a test runs: little where a CPU is emulated (RECTIFY_TESTS_EMULATED, set by the build), every float where the
// environment variable RECTIFY_EXHAUSTIVE is 1, else what takes seconds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace rectify::tests {

#if defined(RECTIFY_TESTS_EMULATED)
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif

inline bool exhaustive() {
  const char* const value = std::getenv("RECTIFY_EXHAUSTIVE");
  return value != nullptr && std::string_view(value) == "1";
}

// The step between the floats tried, counted in bits: a prime, so that every exponent meets other mantissas.
// RECTIFY_INPUT_STRIDE, another prime, is for who runs a family a second time.
inline uint64_t input_stride() {
  if (exhaustive()) return 1;
  if (const char* const given = std::getenv("RECTIFY_INPUT_STRIDE")) return std::strtoull(given, nullptr, 10);
  return emulated ? 10007 : 251;
}

}  // namespace rectify::tests
