// What is done around sums that are taken without dx beside them, while a piece of the tensor is in the first cache.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

// Elements that are summed before their dx is written: x, dy and dx of f32 fill three quarters of 32 KiB.
constexpr size_t stretch = 2048;

// No piece that is made in a tile is longer.
template <class Element>
constexpr size_t longest_piece = sizeof(Element) == 2 ? 8192 : 4096;

template <class Element>
struct Pieces {
  const Element *x, *dy;  // where the elements of the piece in hand are, counted from the tensor's first
  const Work* work = nullptr;
  MapKernel made_by = nullptr;      // before the sum, which is of work->out, or of the tile in its place
  MapKernel followed_by = nullptr;  // after it, into work->out
  Element* tile = nullptr;

  RECTIFY_INLINE bool are_something() const { return made_by != nullptr || followed_by != nullptr; }

  RECTIFY_INLINE void before(size_t begin, size_t end) {
    if (made_by == nullptr) return;
    if (tile == nullptr) return made_by(*work, begin, end);
    Work to_tile = *work;
    to_tile.out = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(tile) - begin * sizeof(Element));
    to_tile.streaming = false;
    made_by(to_tile, begin, end);
    x = dy = static_cast<const Element*>(to_tile.out);
    // So that memory is not idle meanwhile: 0.95 of the time (Zen 3), with 128 lines 1.07.
    const auto* next = static_cast<const Element*>(work->dy) + end;
    for (size_t line = 0; line < 16; ++line) __builtin_prefetch(next + line * (64 / sizeof(Element)));
  }
  RECTIFY_INLINE void after(size_t begin, size_t end) const {
    if (followed_by != nullptr) followed_by(*work, begin, end);
  }
};

}  // namespace
}  // namespace rectify
