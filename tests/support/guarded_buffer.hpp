// An array between two inaccessible pages: an access past the side it is flush against faults, and what was written between
// it and the other side is found by check().
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace rectify::tests {

// Where the array lies in its accessible pages.
struct Placement {
  enum Side { start, end } side;
  size_t bytes;  // distance of the array's first byte from the start, or of its end from the end
};
inline constexpr Placement flush_to_start{Placement::start, 0};
inline constexpr Placement flush_to_end{Placement::end, 0};
constexpr Placement bytes_from_start(size_t bytes) { return {Placement::start, bytes}; }
template <class T>
constexpr Placement elements_from_start(size_t elements) {
  return {Placement::start, elements * sizeof(T)};
}
template <class T>
constexpr Placement elements_from_end(size_t elements) {
  return {Placement::end, elements * sizeof(T)};
}

template <class T>
class GuardedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit GuardedBuffer(size_t count, Placement placement = flush_to_end) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = count * sizeof(T) + placement.bytes;
    accessible_ = std::max<size_t>((bytes + page - 1) / page, 1) * page;
    mapped_ = accessible_ + 2 * page;
    void* const base = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(base);
    first_ = base_ + page;
    if (mprotect(first_, accessible_, PROT_READ | PROT_WRITE) != 0) {
      munmap(base_, mapped_);
      throw std::bad_alloc();
    }
    data_ = placement.side == Placement::start ? first_ + placement.bytes : first_ + accessible_ - bytes;
    std::memset(first_, canary, accessible_);
  }
  GuardedBuffer(const std::vector<T>& values, Placement placement) : GuardedBuffer(values.size(), placement) {
    fill(values);
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { munmap(base_, mapped_); }

  T* data() const { return reinterpret_cast<T*>(data_); }
  size_t size() const { return count_; }
  T& operator[](size_t i) const { return data()[i]; }
  T* begin() const { return data(); }
  T* end() const { return data() + count_; }
  std::span<T> span() const { return {data(), count_}; }

  void fill(std::span<const T> values) {
    if (!values.empty()) std::memcpy(data_, values.data(), std::min(values.size(), count_) * sizeof(T));
  }
  // Back to the canary, as after construction: an element that is not written stays recognisable.
  void clear() const { std::memset(data_, canary, count_ * sizeof(T)); }

  // Whether every byte around the array still holds the canary.
  testing::AssertionResult check() const {
    for (const std::byte* byte = first_; byte != first_ + accessible_; ++byte) {
      if (byte == data_) byte += count_ * sizeof(T);
      if (byte == first_ + accessible_) break;
      if (*byte != std::byte{canary}) {
        return testing::AssertionFailure() << "a byte was written " << (byte - data_)
                                           << " bytes from the start of an array of " << count_ * sizeof(T) << " bytes";
      }
    }
    return testing::AssertionSuccess();
  }

 private:
  static constexpr unsigned char canary = 0xA5;
  size_t count_;
  size_t accessible_ = 0;
  size_t mapped_ = 0;
  std::byte* base_ = nullptr;
  std::byte* first_ = nullptr;
  std::byte* data_ = nullptr;
};

}  // namespace rectify::tests
