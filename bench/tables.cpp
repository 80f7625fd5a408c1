// The tables of the report.
#include <algorithm>
#include <string>

#include "report.hpp"

namespace roofline {
namespace {

std::string bytes_text(size_t bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit < 3; ++unit) value /= 1024;
  char text[32];
  snprintf(text, sizeof text, "%.4g %s", value, units[unit]);
  return text;
}

const char* mark(const Row& row) {
  if (impossible(row)) return "  <- impossible";
  if (row.percent_of_ceiling > marked_above) return "  <- above its ceiling";
  if (misses_target(row)) return "  <- under its target";
  return "";
}

}  // namespace

void print_machine(FILE* out, const Report& report) {
  const Machine& m = report.machine;
  fprintf(out, "CPU       %s, %zu processor%s, %.2f GHz while measured\n", m.cpu.c_str(), m.processors,
          m.processors == 1 ? "" : "s", report.ghz);
  if (m.load > 0.5) fprintf(out, "busy      load average %.1f: expect noise\n", m.load);
  fprintf(out, "caches   ");
  for (const Cache& c : m.caches)
    fprintf(out, " L%d %s%s", c.level, bytes_text(c.bytes).c_str(),
            c.instances > 1 ? (" x " + std::to_string(c.instances)).c_str() : "");
  fprintf(out, " (%s)\nbackends ", m.caches_from_sysfs ? "sysfs" : "sysconf");
  for (const std::string& name : report.backends)
    fprintf(out, " %s%s", name.c_str(), name == report.dispatched ? " (chosen)" : "");
  fprintf(out, "\npeak     ");
  for (const Fused& f : report.fused)
    fprintf(out, " %s: %.2f fused multiply-adds of %zu lanes a cycle, %.1f GFLOP/s", f.isa.c_str(), f.per_cycle, f.lanes,
            f.gflops);
  fprintf(out, "\n");
}

void print_ceilings(FILE* out, const Report& report) {
  std::vector<size_t> threads;
  for (const Ceiling& c : report.ceilings)
    if (std::find(threads.begin(), threads.end(), c.threads) == threads.end()) threads.push_back(c.threads);
  for (const size_t count : threads) {
    fprintf(out, "\nCeilings, %zu thread%s, GB/s (ordinary | streaming stores)\n%-10s", count, count == 1 ? "" : "s",
            "traffic");
    for (const Level level : levels(report.machine))
      fprintf(out, "%18s",
              (std::string(name(level)) + " " + bytes_text(touched_bytes(report.machine, level, count))).c_str());
    fprintf(out, "\n");
    for (const Traffic traffic : traffics) {
      fprintf(out, "%-10s", name(traffic));
      for (const Level level : levels(report.machine)) {
        double gbps[2] = {};
        for (const Ceiling& c : report.ceilings)
          if (c.traffic == traffic && c.level == level && c.threads == count) gbps[c.streaming] = c.gbps;
        fprintf(out, "%9.1f |", gbps[false]);
        if (traffic.writes)
          fprintf(out, "%7.1f", gbps[true]);
        else
          fprintf(out, "%7s", "-");
      }
      fprintf(out, "\n");
    }
  }
}

void print_rows(FILE* out, const Report& report) {
  const Row* group = nullptr;
  for (const Row& row : report.rows) {
    if (!row.measured()) continue;
    if (!group || group->backend != row.backend || group->threads != row.threads || group->level != row.level) {
      group = &row;
      fprintf(out, "\n%s%s, %zu thread%s, %s\n", row.backend.c_str(), row.dispatched ? " (chosen)" : "", row.threads,
              row.threads == 1 ? "" : "s", name(row.level));
      fprintf(out, "%-10s %-23s %-11s %9s %-7s %-7s %8s %10s %11s %9s  %s\n", "operation", "direction", "layout", "n",
              "traffic", "bound", "GB/s", "ns/element", "cycles/el.", "% of ceil.", "store");
    }
    fprintf(out, "%-10s %-23s %-11s %9zu %-7s %-7s %8.2f %10.4f %11.4f %9.1f  %s%s\n", row.operation->operation,
            row.operation->direction, name(row.operation->layout), row.n(), name(row.operation->traffic),
            row.memory_bound() ? "memory" : "compute", row.gbps, row.ns_per_element, row.cycles_per_element,
            row.percent_of_ceiling, row.ceiling->streaming ? "streaming" : "ordinary", mark(row));
  }
}

void print_verdict(FILE* out, const Report& report) {
  size_t judged = 0, missed = 0;
  fprintf(out, "\n");
  for (const Row& row : report.rows) {
    if (!row.error.empty()) fprintf(out, "failed: %s: %s\n", row.name().c_str(), row.error.c_str());
    if (!row.measured()) continue;
    if (impossible(row))
      fprintf(out, "error in the accounting: %s: %.1f %% of its ceiling\n", row.name().c_str(), row.percent_of_ceiling);
    if (target(row) <= 0) continue;
    ++judged;
    if (!misses_target(row)) continue;
    ++missed;
    fprintf(out, "under its target of %.0f %%: %s: %.1f %%\n", target(row), row.name().c_str(), row.percent_of_ceiling);
  }
  fprintf(out, "%zu of %zu judged rows reach their target.\n", judged - missed, judged);
}

}  // namespace roofline
