#!/usr/bin/env python3
"""rectify side by side with its peers: every case of cases.py in each library that can compute it, and one table of it.

usage: peers.py --workers FOLDER [--python PYTHON] [--output DIR] [--quick]

A case is measured in rounds. Each round visits every library once, in an order that turns from round to round, so that
whatever disturbs the machine, or drifts, meets them alike; a visit makes some calls that are not timed and then a batch of
some milliseconds that is. A peer that is far behind is visited in three rounds only. A ratio is the peer's time over
rectify's in the same round, a cell's ratio the median of these, and the best peer the one whose ratio is least. Cells below
0.95 are measured again when all others are done, twice at most: a cell is lost if it was below each time.

Writes peers.json and peers.txt.
"""
import argparse
import datetime
import itertools
import json
import math
import os
import pathlib
import signal
import statistics
import sys
import time

import cases
import table
from library import Library
from tensors import SLACK, PAGE, Tensors

# These run in the virtual environment that has their wheels.
IN_PYTHON = ("onnxruntime", "jax")

LOST = 0.95
MEASUREMENTS = 3
BATCH = 2e6  # nanoseconds that a visit times; a longer call is a batch by itself
# Nanoseconds of calls before it. Threads that have been stopped may go on upon one processor; the system's next tick, after
# 4 ms, parts them.
WARM_UP, WARM_UP_OF_SEVERAL = 0.5e6, 6e6
ROUND_LIMITS = (5, 25)
CELL = 2e9  # nanoseconds that the rounds of a case may take, where the fewest do not take more
HOPELESS = 5  # times rectify's time: a peer beyond that is visited in the first rounds only
ROUNDS_OF_HOPELESS = 3
BEYOND_CACHES = 20e6  # a call of so many nanoseconds needs no warm caches, for it fills them itself
TOLERANCE = {"f32": 1e-3, "f64": 1e-3, "f16": 1e-2, "bf16": 4e-2}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=pathlib.Path, required=True, help="the folder of the workers built by CMake")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the wheels")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--quick", action="store_true", help="f32, 64 Ki and 1 Mi, one thread")
    return parser.parse_args()


def started(chosen, threads, folder):
    """The libraries that can be measured, rectify first, and why the others cannot."""
    running, absent = [], {}
    for key in table.COLUMNS:
        program = chosen.workers / f"peers_{key}"
        command = [chosen.python, pathlib.Path(__file__).with_name(f"worker_{key}.py")] if key in IN_PYTHON else [program]
        if key not in IN_PYTHON and not program.exists():
            absent[key] = "its library was not found, or its worker could not be built"
            continue
        library = Library(key, command, threads, folder)
        if library.absent:
            absent[key] = library.absent
            library.end()
        else:
            running.append(library)
    if not running or running[0].key != "rectify":
        sys.exit(f"peers.py: rectify does not run: {absent.get('rectify')}")
    return running, absent


# ---- A case --------------------------------------------------------------------------------------------------------------


def differs(case, values, expected):
    """How a result is not rectify's; "" where it is, within a loose bound: it should be the same operation, no more."""
    if len(values) != len(expected):
        return f"{len(values)} values of {len(expected)}"
    bound = TOLERANCE[case.format]
    of_out = len(expected) - (case.shape[1] if case.direction == "backward_with_parameter" else 0)
    terms = case.n / case.shape[1]
    for index, (value, right) in enumerate(zip(values, expected)):
        scale = 0.1 if index < of_out else math.sqrt(terms)
        if not abs(value - right) <= bound * (abs(right) + scale):
            which = f"value {index}" if index < of_out else f"dslope of channel {index - of_out}"
            return f"{which} is {value:g} and not {right:g}"
    return ""


