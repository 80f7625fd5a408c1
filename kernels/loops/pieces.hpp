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

// Handed on by reference: a copy of what has just been stored word by word waits for it.
template <class Element>
struct Pieces {
  const Element *x, *dy;            // where the elements of the piece in hand are, counted from the tensor's first
  MapKernel followed_by = nullptr;  // after the sum, with `work`
  const Work* work = nullptr;
  const Stages* made_by = nullptr;  // before it. What goes past the caches is not read again, but made twice: first here:
  Element* tile = nullptr;

  RECTIFY_INLINE bool are_something() const { return followed_by != nullptr || made_by != nullptr; }

  RECTIFY_INLINE void before(size_t begin, size_t end) {
    if (made_by == nullptr) return;
    const Work& last = last_of(*made_by);
    void* const out = tile == nullptr ? last.out : first_of_tile(tile, begin, sizeof(Element));
    run_through(*made_by, begin, end, out);
    x = dy = static_cast<const Element*>(out);
    if (tile == nullptr) return;
    // So that memory is not idle meanwhile: 0.95 of the time (Zen 3), with 128 lines 1.07.
    const auto* next = static_cast<const Element*>(last.dy) + end;
    for (size_t line = 0; line < 16; ++line) __builtin_prefetch(next + line * (64 / sizeof(Element)));
  }
  RECTIFY_INLINE void after(size_t begin, size_t end) const {
    if (followed_by != nullptr) followed_by(*work, begin, end);
    if (tile != nullptr) run_through(*made_by, begin, end, last_of(*made_by).out);
  }
};

}  // namespace
}  // namespace rectify
