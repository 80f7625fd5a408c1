"""The plots of a roofline.json: GB/s over the size of the working set, under the ceilings; the same of every number format at
some sizes; and GFLOP/s over FLOP/byte, under a roof for each level of the memory. report.py calls this."""
import sys

try:
    import matplotlib
except ImportError:
    sys.exit(
        "plot.py: matplotlib is missing, so there are no plots and no page; the tables and roofline.json are complete.\n"
        "Get it with `apt-get install python3-matplotlib`, or `python3 -m pip install matplotlib`, then run\n"
        "  python3 bench/report.py DIR    (the folder that holds roofline.json)"
    )

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# ---- GB/s over the working set -------------------------------------------------------------------------------------------

TITLES = {
    "1R1W": "one array read, one written (1R1W)",
    "2R1W": "two arrays read, one written (2R1W)",
}
LABELS = {
    "relu forward": "ReLU forward",
    "relu forward_with_mask": "ReLU forward, writing a mask",
    "relu backward_from_mask": "ReLU backward, from a mask",
    "prelu forward": "PReLU forward, per channel",
    "elu forward": "ELU forward",
    "relu backward": "ReLU backward",
    "elu backward": "ELU backward from x",
    "prelu backward_with_parameter": "PReLU backward with dslope",
}
# Okabe and Ito's colours, which everybody can tell apart.
COLOURS = {"relu": "#0072B2", "prelu": "#009E73", "elu": "#D55E00"}
MARKERS = {"relu": "o", "prelu": "s", "elu": "^"}
# By name, where an operation has more than one line.
COLOURS |= {"relu forward_with_mask": "#56B4E9", "relu backward_from_mask": "#E69F00"}
MARKERS |= {"relu forward_with_mask": "v", "relu backward_from_mask": "D"}


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
            color=COLOURS.get(one["name"], COLOURS.get(operation, "#CC79A7")),
            marker=MARKERS.get(one["name"], MARKERS.get(operation, "D")),
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


def open_frame(axes):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def title(report):
    machine = report["machine"]
    return f"rectify, {machine['dispatched']} backend, one thread, on {machine['cpu']}"


def bandwidth_axis(axes, speeds, above):
    """A logarithmic axis of GB/s, with `above` times the highest as its end."""
    axes.set_yscale("log")
    ticks = [m * 10**k for k in range(-1, 5) for m in (1, 2, 5) if min(speeds) * 0.6 <= m * 10**k <= max(speeds) * 1.6]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(min(speeds) * 0.8, max(speeds) * above)
    axes.minorticks_off()
    axes.set_ylabel("GB/s")


def draw_sweep(report):
    """GB/s over the bytes touched."""
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
        open_frame(axes)
        axes.set_title(TITLES.get(traffic, traffic), fontsize=11)
        axes.set_xlabel("bytes touched, all arrays together")
        axes.legend(fontsize=8.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.23), ncol=2)
    speeds = [point["gbps"] for one in report["sweep"] for point in one["points"]]
    bandwidth_axis(panels[0][0], speeds, 1.7)  # room for the cache labels
    figure.suptitle(title(report) + ", f32", fontsize=12)
    figure.tight_layout()
    return figure


# ---- GB/s of every format ------------------------------------------------------------------------------------------------

# What every run measures of each format.
OPERATIONS = [
    ("relu", "forward", "flat"),
    ("leaky_relu", "forward", "flat"),
    ("prelu", "forward", "nchw"),
    ("elu", "forward", "flat"),
    ("relu", "backward", "flat"),
    ("prelu", "backward", "nchw"),
    ("prelu", "backward_with_parameter", "nchw"),
    ("elu", "backward", "flat"),
]
NAMES = {"relu": "ReLU", "leaky_relu": "Leaky ReLU", "prelu": "PReLU", "elu": "ELU"}
FORMATS = {"f32": ("#333333", "o"), "f16": ("#0072B2", "s"), "bf16": ("#D55E00", "D"), "f64": ("#009E73", "^")}


def own_ceiling(row):
    """What was timed back to back with it; the report's ceilings are of another moment."""
    return 100 * row["gbps"] / row["percent_of_ceiling"]


