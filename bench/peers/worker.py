"""What libraries measured from Python share: the lines of worker.hpp, the memory, the clock."""
import dataclasses
import math
import mmap
import pathlib
import sys
import time

import ml_dtypes
import numpy

DTYPES = {"f32": numpy.float32, "f16": numpy.float16, "bf16": ml_dtypes.bfloat16, "f64": numpy.float64}
LEAKY_SLOPE, ELU_ALPHA = 0.01, 1.0
SAMPLED = 1024
PAGE = 4096


class Unsupported(Exception):
    pass


@dataclasses.dataclass
class Case:
    operation: str
    direction: str
    format: str
    layout: str
    shape: tuple  # N, C, H, W
    place: int

    @property
    def dims(self):
        """Of the tensors as they lie in memory."""
        n, c, h, w = self.shape
        return {"flat": (self.n,), "nchw": (n, c, h, w), "nhwc": (n, h, w, c)}[self.layout]

    @property
    def slope_dims(self):
        """By which a slope for each channel is broadcast to the tensors."""
        return (self.shape[1], 1, 1) if self.layout == "nchw" else (self.shape[1],)

    @property
    def n(self):
        return math.prod(self.shape)


def parsed(words):
    return Case(*words[:4], tuple(map(int, words[4:8])), int(words[8]))


def array(case, folder, name, slot, dims):
    """A tensor in the memory that all libraries share, at the same place as theirs."""
    dtype = numpy.dtype(DTYPES[case.format])
    count = math.prod(dims)
    with open(pathlib.Path(folder) / f"{name}.{case.format}", "r+b") as file:
        pages = mmap.mmap(file.fileno(), count * dtype.itemsize + PAGE, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE,
                          offset=case.place * PAGE)
    return numpy.frombuffer(pages, dtype, count, slot * 832).reshape(dims)


def tensors(case, folder):
    """x (or y, if that is what the direction asks for), dy, slope and out."""
    x = "y" if case.direction == "backward_from_y" else "x"
    return (array(case, folder, x, 0, case.dims), array(case, folder, "dy", 1, case.dims),
            array(case, folder, "slope", 2, case.slope_dims), array(case, folder, "out", 3, case.dims))


def values(case, out, dslope):
    """Those that worker.cpp gives."""
    flat = numpy.asarray(out).reshape(-1)
    count = min(SAMPLED, case.n)
    step = case.n // count
    index = numpy.arange(count)
    sampled = flat[index * step + index * 7919 % step].astype(numpy.float64)
    if case.direction == "backward_with_parameter":
        sampled = numpy.concatenate([sampled, numpy.asarray(dslope).reshape(-1).astype(numpy.float64)])
    return " ".join(f"{value:.9g}" for value in sampled)


def timed(run, untimed, repetitions):
    for _ in range(untimed):
        run()
    start = time.perf_counter_ns()
    for _ in range(repetitions):
        run()
    return time.perf_counter_ns() - start


def one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def serve(name, version, prepare):
    """main() of a worker: prepare(case, folder) gives a function to run and one that gives its results, out and dslope."""
    folder = sys.argv[2]
    print("ready", name, version, flush=True)
    run = None
    for line in sys.stdin:
        verb, *words = line.split()
        run = None if verb != "time" else run
        answer = "ok"
        if verb == "time":
            answer = timed(run, *map(int, words))
        elif verb == "prepare":
            try:
                case = parsed(words)
                run, results = prepare(case, folder)
                run()
                answer = "ok " + values(case, *results())
            except Exception as error:  # whatever a library says no with
                answer = f"unsupported {error if isinstance(error, Unsupported) else one_line(error)}"
        print(answer, flush=True)
