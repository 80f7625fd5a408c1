// The inputs where an activation's branches, roundings and clamps change: every test of bits goes through them.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/same_bits.hpp"

namespace rectify::tests {

inline std::vector<float> special_values() {
  std::vector<float> values;
  const auto both_signs = [&](uint32_t magnitude) {
    values.push_back(float_of(magnitude));
    values.push_back(float_of(magnitude | 0x80000000u));
  };
  const auto with_neighbours = [&](float value) {
    for (const float v : {value, -value}) {
      values.push_back(std::nextafter(v, -std::numeric_limits<float>::infinity()));
      values.push_back(v);
      values.push_back(std::nextafter(v, std::numeric_limits<float>::infinity()));
    }
  };

  both_signs(0x00000000u);  // zero: the select border
  both_signs(0x00000001u);  // smallest denormal: its nearest neighbours
  both_signs(0x00000002u);
  both_signs(0x00400000u);  // a denormal in the middle
  both_signs(0x007fffffu);  // largest denormal
  both_signs(0x00800000u);  // smallest normal
  both_signs(0x00800001u);
  both_signs(0x7f7fffffu);  // largest finite
  both_signs(0x7f800000u);  // infinity
  both_signs(0x7fc00000u);  // quiet NaN
  both_signs(0x7fc12345u);  // quiet NaN with a payload
  both_signs(0x7fffffffu);
  both_signs(0x7f800001u);  // signalling NaN
  both_signs(0x7fa54321u);  // signalling NaN with a payload
  both_signs(0x7fbfffffu);

  for (const float v : {1.0f, 0.5f, 2.0f, 0.34657359f, 0.69314718f, 1.0397208f}) with_neighbours(v);  // halves of ln 2
  for (const float v : {0x1p-24f, 0x1p-25f, 0x1p-12f, 1e-3f, 0.1f}) with_neighbours(v);
  // Where expm1 saturates and its clamp sits, and where exp turns denormal and ends.
  for (const float v : {16.635532f, 17.0f, 17.25f, 17.3f, 17.328679f, 18.0f, 20.0f}) with_neighbours(v);
  for (const float v : {64.0f, 86.0f, 87.0f, 87.33654f, 87.336555f, 88.0f, 88.02969f, 88.72284f, 89.0f}) with_neighbours(v);
  for (const float v : {102.0f, 103.0f, 103.27893f, 103.97f, 103.97208f, 104.0f, 104.1f, 105.0f}) with_neighbours(v);
  for (const float v : {126.0f, 127.0f, 128.0f, 149.0f, 150.0f, 1000.0f, 0x1p23f, 0x1p24f, 0x1p31f, 1e30f})
    with_neighbours(v);
  return values;
}

}  // namespace rectify::tests