def draw_row(axes, at, row):
    """A point between its ceiling and, where it is the lower one, what the execution ports allow."""
    colour, marker = FORMATS[row["format"]]
    ends = [at - 0.1, at + 0.1]
    ceiling = own_ceiling(row)
    axes.plot(ends, [ceiling, ceiling], color="#333333", linewidth=1.4, zorder=2)
    axes.fill_between(ends, ceiling, 1e-3, color="#000000", alpha=0.05, linewidth=0, zorder=1)
    if row["percent_of_port_bound"]:
        bound = 100 * row["gbps"] / row["percent_of_port_bound"]
        axes.plot([at - 0.08, at + 0.08], [bound, bound], color=colour, linewidth=1.4, zorder=2)
    axes.plot(at, row["gbps"], color=colour, marker=marker, markersize=6, linestyle="none", markeredgecolor="white",
              markeredgewidth=0.6, zorder=3)


def draw_level(axes, rows):
    """A column per operation with the formats side by side."""
    places = {name: 0.2 * (place - 1.5) for place, name in enumerate(FORMATS)}
    for row in rows:
        column = OPERATIONS.index((row["operation"], row["direction"], row["layout"]))
        draw_row(axes, column + places[row["format"]], row)
    names = [f"{NAMES[operation]} {SHORT[direction]}" for operation, direction, _ in OPERATIONS]
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    open_frame(axes)


def draw_formats(report):
    """GB/s of some operations in each format, at each level where all have been measured."""
    rows = [row for row in report["rows"] if row["dispatched"] and row["threads"] == 1 and not row["variant"]
            and (row["operation"], row["direction"], row["layout"]) in OPERATIONS]
    measured = {name: {row["level"] for row in rows if row["format"] == name} for name in FORMATS}
    levels = [level for level in LEVELS if all(level in at for at in measured.values())]
    figure, panels = plt.subplots(1, max(1, len(levels)), figsize=(1.2 + 4.7 * max(1, len(levels)), 5.2), sharey=True,
                                  squeeze=False)
    for axes, level in zip(panels[0], levels):
        draw_level(axes, [row for row in rows if row["level"] == level])
        axes.set_title(level, fontsize=11)
    speeds = [speed for row in rows if row["level"] in levels for speed in (row["gbps"], own_ceiling(row))]
    if speeds:
        bandwidth_axis(panels[0][0], speeds, 1.25)
    legend = [plt.Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)
              for name, (colour, marker) in FORMATS.items()]
    legend.append(plt.Line2D([], [], color="#333333", linewidth=1.6, label="ceiling of the same traffic"))
    legend.append(plt.Line2D([], [], color="#888888", linewidth=1.6, label="what the instruction mix allows, if less"))
    figure.suptitle(title(report), fontsize=12)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.legend(handles=legend, fontsize=9, frameon=False, loc="lower center", ncol=len(legend))
    return figure


# ---- GFLOP/s over FLOP/byte --------------------------------------------------------------------------------------------

# The operations shown, by the layout that stands for them. Leaky ReLU's points would be those of PReLU.
SHOWN = {
    ("relu", "forward"): "flat",
    ("relu", "backward"): "flat",
    ("prelu", "forward"): "nchw",
    ("prelu", "backward"): "nchw",
    ("prelu", "backward_with_parameter"): "nchw",
    ("elu", "forward"): "flat",
    ("elu", "backward"): "flat",
    ("elu", "backward_with_parameter"): "flat",
    ("elu", "backward_from_y"): "flat",
}
SHORT = {"forward": "forward", "backward": "backward", "backward_with_parameter": "both gradients",
         "backward_from_y": "backward from y"}
LEVELS = {"L1": "#0072B2", "L2": "#009E73", "L3": "#E69F00", "DRAM": "#D55E00"}


SIZES = {"f32": 4, "f16": 2, "bf16": 2, "f64": 8}


def bytes_per_element(row):
    """By a name like 2R1W; "in place" is one array read and written."""
    traffic = row["traffic"]
    return SIZES[row["format"]] * (2 if traffic == "in place" else int(traffic[0]) + int(traffic[2]))


def intensity(row):
    return row["flops_per_element"] / bytes_per_element(row)


def shown_rows(report):
    return [
        row for row in report["rows"]
        if row["dispatched"] and row["threads"] == 1 and not row["variant"] and row["format"] == "f32"
        and SHOWN.get((row["operation"], row["direction"])) == row["layout"]
    ]


