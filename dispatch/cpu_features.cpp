#include "dispatch/cpu_features.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "kernels/backend.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rectify {

#if defined(__x86_64__)

uint32_t cpu_features() noexcept {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
  const unsigned leaf1 = ecx;
  if (!(leaf1 & bit_OSXSAVE)) return 0;

  // CPUID says what the core can do; XCR0 says which registers the operating system saves on a switch.
  uint32_t xcr0, high;
  __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  constexpr uint32_t ymm_state = 0x06, zmm_state = 0xE6;
  if ((xcr0 & ymm_state) != ymm_state || !(leaf1 & bit_AVX)) return 0;

  uint32_t features = 0;
  if (leaf1 & bit_FMA) features |= feature_fma;
  if (leaf1 & bit_F16C) features |= feature_f16c;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return features;
  if (ebx & bit_AVX2) features |= feature_avx2;
  if ((xcr0 & zmm_state) != zmm_state) return features;
  if (ebx & bit_AVX512F) features |= feature_avx512f;
  if (ebx & bit_AVX512BW) features |= feature_avx512bw;
  if (ebx & bit_AVX512DQ) features |= feature_avx512dq;
  if (ebx & bit_AVX512VL) features |= feature_avx512vl;
  return features;
}

#else

uint32_t cpu_features() noexcept { return feature_neon; }  // part of the armv8-a floor

#endif

namespace {

// One small file of sysfs as text; false if it is not there.
bool read_text(const char* path, char (&text)[32]) noexcept {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  return true;
}

// sysfs first: on a large AMD server glibc's sysconf answers with the sum over all core complexes (256 MiB where a core
// can fill 32).
size_t read_last_level_cache() noexcept {
  size_t bytes = 0;
  for (int index = 0; index < 8; ++index) {
    char path[80], text[32];
    std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    if (!read_text(path, text)) break;
    char* unit = nullptr;
    size_t size = std::strtoul(text, &unit, 10);
    if (*unit == 'K') size <<= 10;
    if (*unit == 'M') size <<= 20;
    if (size > bytes) bytes = size;
  }
  if (bytes != 0) return bytes;
  for (int name : {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE}) {
    const long size = sysconf(name);
    if (size > 0) return static_cast<size_t>(size);
  }
  return size_t{32} << 20;
}

std::atomic<size_t> cached_last_level_cache{0};

}  // namespace

size_t last_level_cache_bytes() noexcept {
  size_t bytes = cached_last_level_cache.load(std::memory_order_relaxed);
  if (bytes == 0) {
    bytes = read_last_level_cache();
    cached_last_level_cache.store(bytes, std::memory_order_relaxed);
  }
  return bytes;
}

}  // namespace rectify
