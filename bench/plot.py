#!/usr/bin/env python3
"""Draw what bank measured: ns per point against the number of series, with the twins.

    plot.py RESULTS.json PICTURE.svg

RESULTS.json holds a line of JSON per result, as --json writes them.  Ticks of each spec have a
panel with a curve per kernel, and one for the bank whose series have clocks of their own
("rows"); alarm bits and learning without scores have their own.  Both axes are logarithmic and the same in all panels.  Where
a line appears more than once, the last one counts.
"""

import json
import math
import sys
from xml.sax.saxutils import escape

PANEL_OF = {"tick": "tick", "rows": "tick", "bits": "bits", "learn": "learn"}

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 320, 230
MARGIN_LEFT, MARGIN_TOP, GAP_X, GAP_Y = 62, 96, 34, 74
MARGIN_RIGHT, MARGIN_BOTTOM = 24, 44

COLOURS = {
    "avx512": "#0b6e4f",
    "avx2": "#1f78b4",
    "sse2": "#e08214",
    "neon": "#0b6e4f",
    "scalar": "#b2182b",
    "rows": "#6a51a3",
}
OTHER_COLOUR = "#333333"
TWIN_COLOUR = "#8a8a8a"

STYLE = """
text { font: 12px "Helvetica Neue", Arial, sans-serif; fill: #222 }
.title { font-size: 20px; font-weight: 600 }
.note { fill: #666 }
.panel { font-size: 13px; font-weight: 600 }
.spec { font-size: 10.5px; fill: #666 }
.tick { font-size: 11px; fill: #555 }
.frame { fill: #fff; stroke: #ccc }
.grid { stroke: #eaeaea }
.minor { stroke: #f5f5f5 }
"""


def read(path):
    """{name: {kernel: {n: line}}}, in the order in which they were measured."""
    panels = {}
    with open(path, encoding="utf-8") as lines:
        for text in lines:
            line = json.loads(text)
            group, _, way = line["name"].rpartition("/")
            if group.startswith("bank/") and way in PANEL_OF:
                kernels = panels.setdefault(f"{group}/{PANEL_OF[way]}", {})
                kernels.setdefault(line["kernel"], {})[line["n"]] = line
    return {name: kernels for name, kernels in panels.items()
            if len({n for sizes in kernels.values() for n in sizes}) > 1}


def si(number):
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:g}{unit}"
    return f"{number:g}"


class Axis:
    """A logarithmic axis over whole decades."""

    def __init__(self, values, begin, end, steps=1):
        low, high = math.log10(min(values)), math.log10(max(values))
        self.low = math.floor(low * steps) / steps
        self.high = math.ceil(high * steps) / steps
        if self.high == self.low:
            self.high += 1
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def marks(self):
        """(value, whether it is a power of ten) for each line of the grid."""
        for decade in range(math.floor(self.low), math.ceil(self.high) + 1):
            for digit in range(1, 10):
                value = digit * 10.0 ** decade
                if self.low - 1e-9 <= math.log10(value) <= self.high + 1e-9:
                    yield value, digit == 1


