// Runs the tasks of a call on the calling thread, on oneTBB or on the caller's own pool.
#pragma once

#include <rectify/rectify.h>
#include <stddef.h>

namespace rectify {

// How many threads may work on a call, as far as it can know.
size_t concurrency(const rectify_options& options) noexcept;

// Calls task(context, index) once for every index in [0, tasks), each inside an FpEnvironment; returns when all are done
// and their streaming stores are ordered before what follows.
// `options` has been checked; it says how many threads at most and whose.
void run_tasks(size_t tasks, const rectify_options& options, void (*task)(const void* context, size_t index),
               const void* context) noexcept;

}  // namespace rectify
