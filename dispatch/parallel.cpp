// The only file that knows oneTBB.
//
// Each worker owns a contiguous range of the tasks, so that a repeated call finds its part of the array in the same core's
// cache, and helps with the other ranges when its own is done. A task is claimed by an atomic increment: whatever the pool
// does, each runs once, and what no worker claimed the calling thread runs itself; so a pool that fails to start its
// threads costs time, never results.
#include "dispatch/parallel.hpp"

#include <algorithm>
#include <atomic>

#include "dispatch/fp_environment.hpp"

#if defined(RECTIFY_TBB)
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#endif

namespace rectify {
namespace {

constexpr size_t max_workers = 256;

// Streaming stores are not ordered by what tells another thread that a task is done. Once for all tasks of a worker: it
// takes as long as some hundred elements.
void fence_streaming_stores() noexcept {
#if defined(__x86_64__)
  __asm__ volatile("sfence" ::: "memory");
#endif
}

struct alignas(64) Range {  // a cache line of its own: claims do not disturb the neighbours
  std::atomic<size_t> next;
  size_t end;
};

struct Job {
  void (*task)(const void*, size_t);
  const void* context;
  size_t workers;
  Range ranges[max_workers];

  void work(size_t worker) noexcept {
    const FpEnvironment environment;
    for (size_t i = 0; i < workers; ++i) {
      const size_t r = worker + i < workers ? worker + i : worker + i - workers;
      Range& range = ranges[r];
      if (range.next.load(std::memory_order_relaxed) >= range.end) continue;
      for (size_t index; (index = range.next.fetch_add(1, std::memory_order_relaxed)) < range.end;) task(context, index);
    }
    fence_streaming_stores();
  }
};

// Out of line: the ranges are 16 KiB of stack that a small call should not touch.
[[gnu::noinline]] void run_on_pool(size_t tasks, size_t workers, const rectify_options& options,
                                   void (*task)(const void*, size_t), const void* context) noexcept {
  Job job;
  job.task = task;
  job.context = context;
  job.workers = workers;
  const size_t share = tasks / workers, rest = tasks % workers;
  size_t begin = 0;
  for (size_t w = 0; w < workers; ++w) {
    job.ranges[w].next.store(begin, std::memory_order_relaxed);
    begin += share + (w < rest);
    job.ranges[w].end = begin;
  }
  if (options.parallel_for != nullptr) {
    options.parallel_for(
        options.pool, workers, [](void* self, size_t worker) { static_cast<Job*>(self)->work(worker); }, &job);
  } else {
#if defined(RECTIFY_TBB)
    const StickyFlags flags;
    // oneTBB divides in floating point, in the caller's environment and then in the group's: an exception that the caller
    // has unmasked would be delivered.
    const FpEnvironment environment;
    try {
      using Group = tbb::task_group_context;
      Group group(Group::bound, Group::default_traits | Group::fp_settings);
      // Isolated: while it waits, the calling thread takes up no other task of the caller's, which might want a lock it
      // holds.
      tbb::this_task_arena::isolate([&] {
        tbb::parallel_for(
            size_t{0}, workers, [&job](size_t worker) { job.work(worker); }, tbb::static_partitioner(), group);
      });
    } catch (...) {  // oneTBB could not get memory or threads; those that ran have finished
    }
#endif
  }
  job.work(0);
}

}  // namespace

size_t concurrency(const rectify_options& options) noexcept {
  if (options.threads == 1) return 1;  // oneTBB takes some nanoseconds to answer
  size_t available = max_workers;
#if defined(RECTIFY_TBB)
  if (options.parallel_for == nullptr) {
    const int arena = tbb::this_task_arena::max_concurrency();
    available = arena > 0 ? static_cast<size_t>(arena) : 1;
  }
#else
  if (options.parallel_for == nullptr) available = 1;
#endif
  if (options.threads != 0) available = std::min(available, options.threads);
  return std::min(available, max_workers);
}

void run_tasks(size_t tasks, const rectify_options& options, void (*task)(const void* context, size_t index),
               const void* context) noexcept {
  if (tasks > 1 && options.threads != 1) {
    const size_t workers = std::min(tasks, concurrency(options));
    if (workers > 1) return run_on_pool(tasks, workers, options, task, context);
  }
  const FpEnvironment environment;
  for (size_t index = 0; index < tasks; ++index) task(context, index);
  fence_streaming_stores();
}

}  // namespace rectify
