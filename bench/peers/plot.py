#!/usr/bin/env python3
"""Draws peers.json: of each cell the ratio to the best peer, grouped by operation, as peers.svg and peers.png beside it.

usage: plot.py DIR
"""
import json
import pathlib
import sys

try:
    import matplotlib
except ImportError:
    sys.exit("plot.py: matplotlib is missing, so there is no plot; the table and peers.json are complete.\n"
             "Get it with `apt-get install python3-matplotlib`, then run\n"
             "  python3 bench/peers/plot.py DIR    (the folder that holds peers.json)")

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from table import NAMES

OPERATIONS = {"relu": "ReLU", "leaky_relu": "Leaky ReLU", "prelu": "PReLU", "elu": "ELU"}
DIRECTIONS = {"forward": "forward", "backward": "backward", "backward_with_parameter": "dx and dslope",
              "backward_from_y": "backward from y"}
LOST = {"marker": "x", "color": "#B03000", "markersize": 8, "markeredgewidth": 1.2, "linestyle": "none"}
TICKS = (0.25, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100)
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = {"onednn": "#0072B2", "xnnpack": "#56B4E9", "pytorch": "#D55E00", "onnxruntime": "#CC79A7", "jax": "#E69F00",
           "eigen": "#009E73", "plain": "#777777"}
MARKERS = {"f32": "o", "f16": "s", "bf16": "D", "f64": "^"}


def groups(cells):
    """The cells of each operation and direction, in the order of their ratios."""
    found = {}
    for cell in cells:
        found.setdefault((cell["operation"], cell["direction"]), []).append(cell)
    order = [(operation, direction) for operation in OPERATIONS for direction in DIRECTIONS]
    return {name: sorted(found[name], key=lambda cell: cell["ratio_to_best_peer"]) for name in order if name in found}


def draw_group(axes, at, cells):
    """A column of points, spread in the order of their ratios."""
    for place, cell in enumerate(cells):
        across = at + 0.8 * ((place + 0.5) / len(cells) - 0.5)
        axes.plot(across, cell["ratio_to_best_peer"], marker=MARKERS[cell["format"]], color=COLOURS[cell["best_peer"]],
                  markersize=4.2 if cell["threads"] == 1 else 5.6, linestyle="none", zorder=3,
                  markerfacecolor=COLOURS[cell["best_peer"]] if cell["threads"] == 1 else "none", markeredgewidth=0.8)
        if cell["lost"]:
            axes.plot(across, cell["ratio_to_best_peer"], zorder=4, **LOST)


def draw(report):
    figure, axes = plt.subplots(figsize=(11.5, 6.6))
    columns = groups(report["cells"])
    means = report["geometric_mean"]
    for at, ((operation, direction), cells) in enumerate(columns.items()):
        draw_group(axes, at, cells)
        mean = means[f"{operation} {direction}"]
        axes.plot([at - 0.42, at + 0.42], [mean, mean], color="#222222", linewidth=1.6, zorder=2)
        axes.text(at, 1.01, f"{mean:.2f}", transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9)
        if at:
            axes.axvline(at - 0.5, color="#dddddd", linewidth=0.8, zorder=0)
    axes.axhline(1, color="#222222", linewidth=1, zorder=1)
    axes.axhline(0.95, color="#B03000", linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    axes.set_yscale("log")
    ratios = [cell["ratio_to_best_peer"] for cell in report["cells"]]
    low, high = min([0.8, *ratios]) / 1.08, max([2, *ratios]) * 1.12
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(low, high)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    names = [f"{OPERATIONS[operation]}\n{DIRECTIONS[direction]}" for operation, direction in columns]
    axes.set_xticks(range(len(columns)), names, fontsize=8.5)
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_ylabel("time of the best peer / time of rectify")
    legend(figure, report)
    peers, cases = len(report["versions"]) - 1, len(report["cells"])
    figure.suptitle(f"rectify against the best of {peers} peers in each of {cases} cases: "
                    f"geometric mean {means['all']:.2f}\n{report['machine']['cpu']}", fontsize=11)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    return figure


def legend(figure, report):
    best = {cell["best_peer"] for cell in report["cells"]}
    formats = {cell["format"] for cell in report["cells"]}
    point = {"linestyle": "none", "markersize": 6}
    handles = [plt.Line2D([], [], color=colour, marker="o", label=NAMES[key], **point) for key, colour in COLOURS.items()
               if key in best]
    handles += [plt.Line2D([], [], color="#222222", marker=marker, label=form, **point) for form, marker in MARKERS.items()
                if form in formats]
    threads = max(cell["threads"] for cell in report["cells"])
    if threads > 1:
        handles.append(plt.Line2D([], [], color="#222222", marker="o", markerfacecolor="none", label=f"{threads} threads",
                                  **point))
    handles.append(plt.Line2D([], [], color="#222222", linewidth=1.6, label="geometric mean"))
    handles.append(plt.Line2D([], [], color="#B03000", linestyle=(0, (4, 2)), linewidth=1, label="0.95"))
    if any(cell["lost"] for cell in report["cells"]):
        handles.append(plt.Line2D([], [], label="lost: below 0.95 three times", **LOST))
    figure.legend(handles=handles, fontsize=8.5, frameon=False, loc="lower center", ncol=min(8, len(handles)),
                  title="the colour says which peer is the best", title_fontsize=8.5)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    figure = draw(json.loads((folder / "peers.json").read_text()))
    for ending in ("svg", "png"):
        figure.savefig(folder / f"peers.{ending}", dpi=110)


if __name__ == "__main__":
    main()
