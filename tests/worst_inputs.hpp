// The inputs where ELU's error against the exact value is largest, found by going through every negative float
// (RECTIFY_EXHAUSTIVE=1). They stand in every ordinary run, with the error that each must show.
#pragma once

#include <cstdint>

namespace rectify::tests {

struct WorstInput {
  uint32_t alpha;  // bits
  uint32_t x;      // bits
  double ulp;      // the error there, rounded to four decimals
};

// Value: alpha * expm1(x). The first is the worst of alpha = 1, the second of every alpha tried.
inline constexpr WorstInput worst_values[] = {
    {0x3f800000u, 0xbeb1a9f4u, 0.9109},
    {0x3fdaf340u, 0xbeb0fc7eu, 2.0510},
};

// Factor of the gradient: exp(x), with alpha = 1 and dy = 1. The worst normal result and the worst denormal one.
inline constexpr WorstInput worst_exponentials[] = {
    {0x3f800000u, 0xc26d0dbbu, 1.0894},
    {0x3f800000u, 0xc2b00d32u, 0.7494},
};

}  // namespace rectify::tests
