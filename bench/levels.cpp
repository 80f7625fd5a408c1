#include "levels.hpp"

#include <algorithm>

namespace roofline {

const char* name(Level level) {
  constexpr const char* names[] = {"", "L1", "L2", "L3", "DRAM"};
  return names[static_cast<int>(level)];
}

std::vector<Level> levels(const Machine& machine) {
  std::vector<Level> found;
  for (const Level level : {Level::l1, Level::l2, Level::l3})
    if (machine.cache(static_cast<int>(level))) found.push_back(level);
  found.push_back(Level::dram);
  return found;
}

size_t touched_bytes(const Machine& machine, Level level, size_t threads) {
  const auto used = [&](const Cache& cache) { return cache.bytes * std::min(threads, cache.instances); };
  if (level == Level::dram) {
    const size_t beyond_caches = std::max<size_t>(4 * used(machine.last_cache()), size_t{256} << 20);
    return std::min(beyond_caches, machine.memory_bytes / 4);
  }
  const Cache& cache = *machine.cache(static_cast<int>(level));
  return used(cache) / (level == Level::l3 ? 4 : 2);
}

}  // namespace roofline
