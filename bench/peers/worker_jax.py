"""JAX: compiled functions over the shared inputs, the gradients by jax.vjp. The output's memory is given back to each call
(donated), so that none is asked for."""
import os
import sys

THREADS = sys.argv[1]
os.environ["NPROC"] = THREADS  # the size of XLA's pool
if THREADS == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

try:
    import jax
    import jax.numpy as jnp
    import worker
except ImportError as error:
    sys.exit(print("absent", error))

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_cpu_enable_async_dispatch", False)  # a call is run by its caller: less to hand over


def prelu(x, slope):
    return jnp.where(x < 0, slope * x, x)


VALUES = {
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, worker.LEAKY_SLOPE),
    "elu": lambda x: jax.nn.elu(x, worker.ELU_ALPHA),
}


def function_of(case):
    """Of x, dy and slope."""
    if case.direction == "backward_from_y":
        return lambda y, dy, slope: jnp.where(y <= 0, (y + worker.ELU_ALPHA) * dy, dy)
    if case.direction == "backward_with_parameter":
        return lambda x, dy, slope: jax.vjp(prelu, x, slope)[1](dy)
    value = (lambda slope: lambda x: prelu(x, slope)) if case.operation == "prelu" else lambda slope: VALUES[case.operation]
    if case.direction == "forward":
        return lambda x, dy, slope: value(slope)(x)
    return lambda x, dy, slope: jax.vjp(value(slope), x)[1](dy)[0]


def prepare(case, folder):
    x, dy, slope, _ = (jax.device_put(array, may_alias=True) for array in worker.tensors(case, folder))
    function = function_of(case)
    both = case.direction == "backward_with_parameter"
    needed = (x, slope) if case.direction == "forward" else (x, dy, slope)

    def computed(out, *given):
        return function(given[0], given[1], given[-1])

    compiled = jax.jit(computed, donate_argnums=0, keep_unused=True)
    held = [jnp.zeros_like(x), None]

    if both:
        def run():
            held[:] = compiled(held[0], *needed)
            held[0].block_until_ready()
    else:
        def run():
            held[0] = compiled(held[0], *needed)
            held[0].block_until_ready()

    run()
    before = held[0].unsafe_buffer_pointer()
    run()
    if held[0].unsafe_buffer_pointer() != before:
        raise worker.Unsupported("the output's memory is not used again")
    return run, lambda: held


worker.serve("jax", jax.__version__, prepare)