def prepared(case, libraries, place):
    """Those that compute the case, with the nanoseconds of a call, and why the others do not."""
    able, unsupported, expected = {}, {}, None
    for library in libraries:
        word, _, rest = library.ask(f"prepare {case.line()} {place}").partition(" ")
        if word != "ok":
            unsupported[library.key] = rest or "it ended"
            continue
        values = [float(value) for value in rest.split()]
        if library.key == "rectify":
            expected = values
        elif expected is None:
            continue
        if difference := differs(case, values, expected):
            unsupported[library.key] = "computes something else: " + difference
            continue
        able[library] = 0
    for library in able:
        able[library] = library.nanoseconds(0, 1)
        if able[library] < BEYOND_CACHES:
            able[library] = library.nanoseconds(0, max(1, min(100, round(1e6 / able[library]))))
    return able, unsupported


def warm_up(threads):
    return WARM_UP if threads == 1 else WARM_UP_OF_SEVERAL


def visit(library, nanoseconds, threads):
    """Times a batch."""
    repetitions = max(1, math.ceil(BATCH / nanoseconds))
    untimed = 0 if nanoseconds > BEYOND_CACHES else math.ceil(warm_up(threads) / nanoseconds)
    library.go_on()
    try:
        return library.nanoseconds(untimed, repetitions)
    finally:
        library.stop()


def rounds_of(able, threads):
    """Nanoseconds of a call by library, one for each round; None where it was not visited."""
    for library in able:
        library.stop()
    own = next(nanoseconds for library, nanoseconds in able.items() if library.key == "rectify")
    visits = sum(max(BATCH + warm_up(threads), nanoseconds) for nanoseconds in able.values() if nanoseconds < HOPELESS * own)
    least, most = ROUND_LIMITS
    count = round(max(least, min(most, CELL / visits)))
    order, times = list(able), {library.key: [] for library in able}
    for turn in range(count):
        first = turn % len(order)
        turned = order[first:] + order[:first]
        for library in turned if turn % 2 else reversed(turned):  # nobody has always the same before it
            if turn >= ROUNDS_OF_HOPELESS and able[library] > HOPELESS * able[order[0]]:
                times[library.key].append(None)
                continue
            nanoseconds = visit(library, able[library], threads)
            able[library] = min(able[library], nanoseconds)
            times[library.key].append(round(nanoseconds, 1))
    for library in able:
        library.go_on()
    return {key: of_key for key, of_key in times.items() if math.inf not in of_key}  # without those that have ended


def ranked(case, key):
    """Plain C++ at the smallest size is inlined where it is used: there is no call to compare."""
    return key != "rectify" and not (key == "plain" and case.n <= 4 * cases.KI)


def ratios_of(times):
    return {key: statistics.median(peer / own for peer, own in zip(of_key, times["rectify"]) if peer)
            for key, of_key in times.items() if key != "rectify"}


places = itertools.count()


