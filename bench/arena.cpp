#include "arena.hpp"

#include <stdint.h>
#include <sys/mman.h>

#include <new>

namespace roofline {
namespace {

constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t line = 64;
constexpr size_t stagger = 13 * line;  // five arrays at 0, 832, 1664, 2496 and 3328 of their pages

constexpr size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// Values around `middle`, in a fixed order that no predictor guesses.
void fill(float* values, size_t n, float middle, float farthest) {
  uint32_t state = 0x9e3779b9u;
  for (size_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = middle + static_cast<float>(static_cast<int32_t>(state)) * (farthest / 2147483648.0f);
  }
}

}  // namespace

Arena::Arena(size_t bytes) {
  slot_bytes_ = round_up(bytes, huge_page) + huge_page;  // an array starts within the slot's first huge page
  mapping_bytes_ = slots * slot_bytes_ + 2 * huge_page;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  huge_pages_ = madvise(mapping_, mapping_bytes_, MADV_HUGEPAGE) == 0;
  base_ = reinterpret_cast<float*>(round_up(reinterpret_cast<uintptr_t>(mapping_), huge_page));
  small_ = slot(slots);
  for (size_t i = 0; i < 4; ++i) fill(slot(i), slot_bytes_ / sizeof(float), 0, 3);  // both branches
  fill(small_, small_count, 0.25f, 0.2f);                                           // slopes as networks learn them
}

Arena::~Arena() { munmap(mapping_, mapping_bytes_); }

float* Arena::slot(size_t index) const { return base_ + index * (slot_bytes_ / sizeof(float)); }

Streams Arena::place(Traffic traffic, size_t n) const {
  const size_t distance = round_up(n * sizeof(float), 4096) + stagger;
  const auto at = [&](size_t position, size_t in_slot) {
    return slot(in_slot) + position * distance % huge_page / sizeof(float);
  };
  Streams streams = {{}, {}, n};
  const auto reads = static_cast<size_t>(traffic.reads), writes = static_cast<size_t>(traffic.writes);
  for (size_t i = 0; i < reads; ++i) streams.in[i] = at(i, i);
  for (size_t i = 0; i < writes; ++i) streams.out[i] = at(reads + i, 3 + i);
  if (traffic.in_place) streams.in[0] = streams.out[0];
  return streams;
}

}  // namespace roofline
