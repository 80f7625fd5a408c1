// The floating-point environment that the contract computes in: round to nearest even, denormals kept, exceptions masked.
//
// oneTBB and a caller's pool bring threads with an environment of their own, and oneTBB replaces it even on the calling
// thread; so the scope stands around the kernels themselves, on every thread. The register is written only when it differs:
// reading it is a few cycles, writing it tens.
#pragma once

#include <stdint.h>

#include <bit>

namespace rectify {

#if defined(__x86_64__)

class FpEnvironment {
 public:
  FpEnvironment() {
    __asm__ volatile("stmxcsr %0" : "=m"(saved_));
    if ((saved_ & control) != masked_nearest) load((saved_ & flags) | masked_nearest);
  }
  ~FpEnvironment() {
    if ((saved_ & control) == masked_nearest) return;
    uint32_t current;
    __asm__ volatile("stmxcsr %0" : "=m"(current)::"memory");
    load((saved_ & ~flags) | (current & flags));
  }

 private:
  static constexpr uint32_t flags = 0x003F;           // sticky exception flags
  static constexpr uint32_t control = 0xFFC0;         // DAZ, masks, rounding, FTZ
  static constexpr uint32_t masked_nearest = 0x1F80;  // the control bits wanted
  static void load(uint32_t value) { __asm__ volatile("ldmxcsr %0" ::"m"(value) : "memory"); }
  uint32_t saved_;

#elif defined(__aarch64__)

class FpEnvironment {
 public:
  FpEnvironment() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    if (saved_ != 0) __asm__ volatile("msr fpcr, %0" ::"r"(uint64_t{0}) : "memory");
  }
  ~FpEnvironment() {
    if (saved_ != 0) __asm__ volatile("msr fpcr, %0" ::"r"(saved_) : "memory");
  }

 private:
  uint64_t saved_;  // the sticky flags are in FPSR, which is left alone

#else
#error "rectify: no floating-point environment for this architecture"
#endif

 public:
  FpEnvironment(const FpEnvironment&) = delete;
  FpEnvironment& operator=(const FpEnvironment&) = delete;
};

// Whether the caller's environment keeps denormals: all that is left to ask for kernels that round by themselves and raise
// nothing, as AVX-512's do. Reading MXCSR waits until older operations are done, 22 of the 38 cycles of a call on 16
// elements (Zen 5). An addition of denormals, itself of that kind, waits for nothing: DAZ makes them zeros, FTZ their sum.
#if defined(__x86_64__)
[[gnu::always_inline]] inline bool keeps_denormals() noexcept {
  constexpr uint32_t denormal = 1;
  float twice;
  __asm__ volatile("vaddss %{rn-sae%}, %1, %1, %0" : "=x"(twice) : "x"(std::bit_cast<float>(denormal)));
  return std::bit_cast<uint32_t>(twice) == 2 * denormal;
}
#else
constexpr bool keeps_denormals() noexcept { return false; }
#endif

// Keeps the caller's sticky exception flags through code that clears them, as oneTBB does on the thread that calls it.
class StickyFlags {
 public:
#if defined(__x86_64__)
  StickyFlags() { __asm__ volatile("stmxcsr %0" : "=m"(saved_)); }
  ~StickyFlags() {
    uint32_t current;
    __asm__ volatile("stmxcsr %0" : "=m"(current)::"memory");
    const uint32_t both = current | (saved_ & 0x003F);
    if (both != current) __asm__ volatile("ldmxcsr %0" ::"m"(both) : "memory");
  }

 private:
  uint32_t saved_;
#elif defined(__aarch64__)
  StickyFlags() { __asm__ volatile("mrs %0, fpsr" : "=r"(saved_)); }
  ~StickyFlags() {
    uint64_t current;
    __asm__ volatile("mrs %0, fpsr" : "=r"(current)::"memory");
    __asm__ volatile("msr fpsr, %0" ::"r"(current | saved_) : "memory");
  }

 private:
  uint64_t saved_;
#endif

 public:
  StickyFlags(const StickyFlags&) = delete;
  StickyFlags& operator=(const StickyFlags&) = delete;
};

}  // namespace rectify
