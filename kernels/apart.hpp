// Operations that are to stay as they are written.
#pragma once

#include "inline.hpp"

namespace rectify {
namespace {

// A number whose products round to nearest even and raise nothing whatever the environment. Where an instruction set has
// that its vector.hpp says so; else it is the number.
template <class V>
RECTIFY_INLINE V by_itself(V a) {
  return a;
}

// The same, and sums too, and the compiler is not to make one operation of them and others.
template <class V>
RECTIFY_INLINE V apart(V a) {
  return a;
}

}  // namespace
}  // namespace rectify
