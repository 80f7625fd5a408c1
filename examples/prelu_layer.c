/* One PReLU layer of an engine, in C: forward, backward, and what to do with a status.
 *
 *     cc prelu_layer.c $(pkg-config --cflags --libs --static rectify)
 */
#include <rectify/rectify.h>
#include <stdio.h>

enum { images = 2, channels = 3, pixels = 4, elements = images * channels * pixels };

/* Every call returns a status; an engine turns it into its own error here. */
static int failed(const char* call, int32_t status) {
  if (status == RECTIFY_OK) return 0;
  fprintf(stderr, "%s: %s\n", call, rectify_status_text(status));
  return 1;
}

static void print(const char* name, const float* values, int count) {
  printf("%-7s", name);
  for (int i = 0; i < count; ++i) printf(" %g", (double)values[i]);
  printf("\n");
}

int main(void) {
  /* The engine owns the threads: at most two here; `parallel_for` would hand the work to its own pool. */
  rectify_options options = {.struct_size = sizeof options, .threads = 2};

  const char* backend = NULL;
  if (failed("backend", rectify_backend_in_use(&options, &backend))) return 1;
  const int32_t version = rectify_version();
  printf("rectify %d.%d.%d on %s\n", (int)(version / 10000), (int)(version / 100 % 100), (int)(version % 100), backend);

  /* NCHW; for NHWC it would be {images * pixels, channels, 1}. */
  const rectify_shape shape = {images, channels, pixels};
  const float x[elements] = {-4, -3, -2, -1, 1,  2, 3, 4, -1,    1,      -1,    1,
                             8,  -8, 8,  -8, -2, 1, 2, 4, -0.5F, -0.25F, 0.25F, 0.5F};
  const float slope[channels] = {0.25F, -1, 2};

  float y[elements];
  if (failed("forward", rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, shape, x, slope, y, &options))) return 1;
  print("y", y, elements);

  /* The gradient of the loss (sum of y*y)/2 with respect to y is y. dx may take its place: `dy` is not needed again. */
  float dslope[channels];
  float* dy = y;
  float* dx = y;
  if (failed("backward", rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x, slope, dy, dx, dslope, &options))) {
    return 1;
  }
  print("dx", dx, elements);
  print("dslope", dslope, channels);

  /* What rectify does not compute is a status, and nothing was written: the engine keeps its own path for it. */
  const int32_t status = rectify_prelu_forward(RECTIFY_F32, RECTIFY_BF16, shape, x, slope, y, &options);
  if (status == RECTIFY_ERROR_UNSUPPORTED_DTYPE) printf("f32 with bf16 slopes: %s\n", rectify_status_text(status));
  return 0;
}
