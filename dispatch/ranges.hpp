// Where a call's memory is: what is aligned, and what shares bytes with what.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

namespace rectify {

// The address of a pointer, for its alignment. Sizes are powers of two: a remainder would cost a small call a division.
inline uintptr_t address_of(const void* data) noexcept { return reinterpret_cast<uintptr_t>(data); }
inline bool is_aligned(uintptr_t addresses, size_t size) noexcept { return (addresses & (size - 1)) == 0; }

// Some bytes of memory that are there, and what they may share with others.
struct Range {
  uintptr_t address;
  size_t bytes;

  bool disjoint(const Range& other) const noexcept {
    return other.address - address >= bytes && address - other.address >= other.bytes;
  }
  bool same_or_disjoint(const Range& other) const noexcept { return address == other.address || disjoint(other); }
};

// Those of a few that are there.
class Ranges {
 public:
  void add(const void* data, size_t size) noexcept {
    if (data != nullptr && size != 0) range_[count_++] = {address_of(data), size};
  }
  template <class Holds>
  bool all(Holds holds) const noexcept {
    return std::all_of(range_, range_ + count_, holds);
  }

 private:
  Range range_[9];
  size_t count_ = 0;
};

}  // namespace rectify
