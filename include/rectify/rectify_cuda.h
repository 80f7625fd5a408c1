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
 *               enqueues a kernel or two, a fused one up to four, and returns: nothing waits, nothing is allocated, and the
 *               calls may be captured in a CUDA graph. Tensors must live until the stream has passed the call. What another
 *               stream has to write first, or reads afterwards, is ordered by the caller, with events.
 *   Scratch     A call that sums takes `scratch`, as many bytes as its rectify_cuda_..._scratch_bytes() says, at a multiple
 *               of 4 bytes (f64: 8), overlapping no tensor. It is written, never has to be cleared, and is free for others
 *               once the stream has passed the call. Concurrent calls need scratch of their own. Where neither a
 *               parameter's gradient nor dbias is asked for it may be NULL and 0.
 *   Errors      RECTIFY_ERROR_NO_DEVICE without driver or GPU, RECTIFY_ERROR_CUDA for any other error that the CUDA runtime
 *               reports while the work is enqueued, RECTIFY_ERROR_SCRATCH_TOO_SMALL. When a status is not RECTIFY_OK
 *               nothing was written, except that after RECTIFY_ERROR_CUDA from a call with several kernels the first ones
 *               may run. Errors while a kernel runs are found by the caller's next synchronisation, as always with CUDA.
 *   Empty       n == 0 enqueues at most the kernels that set dbias and a parameter's gradient to +0, one for each.
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

/* ---- Masks ------------------------------------------------------------------------------------------------------- */
/* As in rectify.h: the same bits of the same bytes, of any alignment. Tensors of which every one is a multiple of 16 bytes
 * are the fast case. */

/* y[i] = x[i] < 0 ? +0 : x[i], and the mask of x. */
RECTIFY_API int32_t rectify_cuda_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                                        void* stream) RECTIFY_NOEXCEPT;

/* dx[i] = bit i ? dy[i] : +0. */
RECTIFY_API int32_t rectify_cuda_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy,
                                                         void* dx, void* stream) RECTIFY_NOEXCEPT;

/* y[i] = x[i] < 0 ? slope*x[i] : x[i], and the mask of x. */
RECTIFY_API int32_t rectify_cuda_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                                              void* mask, void* stream) RECTIFY_NOEXCEPT;

/* dx[i] = bit i ? dy[i] : slope*dy[i]. */
RECTIFY_API int32_t rectify_cuda_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask,
                                                               const void* dy, void* dx, void* stream) RECTIFY_NOEXCEPT;

/* y = x < 0 ? slope[channel]*x : x, and the mask of x, in any layout. */
RECTIFY_API int32_t rectify_cuda_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape,
                                                         const void* x, const void* slope, void* y, void* mask,
                                                         void* stream) RECTIFY_NOEXCEPT;

/* dx = bit ? dy : slope[channel]*dy;  dslope[channel] = (sum over the bits not set of dy * -|y|) / |slope[channel]|. dslope
 * may be NULL; dx is always written. Scratch: rectify_cuda_prelu_scratch_bytes(). */
RECTIFY_API int32_t rectify_cuda_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape,
                                                          const void* y, const void* mask, const void* slope,
                                                          const void* dy, void* dx, void* dslope, void* scratch,
                                                          size_t scratch_bytes, void* stream) RECTIFY_NOEXCEPT;

/* ---- Fused: bias, residual and activation ------------------------------------------------------------------------ */

/* y = f(z) with z = x + bias[channel] + residual, each step rounded to the format of the tensors, and, where it is asked
 * for, the mask of z. bias, residual, mask and activation.slope lie in the device's memory or are NULL. */
RECTIFY_API int32_t rectify_cuda_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                               const void* bias, const void* residual, rectify_activation activation,
                                               void* y, void* mask, void* stream) RECTIFY_NOEXCEPT;

/* dx = f'(z)*dy;  dbias[channel] = the sum of dx over the channel;  dparameter: the gradient of the activation's parameter.
 * dbias and dparameter may be NULL. One pass over memory, but that dx is read once more where both dbias of several
 * channels and the gradient of Leaky ReLU's or ELU's parameter are asked for. */
RECTIFY_API int32_t rectify_cuda_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                                const void* bias, const void* residual, const void* mask,
                                                rectify_activation activation, const void* dy, void* dx, void* dbias,
                                                void* dparameter, void* scratch, size_t scratch_bytes,
                                                void* stream) RECTIFY_NOEXCEPT;

/* Sets *bytes to the scratch that rectify_cuda_fused_backward() needs where dbias or dparameter is asked for, whatever the
 * activation. Needs no device. */
RECTIFY_API int32_t rectify_cuda_fused_scratch_bytes(int32_t dtype, int32_t parameter_dtype, rectify_shape shape,
                                                     size_t* bytes) RECTIFY_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
