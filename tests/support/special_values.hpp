// The inputs where an activation's branches, roundings and clamps change: every test of bits goes through them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tests/support/formats.hpp"

namespace rectify::tests {

template <AnyNumber T = float>
std::vector<T> special_values() {
  using N = Number<T>;
  using Bits = BitsOf<T>;
  std::vector<T> values;
  const auto push = [&](uint64_t bits) { values.push_back(from_bits<T>(static_cast<Bits>(bits))); };
  const auto both_signs = [&](uint64_t magnitude) {
    push(magnitude);
    push(magnitude | N::sign);
  };
  const auto with_neighbours = [&](std::initializer_list<double> list) {
    for (const double value : list) {
      const uint64_t bits = bits_of(rounded<T>(value));
      if (bits == 0 || bits == N::infinity) continue;
      for (const uint64_t each : {bits - 1, bits, bits + 1}) push(each);
      for (const uint64_t each : {bits + 1, bits, bits - 1}) push(each | N::sign);
    }
  };
  // A payload of 23 bits, fitted to the format.
  const auto payload = [](uint64_t bits) {
    return N::precision > 24 ? bits << (N::precision - 24) : bits >> (24 - N::precision);
  };

  both_signs(0);  // zero: the select border
  both_signs(1);  // smallest denormal: its nearest neighbours
  both_signs(2);
  both_signs(N::smallest_normal / 2);  // a denormal in the middle
  both_signs(N::smallest_normal - 1);  // largest denormal
  both_signs(N::smallest_normal);
  both_signs(N::smallest_normal + 1);
  both_signs(N::infinity - 1);  // largest finite
  both_signs(N::infinity);
  both_signs(N::infinity | N::quiet);                      // quiet NaN
  both_signs(N::infinity | N::quiet | payload(0x012345));  // with a payload
  both_signs(N::sign - 1);
  both_signs(N::infinity + 1);                  // signalling NaN
  both_signs(N::infinity | payload(0x254321));  // with a payload
  both_signs(N::infinity | (N::quiet - 1));

  with_neighbours({1.0, 0.5, 2.0, 0.34657359, 0.69314718, 1.0397208});  // halves of ln 2
  with_neighbours({0x1p-24, 0x1p-25, 0x1p-12, 1e-3, 0.1});
  // Where expm1 saturates and its clamp sits, and where exp turns denormal and ends.
  with_neighbours({16.635532, 17.0, 17.25, 17.3, 17.328679, 18.0, 20.0});
  with_neighbours({64.0, 86.0, 87.0, 87.33654, 87.336555, 88.0, 88.02969, 88.72284, 89.0});
  with_neighbours({102.0, 103.0, 103.27893, 103.97, 103.97208, 104.0, 104.1, 105.0});
  with_neighbours({126.0, 127.0, 128.0, 149.0, 150.0, 1000.0, 0x1p23, 0x1p24, 0x1p31, 1e30});
  if constexpr (sizeof(T) == 8) {
    with_neighbours({0.34657359027997264, 0.69314718055994531, 1.0397207708399179});
    with_neighbours({0x1p-53, 0x1p-54, 0x1p-27, 36.04365338911715, 36.7368005696771, 37.0, 37.42994775023705, 38.0, 39.0});
    with_neighbours({707.0, 708.0, 708.3964185322641, 709.0, 709.782712893384, 710.0, 744.4400719213812, 745.0});
    with_neighbours(
        {745.1332191019412, 746.0, 747.0, 1022.0, 1023.0, 1024.0, 1074.0, 1075.0, 0x1p52, 0x1p53, 0x1p63, 1e300});
  }
  if constexpr (N::precision == 11) {  // what is denormal in f16, or just not, where exp and products end
    with_neighbours(
        {0x1p-14, 0x1p-13, 8.317766, 9.0109, 9.7040605, 10.397208, 16.6355, 17.328680, 255.875, 256.0, 32752.0});
  }
  return values;
}

}  // namespace rectify::tests
