// What AVX-512 can say with every operation on whole registers: that it rounds to nearest even, and raises nothing. Then
// the caller's environment changes nothing but whether denormals are kept, which an addition tells, and a small call need
// not read MXCSR, for which it would wait until all operations before are done (dispatch/fp_environment.hpp).
#pragma once

namespace rectify {
namespace {

// _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC, and the latter alone for what does not round.
constexpr int nearest = 8, quiet = 8;

// The comparison, none of which signals, that holds where this one does not.
constexpr int opposite(int predicate) { return predicate ^ 4; }

// Where a stand-in computes instead of the instructions it is the caller's rounding.
#if defined(__AVX512F__)
constexpr bool rounds_by_itself = true;
#else
constexpr bool rounds_by_itself = false;
#endif

}  // namespace
}  // namespace rectify
