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
  double fused = INFINITY, ghz = 0;
  std::array<double, others> together, alone;
  together.fill(INFINITY);
  alone.fill(INFINITY);
  for (size_t round = 0; round < rounds; ++round) {
    ghz = std::max(ghz, cycles_per_nanosecond());
    fused = std::min(fused, nanoseconds(peak.run));
    for (size_t i = 0; i < others; ++i) {
      together[i] = std::min(together[i], nanoseconds(peak.beside[i]));
      alone[i] = std::min(alone[i], nanoseconds(peak.alone[i]));
    }
  }
  const size_t lanes = table.bits / 32;
  const auto per_turn = static_cast<double>(peak.per_turn);
  const double per_nanosecond = turns * per_turn / fused;
  Fused found = {table.isa, lanes, per_nanosecond / ghz, 2 * static_cast<double>(lanes) * per_nanosecond, {}, {}, &peak};
  for (size_t i = 0; i < others; ++i) {
    const double places = (together[i] / fused - 1) * per_turn / (besides * times_a_turn);
    found.places[i] = std::max(0, static_cast<int>(std::lround(places)));
    found.others_per_cycle[i] = turns * per_turn / alone[i] / ghz;
  }
  return found;
}

// What each instruction set has for the steps that they take in different ways.
Arithmetic as_instructions(const Arithmetic& arithmetic, const std::string& backend) {
  Arithmetic a = arithmetic;
  // AVX-512 scales by one instruction, which shares the pipes of the multiplications; the others make 2^n by a shift, then
  // multiply twice.
  const int scaled = a.scale_one_plus;
  if (backend == "avx512")
    a = a + Arithmetic{.multiply = scaled, .add = scaled};
  else
    a = a + Arithmetic{.fused = scaled, .multiply = scaled, .shift = scaled};
  return a;
}

}  // namespace

const char* name(Other instruction) {
  constexpr const char* names[others] = {"add",   "maximum", "compare",    "select",     "integer_minimum",
                                         "shift", "integer", "widen_half", "narrow_half"};
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
  // bf16 (kernels/<isa>/pairs.hpp), of two vectors together: a shift and an `and` widen them; three shifts, two blends, an
  // `andnot`, a subtraction and an addition round them.
  const double shifts = a.shift + 0.5 * a.widen_bfloat + 1.5 * a.narrow_bfloat;
  const double integers = a.integer + 0.5 * a.widen_bfloat + 2.5 * a.narrow_bfloat;
  const auto lanes_of = [&](size_t lanes_of_32_bits) {
    return static_cast<double>(lanes_of_32_bits) * 32 / static_cast<double>(a.lane_bits);
  };
  const auto own = std::find_if(fused.begin(), fused.end(), [&](const Fused& f) { return f.isa == backend; });
  const int multiplies = a.fused + a.multiply;
  if (own == fused.end()) return {multiplies + 0.0, multiplies / 2.0, nullptr};

  const std::array<double, others> counts = {a.add + 0.0,    a.maximum + 0.0,         a.compare + 0.0,
                                             a.select + 0.0, a.integer_minimum + 0.0, shifts,
                                             integers,       a.widen_half + 0.0,      a.narrow_half + 0.0};
  double places = multiplies, all = multiplies;
  double most_per_cycle = own->per_cycle, cycles = 0;
  for (size_t i = 0; i < others; ++i) {
    places += counts[i] * own->places[i];
    all += counts[i];
    most_per_cycle = std::max(most_per_cycle, own->others_per_cycle[i]);
    cycles = std::max(cycles, counts[i] / own->others_per_cycle[i]);
  }
  cycles = std::max({cycles, places / own->per_cycle, all / most_per_cycle}) / lanes_of(own->lanes);
  return {cycles * own->per_cycle, cycles, own->peak};
}

}  // namespace roofline
