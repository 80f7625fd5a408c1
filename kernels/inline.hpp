// Every function of the vocabulary, the formulas and the loops becomes part of the kernel that uses it, in Debug builds
// too: a backend object must not offer the linker a copy of anything.
#pragma once

#ifdef __CUDACC__
#define RECTIFY_INLINE __device__ __forceinline__
#else
#define RECTIFY_INLINE inline __attribute__((always_inline))
#endif
#define RECTIFY_LAMBDA __attribute__((always_inline))  // behind a lambda's parameters
