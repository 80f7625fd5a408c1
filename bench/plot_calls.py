#!/usr/bin/env python3
"""plot_calls.py DIR: draws DIR/call_cost.json as call_cost.svg and .png: what a call and its bare kernel take over the number
of elements, from one, and how much faster two threads are than one."""
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LABELS = {
    "relu/forward/flat/f32": "ReLU forward",
    "relu/backward/flat/f32": "ReLU backward",
    "leaky_relu/forward/flat/f32": "Leaky ReLU forward",
    "leaky_relu/backward_with_parameter/flat/f32": "Leaky ReLU backward with dslope",
    "elu/forward/flat/f32": "ELU forward",
}
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = ["#0072B2", "#56B4E9", "#009E73", "#CC79A7", "#D55E00"]


def main(folder):
    report = json.loads((folder / "call_cost.json").read_text())
    figure, (calls, threads) = plt.subplots(1, 2, figsize=(11, 4.4), constrained_layout=True)
    for series, colour in zip(report["series"], COLOURS):
        label = LABELS[series["operation"]]
        small = [c for c in series["costs"] if c["kernel_ns"] > 0]
        sizes = [c["n"] for c in small]
        calls.plot(sizes, [c["call_ns"] for c in small], color=colour, marker="o", markersize=3, label=label)
        calls.plot(sizes, [c["kernel_ns"] for c in small], color=colour, linestyle=(0, (2, 2)), linewidth=1)
        large = [c for c in series["costs"] if c["second_thread"] > 0]
        threads.plot([c["n"] for c in large], [c["second_thread"] for c in large], color=colour, marker="o", markersize=3)
        threads.plot([c["n"] for c in large], [c["at_best"] for c in large], color=colour, linestyle=(0, (2, 2)), linewidth=1)
    calls.plot([], [], color="#333333", linestyle=(0, (2, 2)), linewidth=1, label="the bare kernel")
    calls.set(xscale="log", yscale="log", xlabel="elements", ylabel="ns", title="A call, and its bare kernel")
    calls.set_xscale("log", base=2)
    calls.legend(fontsize=8, frameon=False)
    threads.plot([], [], color="#333333", linestyle=(0, (2, 2)), linewidth=1, label="one round in ten is as good")
    threads.legend(fontsize=8, frameon=False, loc="upper left")
    threads.axhline(1, color="#333333", linewidth=1)
    threads.set_xscale("log", base=2)
    threads.set(xlabel="elements", ylabel="times as fast as one thread", title="Two threads")
    threads.set_ylim(bottom=0)
    for axes in (calls, threads):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{report['cpu']}, f32", fontsize=10)
    for kind in ("svg", "png"):
        figure.savefig(folder / f"call_cost.{kind}", dpi=120)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
