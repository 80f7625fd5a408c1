/* rectify: ReLU, Leaky ReLU, PReLU and ELU with their gradients. The C ABI for the CPU.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything an engine needs stands on this page.
 *
 * What is computed (x: input, dy: gradient of the loss with respect to y, a: slope):
 *
 *                     value y               gradient dx                       gradient of the parameter
 *   ReLU              x < 0 ? +0 : x        x <= 0 ? +0 : dy
 *   Leaky ReLU        x < 0 ? a*x : x       x <= 0 ? a*dy : dy                dslope   = sum over x < 0 of dy*x
 *   PReLU             the same, with one slope per channel; dslope is summed per channel
 *   ELU               x < 0 ? alpha*expm1(x) : x
 *                                           x <= 0 ? alpha*exp(x)*dy : dy     dalpha   = sum over x < 0 of dy*expm1(x)
 *   ELU, from y                             y <= 0 ? (y + alpha)*dy : dy
 *
 *   PReLU:  K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", 2015, arXiv:1502.01852, equations 1 and 8.
 *   ELU:    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
 *           Linear Units (ELUs)", 2016, arXiv:1511.07289, equations 15 and 16.
 *
 * What holds for every function:
 *
 *   Bits        The same arguments give the same bits on every backend (scalar, AVX2, AVX-512, NEON), for any number of
 *               threads, at any position, alignment and length, in place or not. Sums are taken in one fixed order that
 *               depends on the shape alone. A NaN that is computed has no defined payload; a value that passes through
 *               unchanged keeps its own, but a signalling NaN may come back quiet where a 16-bit format is converted.
 *   Specials    What is not negative passes through the value unchanged, zeros and NaN included: relu(-0) is -0. At x = 0
 *               the gradient takes the slope's side. A NaN x passes dy and adds nothing to the parameter's gradient.
 *               Denormals are kept. Slopes may be any float: negative, above one, infinite or NaN.
 *   Formats     Tensors are f32, f64, f16 or bf16, all of a call alike; beside 16-bit tensors a PReLU's slopes may be f32.
 *               f32 and f64 are computed in themselves. 16-bit elements are widened exactly, computed by the steps of f32
 *               and rounded once, to nearest even, where a result is stored: denormals survive, what f16 cannot hold (its
 *               largest number is 65504) becomes infinite, NaN stays NaN. See "Number formats" below.
 *   Accuracy    ReLU passes or zeroes: exact. Leaky ReLU and PReLU: each product is correctly rounded. ELU in f32 and f64:
 *               value below 1 ULP for alpha = 1 and below 2.1 ULP for any other alpha; in dx the factor exp(x) is within
 *               1.1 ULP before the two products, with gradual underflow. A sum is, short of underflow, within 8e-6 (f64:
 *               3e-14) of the sum of magnitudes, whatever its length and terms, and usually within some 1e-7 (f64: 3e-16).
 *               f16 and bf16 round all that once more; values are then within 0.501 ULP and, with alpha = 1 or with slopes
 *               of 16 bits, correctly rounded for every input.
 *   Shapes      Counts are elements, not bytes. Tensors are dense and row-major.
 *   Aliasing    Each full-size output may be exactly one of the full-size inputs (y == x, dx == dy, dx == x) or overlap no
 *               other tensor; a parameter gradient, and a mask that is written, overlap nothing, one that is read no
 *               output. Anything else is RECTIFY_ERROR_OVERLAP.
 *   Errors      A call returns a status. When it is not RECTIFY_OK, nothing was written. When several arguments are bad,
 *               one of them is reported. rectify_status_text() explains.
 *   Empty       n == 0 succeeds, whatever pointers are NULL, if the other arguments are valid; a non-NULL parameter
 *               gradient is then set to +0.
 *   Threads     Every function may be called from any number of threads at once. Outputs of concurrent calls must be
 *               distinct. Nothing is created or destroyed by the caller. What a second thread would come too late for
 *               stays on the calling thread: up to 32768 elements; on oneTBB and without an exponential, tensors of up to
 *               half of a core's L2 in all (256 to 512 KiB), unless a fused call with sums has several steps or sums to
 *               take.
 *   Environment The caller's floating-point control bits (rounding, FTZ/DAZ, exception masks) do not change any result and
 *               are as they were when the call returns; sticky exception flags may have been raised.
 *   Stack       A call of an optimised build takes up to 128 KiB of stack, on each thread that it runs on.
 *   The library never prints, aborts, throws, or touches memory outside the ranges it was given.
 */
