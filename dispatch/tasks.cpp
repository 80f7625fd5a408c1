#include "dispatch/tasks.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "dispatch/cache_sizes.hpp"
#include "dispatch/fp_environment.hpp"
#include "dispatch/parallel.hpp"
#include "dispatch/sum_plan.hpp"

namespace rectify {
namespace {

constexpr size_t round_up(size_t a, size_t b) { return divide_up(a, b) * b; }

// A map's tasks begin at multiples of this: at lines, and at words of a mask.
constexpr size_t task_step = 512;

// A call that touches no more than this is light: one thread has done it before a second of oneTBB's would help, which
// comes 0.4 to 0.8 us late where it is awake, and for whose end the first waits. On Zen 5 two are the faster from 2.2 us of
// one on. Without an exponential that is half a megabyte, if a core's own cache has room for twice that: 64 Ki of ReLU in
// f32, just that, take one thread 2.0 us and two 2.6, or 3.7 if the second sleeps; in f64 6.8 and 3.3. ELU gains from a
// task on, and so may a caller's pool, whose threads may spin.
constexpr size_t light_bytes = size_t{512} << 10;

// Of the tensors that a call reads, where x is the first of them, and one that it writes. A mask is a sixteenth of one at
// most.
size_t touched_bytes(const Call& call, const void* x) noexcept {
  const Work& work = call.work;
  const size_t inputs = size_t{x != call.mask} + (work.dy != nullptr) + (work.residual != nullptr);
  return call.elements * call.format->element_size * (1 + inputs);
}

bool is_light(const Call& call, const void* x) noexcept {
  if (call.exponential || call.options->parallel_for != nullptr) return false;
  return touched_bytes(call, x) <= std::clamp(cache_sizes().second / 2, light_bytes / 2, light_bytes);
}

// Whether what the call touches is too large for the caches.
// One thread fills a cache no faster than it writes past it from 0.6 (two inputs) to 0.8 (one) of that cache on, measured
// on Zen 4 and 5, and loses 1.8x when it does so too early. Several threads share the DRAM, but each has its own way to the
// cache: two on Zen 5 gain from the whole of it on, and took 1.3 to 1.9 times as long at 0.75.
bool is_beyond_cache(const Call& call, const void* x) noexcept {
  if (call.elements <= task_elements) return false;
  const size_t tenths = concurrency(*call.options) > 1 ? 10 : 7, touched = touched_bytes(call, x);
  return touched >= cache_sizes().last / 10 * tenths;
}

// Whether a call's work is not shared out. It begins with a pass over x.
bool on_one_thread(const Call& call, const void* x) noexcept {
  return call.elements <= task_elements || concurrency(*call.options) == 1 || is_light(call, x);
}

// The elements of a task of a map: all, if they stay on one thread. Else as many tasks for each thread, all of a size, so
// that none waits for another's last.
size_t elements_of_task(const Call& call, const Work& first) noexcept {
  if (on_one_thread(call, first.x)) return call.elements;
  const size_t threads = std::min(divide_up(call.elements, task_elements), concurrency(*call.options));
  const size_t tasks = threads * divide_up(call.elements, threads * task_elements);
  return round_up(divide_up(call.elements, tasks), task_step);
}

struct MapJob {
  MapKernel kernel;
  const Work* work;
  size_t elements, of_task;
};

void run_map_task(const void* context, size_t index) {
  const MapJob& job = *static_cast<const MapJob*>(context);
  const size_t begin = index * job.of_task;
  job.kernel(*job.work, begin, std::min(job.elements, begin + job.of_task));
}

struct StagesJob {
  const Stages* stages;
  size_t elements, of_task;
};

void run_stages_task(const void* context, size_t index) {
  const StagesJob& job = *static_cast<const StagesJob*>(context);
  const size_t begin = index * job.of_task;
  run_through(*job.stages, begin, std::min(job.elements, begin + job.of_task), last_of(*job.stages).out);
}

// Whether a channel's last node is the sum as the caller wants it. Where each channel has but one, the task that leaves it
// divides and rounds it, some channels at a time.
bool is_sum(const Sum& sum, size_t scalar_size) { return sum.divisor == nullptr && sum.sum_size == scalar_size; }

// 32 KiB of nodes at most, on the stack of whatever thread the task runs on.
constexpr size_t rounded_channels = 4096;

// Nodes and levels beyond this are taken from the heap.
constexpr size_t most_on_stack = 8192;

struct SumJob {
  const Stages* stages;
  const Sum* sums;
  size_t count;
  const Work* shape;
  const SumPlan* plan;
  std::byte* nodes[most_sums];
  std::byte* scratch;
  size_t scalar_size;
};

void run_rounded(const Sum& sum, const SumPart& part) {
  alignas(64) std::byte nodes[rounded_channels * sizeof(double)];
  SumPart some = part;
  some.nodes = nodes;
  some.nodes_are_sums = false;
  for (; some.channel_begin < part.channel_end; some.channel_begin = some.channel_end) {
    some.channel_end = std::min(part.channel_end, some.channel_begin + rounded_channels);
    sum.kernel(sum.work, some);
    const size_t offset = some.channel_begin * sum.sum_size;
    const void* divisor = sum.divisor == nullptr ? nullptr : static_cast<const std::byte*>(sum.divisor) + offset;
    sum.fold(nodes, 1, some.channel_end - some.channel_begin, divisor, static_cast<std::byte*>(sum.sums) + offset);
  }
}

void run_sum_task(const void* context, size_t index) {
  const SumJob& job = *static_cast<const SumJob*>(context);
  const SumPlan& plan = *job.plan;
  const size_t node = index / plan.tiles, tile = index % plan.tiles;
  SumPart part;
  part.leaf_begin = node * plan.task_leaves;
  part.leaf_end = std::min(plan.leaves, part.leaf_begin + plan.task_leaves);
  part.channel_begin = tile * plan.tile;
  part.channel_end = std::min(job.shape->channels, part.channel_begin + plan.tile);
  part.scratch = job.scratch + index * plan.levels * plan.tile * job.scalar_size;
  run_part(*job.stages, *job.shape, part);
  for (size_t s = 0; s < job.count; ++s) {
    const Sum& sum = job.sums[s];
    if (plan.nodes == 1 && !is_sum(sum, job.scalar_size)) {
      run_rounded(sum, part);
      continue;
    }
    part.nodes = job.nodes[s] + (node * job.shape->channels + part.channel_begin) * job.scalar_size;
    part.nodes_are_sums = plan.nodes == 1;
    sum.kernel(sum.work, part);
  }
}

void run_fold(const void* context, size_t) {
  const SumJob& job = *static_cast<const SumJob*>(context);
  for (size_t s = 0; s < job.count; ++s) {
    const Sum& sum = job.sums[s];
    sum.fold(job.nodes[s], job.plan->nodes, job.shape->channels, sum.divisor, sum.sums);
  }
}

// A task takes its part once, and not stage by stage and sum by sum.
bool goes_once(const SumPass& pass) { return pass.stages->count == 0 && pass.count == 1; }

// What a sum that goes once begins with.
const void* first_x_of(const Sum& sum) { return sum.work.made != nullptr ? sum.work.made->stage[0].work.x : sum.work.x; }

// `whole`: see plan_sum().
SumPlan plan_pass(const SumPass& pass, bool whole) {
  return plan_sum(*pass.shape, goes_once(pass) ? most_nodes : most_nodes_of_stages(pass.shape->channels), whole);
}

// The short way of a sum in the caches: one part on one thread, with the levels of its trees on the stack. Returns false if
// it is not that. Half of L2 takes 2 us (Zen 5, f32), of which the jobs and plans of any sum took 2 to 3 %.
bool run_as_one_part(SumKernel kernel, const Call& call) noexcept {
  if (call.work.streaming || call.format->slope_size != call.format->scalar_size) return false;
  if (!on_one_thread(call, call.work.x)) return false;
  const SumPlan plan = plan_sum(call.work, most_nodes, true);
  alignas(64) std::byte levels[most_on_stack];
  if (plan.tiles != 1 || plan.levels * plan.tile * call.format->scalar_size > sizeof levels) return false;
  const FpEnvironment environment;
  kernel(call.work, {0, plan.leaves, 0, call.work.channels, call.sums, levels});
  return true;
}

// The nodes that are to be folded, and the scratch of the tasks.
size_t node_bytes(const SumPass& pass, const SumPlan& plan, size_t scalar_size) {
  return plan.nodes == 1 ? 0 : pass.count * plan.nodes * pass.shape->channels * scalar_size;
}
size_t space_for(const SumPass& pass, const SumPlan& plan, size_t scalar_size) {
  return node_bytes(pass, plan, scalar_size) + plan.tasks() * plan.levels * plan.tile * scalar_size;
}

void run_pass(const SumPass& pass, const SumPlan& plan, bool whole, std::byte* space, const Call& call) {
  const size_t scalar_size = call.format->scalar_size, bytes_of_nodes = node_bytes(pass, plan, scalar_size);
  SumJob job = {pass.stages, pass.sums, pass.count, pass.shape, &plan, {}, space + bytes_of_nodes, scalar_size};
  for (size_t s = 0; s < pass.count; ++s) {
    job.nodes[s] = plan.nodes == 1 ? static_cast<std::byte*>(pass.sums[s].sums) : space + bytes_of_nodes / pass.count * s;
  }
  rectify_options options = *call.options;
  if (whole || call.elements <= task_elements) options.threads = 1;  // several tasks, too
  run_tasks(plan.tasks(), options, run_sum_task, &job);
  if (plan.nodes != 1) run_tasks(1, options, run_fold, &job);
}

}  // namespace

void choose_stores(const Call& call, bool read_again, Work& work) noexcept {
  const Work& own = call.work;
  work.beyond_cache = is_beyond_cache(call, work.x);
  work.streaming = work.beyond_cache && !read_again && own.out != nullptr && own.out != own.x && own.out != own.dy &&
                   own.out != own.residual;
}

void run_map_in_tasks(MapKernel kernel, Call& call) noexcept {
  choose_stores(call, false, call.work);
  const MapJob job = {kernel, &call.work, call.elements, elements_of_task(call, call.work)};
  run_tasks(divide_up(job.elements, job.of_task), *call.options, run_map_task, &job);
}

void run_stages(const Stages& stages, const Call& call) noexcept {
  if (call.elements <= task_elements) {
    const FpEnvironment environment;
    return run_through(stages, 0, call.elements, last_of(stages).out);
  }
  const StagesJob job = {&stages, call.elements, elements_of_task(call, stages.stage[0].work)};
  run_tasks(divide_up(job.elements, job.of_task), *call.options, run_stages_task, &job);
}

int32_t run_sum(SumKernel kernel, Call& call) noexcept {
  choose_stores(call, false, call.work);
  if (run_as_one_part(kernel, call)) return RECTIFY_OK;
  const Sum sum = {kernel, call.work, call.kernels->fold, nullptr, call.sums, call.format->slope_size};
  Stages none;
  const SumPass pass = {&none, &sum, 1, &call.work};
  return run_sums(&pass, 1, call);
}

int32_t run_sums(const SumPass* passes, size_t count, const Call& call) noexcept {
  SumPlan plans[most_passes];
  bool whole[most_passes];
  size_t bytes = 0;  // the passes follow each other, so one space serves them all
  for (size_t p = 0; p < count; ++p) {
    whole[p] = goes_once(passes[p]) && on_one_thread(call, first_x_of(*passes[p].sums));
    plans[p] = plan_pass(passes[p], whole[p]);
    bytes = std::max(bytes, space_for(passes[p], plans[p], call.format->scalar_size));
  }
  alignas(64) std::byte stack[most_on_stack];
  std::unique_ptr<std::byte[]> heap;
  std::byte* space = stack;
  if (bytes > sizeof stack) {
    heap.reset(new (std::nothrow) std::byte[bytes]);
    if (heap == nullptr) return RECTIFY_ERROR_OUT_OF_MEMORY;
    space = heap.get();
  }
  for (size_t p = 0; p < count; ++p) run_pass(passes[p], plans[p], whole[p], space, call);
  return RECTIFY_OK;
}

}  // namespace rectify
