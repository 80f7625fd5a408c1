// Operations that are to stay as they are written.
#pragma once

#include "inline.hpp"

namespace rectify {
namespace {

// A number whose products and sums the compiler is not to make one operation with others, and which round to nearest even
// and raise nothing whatever the environment. Where an instruction set has that its vector.hpp says so; else it is the
// number.
template <class V>
RECTIFY_INLINE V apart(V a) {
  return a;
}

}  // namespace
}  // namespace rectify
