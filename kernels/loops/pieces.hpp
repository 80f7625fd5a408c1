// What is done around sums that are taken without dx beside them, while a piece of the tensor is in the first cache.
#pragma once

#include "../stages.hpp"
#include "stores.hpp"

namespace rectify {
namespace {

// Elements that are summed before their dx is written: x, dy and dx of f32 fill three quarters of 32 KiB.
constexpr size_t stretch = 2048;

// No piece that is made in a tile is longer.
template <class Element>
constexpr size_t longest_piece = sizeof(Element) == 2 ? 8192 : 4096;

// In place of dx's formula where only sums are taken.
struct Nothing {};

// Handed on by reference: a copy of what has just been stored word by word waits for it.
template <class Element>
struct Pieces {
  const Element *x, *dy;       // where the elements of the piece in hand are, counted from the tensor's first
  MapKernel map_dx = nullptr;  // with `work`: dx, beside the sum
  const Work* work = nullptr;
  const Stages* made_by =
      nullptr;              // what is summed. If that goes past the caches it is not read again, but made twice: also
  Element* tile = nullptr;  // here

  RECTIFY_INLINE bool have_before() const { return made_by != nullptr || dx_is_first(); }
  RECTIFY_INLINE bool have_after() const { return goes_to_dx() && !dx_is_first(); }

  RECTIFY_INLINE void before(size_t begin, size_t end) {
    if (dx_is_first()) write_dx(begin, end);
    if (made_by != nullptr) {
      const Work& last = last_of(*made_by);
      void* const out = tile == nullptr ? last.out : first_of_tile(tile, begin, sizeof(Element));
      run_through(*made_by, begin, end, out);
      x = dy = static_cast<const Element*>(out);
      if (tile != nullptr) ask_for(static_cast<const Element*>(last.dy) + end);
    } else if (dx_is_first()) {
      ask_for(x + end);
      ask_for(dy + end);
    }
  }
  RECTIFY_INLINE void after(size_t begin, size_t end) const {
    if (have_after()) write_dx(begin, end);
  }

  // Past the caches dx is none of its inputs, and written while they are read; the sum then finds them in L1. With the sum
  // first memory is read without being written, and written without being read. In 16 bits either takes so long to compute
  // that it hides its share of memory's time. In the caches dx may be x or dy, which the sum needs.
  RECTIFY_INLINE bool dx_is_first() const {
    return sizeof(Element) > 2 && (tile != nullptr || (map_dx != nullptr && work->streaming));
  }

 private:
  RECTIFY_INLINE bool goes_to_dx() const { return map_dx != nullptr || tile != nullptr; }
  RECTIFY_INLINE void write_dx(size_t begin, size_t end) const {
    if (map_dx != nullptr) return map_dx(*work, begin, end);
    run_through(*made_by, begin, end, last_of(*made_by).out);
  }

  // The next piece, from its first element on, so that memory is not idle while L1 is summed: made pieces take 0.95 of the
  // time (Zen 3), with 128 lines 1.07.
  RECTIFY_INLINE static void ask_for(const Element* next) {
    for (size_t line = 0; line < 16; ++line) __builtin_prefetch(next + line * (64 / sizeof(Element)));
  }
};

}  // namespace
}  // namespace rectify
