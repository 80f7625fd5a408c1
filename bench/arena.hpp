// The memory that kernels and ceilings share: five arrays, three to read, which nothing changes, and two to write.
#pragma once

#include <stddef.h>

#include "ceilings/kernel.hpp"
#include "traffic.hpp"

namespace roofline {

class Arena {
 public:
  // Room for arrays of up to `bytes` each. Throws std::bad_alloc.
  explicit Arena(size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // The arrays of n elements for this traffic, each on a cache line of its own and at another place of its page: with
  // equal low address bits a load would wait for an earlier store to another array. As the caches see it they lie side by
  // side, so that no set gets more than its share.
  Streams place(Traffic traffic, size_t n) const;

  // Small arrays for slopes and sums: of one channel each.
  const float* slopes() const { return small_; }
  float* sums() const { return small_ + small_count; }
  static constexpr size_t small_count = 1024;

  bool huge_pages() const { return huge_pages_; }

 private:
  static constexpr size_t slots = 5;

  float* slot(size_t index) const;

  void* mapping_;
  size_t mapping_bytes_;
  size_t slot_bytes_;
  float* base_;
  float* small_;
  bool huge_pages_;
};

}  // namespace roofline
