#!/usr/bin/env python3
"""Checks what ./run peers has written: that peers.json is complete, that its figures follow from its rounds, and that the
plot is there.

usage: check.py DIR
       check.py --red DIR    (spoils a copy in each way that the check should notice, and ends with 1 if it does not)

Ends with 1 and a line for each thing that is not so.
"""
import copy
import json
import math
import pathlib
import statistics
import sys
import xml.etree.ElementTree

REPORT = {"date", "machine", "quick", "versions", "absent", "cells", "geometric_mean", "seconds"}
CELL = {"operation", "direction", "format", "layout", "threads", "rounds", "nanoseconds", "ratios", "best_peer",
        "ratio_to_best_peer", "measurements", "lost", "unsupported"}
DIRECTIONS = {"relu": {"forward", "backward"}, "leaky_relu": {"forward", "backward"},
              "elu": {"forward", "backward", "backward_from_y"},
              "prelu": {"forward", "backward", "backward_with_parameter"}}
FORMATS = {"f32", "f16", "bf16", "f64"}
PEERS = {"onednn", "xnnpack", "pytorch", "onnxruntime", "jax", "eigen", "plain"}
LOST, MEASUREMENTS, SMALLEST = 0.95, 3, 4096


class Findings(list):
    def expect(self, truth, what):
        if not truth:
            self.append(what)


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-4)


def name_of(cell):
    size = cell.get("n", cell.get("shape"))
    return f"{cell['operation']}/{cell['direction']}/{cell['format']}/{cell['layout']}/{size}/{cell['threads']}"


def check_cell(found, cell, report):
    name, rounds, ratios = name_of(cell), cell["rounds"], cell["ratios"]
    found.expect(cell["direction"] in DIRECTIONS.get(cell["operation"], ()), f"{name}: is an operation")
    found.expect(cell["format"] in FORMATS, f"{name}: is of a known format")
    flat = cell["layout"] == "flat"
    found.expect(("n" in cell) == flat and ("shape" in cell) != flat, f"{name}: has n or a shape")
    n = cell["n"] if flat else math.prod(cell["shape"])
    found.expect(set(rounds) <= set(report["versions"]), f"{name}: only libraries that ran are timed")
    found.expect("rectify" in rounds and set(rounds) == set(cell["nanoseconds"]) == {"rectify", *ratios},
                 f"{name}: every library timed has its figures")
    found.expect(not set(rounds) & set(cell["unsupported"]), f"{name}: what is unsupported is not timed")
    count = len(rounds.get("rectify", ()))
    found.expect(all(len(times) == count and any(times) for times in rounds.values()), f"{name}: has rounds")
    for key, times in rounds.items():
        found.expect(near(statistics.median(filter(None, times)), cell["nanoseconds"][key]),
                     f"{name}: {key}: nanoseconds are the median")
        if key != "rectify":
            ratio = statistics.median(peer / own for peer, own in zip(times, rounds["rectify"]) if peer)
            found.expect(near(ratio, ratios[key]), f"{name}: {key}: the ratio is the median of the rounds'")
    ranked = {key: ratio for key, ratio in ratios.items() if key != "plain" or n > SMALLEST}
    found.expect(ranked, f"{name}: has a peer")
    if ranked:
        found.expect(cell["best_peer"] in ranked and near(ratios[cell["best_peer"]], min(ranked.values())),
                     f"{name}: {cell['best_peer']} is the best peer")
        found.expect(near(cell["ratio_to_best_peer"], min(ranked.values())), f"{name}: the ratio is that to the best peer")
    measured = cell["measurements"]
    found.expect(1 <= len(measured) <= MEASUREMENTS, f"{name}: is measured up to three times")
    found.expect(all(ratio < LOST for ratio in measured[:-1]), f"{name}: is measured again only where it was below 0.95")
    found.expect(measured[-1] >= LOST or len(measured) == MEASUREMENTS, f"{name}: is measured again where it is below 0.95")
    found.expect(cell["lost"] == (len(measured) == MEASUREMENTS and measured[-1] < LOST),
                 f"{name}: says whether it is lost")


def check_means(found, report):
    def mean(cells):
        return statistics.geometric_mean(cell["ratio_to_best_peer"] for cell in cells)

    groups = {"all": report["cells"], "without prelu backward": []}
    for cell in report["cells"]:
        groups.setdefault(f"{cell['operation']} {cell['direction']}", []).append(cell)
        if cell["operation"] != "prelu" or cell["direction"] == "forward":
            groups["without prelu backward"].append(cell)
    found.expect(set(groups) == set(report["geometric_mean"]), "there is a geometric mean of every operation")
    for name, cells in groups.items():
        found.expect(near(report["geometric_mean"].get(name) or 0, mean(cells)),
                     f"the geometric mean of {name} is that of its cells")