def bandwidths(report):
    """Of each level the fastest way to read and write it, timed by itself or beside a row: a memory may change its pace."""
    best = {}
    alone = [(ceiling, ceiling["gbps"]) for ceiling in report["ceilings"]]
    beside_rows = [(row, own_ceiling(row)) for row in shown_rows(report)]
    for timed, gbps in alone + beside_rows:
        if timed["threads"] == 1 and timed["traffic"] in ("1R1W", "2R1W"):
            best[timed["level"]] = max(best.get(timed["level"], 0), gbps)
    return best


def fused_peak(report):
    """GFLOP/s of the backend's fused multiply-adds; None for the scalar one."""
    machine = report["machine"]
    return next((f["gflops"] for f in machine["fused_multiply_add"] if f["isa"] == machine["dispatched"]), None)


def draw_roofs(axes, report, left, right):
    peak = fused_peak(report)
    for level, bandwidth in bandwidths(report).items():
        end = min(right, peak / bandwidth) if peak else right
        axes.plot([left, end], [left * bandwidth, end * bandwidth], color=LEVELS[level], linewidth=1.4,
                  label=f"{level}: {bandwidth:.0f} GB/s", zorder=2)
    if peak:
        start = peak / max(bandwidths(report).values())
        axes.plot([start, right], [peak, peak], color="#333333", linewidth=1.4, zorder=2,
                  label=f"fused multiply-adds: {peak:.0f} GFLOP/s")


def draw_kernels(axes, report):
    rows = shown_rows(report)
    for row in rows:
        axes.plot(intensity(row), row["gflops"], marker=MARKERS.get(row["operation"], "D"), markersize=6, linestyle="none",
                  color=LEVELS[row["level"]], markeredgecolor="white", markeredgewidth=0.6, zorder=4)
    bounds = {}
    for row in rows:
        if row["percent_of_port_bound"]:
            bounds[intensity(row)] = row["flops_per_element"] * report["machine"]["ghz"] / row["port_bound_cycles"]
    for number, (at, bound) in enumerate(bounds.items()):
        axes.plot([at / 1.1, at * 1.1], [bound, bound], color="#333333", linewidth=2.2, zorder=3,
                  label="" if number else "what this kernel's instruction mix allows")


def draw_names(axes, report):
    """Above each column of points what they are."""
    names = {}
    for row in shown_rows(report):
        name = f"{LABELS[row['operation'] + ' forward'].split()[0]} {SHORT[row['direction']]}"
        names.setdefault(intensity(row), {})[name] = None
    for at, of_kernels in names.items():
        axes.axvline(at, color="#cccccc", linewidth=0.8, linestyle=":", zorder=1)
        axes.text(at, 1.01, "\n".join(of_kernels), transform=axes.get_xaxis_transform(), rotation=38, fontsize=8, ha="left",
                  va="bottom", rotation_mode="anchor", color="#333333", linespacing=1.3)


def log_ticks(low, high):
    return [m * 10**k for k in range(-4, 6) for m in (1, 2, 5) if low <= m * 10**k <= high]


def draw_roofline(report):
    """GFLOP/s over the arithmetic intensity."""
    figure, axes = plt.subplots(figsize=(8.6, 6.4))
    rows = shown_rows(report)
    left, right = min(map(intensity, rows), default=0.1) / 1.5, max(map(intensity, rows), default=2) * 1.9
    draw_roofs(axes, report, left, right)
    draw_kernels(axes, report)
    draw_names(axes, report)
    axes.set_xscale("log")
    axes.set_yscale("log")
    speeds = [row["gflops"] for row in rows] + [fused_peak(report) or 1]
    low, high = min(speeds) / 1.6, max(speeds) * 1.5
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.set_xticks(log_ticks(left, right), [f"{tick:g}" for tick in log_ticks(left, right)])
    axes.set_yticks(log_ticks(low, high), [f"{tick:g}" for tick in log_ticks(low, high)])
    axes.minorticks_off()
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)
    open_frame(axes)
    axes.set_xlabel("FLOP/byte")
    axes.set_ylabel("GFLOP/s")
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    figure.suptitle(title(report) + ", f32", fontsize=12)
    figure.tight_layout()
    return figure


def figures(report):
    """The plots by the name of their files."""
    return {"roofline": draw_sweep(report), "roofline-formats": draw_formats(report),
            "roofline-intensity": draw_roofline(report)}
