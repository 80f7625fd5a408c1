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

template <std::ranges::random_access_range Tensor>
std::vector<unsigned char> mask_of(const Tensor& x) {
  std::vector<unsigned char> mask(mask_bytes(std::ranges::size(x)));
  for (size_t i = 0; i < std::ranges::size(x); ++i) {
    if (!(widened(x[i]) <= 0)) mask[i / 8] = static_cast<unsigned char>(mask[i / 8] | 1 << i % 8);
  }
  return mask;
}

}  // namespace rectify::tests
