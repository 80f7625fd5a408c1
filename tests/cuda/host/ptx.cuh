// Memory accesses of 16 bytes and the conversions of 16-bit elements, for a C++ compiler: the counterpart of
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
template <class Element>
__forceinline__ uint32_t narrowed_bits(float value) {
  Element element;
  scalar::narrow(value, &element);
  return value != value ? 0x7FFF : element.bits;
}
__forceinline__ uint32_t halves_of_floats(float low, float high) {
  return narrowed_bits<Half>(low) | narrowed_bits<Half>(high) << 16;
}
__forceinline__ uint32_t bfloats_of_floats(float low, float high) {
  return narrowed_bits<Bfloat>(low) | narrowed_bits<Bfloat>(high) << 16;
}

}  // namespace
}  // namespace rectify
