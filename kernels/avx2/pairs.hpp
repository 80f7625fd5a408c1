// 16 elements of bf16 as a pair of F32: one shift and one `and` to load, 8 operations to round and store.
#pragma once

#include "../pair.hpp"
#include "patterns.hpp"

namespace rectify {
namespace {

RECTIFY_INLINE Pair<F32> split(__m256i words) {
  const __m256i odd = _mm256_and_si256(words, _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000)));
  return {{_mm256_castsi256_ps(_mm256_slli_epi32(words, 16))}, {_mm256_castsi256_ps(odd)}};
}
// The nearest, ties to even, all 16 at once: one is added to the upper half where the lower is above 0x8000, or is that and
// the upper odd, i.e. where it still has its first bit when one has been taken from it unless the upper is odd. A NaN stays
// one unless its payload is about all ones: see without_payload().
RECTIFY_INLINE __m256i joined(Pair<F32> a) {
  const __m256i even = _mm256_castps_si256(a.even.v), odd = _mm256_castps_si256(a.odd.v);
  const __m256i upper = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xAA);
  const __m256i lower = _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xAA);
  const __m256i taken = _mm256_subs_epu16(lower, _mm256_andnot_si256(upper, _mm256_set1_epi16(1)));
  return _mm256_add_epi16(upper, _mm256_srli_epi16(taken, 15));
}

RECTIFY_INLINE Pair<F32> load_pair(const Bfloat* p, F32) {
  return split(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
RECTIFY_INLINE Pair<F32> load_pair_partial(const Bfloat* p, size_t count, F32) {
  return split(Patterns<Bfloat>::load_partial(p, count).v);
}
RECTIFY_INLINE void store_pair(Bfloat* p, Pair<F32> a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), joined(a)); }
RECTIFY_INLINE void store_pair_partial(Bfloat* p, Pair<F32> a, size_t count) {
  store_partial(p, Patterns<Bfloat>{joined(a)}, count);
}
RECTIFY_INLINE void stream_pair(Bfloat* p, Pair<F32> a) { _mm256_stream_si256(reinterpret_cast<__m256i*>(p), joined(a)); }

// What patterns are computed in: rather than halves.
RECTIFY_INLINE Pair<F32> widened(Patterns<Bfloat> a) { return split(a.v); }
RECTIFY_INLINE Patterns<Bfloat> narrowed(Pair<F32> a, Bfloat) { return {joined(a)}; }

// f32, as parameters and sums have it. `low` and `high` are the quarters 0 and 2, and 1 and 3, of 16 elements.
RECTIFY_INLINE Pair<F32> split(__m256 low, __m256 high) {
  return {{_mm256_shuffle_ps(low, high, 0x88)}, {_mm256_shuffle_ps(low, high, 0xDD)}};
}
RECTIFY_INLINE Pair<F32> load_pair(const float* p, F32) {
  return split(_mm256_loadu2_m128(p + 8, p), _mm256_loadu2_m128(p + 12, p + 4));
}
RECTIFY_INLINE Pair<F32> load_pair_partial(const float* p, size_t count, F32) {
  const __m256 first = count < 8 ? F32::load_partial(p, count).v : F32::load(p).v;
  const __m256 second = count < 8 ? _mm256_setzero_ps() : F32::load_partial(p + 8, count - 8).v;
  return split(_mm256_permute2f128_ps(first, second, 0x20), _mm256_permute2f128_ps(first, second, 0x31));
}
// Quarters 0 and 2, and 1 and 3, of its elements.
RECTIFY_INLINE __m256 quarters02(Pair<F32> a) { return _mm256_unpacklo_ps(a.even.v, a.odd.v); }
RECTIFY_INLINE __m256 quarters13(Pair<F32> a) { return _mm256_unpackhi_ps(a.even.v, a.odd.v); }
RECTIFY_INLINE F32 lower_half(Pair<F32> a) { return {_mm256_permute2f128_ps(quarters02(a), quarters13(a), 0x20)}; }
RECTIFY_INLINE F32 upper_half(Pair<F32> a) { return {_mm256_permute2f128_ps(quarters02(a), quarters13(a), 0x31)}; }

RECTIFY_INLINE Both<Mask32> pair_mask_of(uint64_t word, size_t begin, F32) {
  const __m256i even = _mm256_setr_epi32(1, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 12, 1 << 14);
  const __m256i odd = _mm256_add_epi32(even, even), words = _mm256_set1_epi32(static_cast<int32_t>(word >> begin));
  return {{_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(words, even), even))},
          {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(words, odd), odd))}};
}

}  // namespace
}  // namespace rectify
