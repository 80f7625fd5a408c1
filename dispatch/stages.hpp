// Stages over the parts of a sum.
#pragma once

#include "kernels/stages.hpp"

namespace rectify {

// Filled in where it stands: what has just been stored word by word is slow to copy.
inline Stage& next_of(Stages& stages) noexcept { return stages.stage[stages.count++]; }

// The elements of a part of `shape`, piece by piece as they lie in memory, to where the last stage's go.
void run_part(const Stages& stages, const Work& shape, const SumPart& part) noexcept;

}  // namespace rectify
