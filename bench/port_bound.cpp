#include "port_bound.hpp"

#include <algorithm>
#include <string_view>

#include "ceilings.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

double instructions_per_vector(const Operation& operation) {
  const std::string_view direction = operation.direction;
  if (operation.operation != std::string_view("elu") || direction == "backward_from_y") return 0;
  return direction == "forward" ? 9 : direction == "backward" ? 12 : 20;
}

}  // namespace

std::vector<Fused> measure_fused(size_t rounds) {
  std::vector<Fused> found;
  for (const CeilingTable* table : runnable_tables()) {
    if (!table->fused.run) continue;
    constexpr size_t turns = 5000;
    table->fused.run(turns);
    const double instructions = static_cast<double>(turns * table->fused.per_turn);
    std::vector<double> per_cycle, per_nanosecond;
    for (size_t round = 0; round < rounds; ++round) {
      const double time = Timer{}.nanoseconds([&] { table->fused.run(turns); });
      per_nanosecond.push_back(instructions / time);
      per_cycle.push_back(instructions / (time * cycles_per_nanosecond()));
    }
    const size_t lanes = table->bits / 32;
    found.push_back({table->isa, lanes, median(per_cycle), 2 * static_cast<double>(lanes) * median(per_nanosecond)});
  }
  return found;
}

double port_bound(const Operation& operation, const std::string& backend, const std::vector<Fused>& fused) {
  const double instructions = instructions_per_vector(operation);
  const auto own = std::find_if(fused.begin(), fused.end(), [&](const Fused& f) { return f.isa == backend; });
  if (own != fused.end()) return instructions / (own->per_cycle * static_cast<double>(own->lanes));
  // The scalar backend: a lane at a time, on two pipes.
  return instructions / 2;
}

}  // namespace roofline