class Panel:
    def __init__(self, name, kernels, x, y):
        self.name, self.kernels = name, kernels
        self.x, self.y = x, y
        self.out = []

    def line(self, points, colour, dashes=""):
        path = " ".join(f"{self.x.at(n):.1f},{self.y.at(ns):.1f}" for n, ns in points)
        width = 1.6 if dashes else 2.2
        self.out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                        f'stroke-width="{width}"{dashes}/>')

    def curve(self, kernel, sizes):
        colour = COLOURS.get(kernel, OTHER_COLOUR)
        points = [(n, sizes[n]["ns_per_point"]) for n in sorted(sizes)]
        self.line(points, colour)
        for n, ns in points:
            ratio = sizes[n]["twin_ratio"]
            about = f"{kernel}, {si(n)} series: {ns:.3g} ns per point"
            if ratio:
                about += f", {100 * ratio:.0f} % of the twin's speed"
            self.out.append(f'<circle cx="{self.x.at(n):.1f}" cy="{self.y.at(ns):.1f}" r="3.2" '
                            f'fill="{colour}"><title>{escape(about)}</title></circle>')

    def twin(self):
        """The twin of the fastest kernel."""
        best = min(self.kernels.values(),
                   key=lambda sizes: min(line["ns_per_point"] for line in sizes.values()))
        points = [(n, best[n]["twin_ns_per_point"]) for n in sorted(best)
                  if best[n]["twin_ns_per_point"]]
        if len(points) > 1:
            self.line(points, TWIN_COLOUR, ' stroke-dasharray="5 4"')

    def grid(self):
        left, right, top, bottom = self.x.begin, self.x.end, self.y.end, self.y.begin
        self.out.append(f'<rect class="frame" x="{left}" y="{top}" width="{right - left}" '
                        f'height="{bottom - top}"/>')
        for value, is_power in self.x.marks():
            at = self.x.at(value)
            kind = "grid" if is_power else "minor"
            self.out.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" '
                            f'y2="{bottom}"/>')
            if is_power:
                self.out.append(f'<text class="tick" x="{at:.1f}" y="{bottom + 16}" '
                                f'text-anchor="middle">{si(value)}</text>')
        for value, is_power in self.y.marks():
            at = self.y.at(value)
            kind = "grid" if is_power else "minor"
            self.out.append(f'<line class="{kind}" x1="{left}" x2="{right}" y1="{at:.1f}" '
                            f'y2="{at:.1f}"/>')
            if is_power:
                self.out.append(f'<text class="tick" x="{left - 7}" y="{at + 4:.1f}" '
                                f'text-anchor="end">{si(value)}</text>')

    def draw(self):
        spec = next(iter(next(iter(self.kernels.values())).values()))["spec"]
        left, top = self.x.begin, self.y.end
        self.out.append(f'<text class="panel" x="{left}" y="{top - 24}">'
                        f'{escape(self.name.removeprefix("bank/"))}</text>')
        self.out.append(f'<text class="spec" x="{left}" y="{top - 8}">{escape(spec)}</text>')
        self.grid()
        self.twin()
        for kernel, sizes in self.kernels.items():
            self.curve(kernel, sizes)
        return self.out


def legend(kernels, x, y):
    out = []
    for kernel in kernels + ["bandwidth twin"]:
        is_twin = kernel == "bandwidth twin"
        colour = TWIN_COLOUR if is_twin else COLOURS.get(kernel, OTHER_COLOUR)
        dashes = ' stroke-dasharray="5 4"' if is_twin else ""
        out.append(f'<line x1="{x}" x2="{x + 26}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" '
                   f'stroke-width="2.4"{dashes}/>')
        out.append(f'<text x="{x + 32}" y="{y}">{escape(kernel)}</text>')
        x += 52 + 7.2 * len(kernel)
    return out


def picture(panels):
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = MARGIN_LEFT + columns * (PANEL_WIDTH + GAP_X) - GAP_X + MARGIN_RIGHT
    height = MARGIN_TOP + rows * (PANEL_HEIGHT + GAP_Y) + MARGIN_BOTTOM - GAP_Y + 40
    lines = [line for kernels in panels.values() for sizes in kernels.values()
             for line in sizes.values()]
    sizes = [line["n"] for line in lines]
    times = [line["ns_per_point"] for line in lines]
    times += [line["twin_ns_per_point"] for line in lines if line["twin_ns_per_point"]]
    present = list(dict.fromkeys(kernel for kernels in panels.values() for kernel in kernels))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'width="{width}" height="{height}">',
           f"<style>{STYLE}</style>",
           f'<rect width="{width}" height="{height}" fill="#fafafa"/>',
           f'<text class="title" x="{MARGIN_LEFT}" y="34">ns per point against the number of '
           "series</text>"]
    out += legend(present, MARGIN_LEFT, 60)
    for i, (name, kernels) in enumerate(panels.items()):
        left = MARGIN_LEFT + i % columns * (PANEL_WIDTH + GAP_X)
        top = MARGIN_TOP + 40 + i // columns * (PANEL_HEIGHT + GAP_Y)
        x = Axis(sizes, left, left + PANEL_WIDTH)
        y = Axis(times, top + PANEL_HEIGHT, top)
        out += Panel(name, kernels, x, y).draw()
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    panels = read(arguments[0])
    if not panels:
        print("plot.py: no benchmark of banks with two sizes or more", file=sys.stderr)
        return 3
    with open(arguments[1], "w", encoding="utf-8") as out:
        out.write(picture(panels))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