def check_coverage(found, report):
    """What any peer computes is there, as far as the peers at hand can tell."""
    names = [name_of(cell) for cell in report["cells"]]
    found.expect(len(names) == len(set(names)), "each cell is there once")
    operations = {(cell["operation"], cell["direction"]) for cell in report["cells"]}
    if set(report["versions"]) & {"pytorch", "jax", "eigen", "plain"}:
        found.expect(operations == {(o, d) for o, of_it in DIRECTIONS.items() for d in of_it}, "every operation has cells")
        formats = {cell["format"] for cell in report["cells"]}
        found.expect(formats == ({"f32"} if report["quick"] else FORMATS), "every format has cells")
        found.expect({cell["layout"] for cell in report["cells"]} == {"flat", "nchw", "nhwc"}, "every layout has cells")


def findings(report):
    found = Findings()
    found.expect(REPORT <= report.keys(), f"peers.json has {', '.join(sorted(REPORT - report.keys()))}")
    found.expect(report.get("cells"), "peers.json has cells")
    for cell in report.get("cells", ()):
        found.expect(CELL <= cell.keys(), f"a cell has {', '.join(sorted(CELL - cell.keys()))}")
    if found:
        return found
    named = {*report["versions"], *report["absent"]}
    found.expect(named == {"rectify", *PEERS}, "every peer is there or absent")
    found.expect(not set(report["versions"]) & set(report["absent"]), "versions are of what ran")
    for cell in report["cells"]:
        check_cell(found, cell, report)
    check_means(found, report)
    check_coverage(found, report)
    return found


def check_plot(found, folder):
    for ending in ("svg", "png"):
        found.expect((folder / f"peers.{ending}").is_file(), f"peers.{ending} is there")
    if not found:
        xml.etree.ElementTree.parse(folder / "peers.svg")
        found.expect((folder / "peers.png").read_bytes().startswith(b"\x89PNG"), "peers.png is one")


# ---- The check, checked --------------------------------------------------------------------------------------------------


def spoiled(report):
    """Copies, each with one thing wrong, and what it is."""
    def of_cell(change):
        def spoil(copied):
            change(copied["cells"][0])
        return spoil

    def best(cell, ratio):
        cell["ratio_to_best_peer"] = ratio

    ways = {
        "a section is missing": lambda copied: copied.pop("versions"),
        "a field is missing": of_cell(lambda cell: cell.pop("best_peer")),
        "a ratio is made better": of_cell(lambda cell: best(cell, cell["ratio_to_best_peer"] * 1.1)),
        "nanoseconds are made less": of_cell(lambda cell: cell["nanoseconds"].update(rectify=1)),
        "the best peer's rounds are gone": of_cell(lambda cell: cell["rounds"].pop(cell["best_peer"])),
        "a mean is made better": lambda copied: copied["geometric_mean"].update(all=9.0),
        "a lost cell is not said to be": of_cell(lambda cell: cell.update(measurements=[0.9, 0.9, 0.9], lost=False)),
        "a cell is not measured again": of_cell(lambda cell: cell.update(measurements=[0.9], lost=False)),
        "a version of what did not run": lambda copied: copied["absent"].update(pytorch="gone"),
        "an operation is left out": lambda copied: copied.update(
            cells=[cell for cell in copied["cells"] if cell["operation"] != "elu"]),
        "a cell is there twice": lambda copied: copied["cells"].append(copied["cells"][0]),
    }
    for what, spoil in ways.items():
        copied = copy.deepcopy(report)
        spoil(copied)
        yield what, copied


def check_red(report):
    missed = [what for what, copied in spoiled(report) if not findings(copied)]
    for what in missed:
        print(f"check.py: not noticed: {what}", file=sys.stderr)
    return missed


def main():
    arguments = sys.argv[1:]
    red = arguments[:1] == ["--red"]
    if len(arguments) != 1 + red:
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[-1])
    report = json.loads((folder / "peers.json").read_text())
    if red:
        sys.exit(bool(check_red(report)))
    found = findings(report)
    check_plot(found, folder)
    for failure in found:
        print(f"check.py: not so: {failure}", file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
