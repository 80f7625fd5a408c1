// The memory that kernels and ceilings share: five arrays, three to read, which nothing changes, and two to write; and
// beside them a mask.
#pragma once

#include <stddef.h>

#include "ceilings/kernel.hpp"
#include "format.hpp"
#include "traffic.hpp"

namespace roofline {

class Arena {
 public:
  // Room for arrays of up to `bytes` each. Throws std::bad_alloc.
  explicit Arena(size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // The arrays of so many bytes, whole cache lines, for this traffic, each on a cache line of its own and at another place
  // of its page: with equal low address bits a load would wait for an earlier store to another array. As the caches see it
  // they lie side by side, so that no set gets more than its share. What they hold are numbers of both signs in every
  // format, none of them denormal, infinite or NaN.
  Streams place(Traffic traffic, size_t bytes) const;

  // What the array that is read and written holds after that is anybody's: fills it again.
  void fill_again(const Streams& streams) const;

  // Small arrays for slopes, of the format, and for sums: of one channel each.
  const void* slopes(Format format) const { return small_ + static_cast<size_t>(format) * small_bytes; }
  void* sums() const { return small_ + sizeof formats / sizeof *formats * small_bytes; }
  static constexpr size_t small_count = 1024;

  // An array to read beside those that read one and write one.
  const void* beside(const Streams& streams) const;

  // Room for a mask of any of the arrays, and bits in it.
  void* mask() const { return slot(5); }

  bool huge_pages() const { return huge_pages_; }

 private:
  static constexpr size_t slots = 6, small_bytes = small_count * sizeof(double);

  char* slot(size_t index) const { return base_ + index * slot_bytes_; }

  void* mapping_;
  size_t mapping_bytes_;
  size_t slot_bytes_;
  char* base_;
  char* small_;
  bool huge_pages_;
};

// Bytes of each array where all together touch so many.
size_t array_bytes(Traffic traffic, size_t touched);

}  // namespace roofline
