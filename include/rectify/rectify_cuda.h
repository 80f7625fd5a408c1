/* rectify on NVIDIA GPUs: the calls of rectify.h on device pointers and a stream. The library is librectify_cuda (CMake:
 * rectify::cuda).
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything that rectify.h says about number formats, formulas, special values, accuracy, shapes, aliasing and errors
 * holds here, and the bits are the same as on every CPU. What differs:
 *
 *   Pointers    Tensors, slopes and gradients of parameters lie in memory that the current device can read and write
 *               (cudaMalloc, managed, or mapped), multiples of their element's size. Scalar parameters are passed by value.
 *   Stream      `stream` is a cudaStream_t of the current device; NULL is the default stream. A call checks its arguments,
 *               enqueues one or two kernels and returns: nothing waits, nothing is allocated, and the calls may be captured
 *               in a CUDA graph. Tensors must live until the stream has passed the call. What another stream has to write
 *               first, or reads afterwards, is ordered by the caller, with events.
 *   Scratch     A call that sums takes `scratch`, as many bytes as its rectify_cuda_..._scratch_bytes() says, a multiple of
 *               4 bytes (f64: 8), overlapping no tensor. It is written, never has to be cleared, and is free for others
 *               once the stream has passed the call. Concurrent calls need scratch of their own. Where no parameter
 *               gradient is asked for it may be NULL and 0.
 *
 *   Errors      RECTIFY_ERROR_NO_DEVICE without driver or GPU, RECTIFY_ERROR_CUDA for any other error that the CUDA runtime
 *               reports while the work is enqueued, RECTIFY_ERROR_SCRATCH_TOO_SMALL. When a status is not RECTIFY_OK
 *               nothing was written, except that after RECTIFY_ERROR_CUDA from a call with two kernels the first may run.
 *               Errors while a kernel runs are found by the caller's next synchronisation, as always with CUDA.
 *
 *   Empty       n == 0 enqueues at most the kernel that sets a parameter gradient to +0.
 */
#ifndef RECTIFY_RECTIFY_CUDA_H
#define RECTIFY_RECTIFY_CUDA_H

#include <rectify/rectify.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RECTIFY_OK if the calling thread has a CUDA device to work on, else RECTIFY_ERROR_NO_DEVICE or RECTIFY_ERROR_CUDA. */
RECTIFY_API int32_t rectify_cuda_available(void) RECTIFY_NOEXCEPT;

/* ---- ReLU -------------------------------------------------------------------------------------------------------- */

/* y[i] = x[i] < 0 ? +0 : x[i], for n elements. */
RECTIFY_API int32_t rectify_cuda_relu_forward(int32_t dtype, size_t n, const void* x, void* y,
                                              void* stream) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? +0 : dy[i]. The output y may stand for x: the same bits come back. */
RECTIFY_API int32_t rectify_cuda_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                                               void* stream) RECTIFY_NOEXCEPT;

/* ---- Leaky ReLU -------------------------------------------------------------------------------------------------- */

/* y[i] = x[i] < 0 ? slope*x[i] : x[i]. */
RECTIFY_API int32_t rectify_cuda_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                                    void* stream) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? slope*dy[i] : dy[i];  *dslope = sum over x[i] < 0 of dy[i]*x[i], one value of the compute type.
 * One pass over x and dy. Either of dx and dslope may be NULL, not both. */
RECTIFY_API int32_t rectify_cuda_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy,
                                                     void* dx, void* dslope, void* scratch, size_t scratch_bytes,
                                                     void* stream) RECTIFY_NOEXCEPT;

/* Sets *bytes to the scratch that rectify_cuda_leaky_relu_backward() needs where dslope is asked for. Needs no device. */
RECTIFY_API int32_t rectify_cuda_leaky_relu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) RECTIFY_NOEXCEPT;

/* ---- PReLU ------------------------------------------------------------------------------------------------------- */

/* y = x < 0 ? slope[channel]*x : x. slope holds shape.channels values of slope_dtype. */
RECTIFY_API int32_t rectify_cuda_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                               const void* slope, void* y, void* stream) RECTIFY_NOEXCEPT;

/* dx = x <= 0 ? slope[channel]*dy : dy;  dslope[channel] = sum over x < 0 of dy*x, shape.channels values of slope_dtype,
 * overwritten. One pass over x and dy. Either of dx and dslope may be NULL, not both. */
RECTIFY_API int32_t rectify_cuda_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                                const void* slope, const void* dy, void* dx, void* dslope, void* scratch,
                                                size_t scratch_bytes, void* stream) RECTIFY_NOEXCEPT;

/* Sets *bytes to the scratch that rectify_cuda_prelu_backward() needs where dslope is asked for. Needs no device. */
RECTIFY_API int32_t rectify_cuda_prelu_scratch_bytes(int32_t dtype, int32_t slope_dtype, rectify_shape shape,
                                                     size_t* bytes) RECTIFY_NOEXCEPT;

/* ---- ELU --------------------------------------------------------------------------------------------------------- */

/* y[i] = x[i] < 0 ? alpha*expm1(x[i]) : x[i]. */
RECTIFY_API int32_t rectify_cuda_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                                             void* stream) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? alpha*exp(x[i])*dy[i] : dy[i];  *dalpha = sum over x[i] < 0 of dy[i]*expm1(x[i]), one value of the
 * compute type. One pass over x and dy. Either of dx and dalpha may be NULL, not both. */
RECTIFY_API int32_t rectify_cuda_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy,
                                              void* dx, void* dalpha, void* scratch, size_t scratch_bytes,
                                              void* stream) RECTIFY_NOEXCEPT;

/* Sets *bytes to the scratch that rectify_cuda_elu_backward() needs where dalpha is asked for. Needs no device. */
RECTIFY_API int32_t rectify_cuda_elu_scratch_bytes(int32_t dtype, size_t n, size_t* bytes) RECTIFY_NOEXCEPT;

/* dx[i] = y[i] <= 0 ? (y[i] + alpha)*dy[i] : dy[i], from the forward's output. Needs alpha >= 0. */
RECTIFY_API int32_t rectify_cuda_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy,
                                                     void* dx, void* stream) RECTIFY_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
