// The inputs where ELU's error against the exact value is largest, found by going through every negative float
// (RECTIFY_EXHAUSTIVE=1). They stand in every ordinary run, with the error that each must show.
#pragma once

#include <cstdint>

namespace rectify::tests {

struct WorstInput {
  uint32_t alpha;  // bits
  uint32_t x;      // bits
  double ulp;      // the error there, rounded to three decimals
};

// Value: alpha * expm1(x).
inline constexpr WorstInput worst_values[] = {
    {0x3fdaf340u, 0xbeb0fc7eu, 2.051},
};

// Factor of the gradient: exp(x), with alpha = 1 and dy = 1.
inline constexpr WorstInput worst_exponentials[] = {
    {0x3f800000u, 0xbeb0fc7eu, 0.0},
};

}  // namespace rectify::tests
