#!/usr/bin/env python3
"""Compares two builds of bench/calls, call by call: which rows moved beyond noise, and which did not.

usage: compare.py OLD NEW [--tool COMPARE_PY] [--output DIR] [--rounds N] [--effect PERCENT] [--benchmark_filter REGEX]

The two programs run in turn (old new, new old, old new, ...), so that whatever disturbs the machine, or drifts, meets both
alike. Each run gives one sample a row: the least of a few repetitions, since what disturbs only lengthens. Samples of
different processes are independent of each other, as repetitions within one (with the same memory pages) are not. Google
Benchmark's own compare.py makes the U test on them. A row has moved if

- its p is small enough, for so many rows at once, that about one in twenty of those that are said to have moved has not
  (Benjamini and Hochberg 1995); if nothing moved, one comparison in twenty says that something has; and
- the first quartiles differ by at least the effect. (Not the medians: a disturbance can last for half of the runs.)

Ends with 0 whether rows moved or not, and otherwise if it could not run.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

FALSE_DISCOVERIES = 0.05
FEWEST_ROUNDS = 9  # what compare.py calls enough for a U test


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--tool", default="/usr/share/benchmark/compare.py", help="Google Benchmark's compare.py")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), help="where the samples are kept")
    parser.add_argument("--rounds", type=int, default=25, help="runs of each program (25)")
    parser.add_argument("--effect", type=float, default=2.0, help="the least change that counts, in percent (2)")
    parser.add_argument("--benchmark_filter", metavar="REGEX", default="threads:1$", help="the rows (threads:1$)")
    chosen = parser.parse_args()
    if chosen.rounds < FEWEST_ROUNDS:
        parser.error(f"--rounds: fewer than {FEWEST_ROUNDS} show nothing")
    return chosen


def run(program, rows, output):
    """The samples of one process: of each row the repetition that took least."""
    command = [program.resolve(), f"--benchmark_filter={rows}", f"--benchmark_out={output}"]
    command += ["--benchmark_repetitions=8", "--benchmark_min_time=0.002", "--benchmark_enable_random_interleaving=true"]
    finished = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if finished.returncode:
        sys.exit(f"compare.py: {program} failed:\n{finished.stderr}")
    least = {}
    for repetition in json.loads(output.read_text() or '{"benchmarks": []}')["benchmarks"]:
        if repetition["run_type"] != "iteration":
            continue
        if repetition.get("error_occurred"):
            sys.exit(f"compare.py: {program}: {repetition['name']}: {repetition['error_message']}")
        known = least.setdefault(repetition["name"], repetition)
        if repetition[clock(known["name"])] < known[clock(known["name"])]:
            least[repetition["name"]] = repetition
    if not least:
        sys.exit(f"compare.py: {program} has no row that matches '{rows}'")
    return least


def clock(row):
    """Which time counts: on one thread the processor's, which stands still while another process has it."""
    return "real_time" if row.endswith("/real_time") else "cpu_time"


def samples(programs, rounds, rows, folder):
    collected = [[], []]
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            for sample in run(programs[which], rows, folder / "run.json").values():
                sample["repetition_index"] = number
                collected[which].append(sample)
    (folder / "run.json").unlink()
    files = [folder / "old.json", folder / "new.json"]
    for file, benchmarks in zip(files, collected):
        file.write_text(json.dumps({"benchmarks": benchmarks}))
    return files


def difference(tool, files, folder):
    """What Google Benchmark's compare.py finds. Its own table, sample by sample, is kept beside the samples."""
    report = folder / "difference.json"
    command = [sys.executable, tool, "--no-color", f"--dump_to_json={report}", "benchmarks", *files]
    with open(folder / "compare.txt", "w") as table:
        if subprocess.run(command, stdout=table).returncode:
            sys.exit(f"compare.py: {tool} failed")
    return [row for row in json.loads(report.read_text()) if row["run_type"] == "iteration"]


class Row:
    def __init__(self, found):
        self.name = found["name"]
        time = clock(self.name)
        self.old, self.new = (statistics.quantiles([pair[which] for pair in found["measurements"]], n=4)[0]
                              for which in (time, time + "_other"))
        self.change = 100 * (self.new / self.old - 1)
        self.p = found["utest"]["cpu_pvalue" if time == "cpu_time" else "time_pvalue"]


def significance(rows):
    """The p up to which rows count: the largest that is at most its rank's share."""
    ranked = sorted(row.p for row in rows)
    shares = ((rank + 1) / len(ranked) * FALSE_DISCOVERIES for rank in range(len(ranked)))
    return max((p for p, share in zip(ranked, shares) if p <= share), default=0)


def show(title, rows, width):
    print(f"\n{title:{width}}  {'old ns':>10}  {'new ns':>10}  {'change':>8}  {'p':>7}")
    for row in rows:
        print(f"{row.name:{width}}  {row.old:10.1f}  {row.new:10.1f}  {row.change:+7.1f}%  {row.p:7.1g}")


def main():
    chosen = options()
    chosen.output.mkdir(parents=True, exist_ok=True)
    files = samples((chosen.old, chosen.new), chosen.rounds, chosen.benchmark_filter, chosen.output)
    rows = [Row(found) for found in difference(chosen.tool, files, chosen.output)]
    if not rows:
        sys.exit("compare.py: the two programs have no row in common")

    limit = significance(rows)
    within, beyond = [], []
    for row in rows:
        (beyond if row.p <= limit and abs(row.change) >= chosen.effect else within).append(row)
    width = max(len(row.name) for row in rows)
    if within:
        show("within noise", within, width)
    if beyond:
        show("moved beyond noise", sorted(beyond, key=lambda row: row.change), width)
    slower = sum(row.change > 0 for row in beyond)
    print(f"\n{len(rows)} rows: {slower} slower, {len(beyond) - slower} faster, {len(within)} within noise "
          f"(first quartiles of {chosen.rounds} runs each; U test, and at least {chosen.effect:g} %)")
    print(f"The samples and Google Benchmark's own comparison of them are in {chosen.output}")


if __name__ == "__main__":
    main()
