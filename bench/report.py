#!/usr/bin/env python3
"""Draws the plots of roofline.json and writes roofline.html: the whole report on one page that needs nothing else.

usage: report.py DIR    (reads DIR/roofline.json; writes the plots as SVG and PNG, and roofline.html, there)
"""
import html
import io
import json
import pathlib
import re
import sys

import plot

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff; max-width: 1400px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.6em; margin-bottom: 0.2em } h2 { font-size: 1.2em; margin: 2em 0 0.5em }
p.note { color: #555; max-width: 60em }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: 2px 7px; text-align: right; border-bottom: 1px solid #e8e8e8; white-space: nowrap }
th { border-bottom: 1px solid #888; vertical-align: bottom; background: #fff; position: sticky; top: 0 }
th.text, td.text { text-align: left }
table.sortable th { cursor: pointer } table.sortable th:hover { background: #eef }
td.reached { color: #00604a } td.missed { color: #b03000; font-weight: bold } td.marked { background: #fdf0c0 }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1.2em; margin: 0 } dt { color: #555 } dd { margin: 0 }
svg { max-width: 100%; height: auto } summary { cursor: pointer }
input { font: inherit; padding: 2px 6px; width: 26em }
"""

# A click on a head sorts by its column, a second one the other way round; the box above a table leaves the rows that have
# all of its words, or words that begin like them.
SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("th");
    const column = head.cellIndex, up = head.dataset.order !== "up";
    for (const other of table.tHead.querySelectorAll("th")) delete other.dataset.order;
    head.dataset.order = up ? "up" : "down";
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const x = key(a), y = key(b), number = x - y;
      return x === "" ? 1 : y === "" ? -1 : (Number.isNaN(number) ? x.localeCompare(y) : number) * (up ? 1 : -1);
    };
    body.append(...[...body.rows].sort(compare));
  });
}
for (const box of document.querySelectorAll("input")) {
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\\s+/);
    for (const row of document.getElementById(box.dataset.table).tBodies[0].rows) {
      const text = ["", ...[...row.cells].map((cell) => cell.textContent)].join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(" " + word));
    }
  });
}
"""

# ---- HTML ----------------------------------------------------------------------------------------------------------------


class Cell:
    """What stands in a table: a text, or a number with so many digits; nothing where it is not known."""

    def __init__(self, value, digits=None, kind=""):
        self.text = digits is None
        self.value = "" if value is None else value
        self.shown = self.value if self.text or value is None else f"{value:.{digits}f}"
        self.kind = kind

    def html(self):
        kinds = " ".join(filter(None, ("text" if self.text else "", self.kind)))
        exact = "" if self.text else f' data-value="{self.value}"'
        return f'<td class="{kinds}"{exact}>{html.escape(str(self.shown))}</td>'


def table(heads, rows, name=None):
    """heads: the names of the columns. A named table can be sorted."""
    attributes = f' class="sortable" id="{name}"' if name else ""
    texts = [cell.text for cell in rows[0]] if rows else [True] * len(heads)
    head = "".join(f'<th class="{"text" if text else ""}">{html.escape(h)}</th>' for h, text in zip(heads, texts))
    body = "\n".join("<tr>" + "".join(cell.html() for cell in row) + "</tr>" for row in rows)
    return f"<table{attributes}><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def filtered(heads, rows, name):
    box = f'<p><input data-table="{name}" placeholder="only rows with these words: elu bf16 L2"></p>'
    return box + table(heads, rows, name)


def inline_svg(figure, prefix):
    """The figure as an element of the page: no file header, no metadata, and names of its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg", facecolor="white", bbox_inches="tight",
                   metadata={"Creator": None, "Date": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    return svg


# ---- The sections --------------------------------------------------------------------------------------------------------


def machine_section(report):
    machine = report["machine"]
    backends = ", ".join(name + (" (chosen)" if name == machine["dispatched"] else "") for name in machine["backends"])
    caches = ", ".join(f"L{c['level']} {plot.size_text(c['bytes'])}" + (f" × {c['instances']}" if c["instances"] > 1 else "")
                       for c in machine["caches"])
    facts = {
        "CPU": f"{machine['cpu']}, {machine['processors']} processors, {machine['ghz']:.2f} GHz while measured",
        "caches": f"{caches} (from {machine['caches_from']})",
        "memory": plot.size_text(machine["memory_bytes"] // 2**20 * 2**20),
        "backends": backends,
        "load before": f"{machine['load']:.1f}",
        "measured in": f"{report['seconds']:.0f} s",
    }
    for fused in machine["fused_multiply_add"]:
        sharing = [name.replace("_", " ") for name, places in fused["places_of_others"].items() if places]
        facts[f"peak, {fused['isa']}"] = (
            f"{fused['gflops']:.1f} GFLOP/s: {fused['per_cycle']:.2f} fused multiply-adds of {fused['lanes']} lanes a cycle; "
            f"on the same pipes: {', '.join(sharing) or 'nothing else'}")
    return "<dl>" + "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def verdict_section(report):
    rows = []
    for target in report["targets"]:
        reached = target["reached"] == target["judged"]
        bar = f"{'≤' if target['at_most'] else '≥'} {target['bar']:g} {target['unit']}"
        rows.append([Cell(target["what"]), Cell(bar), Cell(f"{target['reached']} of {target['judged']}",
                     kind="reached" if reached else "missed"), Cell(target["worst"], 3)])
    judged, reached = (sum(t[key] for t in report["targets"]) for key in ("judged", "reached"))
    misses = [[Cell(target["what"]), Cell(miss["name"]), Cell(miss["value"], 3, "missed"), Cell(f"{target['bar']:g}")]
              for target in report["targets"] for miss in target["misses"]]
    text = f"<p><b>{reached} of {judged} judged figures reach their target.</b></p>"
    text += table(["target", "bar", "reached", "worst"], rows)
    if misses:
        text += f"<details><summary>The {len(misses)} that miss theirs</summary>"
        text += table(["target", "row", "is", "bar"], misses) + "</details>"
    return text


def ceilings_section(report):
    levels = list(dict.fromkeys(c["level"] for c in report["ceilings"]))
    text = ""
    for threads in dict.fromkeys(c["threads"] for c in report["ceilings"]):
        speed = {(c["traffic"], c["level"], c["store"]): c["gbps"] for c in report["ceilings"] if c["threads"] == threads}
        rows = [[Cell(traffic)] + [Cell(speed.get((traffic, level, store)), 1)
                                   for level in levels for store in ("ordinary", "streaming")]
                for traffic in dict.fromkeys(traffic for traffic, _, _ in speed)]
        heads = [f"{level}, {store}" for level in levels for store in ("ordinary", "streaming")]
        text += f"<p>{threads} thread{'s' if threads > 1 else ''}, GB/s, ordinary and streaming stores</p>"
        text += table(["traffic"] + heads, rows)
    return text


def judgement(entry):
    return "" if not entry["target"] else "reached" if entry["target"]["reached"] else "missed"


def rows_section(report):
    heads = ["operation", "direction", "layout", "format", "variant", "backend", "level", "threads", "% of ceiling", "% of port bound",
             "× dx alone", "cycles/element", "ns/element", "GB/s", "GFLOP/s", "FLOP/byte", "bound", "traffic", "n"]
    rows = []
    for row in report["rows"]:
        judged = {row["target"]["figure"]: judgement(row)} if row["target"] else {}
        mark = " marked" if row["percent_of_ceiling"] > 105 else ""
        rows.append([
            Cell(row["operation"]), Cell(row["direction"].replace("_", " ")), Cell(row["layout"].replace("_", " ")),
            Cell(row["format"]), Cell(row["variant"]), Cell(row["backend"]), Cell(row["level"]), Cell(row["threads"], 0),
            Cell(row["percent_of_ceiling"], 1, judged.get("percent_of_ceiling", "") + mark),
            Cell(row["percent_of_port_bound"], 1, judged.get("percent_of_port_bound", "")),
            Cell(row["times_dx"], 2, judged.get("times_dx", "")),
            Cell(row["cycles_per_element"], 3, judged.get("cycles_per_element", "")), Cell(row["ns_per_element"], 4),
            Cell(row["gbps"], 2), Cell(row["gflops"], 2), Cell(plot.intensity(row), 3), Cell(row["bound"]),
            Cell(row["traffic"]), Cell(row["n"], 0),
        ])
    return filtered(heads, rows, "rows")


def calls_section(report):
    rows = [[Cell(c["operation"]), Cell(c["direction"].replace("_", " ")), Cell(c["layout"].replace("_", " ")),
             Cell(c["format"]), Cell(c["variant"]), Cell(c["call_ns"], 1), Cell(c["kernel_ns"], 1),
             Cell(c["nanoseconds_above_kernel"], 1, judgement(c))] for c in report["calls"]]
    return table(["operation", "direction", "layout", "format", "variant", "call, ns", "bare kernel, ns", "above, ns"], rows, "calls")


def scaling_section(report):
    rows = [[Cell(s["operation"]), Cell(s["direction"].replace("_", " ")), Cell(s["layout"].replace("_", " ")),
             Cell(s["threads"], 0), Cell(s["gain"], 2), Cell(s["ceilings_gain"], 2),
             Cell(s["share_of_ceilings_gain"], 3, judgement(s))] for s in report["scaling"]]
    return table(["operation", "direction", "layout", "threads", "gain", "ceiling's gain", "of that"], rows, "scaling")


SWEEP_NOTE = """GB/s over the bytes that all arrays together touch. A ceiling is a loop that only moves as many bytes per
element, the fastest of all vector widths and unrollings; from the last cache on the library stores past the caches."""

FORMATS_NOTE = """GB/s in each format on arrays of as many bytes, under the ceiling of the same traffic. 16-bit elements are widened to
f32 and rounded again (ReLU moves them as they are); per byte they take twice the arithmetic of f32. Slopes of 16-bit tensors are
f32; "own slopes" in the table stands for slopes of the tensor's type."""

INTENSITY_NOTE = """A line per level of the memory: the fastest that it was read and written in this run, times the intensity. Counted as
FLOP per element: additions, multiplications, comparisons and maxima once, fused multiply-adds twice, as the formulas are
written; selects and operations on the bits of a number are not counted. Bytes count once per array touched. ELU's exponential
cannot be all fused multiply-adds: the short bars are what its instructions allow on this core, above the line where additions
run beside them."""

ROWS_NOTE = """% of ceiling: the median over rounds of the kernel's time against the ceiling's, timed back to back. % of port
bound: the same against as many fused multiply-adds as its instructions take places on their pipes, or as take as long as all
of its instructions at the best rate, where these take longer than the memory. × dx alone: the time of both gradients over that of dx. Green and red figures are judged; yellow is above
105 %. Click a head to sort."""

CALLS_NOTE = "A call on 16 elements without options, against the kernel alone with its work ready: the least of many."

SCALING_NOTE = "In L3: the time on one thread over that on several, and the same of the ceiling, whose threads never wait."


def page(report, figures):
    sections = [
        ("Verdict", "", verdict_section(report)),
        ("Over the working set, f32", SWEEP_NOTE, inline_svg(figures["roofline"], "sweep")),
        ("Every format", FORMATS_NOTE, inline_svg(figures["roofline-formats"], "formats")),
        ("Over the arithmetic intensity, f32", INTENSITY_NOTE, inline_svg(figures["roofline-intensity"], "intensity")),
        ("Ceilings", "", ceilings_section(report)),
        ("Every row", ROWS_NOTE, rows_section(report)),
        ("Calls on 16 elements", CALLS_NOTE, calls_section(report)),
    ]
    if report["scaling"]:
        sections.append(("Threads", SCALING_NOTE, scaling_section(report)))
    body = "\n".join(f'<h2>{name}</h2>\n' + (f'<p class="note">{note}</p>\n' if note else "") + content
                     for name, note, content in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{html.escape(plot.title(report))}</title><style>{STYLE}</style></head>
<body>
<h1>Roofline</h1>
{machine_section(report)}
{body}
<script>{SCRIPT}</script>
</body>
</html>
"""


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    try:
        report = json.loads((folder / "roofline.json").read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"report.py: cannot read {folder / 'roofline.json'}: {error}")
    figures = plot.figures(report)
    for name, figure in figures.items():
        for suffix in (".svg", ".png"):
            figure.savefig(folder / (name + suffix), dpi=150, facecolor="white", bbox_inches="tight")
    (folder / "roofline.html").write_text(page(report, figures), encoding="utf-8")


if __name__ == "__main__":
    main()