#ifndef RECTIFY_RECTIFY_H
#define RECTIFY_RECTIFY_H

#include <stddef.h>
#include <stdint.h>

#define RECTIFY_VERSION_MAJOR 0
#define RECTIFY_VERSION_MINOR 1
#define RECTIFY_VERSION_PATCH 0
#define RECTIFY_VERSION (RECTIFY_VERSION_MAJOR * 10000 + RECTIFY_VERSION_MINOR * 100 + RECTIFY_VERSION_PATCH)

#if defined(RECTIFY_SHARED) && defined(__GNUC__)
#define RECTIFY_API __attribute__((visibility("default")))
#else
#define RECTIFY_API
#endif

#ifdef __cplusplus
#define RECTIFY_NOEXCEPT noexcept
extern "C" {
#else
#define RECTIFY_NOEXCEPT
#endif

/* ---- Status ------------------------------------------------------------------------------------------------------ */

#define RECTIFY_OK 0
#define RECTIFY_ERROR_NULL_POINTER 1         /* a required pointer is NULL although there are elements */
#define RECTIFY_ERROR_UNKNOWN_DTYPE 2        /* not a number of the list below */
#define RECTIFY_ERROR_UNSUPPORTED_DTYPE 3    /* known number formats that do not go together, or are not computed */
#define RECTIFY_ERROR_SIZE_OVERFLOW 4        /* the shape's elements or bytes exceed size_t */
#define RECTIFY_ERROR_OVERLAP 5              /* tensors overlap in a way that "Aliasing" above does not allow */
#define RECTIFY_ERROR_UNALIGNED 6            /* a pointer is not a multiple of the size of what it points to */
#define RECTIFY_ERROR_INVALID_ARGUMENT 7     /* alpha not finite, alpha < 0 where y is given, no output; fused: see there */
#define RECTIFY_ERROR_INVALID_OPTIONS 8      /* struct_size too small, an unknown field not zero, or an unknown value */
#define RECTIFY_ERROR_UNKNOWN_BACKEND 9      /* options.backend or RECTIFY_ISA names no backend of this library */
#define RECTIFY_ERROR_UNAVAILABLE_BACKEND 10 /* it names one that this machine, or RECTIFY_ISA, does not offer */
#define RECTIFY_ERROR_OUT_OF_MEMORY 11       /* the scratch space of a sum could not be had */
#define RECTIFY_ERROR_NO_DEVICE 12           /* rectify_cuda.h: no driver, or no GPU */
#define RECTIFY_ERROR_CUDA 13                /* rectify_cuda.h: the CUDA runtime refused the work */
#define RECTIFY_ERROR_SCRATCH_TOO_SMALL 14   /* rectify_cuda.h: scratch_bytes is less than the call needs */

/* The text of a status, in English; for an unknown number a text that says so. Never NULL; never freed. */
RECTIFY_API const char* rectify_status_text(int32_t status) RECTIFY_NOEXCEPT;

/* ---- Versions ---------------------------------------------------------------------------------------------------- */

/* RECTIFY_VERSION of the library linked in, to compare with the macro of the header compiled against. */
RECTIFY_API int32_t rectify_version(void) RECTIFY_NOEXCEPT;

/* Rises whenever the bits of any result change. */
RECTIFY_API int32_t rectify_numerics_version(void) RECTIFY_NOEXCEPT;

/* ---- Number formats ---------------------------------------------------------------------------------------------- */

/*                        dtype, of the tensors                   computed in   slope_dtype, of PReLU's slopes and dslope */
#define RECTIFY_F32 1  /* IEEE-754 binary32                       float         RECTIFY_F32 */
#define RECTIFY_F16 2  /* IEEE-754 binary16                       float         RECTIFY_F32 or RECTIFY_F16 */
#define RECTIFY_BF16 3 /* bfloat16: the upper half of a binary32  float         RECTIFY_F32 or RECTIFY_BF16 */
#define RECTIFY_F64 4  /* IEEE-754 binary64                       double        RECTIFY_F64 */

/* Any other two of them are RECTIFY_ERROR_UNSUPPORTED_DTYPE.
 *
 * What a format is computed in is its "compute type" below. A scalar parameter (Leaky ReLU's slope, ELU's alpha) is a
 * double in every call and rounded to it once; its gradient is one value of it: of 16-bit tensors, too, a float. A PReLU's
 * dslope is summed in the compute type and rounded once to slope_dtype. In f16 a sum above 65504 becomes infinite, and
 * slopes of 16 bits lose small steps: train with f32 slopes.
 *
 * A pointer is aligned to what it points to: 2 bytes for 16 bits, 4 for f32, 8 for f64. More is not asked for, and no bit
 * depends on it. */

/* ---- Options ----------------------------------------------------------------------------------------------------- */

/* A caller's own thread pool. It runs task(context, index) once for every index in [0, tasks), in any order, on any
 * threads, and returns when all have finished; there are 256 at most. It must not throw. The same bits come back whatever
 * it does. */
typedef void (*rectify_parallel_for)(void* pool, size_t tasks, void (*task)(void* context, size_t index), void* context);

#define RECTIFY_SUMS_ORDERED 0 /* sums in the fixed order: same bits everywhere */

/* How a call runs; NULL stands for the defaults. Clear it, set struct_size, then what should differ:
 *     rectify_options options = {sizeof options};
 *     options.threads = 4;
 * A larger struct_size (a caller newer than the library) is accepted if what the library does not know is zero. */
typedef struct rectify_options {
  size_t struct_size;                /* sizeof(rectify_options) */
  size_t threads;                    /* at most so many threads; 0: as many as oneTBB has, 256 on a callback */
  rectify_parallel_for parallel_for; /* NULL: oneTBB (the calling thread alone if built without) */
  void* pool;                        /* handed to parallel_for */
  const char* backend;               /* a name from rectify_backend_name(); NULL: the best one */
  int32_t sums;                      /* RECTIFY_SUMS_ORDERED */
  int32_t reserved;                  /* 0 */
} rectify_options;

/* ---- Backends ---------------------------------------------------------------------------------------------------- */
/* The environment variable RECTIFY_ISA, read at the first call, may restrict the backends to a comma-separated list of
 * names ("avx2", "avx2,scalar"); it cannot enable what the CPU or the operating system does not offer. A name in it that is
 * unknown or not available makes every computing call fail with that status. */

/* The name of the index-th backend compiled into this library, best first; NULL past the last. */
RECTIFY_API const char* rectify_backend_name(size_t index) RECTIFY_NOEXCEPT;

/* RECTIFY_OK if this machine and RECTIFY_ISA offer the backend, else the status that says why not (of NULL
 * RECTIFY_ERROR_NULL_POINTER). */
RECTIFY_API int32_t rectify_backend_available(const char* name) RECTIFY_NOEXCEPT;

/* Sets *name to the backend that a call with these options uses. On an error *name is unchanged. */
RECTIFY_API int32_t rectify_backend_in_use(const rectify_options* options, const char** name) RECTIFY_NOEXCEPT;

/* ---- ReLU -------------------------------------------------------------------------------------------------------- */

/* y[i] = x[i] < 0 ? +0 : x[i], for n elements. */
RECTIFY_API int32_t rectify_relu_forward(int32_t dtype, size_t n, const void* x, void* y,
                                         const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? +0 : dy[i]. The output y may stand for x: the same bits come back. */
RECTIFY_API int32_t rectify_relu_backward(int32_t dtype, size_t n, const void* x, const void* dy, void* dx,
                                          const rectify_options* options) RECTIFY_NOEXCEPT;

/* ---- Leaky ReLU -------------------------------------------------------------------------------------------------- */
/* The slope is rounded once to the compute type (double for f64, else float). It may be any value. */

/* y[i] = x[i] < 0 ? slope*x[i] : x[i]. */
RECTIFY_API int32_t rectify_leaky_relu_forward(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                               const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? slope*dy[i] : dy[i];  *dslope = sum over x[i] < 0 of dy[i]*x[i], one value of the compute type.
 * One pass over x and dy. Either of dx and dslope may be NULL, not both. */
RECTIFY_API int32_t rectify_leaky_relu_backward(int32_t dtype, size_t n, double slope, const void* x, const void* dy,
                                                void* dx, void* dslope, const rectify_options* options) RECTIFY_NOEXCEPT;

/* ---- PReLU ------------------------------------------------------------------------------------------------------- */

/* A tensor of outer * channels * inner elements with one slope per channel:
 *     NCHW                      {N, C, H*W}
 *     NHWC                      {N*H*W, C, 1}
 *     one slope for all         {1, 1, n}
 *     one slope per element     {N, elements, 1}   */
typedef struct rectify_shape {
  size_t outer;
  size_t channels;
  size_t inner;
} rectify_shape;

/* y = x < 0 ? slope[channel]*x : x. slope holds shape.channels values of slope_dtype. */
RECTIFY_API int32_t rectify_prelu_forward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                          const void* slope, void* y, const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx = x <= 0 ? slope[channel]*dy : dy;  dslope[channel] = sum over x < 0 of dy*x, shape.channels values of slope_dtype,
 * overwritten. One pass over x and dy. Either of dx and dslope may be NULL, not both. Forward and dx have the same bits
 * for every layout; dslope is summed in an order that depends on the shape, so NCHW and NHWC agree within the bound. */
RECTIFY_API int32_t rectify_prelu_backward(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                           const void* slope, const void* dy, void* dx, void* dslope,
                                           const rectify_options* options) RECTIFY_NOEXCEPT;

/* ---- ELU --------------------------------------------------------------------------------------------------------- */
/* alpha is rounded once to the compute type and must then be finite. */

/* y[i] = x[i] < 0 ? alpha*expm1(x[i]) : x[i]. */
RECTIFY_API int32_t rectify_elu_forward(int32_t dtype, size_t n, double alpha, const void* x, void* y,
                                        const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = x[i] <= 0 ? alpha*exp(x[i])*dy[i] : dy[i];  *dalpha = sum over x[i] < 0 of dy[i]*expm1(x[i]), one value of the
 * compute type. One pass over x and dy. Either of dx and dalpha may be NULL, not both. */
RECTIFY_API int32_t rectify_elu_backward(int32_t dtype, size_t n, double alpha, const void* x, const void* dy, void* dx,
                                         void* dalpha, const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = y[i] <= 0 ? (y[i] + alpha)*dy[i] : dy[i], from the forward's output: cheaper, and x need not be kept. Needs
 * alpha >= 0. For alpha = 1 the value saturates at -1, where dx is exactly 0 and the gradient from x still has digits, from
 * about x = -17.0 down in f32, -37.1 in f64, -8.3 in f16 and -6.25 in bf16. In 16 bits choose an alpha that the format
 * holds: y saturates at -alpha rounded to it, and y + alpha is then what the rounding took. */
RECTIFY_API int32_t rectify_elu_backward_from_y(int32_t dtype, size_t n, double alpha, const void* y, const void* dy,
                                                void* dx, const rectify_options* options) RECTIFY_NOEXCEPT;

/* ---- Masks ------------------------------------------------------------------------------------------------------- */
/* One bit per element in place of x: set where the gradient is dy, i.e. where x > 0 or x is NaN. Element i is bit i % 8,
 * counted from the least significant, of byte i / 8; a mask of n elements has (n + 7) / 8 bytes, of any alignment, and bits
 * past the last element are written 0 and not read. It is the same for every format, layout, backend and device.
 *
 * A backward that reads the mask moves 1/32 of x's bytes in f32 and returns the same bits as one that reads x. */

/* y[i] = x[i] < 0 ? +0 : x[i], and the mask of x. */
RECTIFY_API int32_t rectify_relu_forward_with_mask(int32_t dtype, size_t n, const void* x, void* y, void* mask,
                                                   const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = bit i ? dy[i] : +0. */
RECTIFY_API int32_t rectify_relu_backward_from_mask(int32_t dtype, size_t n, const void* mask, const void* dy, void* dx,
                                                    const rectify_options* options) RECTIFY_NOEXCEPT;

/* y[i] = x[i] < 0 ? slope*x[i] : x[i], and the mask of x. */
RECTIFY_API int32_t rectify_leaky_relu_forward_with_mask(int32_t dtype, size_t n, double slope, const void* x, void* y,
                                                         void* mask, const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx[i] = bit i ? dy[i] : slope*dy[i]. */
RECTIFY_API int32_t rectify_leaky_relu_backward_from_mask(int32_t dtype, size_t n, double slope, const void* mask,
                                                          const void* dy, void* dx,
                                                          const rectify_options* options) RECTIFY_NOEXCEPT;

/* y = x < 0 ? slope[channel]*x : x, and the mask of x. With y == x nothing else is kept for training. */
RECTIFY_API int32_t rectify_prelu_forward_with_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* x,
                                                    const void* slope, void* y, void* mask,
                                                    const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx = bit ? dy : slope[channel]*dy;  dslope[channel] = (sum over the bits not set of dy * -|y|) / |slope[channel]|. dslope
 * may be NULL; dx is always written, and is not dy where dslope is asked for. y and mask are what the forward wrote.
 *
 * dx has the bits that rectify_prelu_backward gives from x. dslope has not: -|y| / |slope| is x but for the rounding of
 * slope*x. While no such product overflows or is denormal, the two agree in f32 and f64 within the bound of a sum, in f16
 * within 2^-11 and in bf16 within 2^-8 of the sum of magnitudes more. A slope of 0, inf or NaN has lost what x was; its
 * dslope is what the division gives, mostly NaN. (The magnitude of a NaN is infinite.) Where slope*x underflowed to 0 an
 * element adds nothing. */
RECTIFY_API int32_t rectify_prelu_backward_from_mask(int32_t dtype, int32_t slope_dtype, rectify_shape shape, const void* y,
                                                     const void* mask, const void* slope, const void* dy, void* dx,
                                                     void* dslope, const rectify_options* options) RECTIFY_NOEXCEPT;

/* ---- Fused: bias, residual and activation ------------------------------------------------------------------------ */
/* y = f(z) with z = x + bias[channel] + residual, in one pass over memory. Bias and residual are optional (NULL: not
 * there). Every step is rounded to the format of the tensors, bias first: the same bits as an addition, an addition and the
 * activation, each of a whole tensor by itself. */

#define RECTIFY_RELU 1       /* parameter and slope are not used */
#define RECTIFY_LEAKY_RELU 2 /* parameter: the slope */
#define RECTIFY_PRELU 3      /* slope: shape.channels values of parameter_dtype */
#define RECTIFY_ELU 4        /* parameter: alpha */

typedef struct rectify_activation {
  int32_t kind;
  double parameter;
  const void* slope;
} rectify_activation;

/* bias: shape.channels values of parameter_dtype, which goes with dtype as slope_dtype does. residual: a tensor like x.
 * mask: NULL, or where the mask of z is to be written. y may be x or residual. */
RECTIFY_API int32_t rectify_fused_forward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                          const void* bias, const void* residual, rectify_activation activation, void* y,
                                          void* mask, const rectify_options* options) RECTIFY_NOEXCEPT;

/* dx = f'(z)*dy, the gradient with respect to x, to residual and to z alike; dbias[channel] = the sum of dx over the
 * channel, shape.channels values of parameter_dtype in the fixed order (NULL: not wanted); dparameter: NULL, or where the
 * gradient of the activation's parameter goes, as the activation's own backward gives it.
 *
 * mask: NULL, or the mask that the forward wrote; ReLU and Leaky ReLU then read it in place of x, bias and residual, which
 * may be NULL, and dparameter is NULL. A mask for PReLU or ELU, and a dparameter of ReLU or beside a mask, are
 * RECTIFY_ERROR_INVALID_ARGUMENT. (PReLU has rectify_prelu_backward_from_mask.)
 *
 * dx is always written. It may be x, residual, or, where dparameter is NULL, dy. One pass over memory, but that dx is read
 * once more where both dbias of several channels and the gradient of Leaky ReLU's or ELU's parameter are asked for. */
RECTIFY_API int32_t rectify_fused_backward(int32_t dtype, int32_t parameter_dtype, rectify_shape shape, const void* x,
                                           const void* bias, const void* residual, const void* mask,
                                           rectify_activation activation, const void* dy, void* dx, void* dbias,
                                           void* dparameter, const rectify_options* options) RECTIFY_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
