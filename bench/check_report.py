#!/usr/bin/env python3
"""Checks what ./run roofline has written: that roofline.json is complete and adds up, that the plots are there, and that
roofline.html needs nothing but itself.

usage: check_report.py DIR

Ends with 1 and a line for each thing that is not so.
"""
import collections
import html.parser
import json
import math
import pathlib
import sys
import xml.etree.ElementTree

KEYS = {
    "machine": {"cpu", "slug", "processors", "memory_bytes", "load", "caches", "caches_from", "backends", "dispatched",
                "huge_pages", "ghz", "fused_multiply_add"},
    "ceilings": {"traffic", "store", "level", "threads", "bytes", "gbps"},
    "rows": {"operation", "direction", "format", "layout", "backend", "dispatched", "bound", "level", "threads", "n", "shape",
             "traffic", "gbps", "ns_per_element", "cycles_per_element", "percent_of_ceiling", "variant", "flops_per_element",
             "gflops", "port_bound_cycles", "percent_of_port_bound", "times_dx", "target"},
    "sweep": {"name", "store", "traffic", "points"},
    "calls": {"operation", "direction", "layout", "format", "variant", "n", "call_ns", "kernel_ns", "nanoseconds_above_kernel",
              "target"},
    "scaling": {"operation", "direction", "layout", "level", "threads", "n", "gain", "ceilings_gain",
                "share_of_ceilings_gain", "target"},
    "targets": {"what", "figure", "unit", "bar", "at_most", "judged", "reached", "worst", "misses"},
}
MAYBE_EMPTY = {"scaling"}  # one processor, or no L3

SIZES = {"f32": 4, "f16": 2, "bf16": 2, "f64": 8}  # bytes of an element
# What a quick run measures of each format.
REPRESENTATIVE = {("relu", "forward", "flat"), ("relu", "backward", "flat"), ("leaky_relu", "forward", "flat"),
                  ("prelu", "forward", "nchw"), ("prelu", "backward", "nchw"), ("prelu", "backward_with_parameter", "nchw"),
                  ("elu", "forward", "flat"), ("elu", "backward", "flat")}

failures = []


def expect(truth, what):
    if not truth:
        failures.append(what)


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-3)  # roofline.json has five digits


def row_name(row):
    keys = ("operation", "direction", "layout", "format", "variant", "backend", "level", "threads")
    return "/".join(str(row[key]) for key in keys)


# ---- roofline.json -------------------------------------------------------------------------------------------------------


def check_keys(report):
    for section, keys in KEYS.items():
        entries = report.get(section)
        expect(entries or section in MAYBE_EMPTY, f"roofline.json has the section {section}")
        for entry in [entries] if isinstance(entries, dict) else entries or []:
            expect(keys <= entry.keys(), f"an entry of {section} has {', '.join(sorted(keys - entry.keys()))}")


def accesses(traffic):
    """Of an element: "in place" is one array read and written."""
    return 2 if traffic == "in place" else int(traffic[0]) + int(traffic[2])


def arrays(traffic):
    return 1 if traffic == "in place" else accesses(traffic)


def check_rows(report):
    room = {(c["traffic"], c["level"], c["threads"]): c["bytes"] for c in report["ceilings"]}
    for row in report["rows"]:
        name = row_name(row)
        expect(row["format"] in SIZES, f"{name}: the format is one of {', '.join(SIZES)}")
        if row["format"] not in SIZES:
            continue
        size = SIZES[row["format"]]
        expect(row["n"] == math.prod(row["shape"]), f"{name}: n is the product of the shape")
        # The same room in every format; whole maps and images do not always fill it.
        bytes_touched = row["n"] * size * arrays(row["traffic"])
        bytes_of_ceiling = room[row["traffic"], row["level"], row["threads"]]
        whole = row["layout"] in ("flat", "per_element")
        expect(bytes_touched == bytes_of_ceiling if whole else 0.5 < bytes_touched / bytes_of_ceiling <= 1.25,
               f"{name}: {row['n']} elements of {size} bytes take the {bytes_of_ceiling} bytes of the ceiling")
        expect(near(row["gbps"] * row["ns_per_element"], size * accesses(row["traffic"])), f"{name}: GB/s times ns is bytes")
        expect(near(row["gflops"] * row["ns_per_element"], row["flops_per_element"]), f"{name}: GFLOP/s times ns is FLOP")
        expect((row["times_dx"] is not None) == (row["direction"] in ("backward_with_parameter", "backward_from_mask")),
               f"{name}: both gradients, and those from a mask, are held against dx from x, and nothing else is")
        expect(row["bound"] == "memory" or row["backend"] == "scalar" or row["percent_of_port_bound"],
               f"{name}: what is bound by arithmetic is held against the port bound")


