// A mask as rectify.h describes it, bit by bit in plain C++: element i is bit i % 8 of byte i / 8, set where x > 0 or x is
// NaN.
#pragma once

#include <cstddef>
#include <ranges>
#include <vector>

#include "tests/support/formats.hpp"

namespace rectify::tests {

constexpr size_t mask_bytes(size_t elements) { return (elements + 7) / 8; }

template <class Bytes>
bool bit_of(const Bytes& mask, size_t i) {
  return (mask[i / 8] >> i % 8 & 1) != 0;
}

template <std::ranges::contiguous_range Tensor>
std::vector<unsigned char> mask_of(const Tensor& x) {
  const size_t n = std::ranges::size(x);
  std::vector<unsigned char> mask(mask_bytes(n));
  const auto* const value = std::ranges::data(x);  // by pointers: it runs unoptimized too
  unsigned char* const byte = mask.data();
  for (size_t i = 0; i < n; ++i) {
    if (!(widened(value[i]) <= 0)) byte[i / 8] = static_cast<unsigned char>(byte[i / 8] | 1 << i % 8);
  }
  return mask;
}

}  // namespace rectify::tests
