// How a loop's results reach memory.
#pragma once

namespace rectify {
namespace {

enum class Store {
  none,       // the result is not wanted
  ordinary,   // into the caches
  streaming,  // past the caches; the address is a multiple of the vector
};

template <Store how, class Element, class V>
RECTIFY_INLINE void put(Element* p, V a) {
  if constexpr (how == Store::ordinary) store(p, a);
  if constexpr (how == Store::streaming) stream(p, a);
}

template <Store how, class Element, class V>
RECTIFY_INLINE void put_partial(Element* p, V a, size_t count) {
  if constexpr (how != Store::none) store_partial(p, a, count);
}

// Elements from p to the next multiple of what a vector fills: stores that straddle lines cost up to twice as much.
template <class V, class Element>
RECTIFY_INLINE size_t elements_to_alignment(const Element* p) {
  return (0 - reinterpret_cast<uintptr_t>(p)) / sizeof(Element) % V::lanes;
}

RECTIFY_INLINE constexpr size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

}  // namespace
}  // namespace rectify
