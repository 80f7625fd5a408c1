// The tables of the report.
#include <algorithm>
#include <string>
#include <string_view>

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

// "-" for what a row does not have.
std::string number(double value, int digits) {
  char text[32];
  snprintf(text, sizeof text, "%.*f", digits, value);
  return value > 0 ? text : "-";
}

const char* mark(const Row& row) {
  if (impossible(row)) return "  <- impossible";
  if (row.percent_of_ceiling > marked_above) return "  <- above its ceiling";
  if (misses_target(row)) return "  <- misses its target";
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
  fprintf(out, "\n");
  for (const Fused& f : report.fused) {
    std::string sharing;
    for (size_t i = 0; i < others; ++i)
      if (f.places[i] > 0) sharing += (sharing.empty() ? " " : ", ") + std::string(name(static_cast<Other>(i)));
    fprintf(out, "peak      %s: %.2f fused multiply-adds of %zu lanes a cycle, %.1f GFLOP/s; sharing their pipes:%s\n",
            f.isa.c_str(), f.per_cycle, f.lanes, f.gflops, sharing.empty() ? " nothing" : sharing.c_str());
  }
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
    if (!row.measured() || row.image) continue;
    if (!group || group->backend != row.backend || group->threads != row.threads || group->level != row.level) {
      group = &row;
      fprintf(out, "\n%s%s, %zu thread%s, %s\n", row.backend.c_str(), row.dispatched ? " (chosen)" : "", row.threads,
              row.threads == 1 ? "" : "s", name(row.level));
      fprintf(out, "%-10s %-23s %-11s %-6s %-10s %-8s %-7s %7s %10s %11s %7s %7s %6s\n", "operation", "direction", "layout",
              "format", "", "traffic", "bound", "GB/s", "ns/element", "cycles/el.", "% ceil.", "% ports", "x dx");
    }
    fprintf(out, "%-10s %-23s %-11s %-6s %-10s %-8s %-7s %7.2f %10.4f %11.4f %7.1f %7s %6s%s\n", row.operation->operation,
            row.operation->direction, name(row.operation->layout), name(row.operation->format), row.operation->variant,
            name(row.operation->traffic), row.memory_bound() ? "memory" : "compute", row.gbps, row.ns_per_element,
            row.cycles_per_element, row.percent_of_ceiling, number(row.percent_of_port_bound, 1).c_str(),
            number(row.times_dx, 2).c_str(), mark(row));
  }
}

void print_images(FILE* out, const Report& report) {
  const auto find = [&](const char* direction, Layout layout, const Image& image, Level level) {
    return std::find_if(report.rows.begin(), report.rows.end(), [&](const Row& r) {
      return r.measured() && r.image && r.operation->is("prelu", direction) && r.operation->layout == layout &&
             r.image->channels == image.channels && r.image->side == image.side && r.level == level;
    });
  };
  const auto have = [&](const auto& row) { return row != report.rows.end(); };
  if (std::none_of(report.rows.begin(), report.rows.end(), [](const Row& r) { return r.measured() && r.image; })) return;

  constexpr Level shown[] = {Level::l2, Level::l3, Level::dram};
  fprintf(out, "\nPReLU on images, %s, 1 thread, L2 | L3 | DRAM: %% of the ceiling; with dslope: x the time of dx alone\n",
          report.dispatched.c_str());
  fprintf(out, "%-6s %8s %8s   %-22s   %-22s   %-22s\n", "layout", "channels", "map", "forward", "backward", "with dslope");
  for (const Layout layout : {Layout::nchw, Layout::nhwc})
    for (const size_t channels : image_channels)
      for (const size_t side : image_sides) {
        const Image image = {channels, side};
        std::string line;
        bool any = false;
        for (const char* direction : {"forward", "backward", "backward_with_parameter"}) {
          line += "  ";
          for (const Level level : shown) {
            const auto row = find(direction, layout, image, level);
            const bool ratio = direction == std::string_view("backward_with_parameter");
            const std::string figure = !have(row) ? "-"
                                       : ratio    ? number(row->times_dx, 2)
                                                  : number(row->percent_of_ceiling, 1);
            char cell[16];
            snprintf(cell, sizeof cell, "%6s%s ", figure.c_str(), have(row) && misses_target(*row) ? "<" : " ");
            line += cell;
            any |= have(row);
          }
        }
        const std::string map = std::to_string(side) + "x" + std::to_string(side);
        if (any) fprintf(out, "%-6s %8zu %8s%s\n", name(layout), channels, map.c_str(), line.c_str());
      }
}

void print_calls(FILE* out, const Report& report) {
  fprintf(out, "\nA call on 16 elements, %s, in nanoseconds\n%-10s %-23s %-11s %-6s %-10s %7s %12s %6s\n",
          report.dispatched.c_str(), "operation", "direction", "layout", "format", "", "call", "bare kernel", "above");
  for (const SmallCall& c : report.calls)
    fprintf(out, "%-10s %-23s %-11s %-6s %-10s %7.1f %12.1f %6.1f%s\n", c.operation->operation, c.operation->direction,
            name(c.operation->layout), name(c.operation->format), c.operation->variant, c.call_ns, c.kernel_ns,
            c.above_kernel_ns(), target(c).reached(judged(c)) ? "" : "  <- misses its target");
}

void print_scalings(FILE* out, const Report& report) {
  if (report.scalings.empty()) return;
  fprintf(out, "\n%zu threads against 1, %s, L3\n%-10s %-23s %-11s %7s %13s %10s\n", report.scalings.front().threads,
          report.dispatched.c_str(), "operation", "direction", "layout", "gain", "ceiling gains", "of that");
  for (const Scaling& s : report.scalings)
    fprintf(out, "%-10s %-23s %-11s %7.2f %13.2f %10.3f%s\n", s.operation->operation, s.operation->direction,
            name(s.operation->layout), s.gain, s.ceilings_gain, s.share,
            target(s).reached(judged(s)) ? "" : "  <- misses its target");
}

}  // namespace roofline
