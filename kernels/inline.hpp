// Every function of the vocabulary, the formulas and the loops becomes part of the kernel that uses it. A build that does
// not optimize calls them instead, and so does one with RECTIFY_CALLS: then a compiler run takes seconds and a debugger can
// step. They stand in unnamed namespaces, so that no object offers the linker a copy of any.
#pragma once

#if defined(__CUDACC__)
#define RECTIFY_INLINE __device__ __forceinline__
#define RECTIFY_LAMBDA __attribute__((always_inline))  // behind a lambda's parameters
#elif defined(__OPTIMIZE__) && !defined(RECTIFY_CALLS)
#define RECTIFY_INLINE inline __attribute__((always_inline))
#define RECTIFY_LAMBDA __attribute__((always_inline))
#else
#define RECTIFY_INLINE inline
#define RECTIFY_LAMBDA
#endif
