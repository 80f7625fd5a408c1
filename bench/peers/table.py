"""The report as text: a row for each cell, the geometric means, and what there was to measure."""
import cases

NAMES = {"rectify": "rectify", "onednn": "oneDNN", "xnnpack": "XNNPACK", "pytorch": "PyTorch", "onnxruntime": "ONNX Rt",
         "jax": "JAX", "eigen": "Eigen", "plain": "plain C++"}


def time_text(nanoseconds):
    for unit, length in (("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= length:
            return f"{nanoseconds / length:.3g} {unit}" if nanoseconds < 1e3 * length else f"{nanoseconds / length:.0f} {unit}"
    return f"{nanoseconds:.0f} ns"


def size_of(cell):
    return cases.size_text(cell["n"]) if "n" in cell else "x".join(map(str, cell["shape"]))


def text(report, columns):
    ran = [key for key in columns if key in report["versions"]]
    head = (f"{'operation':10} {'direction':23} {'format':6} {'layout':6} {'size':>13} {'thr.':>4} "
            + " ".join(f"{NAMES[key]:>9}" for key in ran) + f"  {'ratio':>5}  to")
    lines = [f"{report['machine']['cpu']}, {report['machine']['processors']} processors; {report['date']}; load "
             f"{report['machine']['load'][0]} to {report['machine']['load_at_end'][0]}; {report['seconds']} s", "", head]
    for cell in report["cells"]:
        times = " ".join(f"{time_text(cell['nanoseconds'][key]) if key in cell['nanoseconds'] else '-':>9}" for key in ran)
        mark = "  <- lost" if cell["lost"] else ""
        lines.append(f"{cell['operation']:10} {cell['direction']:23} {cell['format']:6} {cell['layout']:6} {size_of(cell):>13} "
                     f"{cell['threads']:>4} {times}  {cell['ratio_to_best_peer']:5.2f}  {NAMES[cell['best_peer']]}{mark}")
    lines += ["", "geometric mean of the ratio to the best peer (above 1: rectify is faster)"]
    lines += [f"  {name:31} {mean:6.2f}" for name, mean in report["geometric_mean"].items() if mean]
    below = [cell for cell in report["cells"] if cell["ratio_to_best_peer"] < 1]
    lost = [cell for cell in report["cells"] if cell["lost"]]
    lines += ["", f"{len(report['cells'])} cells, {len(below)} below 1, {len(lost)} lost (below 0.95 in three measurements)", ""]
    lines += [f"{NAMES[key]:11} {report['versions'][key]}" for key in ran]
    lines += [f"{NAMES[key]:11} absent: {why}" for key, why in report["absent"].items()]
    return "\n".join(lines)