def check_coverage(report):
    """What every run measures on the chosen backend, quick or not."""
    rows = [row for row in report["rows"] if row["dispatched"] and row["threads"] == 1]
    levels = {ceiling["level"] for ceiling in report["ceilings"]}
    seen = collections.defaultdict(set)
    for row in rows:
        if not row["variant"].startswith("C="):
            seen[row["format"], row["operation"], row["direction"], row["layout"], row["variant"]].add(row["level"])
    of_f32 = [operation for form, *operation in seen if form == "f32"]
    expect(len(of_f32) >= 20, "at least 20 operations are measured")
    for operation in of_f32:
        expect(seen["f32", *operation] == levels, f"{'/'.join(operation)} is measured at {', '.join(sorted(levels))}")
    for form in SIZES.keys() - {"f32"}:
        wanted = [operation for *operation, variant in of_f32 if not variant]
        if report["quick"]:
            wanted = [operation for operation in wanted if tuple(operation) in REPRESENTATIVE]
            expect(len(wanted) == len(REPRESENTATIVE), "f32 has every operation that the other formats are seen by")
        for operation in wanted:
            at = levels & {"L2", "DRAM"} if report["quick"] else levels
            expect(seen[form, *operation, ""] >= at, f"{'/'.join(operation)} is measured in {form} at {', '.join(sorted(at))}")
    images = {(row["layout"], row["shape"][2 if row["layout"] == "nchw" else 1], row["direction"])
              for row in rows if row["variant"].startswith("C=") and row["level"] == "L2"}
    for direction in ("forward", "backward", "backward_with_parameter"):
        for image in (("nchw", 49), ("nchw", 784), ("nhwc", 16), ("nhwc", 64)):
            expect((*image, direction) in images, f"PReLU {direction} is measured in L2 on {image[0]} of {image[1]}")


def check_targets(report):
    judged, reached = collections.Counter(), collections.Counter()
    for entry in report["rows"] + report["calls"] + report["scaling"]:
        if target := entry["target"]:
            value = entry[target["figure"]]
            holds = value <= target["bar"] if target["at_most"] else value >= target["bar"]
            expect(holds == target["reached"] or near(value, target["bar"]), f"{entry['operation']}: {value} against {target}")
            judged[target["figure"]] += 1
            reached[target["figure"]] += target["reached"]
    for target in report["targets"]:
        expect(target["judged"] - target["reached"] == len(target["misses"]), f"{target['what']}: lists its misses")
        if target["figure"] != "mean_percent_of_ceiling":
            judged[target["figure"]] -= target["judged"]
            reached[target["figure"]] -= target["reached"]
    expect(not any(judged.values()) and not any(reached.values()), "the targets count what the entries say")
    for call in report["calls"]:
        expect(math.isclose(call["call_ns"] - call["kernel_ns"], call["nanoseconds_above_kernel"], abs_tol=0.02),
               f"{call['operation']} {call['direction']}: above the kernel is the difference")


# ---- Plots and page ------------------------------------------------------------------------------------------------------


def check_plots(folder):
    for name in ("roofline", "roofline-formats", "roofline-intensity"):
        expect((folder / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", f"{name}.png is a PNG")
        root = xml.etree.ElementTree.parse(folder / f"{name}.svg").getroot()
        expect(len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 50, f"{name}.svg has something drawn")


class Page(html.parser.HTMLParser):
    """Collects what an HTML page refers to, what it names, and how much of what it holds."""

    REFERENCES = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}

    def __init__(self, text):
        super().__init__()
        self.references, self.names, self.tags, self.open_rows = [], [], collections.Counter(), None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        for key, value in attributes:
            if key in self.REFERENCES:
                self.references.append(value or "")
            if key == "id":
                self.names.append(value)
        if tag == "table":
            self.open_rows = dict(attributes).get("id") == "rows"
        if tag == "tr" and self.open_rows:
            self.tags["row"] += 1


def check_page(folder, report):
    text = (folder / "roofline.html").read_text(encoding="utf-8")
    page = Page(text)
    expect(not page.tags["link"] and not page.tags["img"] and not page.tags["iframe"], "roofline.html holds nothing foreign")
    for reference in page.references:
        expect(reference.startswith("#") and reference[1:] in page.names, f"roofline.html refers to itself, not to {reference}")
    expect("://" not in text and "@import" not in text, "roofline.html names no address")
    expect(all(part.startswith("#") for part in text.split("url(")[1:]), "every url() in roofline.html is its own")
    expect(len(page.names) == len(set(page.names)), "each name in roofline.html is given once")
    expect(page.tags["svg"] == 3, "roofline.html has all plots")
    expect(page.tags["row"] == len(report["rows"]) + 1, "roofline.html has every row")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    report = json.loads((folder / "roofline.json").read_text())
    expect("quick" in report, "roofline.json says whether the run was quick")
    check_keys(report)
    if not failures:
        check_rows(report)
        check_coverage(report)
        check_targets(report)
        check_plots(folder)
        check_page(folder, report)
    for failure in failures:
        print(f"check_report.py: not so: {failure}", file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
