#include "arena.hpp"

#include <stdint.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace roofline {
namespace {

constexpr size_t huge_page = size_t{2} << 20;
constexpr size_t line = granule * sizeof(float);
constexpr size_t stagger = 13 * line;  // five arrays at 0, 832, 1664, 2496 and 3328 of their pages

constexpr size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// An order that no predictor guesses.
class Random {
 public:
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }

 private:
  uint64_t state_ = 0;
};

// Numbers whichever format reads them: 16-bit words from 0x3C00 to 0x407F and their negatives, which are 1 to 2.1 in f16,
// and 2^-7 to 4 in bf16. The upper one makes the number in f32, the same 2^-7 to 4, and in f64, 2^-63 to 512.
void fill(char* memory, size_t bytes) {
  constexpr uint64_t first = 0x3C00, count = 0x480;
  Random random;
  for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
    const uint64_t drawn = random.next();
    uint64_t words = 0;
    for (int at = 0; at < 64; at += 16) {
      const uint64_t magnitude = first + ((drawn >> at & 0x7FFF) * count >> 15);
      words |= (magnitude | (drawn >> at & 0x8000)) << at;
    }
    std::memcpy(memory + i, &words, sizeof words);
  }
}

// Slopes as networks learn them, from 0.25 to 0.5: the pattern of 0.25 and seven random bits below its exponent.
template <class Bits>
void fill_slopes(char* memory, Bits quarter, int mantissa) {
  Random random;
  for (size_t i = 0; i < Arena::small_count; ++i) {
    const auto slope = static_cast<Bits>(quarter | static_cast<Bits>(random.next() & 0x7F) << (mantissa - 7));
    std::memcpy(memory + i * sizeof slope, &slope, sizeof slope);
  }
}

}  // namespace

Arena::Arena(size_t bytes) {
  slot_bytes_ = round_up(bytes, huge_page) + huge_page;  // an array starts within the slot's first huge page
  mapping_bytes_ = slots * slot_bytes_ + 2 * huge_page;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  huge_pages_ = madvise(mapping_, mapping_bytes_, MADV_HUGEPAGE) == 0;
  base_ = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(mapping_), huge_page));
  small_ = slot(slots);
  for (size_t i = 0; i < 4; ++i) fill(slot(i), slot_bytes_);
  fill(slot(5), slot_bytes_ / 16);  // one bit for each 16 at most
  const auto slopes_of = [&](Format format) { return small_ + static_cast<size_t>(format) * small_bytes; };
  fill_slopes<uint32_t>(slopes_of(Format::f32), 0x3E800000, 23);
  fill_slopes<uint16_t>(slopes_of(Format::f16), 0x3400, 10);
  fill_slopes<uint16_t>(slopes_of(Format::bf16), 0x3E80, 7);
  fill_slopes<uint64_t>(slopes_of(Format::f64), 0x3FD0000000000000, 52);
}

Arena::~Arena() { munmap(mapping_, mapping_bytes_); }

Streams Arena::place(Traffic traffic, size_t bytes) const {
  const size_t distance = round_up(bytes, 4096) + stagger;
  const auto at = [&](size_t position, size_t in_slot) {
    return reinterpret_cast<float*>(slot(in_slot) + position * distance % huge_page);
  };
  Streams streams = {{}, {}, bytes / sizeof(float)};
  const auto reads = static_cast<size_t>(traffic.reads), writes = static_cast<size_t>(traffic.writes);
  for (size_t i = 0; i < reads; ++i) streams.in[i] = at(i, i);
  for (size_t i = 0; i < writes; ++i) streams.out[i] = at(reads + i, 3 + i);
  if (traffic.in_place) streams.in[0] = streams.out[0];
  return streams;
}

const void* Arena::beside(const Streams& streams) const {
  const size_t distance = round_up(streams.n * sizeof(float), 4096) + stagger;
  return slot(1) + 2 * distance % huge_page;
}

void Arena::fill_again(const Streams& streams) const {
  fill(reinterpret_cast<char*>(streams.out[0]), streams.n * sizeof(float));
}

size_t array_bytes(Traffic traffic, size_t touched) {
  const size_t arrays = std::max<size_t>(traffic.arrays(), 2);  // in place: half of it, still far beyond the caches
  return touched / arrays / line * line;
}

}  // namespace roofline
