/* The header in plain C11: it compiles without a warning, every function it declares links, and each computes what it says.
 * tests/system.cmake makes declared_functions.inc from the header, so that none can be left out. */
#include <rectify/rectify.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(int condition, const char* text, int line) {
  if (condition) return;
  fprintf(stderr, "c_abi_test.c:%d: %s\n", line, text);
  ++failures;
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static int same(const float* a, const float* b, size_t n) { return memcmp(a, b, n * sizeof *a) == 0; }

/* Every declared function, by address: a missing one does not link. Volatile, so that the compiler leaves them in. */
typedef void (*any_function)(void);
static struct {
  const char* name;
  volatile any_function function;
} declared[] = {
#define RECTIFY_DECLARED(name) {#name, (any_function)name},
#include "declared_functions.inc"
#undef RECTIFY_DECLARED
};

static size_t pool_calls = 0;

static void run_in_order(void* pool, size_t tasks, void (*task)(void* context, size_t index), void* context) {
  *(size_t*)pool += 1;
  for (size_t i = 0; i < tasks; ++i) task(context, i);
}

int main(void) {
  const size_t functions = sizeof declared / sizeof *declared;
  CHECK(functions >= 10);
  for (size_t i = 0; i < functions; ++i) CHECK(declared[i].function != NULL);

  CHECK(rectify_version() == RECTIFY_VERSION);
  CHECK(rectify_numerics_version() >= 1);
  CHECK(strcmp(rectify_status_text(RECTIFY_OK), rectify_status_text(RECTIFY_ERROR_OVERLAP)) != 0);

  const char* best = NULL;
  CHECK(rectify_backend_in_use(NULL, &best) == RECTIFY_OK);
  CHECK(best != NULL && rectify_backend_available(best) == RECTIFY_OK);
  CHECK(rectify_backend_name(0) != NULL);

  rectify_options options = {.struct_size = sizeof options};
  options.threads = 2;
  options.parallel_for = run_in_order;
  options.pool = &pool_calls;

  const float x[6] = {-2.0f, -1.0f, 0.0f, 1.0f, 2.0f, -4.0f};
  const float dy[6] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
  float out[6], sum[3];

  const float relu[6] = {0.0f, 0.0f, 0.0f, 1.0f, 2.0f, 0.0f};
  CHECK(rectify_relu_forward(RECTIFY_F32, 6, x, out, NULL) == RECTIFY_OK && same(out, relu, 6));
  const float relu_gradient[6] = {0.0f, 0.0f, 0.0f, 4.0f, 5.0f, 0.0f};
  CHECK(rectify_relu_backward(RECTIFY_F32, 6, x, dy, out, &options) == RECTIFY_OK && same(out, relu_gradient, 6));

  const float leaky[6] = {-0.5f, -0.25f, 0.0f, 1.0f, 2.0f, -1.0f};
  CHECK(rectify_leaky_relu_forward(RECTIFY_F32, 6, 0.25, x, out, &options) == RECTIFY_OK && same(out, leaky, 6));
  const float leaky_gradient[6] = {0.25f, 0.5f, 0.75f, 4.0f, 5.0f, 1.5f};
  CHECK(rectify_leaky_relu_backward(RECTIFY_F32, 6, 0.25, x, dy, out, sum, NULL) == RECTIFY_OK);
  CHECK(same(out, leaky_gradient, 6) && sum[0] == -2.0f - 2.0f - 24.0f);

  const rectify_shape channels_first = {1, 3, 2};
  const rectify_shape channels_last = {2, 3, 1};
  const float slope[3] = {0.5f, 2.0f, -1.0f};
  const float first[6] = {-1.0f, -0.5f, 0.0f, 1.0f, 2.0f, 4.0f};
  CHECK(rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, channels_first, x, slope, out, NULL) == RECTIFY_OK);
  CHECK(same(out, first, 6));
  const float last[6] = {0.5f, 4.0f, -3.0f, 4.0f, 5.0f, -6.0f}, last_sums[3] = {-2.0f, -2.0f, -24.0f};
  CHECK(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, channels_last, x, slope, dy, out, sum, NULL) == RECTIFY_OK);
  CHECK(same(out, last, 6) && same(sum, last_sums, 3));

  CHECK(rectify_elu_forward(RECTIFY_F32, 6, 1.0, x, out, &options) == RECTIFY_OK);
  CHECK(out[0] > -0.8647f && out[0] < -0.8646f && out[3] == 1.0f && out[5] > -0.9817f && out[5] < -0.9816f);
  const float y[6] = {-0.5f, -1.0f, 0.0f, 1.0f, 2.0f, -0.75f}, from_y[6] = {0.5f, 0.0f, 3.0f, 4.0f, 5.0f, 1.5f};
  CHECK(rectify_elu_backward_from_y(RECTIFY_F32, 6, 1.0, y, dy, out, NULL) == RECTIFY_OK && same(out, from_y, 6));
  CHECK(rectify_elu_backward(RECTIFY_F32, 6, 2.0, x, dy, out, sum, NULL) == RECTIFY_OK);
  CHECK(out[0] > 0.2706f && out[0] < 0.2707f && out[2] == 6.0f && out[3] == 4.0f && sum[0] < -8.01f && sum[0] > -8.03f);

  /* Elements 3 and 4 of x are above zero. */
  unsigned char mask = 0;
  CHECK(rectify_relu_forward_with_mask(RECTIFY_F32, 6, x, out, &mask, NULL) == RECTIFY_OK && same(out, relu, 6));
  CHECK(mask == (1 << 3 | 1 << 4));
  CHECK(rectify_relu_backward_from_mask(RECTIFY_F32, 6, &mask, dy, out, NULL) == RECTIFY_OK && same(out, relu_gradient, 6));
  mask = 0;
  CHECK(rectify_leaky_relu_forward_with_mask(RECTIFY_F32, 6, 0.25, x, out, &mask, &options) == RECTIFY_OK);
  CHECK(same(out, leaky, 6) && mask == (1 << 3 | 1 << 4));
  CHECK(rectify_leaky_relu_backward_from_mask(RECTIFY_F32, 6, 0.25, &mask, dy, out, NULL) == RECTIFY_OK);
  CHECK(same(out, leaky_gradient, 6));

  /* A layer in place: y takes x's place, then dx takes y's. */
  float layer[6];
  memcpy(layer, x, sizeof layer);
  mask = 0;
  CHECK(rectify_prelu_forward_with_mask(RECTIFY_F32, RECTIFY_F32, channels_last, layer, slope, layer, &mask, NULL) == 0);
  CHECK(mask == (1 << 3 | 1 << 4));
  CHECK(rectify_prelu_backward_from_mask(RECTIFY_F32, RECTIFY_F32, channels_last, layer, &mask, slope, dy, layer, sum,
                                         NULL) == RECTIFY_OK);
  CHECK(same(layer, last, 6) && same(sum, last_sums, 3)); /* exact: the slopes are powers of two */

  const float bias[3] = {1.0f, 1.0f, -1.0f}, residual[6] = {0.0f, 0.0f, 0.0f, 0.0f, -4.0f, 0.0f};
  const float fused[6] = {-0.25f, 0.0f, -0.25f, 2.0f, -0.25f, -1.25f}; /* of z = -1, 0, -1, 2, -1, -5 */
  const rectify_activation activation = {RECTIFY_LEAKY_RELU, 0.25, NULL};
  CHECK(rectify_fused_forward(RECTIFY_F32, RECTIFY_F32, channels_last, x, bias, residual, activation, out, &mask, NULL) ==
        RECTIFY_OK);
  CHECK(same(out, fused, 6) && mask == 1 << 3);
  const float fused_gradient[6] = {0.25f, 0.5f, 0.75f, 4.0f, 1.25f, 1.5f}, dbias[3] = {4.25f, 1.75f, 2.25f};
  float dparameter = 0.0f;
  CHECK(rectify_fused_backward(RECTIFY_F32, RECTIFY_F32, channels_last, x, bias, residual, NULL, activation, dy, out, sum,
                               &dparameter, &options) == RECTIFY_OK);
  CHECK(same(out, fused_gradient, 6) && same(sum, dbias, 3) && dparameter == -1.0f - 3.0f - 5.0f - 30.0f);
  CHECK(rectify_fused_backward(RECTIFY_F32, RECTIFY_F32, channels_last, NULL, NULL, NULL, &mask, activation, dy, out, sum,
                               NULL, NULL) == RECTIFY_OK);
  CHECK(same(out, fused_gradient, 6) && same(sum, dbias, 3));

  CHECK(rectify_relu_forward(RECTIFY_F32, 6, NULL, out, NULL) == RECTIFY_ERROR_NULL_POINTER);

  /* A large call reaches the callback. */
  static float large[400000];
  CHECK(rectify_relu_forward(RECTIFY_F32, 400000, large, large, &options) == RECTIFY_OK && pool_calls == 1);

  printf("%zu functions declared, %d checks failed, backend %s\n", functions, failures, best ? best : "none");
  return failures != 0;
}
