#include "sweep.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

#include "operations.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

constexpr Traffic swept_traffics[] = {{1, 1}, {2, 1}};
constexpr double steps_per_doubling = 2;

// Enough to see every shape of curve: a select, a parameter per channel, arithmetic, and a sum.
bool swept(const Operation& o) {
  const std::string_view operation = o.operation, direction = o.direction;
  if (*o.variant || o.format != Format::f32) return false;
  if (operation == "relu") return true;
  if (operation == "prelu") return o.layout == Layout::nchw && direction != "backward";
  return operation == "elu" && (direction == "forward" || direction == "backward");
}

// Something that is timed at one size, and the line of the plot that it belongs to.
struct Candidate {
  size_t series;
  size_t n;
  std::function<void()> run;
  Timer timer = {};
  std::vector<double> times = {};
};

// A cache takes that many passes to settle after streaming stores have emptied it (seen on Zen 3: the L3's first pass runs
// at a third of its speed, the third at 80 to 100 %).
constexpr size_t passes_to_settle = 6, blocks = 3;

// Times all in turn, some passes of each without a pause, then adds a point to each series: the fastest of its candidates.
void add_points(std::vector<Series>& series, std::vector<Candidate> candidates, bool in_cache, size_t rounds) {
  const auto settle = [&](const Candidate& c) {
    for (size_t pass = 0; in_cache && pass < passes_to_settle; ++pass) c.run();
  };
  for (Candidate& c : candidates) {
    settle(c);
    c.timer = timer_of(c.run, 1);
  }
  for (size_t block = 0; block < blocks; ++block)
    for (Candidate& c : candidates) {
      settle(c);
      for (size_t round = 0; round < (rounds + blocks - 1) / blocks; ++round) c.times.push_back(c.timer.nanoseconds(c.run));
    }
  for (const Candidate& c : candidates) {
    Series& own = series[c.series];
    const size_t bytes = c.n * own.traffic.arrays() * sizeof(float);
    const double gbps = static_cast<double>(c.n * own.traffic.accesses() * sizeof(float)) / median(c.times);
    if (own.points.empty() || own.points.back().bytes != bytes)
      own.points.push_back({bytes, gbps});
    else
      own.points.back().gbps = std::max(own.points.back().gbps, gbps);
  }
}

void sweep_traffic(std::vector<Series>& all, Traffic traffic, const std::vector<size_t>& sizes, size_t last_cache,
                   const Arena& arena, const Ceilings& ceilings, const rectify_options& options, size_t rounds) {
  std::vector<const Operation*> ours;
  std::vector<Series> series = {{"ceiling", "ordinary", traffic, {}}, {"ceiling", "streaming", traffic, {}}};
  for (const Operation& o : operations())
    if (o.traffic == traffic && swept(o)) {
      ours.push_back(&o);
      series.push_back({std::string(o.operation) + " " + o.direction, "", traffic, {}});
    }
  for (const size_t touched : sizes) {
    std::vector<Candidate> candidates;
    const Streams streams = arena.place(traffic, array_bytes(traffic, touched));
    const auto add_ceilings = [&](bool streaming) {
      for (const CeilingKernel* kernel : ceilings.winners(traffic, streaming))
        candidates.push_back({streaming, streams.n, [=] { kernel->run(streams); }});
    };
    add_ceilings(false);
    for (size_t i = 0; i < ours.size(); ++i) {
      const Operation& o = *ours[i];
      const rectify_shape shape = shape_of(o, streams.n);
      const bool unusual = o.layout == Layout::nchw && shape.inner != usual_map;
      if (unusual || elements(shape) > streams.n) continue;  // too small for this layout
      const Tensors t = tensors(o, arena.place(traffic, array_bytes(o, shape)), arena);
      candidates.push_back({2 + i, elements(shape), [&o, t, shape, &options] { o.call(t, shape, &options); }});
    }
    add_ceilings(true);
    // From there on a pass takes long, and what is in the cache does not matter.
    const bool in_cache = touched < 2 * last_cache;
    add_points(series, std::move(candidates), in_cache,
               touched < last_cache / 2 ? rounds : std::max<size_t>(rounds / 7, 3));
  }
  all.insert(all.end(), series.begin(), series.end());
}

}  // namespace

std::vector<Series> sweep(const Machine& machine, const Arena& arena, const Ceilings& ceilings, const std::string& backend,
                          size_t rounds) {
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = 1;
  options.backend = backend.c_str();

  const double first = static_cast<double>(machine.caches.front().bytes) / 4;
  const double last = static_cast<double>(touched_bytes(machine, Level::dram, 1));
  std::vector<size_t> sizes;
  for (double size = first; size <= last * 1.01; size *= std::exp2(1 / steps_per_doubling))
    sizes.push_back(static_cast<size_t>(std::min(size, last)));

  std::vector<Series> series;
  for (const Traffic traffic : swept_traffics)
    sweep_traffic(series, traffic, sizes, machine.last_cache().bytes, arena, ceilings, options, rounds);
  return series;
}

}  // namespace roofline
