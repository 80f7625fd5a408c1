// Memory accesses of 16 bytes and the conversions of f16, for a C++ compiler: the counterpart of
// kernels/cuda/device/ptx.cuh.
#pragma once

#include "kernels/scalar/conversions.hpp"
#include "launch.cuh"

namespace rectify {
namespace {

struct alignas(16) [[gnu::may_alias]] Piece16 {
  uint32_t word[4];
};

__forceinline__ Piece16 load_16_bytes(const void* p) { return *static_cast<const Piece16*>(p); }
__forceinline__ void store_16_bytes(void* p, const Piece16& a) { *static_cast<Piece16*>(p) = a; }

// Of every NaN the one that a GPU makes.
__forceinline__ float float_of_half(uint16_t bits) {
  const float value = scalar::widen(Half{bits});
  return value != value ? std::bit_cast<float>(0x7FFFFFFFu) : value;
}
__forceinline__ uint16_t half_of_float(float value) {
  Half half;
  scalar::narrow(value, &half);
  return value != value ? uint16_t{0x7FFF} : half.bits;
}

}  // namespace
}  // namespace rectify
