// 32 elements of bf16 as a pair of F32: one shift and one `and` to load, 8 operations to round and store.
#pragma once

#include "../pair.hpp"
#include "patterns.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE Pair<F32> split(__m512i words) {
  const __m512i odd = _mm512_and_si512(words, _mm512_set1_epi32(static_cast<int32_t>(0xFFFF0000)));
  return {{_mm512_castsi512_ps(_mm512_slli_epi32(words, 16))}, {_mm512_castsi512_ps(odd)}};
}
// The nearest, ties to even, all 32 at once: one is added to the upper half where the lower is above 0x8000, or is that and
// the upper odd, i.e. where it still has its first bit when one has been taken from it unless the upper is odd. A NaN stays
// one unless its payload is about all ones: see without_payload().
RECTIFY_INLINE __m512i joined(Pair<F32> a) {
  const __m512i even = _mm512_castps_si512(a.even.v), odd = _mm512_castps_si512(a.odd.v);
  const __m512i upper = _mm512_mask_mov_epi16(_mm512_srli_epi32(even, 16), 0xAAAAAAAA, odd);
  const __m512i lower = _mm512_mask_mov_epi16(even, 0xAAAAAAAA, _mm512_slli_epi32(odd, 16));
  const __m512i taken = _mm512_subs_epu16(lower, _mm512_andnot_si512(upper, _mm512_set1_epi16(1)));
  return _mm512_add_epi16(upper, _mm512_srli_epi16(taken, 15));
}

RECTIFY_INLINE Pair<F32> load_pair(const Bfloat* p, F32) { return split(_mm512_loadu_si512(p)); }
RECTIFY_INLINE Pair<F32> load_pair_partial(const Bfloat* p, size_t count, F32) {
  return split(_mm512_maskz_loadu_epi16(first_word_lanes(count), p));
}
RECTIFY_INLINE void store_pair(Bfloat* p, Pair<F32> a) { _mm512_storeu_si512(p, joined(a)); }
RECTIFY_INLINE void store_pair_partial(Bfloat* p, Pair<F32> a, size_t count) {
  _mm512_mask_storeu_epi16(p, first_word_lanes(count), joined(a));
}
RECTIFY_INLINE void stream_pair(Bfloat* p, Pair<F32> a) { _mm512_stream_si512(reinterpret_cast<__m512i*>(p), joined(a)); }

// What patterns are computed in: rather than halves.
RECTIFY_INLINE Pair<F32> widened(Patterns<Bfloat> a) { return split(a.v); }
RECTIFY_INLINE Patterns<Bfloat> narrowed(Pair<F32> a, Bfloat) { return {joined(a)}; }

// f32, as parameters and sums have it: two vectors in order.
RECTIFY_INLINE Pair<F32> split(F32 low, F32 high) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  return {{_mm512_permutex2var_ps(low.v, even, high.v)}, {_mm512_permutex2var_ps(low.v, odd, high.v)}};
}
RECTIFY_INLINE Pair<F32> load_pair(const float* p, F32) { return split(F32::load(p), F32::load(p + F32::lanes)); }
RECTIFY_INLINE Pair<F32> load_pair_partial(const float* p, size_t count, F32) {
  constexpr size_t lanes = F32::lanes;
  if (count < lanes) return split(F32::load_partial(p, count), F32::broadcast(0));
  return split(F32::load(p), F32::load_partial(p + lanes, count - lanes));
}
RECTIFY_INLINE F32 lower_half(Pair<F32> a) {
  const __m512i elements = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return {_mm512_permutex2var_ps(a.even.v, elements, a.odd.v)};
}
RECTIFY_INLINE F32 upper_half(Pair<F32> a) {
  const __m512i elements = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return {_mm512_permutex2var_ps(a.even.v, elements, a.odd.v)};
}

RECTIFY_INLINE Both<Mask32> pair_mask_of(uint64_t word, size_t begin, F32) {
  const __m512i even = _mm512_setr_epi32(1, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18,
                                         1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30);
  const __m512i words = _mm512_set1_epi32(static_cast<int32_t>(word >> begin));
  return {{_mm512_test_epi32_mask(words, even)}, {_mm512_test_epi32_mask(words, _mm512_add_epi32(even, even))}};
}

}  // namespace
}  // namespace rectify
