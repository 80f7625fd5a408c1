#include "dispatch/cache_sizes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace rectify {
namespace {

// A number in a small file of sysfs, with K or M for a unit; 0 if it is not there.
size_t read_number(int cache, const char* what) noexcept {
  char path[80], text[32];
  std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", cache, what);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = '\0';
  char* unit = nullptr;
  const size_t number = std::strtoul(text, &unit, 10);
  return *unit == 'K' ? number << 10 : *unit == 'M' ? number << 20 : number;
}

size_t system_size(int name) noexcept {
  const long size = sysconf(name);
  return size > 0 ? static_cast<size_t>(size) : 0;
}

// sysfs first: on a large AMD server glibc's sysconf answers with the sum over all core complexes (256 MiB where a core
// can fill 32).
CacheSizes read_cache_sizes() noexcept {
  CacheSizes sizes = {};
  for (int cache = 0; cache < 8; ++cache) {
    const size_t size = read_number(cache, "size");
    if (read_number(cache, "level") == 2) sizes.second = size;
    sizes.last = std::max(sizes.last, size);
  }
  if (sizes.second == 0) sizes.second = system_size(_SC_LEVEL2_CACHE_SIZE);
  if (sizes.last == 0) sizes.last = std::max(system_size(_SC_LEVEL3_CACHE_SIZE), sizes.second);
  if (sizes.last == 0) sizes.last = size_t{32} << 20;
  if (sizes.second == 0) sizes.second = size_t{512} << 10;
  return sizes;
}

// Threads that meet at the first call find the same.
std::atomic<size_t> cached_second{0}, cached_last{0};

}  // namespace

CacheSizes cache_sizes() noexcept {
  CacheSizes sizes = {cached_second.load(std::memory_order_relaxed), cached_last.load(std::memory_order_relaxed)};
  if (sizes.second == 0 || sizes.last == 0) {
    sizes = read_cache_sizes();
    cached_second.store(sizes.second, std::memory_order_relaxed);
    cached_last.store(sizes.last, std::memory_order_relaxed);
  }
  return sizes;
}

}  // namespace rectify
