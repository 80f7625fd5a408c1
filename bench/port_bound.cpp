#include "port_bound.hpp"

#include <algorithm>
#include <cmath>

#include "ceilings.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

constexpr size_t turns = 500;

double nanoseconds(void (*run)(size_t)) {
  return Timer{}.nanoseconds([&] { run(turns); });
}

// Of each the least disturbed round counts: what disturbs a core, or shares it, only slows it down. The rounds are short
// and many, all in turn, so that a quiet moment meets every one of them.
Fused measure(const CeilingTable& table, size_t rounds) {
  const FusedPeak& peak = table.fused;
  double alone = INFINITY, ghz = 0;
  std::array<double, others> together;
  together.fill(INFINITY);
  for (size_t round = 0; round < rounds; ++round) {
    ghz = std::max(ghz, cycles_per_nanosecond());
    alone = std::min(alone, nanoseconds(peak.run));
    for (size_t i = 0; i < others; ++i) together[i] = std::min(together[i], nanoseconds(peak.beside[i]));
  }
  const size_t lanes = table.bits / 32;
  const double per_nanosecond = static_cast<double>(turns * peak.per_turn) / alone;
  Fused found = {table.isa, lanes, per_nanosecond / ghz, 2 * static_cast<double>(lanes) * per_nanosecond, {}, &peak};
  for (size_t i = 0; i < others; ++i) {
    const double places = (together[i] / alone - 1) * static_cast<double>(peak.per_turn) / (besides * times_a_turn);
    found.places[i] = std::max(0, static_cast<int>(std::lround(places)));
  }
  return found;
}

// AVX-512 scales by one instruction, which shares the pipes of the multiplications; the others make 2^n by a shift, then
// multiply twice.
Arithmetic as_instructions(const Arithmetic& arithmetic, const std::string& backend) {
  const int count = arithmetic.scale_one_plus;
  if (backend == "avx512") return arithmetic + Arithmetic{.multiply = count, .add = count};
  return arithmetic + Arithmetic{.fused = count, .multiply = count, .shift = count};
}

}  // namespace

const char* name(Other instruction) {
  constexpr const char* names[others] = {"add", "maximum", "compare", "select", "integer_minimum", "shift"};
  return names[static_cast<size_t>(instruction)];
}

std::vector<Fused> measure_fused(size_t rounds) {
  std::vector<Fused> found;
  for (const CeilingTable* table : runnable_tables())
    if (table->fused.run) found.push_back(measure(*table, rounds));
  return found;
}

double fused_nanoseconds(const FusedPeak& peak) {
  return nanoseconds(peak.run) / static_cast<double>(turns * peak.per_turn);
}

PortBound port_bound(const Arithmetic& arithmetic, const std::string& backend, const std::vector<Fused>& fused) {
  const Arithmetic a = as_instructions(arithmetic, backend);
  const auto own = std::find_if(fused.begin(), fused.end(), [&](const Fused& f) { return f.isa == backend; });
  if (own == fused.end()) return {a.fused + a.multiply + 0.0, (a.fused + a.multiply) / 2.0, nullptr};
  const auto taken = [&](Other kind, int count) { return count * own->places[static_cast<size_t>(kind)]; };
  const int instructions = a.fused + a.multiply + taken(Other::add, a.add) + taken(Other::maximum, a.maximum) +
                           taken(Other::compare, a.compare) + taken(Other::select, a.select) +
                           taken(Other::integer_minimum, a.integer_minimum) + taken(Other::shift, a.shift);
  const double places = instructions / static_cast<double>(own->lanes);
  return {places, places / own->per_cycle, own->peak};
}

}  // namespace roofline
