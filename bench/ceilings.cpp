#include "ceilings.hpp"

#include <algorithm>
#include <cassert>

#include "threads.hpp"

namespace roofline {
namespace {

std::vector<const CeilingKernel*> candidates(Traffic traffic, bool streaming) {
  std::vector<const CeilingKernel*> found;
  for (const CeilingTable* table : runnable_tables())
    for (size_t i = 0; i < table->count; ++i) {
      const CeilingKernel& k = table->kernels[i];
      if (k.reads == traffic.reads && k.writes == traffic.writes && k.streaming == streaming) found.push_back(&k);
    }
  return found;
}

// The part of the streams that thread `index` of `threads` passes over.
Streams part(const Streams& streams, size_t index, size_t threads) {
  const size_t granules = streams.n / granule;
  const size_t begin = granules * index / threads * granule, end = granules * (index + 1) / threads * granule;
  Streams s = streams;
  for (const float*& in : s.in)
    if (in) in += begin;
  for (float*& out : s.out)
    if (out) out += begin;
  s.n = end - begin;
  return s;
}

Ceiling measure(const Arena& arena, Traffic traffic, bool streaming, Level level, size_t threads, size_t touched,
                size_t rounds) {
  const auto kernels = candidates(traffic, streaming);
  const Streams streams = arena.place(traffic, array_bytes(traffic, touched));
  std::vector<Timer> timers;
  for (const CeilingKernel* kernel : kernels) timers.push_back(ceiling_timer(*kernel, streams, threads));
  std::vector<std::vector<double>> times(kernels.size());
  for (size_t round = 0; round < rounds; ++round)
    for (size_t i = 0; i < kernels.size(); ++i)
      times[i].push_back(ceiling_nanoseconds(*kernels[i], streams, threads, timers[i]));

  std::vector<double> gbps;
  for (const auto& of_kernel : times)
    gbps.push_back(static_cast<double>(streams.n * sizeof(float) * traffic.accesses()) / median(of_kernel));
  const auto bytes_per_turn = [](const CeilingKernel* k) { return k->bits * k->unroll; };
  const auto fastest = static_cast<size_t>(std::max_element(gbps.begin(), gbps.end()) - gbps.begin());
  size_t steadiest = fastest;
  for (size_t i = 0; i < kernels.size(); ++i)
    if (gbps[i] > 0.95 * gbps[fastest] && bytes_per_turn(kernels[i]) > bytes_per_turn(kernels[steadiest])) steadiest = i;
  const size_t bytes = streams.n * sizeof(float) * traffic.arrays();
  Ceiling best = {traffic, streaming, level, threads, bytes, gbps[fastest], {kernels[fastest]}};
  if (steadiest != fastest) best.kernels.push_back(kernels[steadiest]);
  return best;
}

}  // namespace

std::vector<const CeilingTable*> runnable_tables() {
  std::vector<const CeilingTable*> tables;
#if defined(__x86_64__)
  tables.push_back(&ceilings_sse2);
#ifdef ROOFLINE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables.push_back(&ceilings_avx2);
#endif
#ifdef ROOFLINE_AVX512
  if (__builtin_cpu_supports("avx512f")) tables.push_back(&ceilings_avx512);
#endif
#elif defined(__aarch64__)
  tables.push_back(&ceilings_neon);
#endif
  return tables;
}

double ceiling_nanoseconds(const CeilingKernel& kernel, const Streams& streams, size_t threads, const Timer& timer) {
  if (threads == 1) return timer.nanoseconds([&] { kernel.run(streams); });
  const double time = Timer{}.nanoseconds([&] {
    on_threads(threads, [&](size_t index) {
      const Streams own = part(streams, index, threads);
      for (size_t i = 0; i < timer.repeats; ++i) kernel.run(own);
    });
  });
  return time / static_cast<double>(timer.repeats);
}

Timer ceiling_timer(const CeilingKernel& kernel, const Streams& streams, size_t threads) {
  const Streams own = part(streams, 0, threads);  // without the start of the other threads
  return timer_of([&] { kernel.run(own); }, threads);
}

Ceilings::Ceilings(const Machine& machine, const Arena& arena, const std::vector<size_t>& threads, size_t rounds,
                   const std::function<void(Level, size_t threads)>& progress) {
  for (const size_t count : threads)
    for (const Level level : levels(machine)) {
      progress(level, count);
      const size_t level_rounds = level == Level::dram ? std::max<size_t>(rounds / 7, 3) : rounds;
      for (const Traffic traffic : traffics)
        for (const bool streaming : {false, true})
          if (!streaming || traffic.writes > 0)
            all_.push_back(
                measure(arena, traffic, streaming, level, count, touched_bytes(machine, level, count), level_rounds));
    }
}

const Ceiling* Ceilings::find(Traffic traffic, bool streaming, Level level, size_t threads) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Ceiling& c) {
    return c.traffic == traffic && c.streaming == streaming && c.level == level && c.threads == threads;
  });
  return found == all_.end() ? nullptr : &*found;
}

const Ceiling& Ceilings::matched(Traffic traffic, Level level, size_t threads) const {
  const Ceiling* ordinary = find(traffic, false, level, threads);
  const Ceiling* streaming = level == Level::dram ? find(traffic, true, level, threads) : nullptr;
  assert(ordinary);
  return streaming && streaming->gbps > ordinary->gbps ? *streaming : *ordinary;
}

std::vector<const CeilingKernel*> Ceilings::winners(Traffic traffic, bool streaming) const {
  std::vector<const CeilingKernel*> found;
  for (const Ceiling& c : all_)
    if (c.traffic == traffic && c.streaming == streaming && c.threads == 1)
      for (const CeilingKernel* kernel : c.kernels)
        if (std::find(found.begin(), found.end(), kernel) == found.end()) found.push_back(kernel);
  return found;
}

}  // namespace roofline