def measure(case, libraries):
    """A cell, or nothing where no peer computes the case."""
    able, unsupported = prepared(case, libraries, next(places) * 5 % (SLACK // PAGE - 1))
    times = rounds_of(able, case.threads) if any(ranked(case, library.key) for library in able) else {}
    for library in libraries:
        library.ask("release")
    if "rectify" in unsupported or (times and "rectify" not in times):
        sys.exit(f"peers.py: {case}: rectify: {unsupported.get('rectify', 'it ended')}")
    if not any(ranked(case, key) for key in times):
        return None
    size = {"n": case.n} if case.layout == "flat" else {"shape": list(case.shape)}
    cell = {"operation": case.operation, "direction": case.direction, "format": case.format, "layout": case.layout, **size,
            "threads": case.threads, "rounds": times, "measurements": [], "unsupported": unsupported}
    conclude(cell, case)
    cell["measurements"].append(cell["ratio_to_best_peer"])
    return cell


def conclude(cell, case):
    """What the rounds say."""
    cell["nanoseconds"] = {key: statistics.median(time for time in times if time) for key, times in cell["rounds"].items()}
    cell["ratios"] = {key: round(ratio, 4) for key, ratio in ratios_of(cell["rounds"]).items()}
    cell["best_peer"] = min((key for key in cell["ratios"] if ranked(case, key)), key=cell["ratios"].get)
    cell["ratio_to_best_peer"] = cell["ratios"][cell["best_peer"]]
    cell["lost"] = len(cell["measurements"]) == MEASUREMENTS and all(ratio < LOST for ratio in cell["measurements"])


def measure_again(case, cell, libraries):
    """The rounds of all measurements count."""
    if again := measure(case, libraries):
        for key, times in cell["rounds"].items():
            times += again["rounds"].get(key, [None] * len(again["rounds"]["rectify"]))
        cell["measurements"] += again["measurements"]
        conclude(cell, case)


# ---- The run -------------------------------------------------------------------------------------------------------------


def geometric_means(cells):
    def mean(of):
        return round(statistics.geometric_mean(cell["ratio_to_best_peer"] for cell in of), 4) if of else None

    operations = dict.fromkeys((cell["operation"], cell["direction"]) for cell in cells)
    means = {" ".join(name): mean([cell for cell in cells if (cell["operation"], cell["direction"]) == name])
             for name in operations}
    backward = [cell for cell in cells if cell["operation"] == "prelu" and cell["direction"] != "forward"]
    means["all"] = mean(cells)
    means["without prelu backward"] = mean([cell for cell in cells if cell not in backward])
    return means


def machine():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    keys = {"family": "cpu family", "model": "model"}
    model = " ".join(f"{name} {fields[key]}" for name, key in keys.items() if key in fields)
    name = fields.get("model name", os.uname().machine)
    return {"cpu": f"{name} ({model})" if model else name, "processors": len(os.sched_getaffinity(0)),
            "load": [round(load, 2) for load in os.getloadavg()]}


class Progress:
    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()

    def tell(self, case, text):
        self.done += 1
        seconds = int(time.monotonic() - self.start)
        print(f"[{self.done}/{self.total} {seconds // 60}:{seconds % 60:02}] {case}: {text}", file=sys.stderr, flush=True)


def text_of(cell):
    return f"{cell['ratio_to_best_peer']:.2f} x {cell['best_peer']}" if cell else "no peer"


def run(chosen, tensors):
    report = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
              "quick": chosen.quick, "versions": {}, "absent": {}, "cells": [], "geometric_mean": {}}
    threads_of_run = [1] if chosen.quick else sorted({1, len(os.sched_getaffinity(0))})
    progress = Progress(sum(len(cases.all_cases(threads, chosen.quick)) for threads in threads_of_run))
    for threads in threads_of_run:
        libraries, report["absent"] = started(chosen, threads, tensors.folder)
        report["versions"] |= {library.key: library.version for library in libraries}
        measured, of_threads = [], cases.all_cases(threads, chosen.quick)
        for case in of_threads:
            tensors.hold(case.format, max(one.n for one in of_threads))
            cell = measure(case, libraries)
            progress.tell(case, text_of(cell))
            if cell:
                measured.append((case, cell))
        for measurements in range(1, MEASUREMENTS):
            doubtful = [(case, cell) for case, cell in measured
                        if len(cell["measurements"]) == measurements and cell["measurements"][-1] < LOST]
            progress.total += len(doubtful)
            for case, cell in doubtful:
                tensors.hold(case.format, max(one.n for one in of_threads))
                measure_again(case, cell, libraries)
                progress.tell(case, f"again: {cell['measurements'][-1]:.2f}")
        report["cells"] += [cell for _, cell in measured]
        for library in libraries:
            library.end()
    report["machine"]["load_at_end"] = [round(load, 2) for load in os.getloadavg()]
    report["seconds"] = round(time.monotonic() - progress.start)
    report["geometric_mean"] = geometric_means(report["cells"])
    return report


def in_lines(report):
    """JSON with a line for each cell."""
    cells = ",\n".join("  " + json.dumps(cell) for cell in report["cells"])
    rest = json.dumps(report | {"cells": []}, indent=1)
    return rest.replace('"cells": []', f'"cells": [\n{cells}\n ]', 1) + "\n"


def main():
    chosen = options()
    chosen.output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers.py: broken off"))  # so that tensors and workers go too
    tensors = Tensors()
    try:
        report = run(chosen, tensors)
    finally:
        tensors.remove()
    (chosen.output / "peers.json").write_text(in_lines(report))
    text = table.text(report)
    (chosen.output / "peers.txt").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
