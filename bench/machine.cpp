#include "machine.hpp"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace roofline {
namespace {

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

// The values of /proc/cpuinfo's first processor.
std::map<std::string, std::string> cpuinfo() {
  std::map<std::string, std::string> values;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    values[key] = colon + 2 <= line.size() ? line.substr(colon + 2) : "";
  }
  return values;
}

// A virtual machine's "model name" may say no more than the maker's, so the numbers go with it.
std::string cpu_name() {
  auto info = cpuinfo();
  if (info.contains("model name"))
    return info["model name"] + " (family " + info["cpu family"] + ", model " + info["model"] + ", stepping " +
           info["stepping"] + ")";
  if (info.contains("CPU implementer"))
    return "Arm implementer " + info["CPU implementer"] + " part " + info["CPU part"] + " variant " + info["CPU variant"];
  return "unknown CPU";
}

std::string slug_of(const std::string& name) {
  std::string slug;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      slug += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

std::vector<size_t> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<size_t> allowed;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (size_t i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(i, &set)) allowed.push_back(i);
  if (allowed.empty()) allowed.push_back(0);
  return allowed;
}

// "512K" or "32M" in bytes.
size_t bytes_of(const std::string& size) {
  size_t end = 0;
  size_t bytes = std::stoul(size, &end);
  if (end < size.size()) bytes <<= size[end] == 'K' ? 10 : size[end] == 'M' ? 20 : 30;
  return bytes;
}

std::vector<Cache> sysfs_caches(const std::vector<size_t>& processors) {
  std::map<int, std::pair<size_t, std::set<std::string>>> levels;  // bytes; which groups of processors have one each
  for (const size_t processor : processors) {
    for (int index = 0;; ++index) {
      const std::string folder =
          "/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/cache/index" + std::to_string(index) + "/";
      const auto level = first_line(folder + "level"), type = first_line(folder + "type"),
                 size = first_line(folder + "size"), shared = first_line(folder + "shared_cpu_list");
      if (!level || !type) break;
      if (*type == "Instruction" || !size || !std::isdigit(static_cast<unsigned char>((*size)[0]))) continue;
      auto& [bytes, groups] = levels[std::stoi(*level)];
      bytes = bytes ? std::min(bytes, bytes_of(*size)) : bytes_of(*size);
      groups.insert(shared.value_or(std::to_string(processor)));
    }
  }
  std::vector<Cache> caches;
  for (const auto& [level, found] : levels) caches.push_back({level, found.first, found.second.size()});
  return caches;
}

std::vector<Cache> sysconf_caches(size_t processors) {
  constexpr std::pair<int, int> names[] = {
      {1, _SC_LEVEL1_DCACHE_SIZE}, {2, _SC_LEVEL2_CACHE_SIZE}, {3, _SC_LEVEL3_CACHE_SIZE}};
  std::vector<Cache> caches;
  for (const auto& [level, name] : names) {
    const long bytes = sysconf(name);
    if (bytes > 0) caches.push_back({level, static_cast<size_t>(bytes), level < 3 ? processors : 1});
  }
  // Where the machine says nothing: sizes that no larger core is likely to fall below.
  if (caches.empty()) caches = {{1, size_t{32} << 10, processors}, {2, size_t{512} << 10, processors}};
  return caches;
}

}  // namespace

const Cache* Machine::cache(int level) const {
  const auto found = std::find_if(caches.begin(), caches.end(), [&](const Cache& c) { return c.level == level; });
  return found == caches.end() ? nullptr : &*found;
}

Machine this_machine() {
  Machine machine = {};
  machine.cpu = cpu_name();
  machine.slug = slug_of(machine.cpu);
  const std::vector<size_t> processors = allowed_processors();
  machine.processors = processors.size();
  machine.memory_bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (getloadavg(&machine.load, 1) != 1) machine.load = 0;
  machine.caches = sysfs_caches(processors);
  machine.caches_from_sysfs = !machine.caches.empty();
  if (!machine.caches_from_sysfs) machine.caches = sysconf_caches(machine.processors);
  return machine;
}

}  // namespace roofline
