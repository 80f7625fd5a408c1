// One bit per element in place of x: element i is bit i % 8 of byte i / 8, clear where x is zero or below. 64 elements, a
// word of the mask, are a turn of the loop, so that shifting it to where the turn begins is paid once.
#pragma once

#include "map.hpp"

namespace rectify {
namespace {

constexpr size_t mask_turn = 64;

// 64 bits from bit `shift` < 8 on, reading no byte that has none of them.
RECTIFY_INLINE uint64_t word_at(const unsigned char* mask, size_t shift) {
  uint64_t low;
  __builtin_memcpy(&low, mask, 8);
  return shift == 0 ? low : low >> shift | uint64_t{mask[8]} << (64 - shift);
}

// Bits [first, first + count) of a mask, count <= 64, reading no byte that has none of them; those above are undefined.
RECTIFY_INLINE uint64_t read_bits(const unsigned char* mask, size_t first, size_t count) {
  mask += first / 8;
  const size_t shift = first % 8, bytes = (shift + count + 7) / 8;
  if (bytes == 9) return word_at(mask, shift);
  uint64_t bits = 0;
  for (size_t b = 0; b < bytes; ++b) bits |= uint64_t{mask[b]} << 8 * b;
  return bits >> shift;
}

// out = f(slope_side, inputs...) for elements [begin, end): slope_side is the mask of those whose bit is clear.
template <class V, class Element, Store how, Formula formula = Formula::brief, class F, class... Inputs>
RECTIFY_INLINE void map_masked(const Work& work, size_t begin, size_t end, F f, const Inputs*... inputs) {
  constexpr size_t lanes = V::lanes;
  const unsigned char* mask = static_cast<const unsigned char*>(work.x);
  Element* out = static_cast<Element*>(work.out);
  const auto load = [](const Element* p)
                        RECTIFY_LAMBDA { return formula == Formula::selecting ? V::load(p) : V::load_once(p); };
  const auto take = [&](size_t i, size_t count) RECTIFY_LAMBDA {
    const auto slope_side = V::mask_of(~read_bits(mask, i, count), 0);
    put_partial<how>(out + i, f(slope_side, V::load_partial(inputs + i, count)...), count);
  };
  size_t i = begin;
  if (const size_t head = smaller(end - begin, elements_to_alignment<V>(out + begin))) {
    take(i, head);
    i += head;
  }
  const unsigned char* word = mask + i / 8;
  const size_t shift = i % 8;
  for (; i + mask_turn <= end; i += mask_turn, word += mask_turn / 8) {
    if constexpr (formula == Formula::lengthy && how == Store::streaming) {
      prefetch_near<V, mask_turn>((inputs + i)...);
      // The bits another 0.94 of the time (16 bits, Zen 5).
      __builtin_prefetch(word + near_ahead<V, sizeof...(Inputs)> / sizeof(Element) / 8);
    }
    const uint64_t sides = ~word_at(word, shift);
    constexpr size_t vectors = smaller(4, mask_turn / lanes);
#pragma GCC unroll 8
    for (size_t at = 0; at < mask_turn; at += vectors * lanes) {
      put_turn<V, how, vectors, loads_first<V, how>>(out + i + at, [&](size_t v) RECTIFY_LAMBDA {
        return f(V::mask_of(sides, at + v * lanes), load(inputs + i + at + v * lanes)...);
      });
    }
  }
  for (; i + lanes <= end; i += lanes) {
    put<how>(out + i, f(V::mask_of(~read_bits(mask, i, lanes), 0), load(inputs + i)...));
  }
  if (i != end) take(i, end - i);
}

}  // namespace
}  // namespace rectify
