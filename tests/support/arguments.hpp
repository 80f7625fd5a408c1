// For tests of arguments: tensors are bytes, in memory that may not be touched where the call is to be refused.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <ostream>
#include <type_traits>
#include <vector>

#include "tests/support/effort.hpp"
#include "tests/support/formats.hpp"

namespace rectify::tests {

// While set, the library's requests for memory are refused, and counted. (arguments_test.cpp)
extern bool refuse_memory;
extern size_t refusals;

// What is asked for does not depend on values, so tensors are bytes here, and a format is the sizes of its numbers.
struct Sizes {
  const char* name;
  int32_t dtype;
  int32_t slope_dtype;
  size_t element;
  size_t slope;
  size_t scalar;
};

inline std::ostream& operator<<(std::ostream& stream, const Sizes& sizes) { return stream << sizes.name; }

// Under an emulator the smallest and the largest of what a size can be: the checks are the same code as elsewhere.
inline std::vector<Sizes> all_formats() {
  std::vector<Sizes> list;
  for_each_format([&]<class Format>() {
    constexpr bool extreme = std::is_same_v<Format, formats::f64> || std::is_same_v<Format, formats::bf16_slopes>;
    if (emulated && !extreme) return;
    list.push_back({Format::name, Format::dtype, Format::slope_dtype, sizeof(typename Format::Element),
                    sizeof(typename Format::Slope), sizeof(typename Format::Scalar)});
  });
  return list;
}

// One block of memory, open or closed, with room for every tensor well apart from the others.
class Memory {
 public:
  static constexpr size_t room = 65536;  // bytes for a tensor; it begins in the middle
  static constexpr size_t tensors = 9;
  enum Access { open, closed };
  explicit Memory(Access access) {
    data_ = mmap(nullptr, tensors * room, access == open ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(data_, tensors * room); }

  std::byte* tensor(size_t index) const { return static_cast<std::byte*>(data_) + index * room + room / 2; }

 private:
  void* data_;
};

}  // namespace rectify::tests
