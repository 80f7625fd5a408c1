// The conversion of AVX512_BF16 (VCVTNEPS2BF16, VCVTNE2PS2BF16) is the library's rounding to bf16 but for one thing: it
// takes denormals for zeros, whatever MXCSR says. Proved here for every float, for what Intel's manual describes, and on a
// CPU that has the instruction for the instruction itself.
//
// No kernel uses it. For 32 elements it takes 4 operations, its shuffle 1 or 2, and the search for denormals 4 more; the 8
// operations of kernels/avx512/pairs.hpp are spread over more pipes. llvm-mca 19 has 1.5 cycles for these on Zen 4 and 4 on
// Sapphire Rapids, and 2.5 and 5 with the instruction.
#include <gtest/gtest.h>
#include <immintrin.h>

#include <cstdint>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/same_bits.hpp"

namespace rectify::tests {
namespace {

bool is_denormal(uint32_t bits) { return (bits & 0x7fffffff) != 0 && (bits & 0x7fffffff) < 0x00800000; }

// Its operation in the manual, word for word.
Bfloat by_the_manual(uint32_t bits) {
  const uint32_t magnitude = bits & 0x7fffffff, upper = bits >> 16;
  if (magnitude == 0 || is_denormal(bits)) return {static_cast<uint16_t>(upper & 0x8000)};
  if (magnitude == 0x7f800000) return {static_cast<uint16_t>(upper)};
  if (magnitude > 0x7f800000) return {static_cast<uint16_t>(upper | 0x0040)};
  return {static_cast<uint16_t>((bits + 0x7fff + (upper & 1)) >> 16)};
}

// The integer rounding of the kernels.
Bfloat by_integers(uint32_t bits) { return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)}; }

// check(bits) for a stride of all floats, or all, and for those where the two may differ: denormals and what lies around
// them, ties, infinities and NaN.
template <class Check>
void for_many_floats(Check check) {
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += input_stride()) check(static_cast<uint32_t>(bits));
  if (exhaustive()) return;
  for (const uint32_t sign : {0u, 0x80000000u}) {
    for (uint32_t bits = 0; bits < 0x00810000; ++bits) check(sign | bits);
    for (uint32_t upper = 0; upper < 0x8000; ++upper) {
      for (const uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) check(sign | upper << 16 | lower);
    }
  }
}

TEST(BfloatInstruction, RoundsAllButDenormalsAsTheManualSaysIt) {
  uint64_t wrong = 0;
  for_many_floats([&](uint32_t bits) {
    const Bfloat expected = rounded<Bfloat>(static_cast<double>(float_of(bits)));
    const Bfloat given = is_denormal(bits) ? by_integers(bits) : by_the_manual(bits);
    wrong += !same_bits(expected, given);
  });
  EXPECT_EQ(wrong, 0u);
}

TEST(BfloatInstruction, WouldLoseDenormals) {
  EXPECT_EQ(by_the_manual(0x00400000).bits, 0x0000);
  EXPECT_EQ(by_integers(0x00400000).bits, 0x0040);
  EXPECT_EQ(by_integers(0x007fffff).bits, 0x0080);  // up to the smallest normal one
}

__attribute__((target("avx512f,avx512bf16"))) void by_the_instruction(const uint32_t* bits, Bfloat* out) {
  const auto rounded = _mm512_cvtneps_pbh(_mm512_castsi512_ps(_mm512_loadu_si512(bits)));
  static_assert(sizeof rounded == 32);
  __builtin_memcpy(out, &rounded, sizeof rounded);
}

TEST(BfloatInstruction, IsWhatTheManualSays) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bf16")) {
    GTEST_SKIP() << "this CPU has no AVX512_BF16";
  }
  std::vector<uint32_t> bits;
  Bfloat out[16];
  uint64_t wrong = 0;
  for_many_floats([&](uint32_t each) {
    bits.push_back(each);
    if (bits.size() < 16) return;
    by_the_instruction(bits.data(), out);
    for (size_t i = 0; i < 16; ++i) wrong += out[i].bits != by_the_manual(bits[i]).bits;
    bits.clear();
  });
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace rectify::tests
