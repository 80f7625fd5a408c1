#!/usr/bin/env python3
"""The report as text: a row for each cell, the geometric means, and what there was to measure. peers.py prints it.

usage: table.py DIR    (prints that of DIR/peers.json)
"""
import json
import pathlib
import statistics
import sys

import cases

COLUMNS = ("rectify", "onednn", "xnnpack", "pytorch", "onnxruntime", "jax", "eigen", "plain")
NAMES = {"rectify": "rectify", "onednn": "oneDNN", "xnnpack": "XNNPACK", "pytorch": "PyTorch", "onnxruntime": "ONNX Rt",
         "jax": "JAX", "eigen": "Eigen", "plain": "plain C++"}


def time_text(nanoseconds):
    for unit, length in (("ms", 1e6), ("us", 1e3), ("ns", 1)):
        if nanoseconds >= length:
            break
    value = nanoseconds / length
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def size_of(cell):
    return cases.size_text(cell["n"]) if "n" in cell else "x".join(map(str, cell["shape"]))


def text(report):
    ran = [key for key in COLUMNS if key in report["versions"]]
    head = (f"{'operation':10} {'direction':23} {'format':6} {'layout':6} {'size':>13} {'thr.':>4} "
            + " ".join(f"{NAMES[key]:>9}" for key in ran) + f"  {'ratio':>5}  to")
    lines = [f"{report['machine']['cpu']}, {report['machine']['processors']} processors; {report['date']}; load "
             f"{report['machine']['load'][0]} to {report['machine']['load_at_end'][0]}; {report['seconds']} s", "", head]
    for cell in report["cells"]:
        times = " ".join(f"{time_text(cell['nanoseconds'][key]) if key in cell['nanoseconds'] else '-':>9}" for key in ran)
        best = NAMES[cell["best_peer"]] + ("  <- lost" if cell["lost"] else "")
        lines.append(f"{cell['operation']:10} {cell['direction']:23} {cell['format']:6} {cell['layout']:6} "
                     f"{size_of(cell):>13} {cell['threads']:>4} {times}  {cell['ratio_to_best_peer']:5.2f}  {best}")
    lines += ["", "geometric mean of the ratio to the best peer (above 1: rectify is faster)"]
    lines += [f"  {name:31} {mean:6.2f}" for name, mean in report["geometric_mean"].items() if mean]
    lines += ["", "geometric mean of the ratio to each peer, where it computes the case"]
    for key in ran[1:]:
        ratios = [cell["ratios"][key] for cell in report["cells"] if key in cell["ratios"]]
        if ratios:
            lines.append(f"  {NAMES[key]:31} {statistics.geometric_mean(ratios):6.2f}  of {len(ratios)} cells")
    below = [cell for cell in report["cells"] if cell["ratio_to_best_peer"] < 1]
    lost = [cell for cell in report["cells"] if cell["lost"]]
    counts = f"{len(report['cells'])} cells, {len(below)} below 1, {len(lost)} lost"
    lines += ["", f"{counts} (below 0.95 in three measurements)", ""]
    lines += [f"{NAMES[key]:11} {report['versions'][key]}" for key in ran]
    lines += [f"{NAMES[key]:11} absent: {why}" for key, why in report["absent"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(text(json.loads((pathlib.Path(sys.argv[1]) / "peers.json").read_text())))
