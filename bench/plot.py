#!/usr/bin/env python3
"""Draws roofline.svg and roofline.png from roofline.json: GB/s over the size of the working set, under the ceilings.

usage: plot.py DIR    (reads DIR/roofline.json, writes both pictures there)
"""
import json
import pathlib
import sys

try:
    import matplotlib
except ImportError:
    sys.exit(
        "plot.py: matplotlib is missing, so there is no plot; the table and roofline.json are complete.\n"
        "Get it with `apt-get install python3-matplotlib`, or `python3 -m pip install matplotlib`, then run\n"
        "  python3 bench/plot.py DIR    (the folder that holds roofline.json)"
    )

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TITLES = {
    "1R1W": "one array read, one written (1R1W)",
    "2R1W": "two arrays read, one written (2R1W)",
}
LABELS = {
    "relu forward": "ReLU forward",
    "prelu forward": "PReLU forward, per channel",
    "elu forward": "ELU forward",
    "relu backward": "ReLU backward",
    "elu backward": "ELU backward from x",
    "prelu backward_with_parameter": "PReLU backward with dslope",
}
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = {"relu": "#0072B2", "prelu": "#009E73", "elu": "#D55E00"}
MARKERS = {"relu": "o", "prelu": "s", "elu": "^"}


def size_text(size):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:g} {unit}"
        size /= 1024


def draw_ceilings(axes, series):
    """The ceilings as lines, and the area under the better of both."""
    for one in series:
        axes.plot(
            [p["bytes"] for p in one["points"]],
            [p["gbps"] for p in one["points"]],
            color="#333333",
            linewidth=1.6,
            linestyle="-" if one["store"] == "ordinary" else (0, (4, 2)),
            label=f"ceiling, {one['store']} stores",
            zorder=2,
        )
    best = {}
    for one in series:
        for point in one["points"]:
            best[point["bytes"]] = max(best.get(point["bytes"], 0), point["gbps"])
    sizes = sorted(best)
    axes.fill_between(sizes, [best[s] for s in sizes], 1e-3, color="#000000", alpha=0.05, linewidth=0, zorder=1)


def draw_operations(axes, series):
    for one in series:
        operation = one["name"].split()[0]
        axes.plot(
            [p["bytes"] for p in one["points"]],
            [p["gbps"] for p in one["points"]],
            color=COLOURS.get(operation, "#CC79A7"),
            marker=MARKERS.get(operation, "D"),
            markersize=3.5,
            linewidth=1.3,
            label=LABELS.get(one["name"], one["name"]),
            zorder=3,
        )


def draw_caches(axes, caches):
    for cache in caches:
        axes.axvline(cache["bytes"], color="#888888", linewidth=0.9, linestyle=":", zorder=0)
        axes.text(
            cache["bytes"],
            0.985,
            f" L{cache['level']}\n {size_text(cache['bytes'])}",
            transform=axes.get_xaxis_transform(),
            va="top",
            fontsize=8,
            color="#555555",
        )


def draw(report):
    traffics = list(dict.fromkeys(one["traffic"] for one in report["sweep"]))
    figure, panels = plt.subplots(1, len(traffics), figsize=(6.4 * len(traffics), 5.6), sharey=True, squeeze=False)
    for axes, traffic in zip(panels[0], traffics):
        series = [one for one in report["sweep"] if one["traffic"] == traffic and one["points"]]
        sizes = [point["bytes"] for one in series for point in one["points"]]
        draw_ceilings(axes, [one for one in series if one["name"] == "ceiling"])
        draw_operations(axes, [one for one in series if one["name"] != "ceiling"])
        draw_caches(axes, report["machine"]["caches"])
        axes.set_xscale("log", base=2)
        axes.set_xlim(min(sizes) / 1.1, max(sizes) * 1.1)
        ticks = [2**k for k in range(0, 50, 2) if min(sizes) / 1.1 <= 2**k <= max(sizes) * 1.1]
        axes.set_xticks(ticks, [size_text(tick) for tick in ticks], rotation=35, ha="right", rotation_mode="anchor")
        axes.minorticks_off()
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.set_title(TITLES.get(traffic, traffic), fontsize=11)
        axes.set_xlabel("bytes touched, all arrays together")
        axes.legend(fontsize=8.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.23), ncol=2)
    panels[0][0].set_ylabel("GB/s")
    speeds = [point["gbps"] for one in report["sweep"] for point in one["points"]]
    panels[0][0].set_yscale("log")
    ticks = [m * 10**k for k in range(-1, 5) for m in (1, 2, 5) if min(speeds) * 0.6 <= m * 10**k <= max(speeds) * 1.6]
    panels[0][0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    panels[0][0].set_ylim(min(speeds) * 0.8, max(speeds) * 1.7)  # room for the cache labels
    panels[0][0].minorticks_off()
    machine = report["machine"]
    figure.suptitle(f"rectify, {machine['dispatched']} backend, one thread, on {machine['cpu']}", fontsize=12)
    figure.tight_layout()
    return figure


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    try:
        report = json.loads((folder / "roofline.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"plot.py: cannot read {folder / 'roofline.json'}: {error}")
    figure = draw(report)
    for name in ("roofline.svg", "roofline.png"):
        figure.savefig(folder / name, dpi=150, facecolor="white", bbox_inches="tight")
        print(folder / name)


if __name__ == "__main__":
    main()
