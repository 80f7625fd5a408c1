// The machine that is measured: its CPU, its caches and its processors.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

namespace roofline {

struct Cache {
  int level;
  size_t bytes;
  size_t instances;  // how many of them the processors of this process have between them
};

struct Machine {
  std::string cpu;
  std::string slug;   // the CPU's name as part of a file name
  size_t processors;  // that this process may run on
  size_t memory_bytes;
  double load;                // processes that wanted a processor over the last minute, before the measurement
  std::vector<Cache> caches;  // data and unified caches, by level
  bool caches_from_sysfs;

  const Cache* cache(int level) const;  // NULL where the machine has none
  const Cache& last_cache() const { return caches.back(); }
};

// Reads sysfs first: in a virtual machine the sizes that sysconf gives may be those of the whole host.
Machine this_machine();

}  // namespace roofline
