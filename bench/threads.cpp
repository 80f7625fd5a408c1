#include "threads.hpp"

#ifdef RECTIFY_TBB
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>
#endif

namespace roofline {

#ifdef RECTIFY_TBB

size_t all_threads() { return static_cast<size_t>(tbb::this_task_arena::max_concurrency()); }

void on_threads(size_t count, const std::function<void(size_t index)>& body) {
  tbb::parallel_for(size_t{0}, count, body, tbb::static_partitioner());
}

#else

size_t all_threads() { return 1; }

void on_threads(size_t count, const std::function<void(size_t index)>& body) {
  for (size_t index = 0; index < count; ++index) body(index);
}

#endif

}  // namespace roofline
