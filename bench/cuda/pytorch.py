#!/usr/bin/env python3
"""PyTorch's eager operators as peers in the roofline.json of a CUDA device: pytorch.py FILE measures them at the sizes of
its rows and adds to its list "peers" how often rectify's time goes into theirs."""
import json
import os
import statistics
import sys

import torch
import torch.nn.functional as F

ROUNDS, WARMUP, SETS = 31, 3, 3


def nanoseconds(run, sets):
    times = []
    for i in range(ROUNDS + WARMUP):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(2_000_000)  # while the host enqueues what is measured: that would count otherwise
        start.record()
        run(sets[i % len(sets)])
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1e6)
    return statistics.median(times[WARMUP:])


def operator(row):
    """A function of a tensor x and its slopes, or None where PyTorch has no such operator."""
    return {
        "relu": lambda x, slope: F.relu(x),
        "leaky_relu": lambda x, slope: F.leaky_relu(x, 0.01),
        "elu": lambda x, slope: F.elu(x),
        "prelu": F.prelu,
    }[row["operation"]]


DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}


def measure(row):
    forward = operator(row)
    # Its slopes are of the tensor's type.
    kind = {"device": "cuda", "dtype": DTYPES[row["format"]]}
    outer, channels, inner = row["shape"]
    shape = (outer * inner,) if channels == 1 else (outer, channels) if inner == 1 else (outer, channels, inner)
    if row["direction"] == "forward":
        with torch.no_grad():
            slope = torch.rand(channels, **kind)
            sets = [torch.randn(shape, **kind) for _ in range(SETS)]
            return nanoseconds(lambda x: forward(x, slope), sets)
    with_parameter = row["direction"] == "backward_with_dslope"
    if row["direction"] not in ("backward", "backward_with_dslope") or (with_parameter and row["operation"] != "prelu"):
        return None  # the others are no operators of PyTorch
    sets = []
    for _ in range(SETS):
        x = torch.randn(shape, **kind, requires_grad=True)
        slope = torch.rand(channels, **kind, requires_grad=with_parameter)
        sets.append((forward(x, slope), [x, slope] if with_parameter else [x], torch.randn(shape, **kind)))
    return nanoseconds(lambda s: torch.autograd.grad(s[0], s[1], s[2], retain_graph=True), sets)


def write(report, path):
    """All of it after each row, in a file beside it first: a device may be taken away."""
    unfinished = path + ".part"
    with open(unfinished, "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    os.replace(unfinished, path)


def main():
    path = sys.argv[1]
    if not torch.cuda.is_available():
        print("The PyTorch installed here does not reach the CUDA device: not compared with.")
        return
    with open(path) as file:
        report = json.load(file)
    for row in report["rows"]:
        try:
            time = measure(row)
        except RuntimeError as error:  # want of memory is one, too
            print(f"PyTorch cannot do {row['operation']} {row['direction']} of {row['n']} elements: {str(error)[:200]}")
            time = None
        torch.cuda.empty_cache()
        if time is None:
            continue
        times = time / (row["ns_per_element"] * row["n"])
        report["peers"].append({
            "peer": f"PyTorch {torch.__version__} eager", "operation": row["operation"], "direction": row["direction"],
            "format": row["format"], "layout": row["layout"], "n": row["n"], "ns_per_element": time / row["n"],
            "times_rectify": times,
        })
        print(f"{row['format']:4} {row['operation']:10} {row['direction']:22} {row['layout']:12} "
              f"PyTorch takes {times:.2f} times as long")
        write(report, path)


if __name__ == "__main__":
    main()
