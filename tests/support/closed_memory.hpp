// Memory for the tensors of a call that is to be refused, where none of them may be touched; and the same where they may.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "tests/support/inputs.hpp"

namespace rectify::tests {

// One block, open or closed, with room for every tensor well apart from the others. Open memory holds values.
class Memory {
 public:
  static constexpr size_t tensors = 10;  // a call has 8 at most: the last two are spare
  enum Access { open, closed };

  explicit Memory(Access access, size_t room = 65536) : room_(room) {
    data_ = mmap(nullptr, tensors * room, access == open ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    if (access == closed) return;
    const std::vector<float> values = ordinary_values(tensors * room / sizeof(float), 1);
    std::memcpy(data_, values.data(), tensors * room);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(data_, tensors * room_); }

  // It begins in the middle of its room.
  std::byte* tensor(size_t index) const { return static_cast<std::byte*>(data_) + index * room_ + room_ / 2; }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), tensors * room_}; }

 private:
  size_t room_;
  void* data_;
};

}  // namespace rectify::tests
