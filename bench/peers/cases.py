"""What is measured side by side: operation, number format, size or shape, threads."""
import dataclasses
import itertools
import math

FORMATS = ("f32", "f16", "bf16", "f64")
FLAT = (("relu", "forward"), ("relu", "backward"), ("leaky_relu", "forward"), ("leaky_relu", "backward"),
        ("elu", "forward"), ("elu", "backward"), ("elu", "backward_from_y"))
PRELU = ("forward", "backward", "backward_with_parameter")

KI, MI = 1 << 10, 1 << 20
SIZES = (4 * KI, 64 * KI, MI, 64 * MI)
# The sizes as images of some channels, and two layers of real networks; N, C, H, W in both layouts.
SHAPES = ((1, 64, 8, 8), (1, 64, 32, 32), (4, 64, 64, 64), (32, 256, 28, 28), (8, 64, 112, 112))
LARGEST_SHAPE = (64, 256, 64, 64)  # 64 Mi: in f32 alone, for some peers take half a second
QUICK = (64 * KI, MI)


@dataclasses.dataclass(frozen=True)
class Case:
    operation: str
    direction: str
    format: str
    layout: str  # "flat", "nchw" or "nhwc"
    shape: tuple  # N, C, H, W; of "flat" the last alone is not one
    threads: int

    @property
    def n(self):
        return math.prod(self.shape)

    def line(self):
        """As a worker is told."""
        return " ".join(map(str, (self.operation, self.direction, self.format, self.layout, *self.shape)))

    def size_text(self):
        return size_text(self.n) if self.layout == "flat" else "x".join(map(str, self.shape))

    def __str__(self):
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.operation} {self.direction} {self.format} {self.layout} {self.size_text()}, {threads}"


def size_text(n):
    return f"{n // MI} Mi" if n % MI == 0 else f"{n // KI} Ki"


def all_cases(threads, quick):
    """Those of so many threads."""
    cases = []
    for form in FORMATS[:1] if quick else FORMATS:
        for n, (operation, direction) in itertools.product(SIZES, FLAT):
            cases.append(Case(operation, direction, form, "flat", (1, 1, 1, n), threads))
        shapes = (*SHAPES, LARGEST_SHAPE) if form == "f32" else SHAPES
        for shape, layout, direction in itertools.product(shapes, ("nchw", "nhwc"), PRELU):
            cases.append(Case("prelu", direction, form, layout, shape, threads))
    return [case for case in cases if not quick or case.n in QUICK]
