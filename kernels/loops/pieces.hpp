// What is done around sums that are taken without dx beside them, while some elements are in the first cache.
#pragma once

#include "stores.hpp"

namespace rectify {
namespace {

// Elements that are summed before their dx is written: x, dy and dx of f32 fill three quarters of 32 KiB.
constexpr size_t stretch = 2048;

// No piece of a tensor that is made on the way is longer.
template <class Element>
constexpr size_t longest_piece = sizeof(Element) == 2 ? 8192 : 4096;

template <class Element>
struct Pieces {
  const Element *x, *dy;       // where the elements of the piece in hand are, counted from the tensor's first
  MapKernel map = nullptr;     // writes work->out, a piece at a time once it has been summed; NULL: nothing is written
  const Work* work = nullptr;  // of map
  // What is summed is work->out itself. Past the caches it is not read again, so map writes it twice: before the sum to
  // here, in place of x and dy.
  Element* tile = nullptr;

  RECTIFY_INLINE void before(size_t begin, size_t end) {
    if (tile == nullptr) return;
    Work to_tile = *work;
    to_tile.out = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(tile) - begin * sizeof(Element));
    to_tile.streaming = false;
    map(to_tile, begin, end);
    // So that memory is not idle meanwhile: 0.95 of the time (Zen 3).
    const auto* next = static_cast<const Element*>(work->dy) + end;
    for (size_t line = 0; line < 16; ++line) __builtin_prefetch(next + line * (64 / sizeof(Element)));
    x = dy = static_cast<const Element*>(to_tile.out);
  }
  RECTIFY_INLINE void after(size_t begin, size_t end) const {
    if (map != nullptr) map(*work, begin, end);
  }
};

}  // namespace
}  // namespace rectify
