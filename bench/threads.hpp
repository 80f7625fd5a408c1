// The threads that a parallel call of the library runs on: oneTBB's, so that kernel and ceiling share them.
#pragma once

#include <stddef.h>

#include <functional>

namespace roofline {

// How many threads "all threads" are; 1 without oneTBB.
size_t all_threads();

// body(index) for every index below `count`, each on a thread of its own: oneTBB with a static partition.
void on_threads(size_t count, const std::function<void(size_t index)>& body);

}  // namespace roofline
