#!/usr/bin/env python3
"""Draw what calibration measured: how often series that are in order rang, of how often they may.

    promises.py RESULTS.json PICTURE.svg

RESULTS.json is what `calibration --json` wrote.  A row per type of series; a mark per budget and
step, at observed / promised.  Marks inside the shaded part keep the promise: at most twice as often
as promised, and for continuous types at least half as often.
"""

import json
import math
import sys
from xml.sax.saxutils import escape

ROW, LEFT, RIGHT, TOP, BOTTOM, PLOT = 24, 130, 30, 92, 46, 640
LOW, HIGH = 0.05, 8                     # what lies outside is drawn at the edge
TICKS = (0.1, 0.2, 0.5, 1, 2, 4)
COLOURS = ("#1f78b4", "#e08214", "#0b6e4f", "#6a51a3", "#b2182b")
STYLE = """
text { font: 12px "Helvetica Neue", Arial, sans-serif; fill: #222 }
.title { font-size: 17px; font-weight: 600 }
.note { fill: #666 }
"""


def at(ratio):
    share = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + PLOT * share


def mark(shape, x, y, colour, about):
    """Steps have shapes, so that the picture is read without its colours too."""
    if shape == 0:
        drawn = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2"'
    elif shape == 1:
        drawn = f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
    else:
        drawn = f'<path d="M{x:.1f} {y - 5:.1f} l5 9 h-10 z"'
    return f'{drawn} fill="{colour}" fill-opacity="0.8"><title>{escape(about)}</title></' \
           f'{drawn[1:].split(" ", 1)[0]}>'


def ordered(cells, name):
    return list(dict.fromkeys(cell[name] for cell in cells))


def legend(budgets, steps):
    out, x = [], 30
    for i, budget in enumerate(budgets):
        out.append(mark(0, x, 58, COLOURS[i % len(COLOURS)], budget))
        out.append(f'<text x="{x + 10}" y="62">promised {escape(budget)}</text>')
        x += 34 + 6 * len(f"promised {budget}")
    for i, step in enumerate(steps):
        out.append(mark(i % 3, x, 58, "#777", step))
        out.append(f'<text x="{x + 10}" y="62">a point per {escape(step)}</text>')
        x += 34 + 6 * len(f"a point per {step}")
    return out


def picture(results):
    cells = results["cells"]
    types, budgets, steps = (ordered(cells, name) for name in ("type", "budget", "step"))
    bottom = TOP + ROW * len(types)
    width, height = LEFT + PLOT + RIGHT, bottom + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'width="{width}" height="{height}">',
           f"<style>{STYLE}</style>",
           f'<rect width="{width}" height="{height}" fill="#fafafa"/>',
           f'<text class="title" x="24" y="30">False alarms, observed / promised: '
           f'{escape(results["spec"])}</text>']
    out += legend(budgets, steps)
    out.append(f'<rect x="{at(0.5):.1f}" y="{TOP}" width="{at(2) - at(0.5):.1f}" '
               f'height="{bottom - TOP}" fill="#dcebdc"/>')
    for tick in TICKS:
        out.append(f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{TOP}" y2="{bottom}" '
                   f'stroke="{"#888" if tick == 1 else "#ddd"}"/>')
        out.append(f'<text class="note" x="{at(tick):.1f}" y="{bottom + 18}" '
                   f'text-anchor="middle">{tick:g}</text>')
    for row, kind in enumerate(types):
        y = TOP + ROW * (row + 0.5)
        out.append(f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(kind)}</text>')
        for cell in (cell for cell in cells if cell["type"] == kind):
            out.append(mark(steps.index(cell["step"]) % 3, at(cell["all"]), y,
                            COLOURS[budgets.index(cell["budget"]) % len(COLOURS)],
                            f'{kind}, {cell["budget"]}, {cell["step"]}: {cell["all"]:.2f}'))
    out.append(f'<text class="note" x="{LEFT}" y="{bottom + 38}">{results["years"]:g} years of each '
               f'type and step, in series of {results["weeks"]:g} weeks, their first points '
               "included; what is off the scale stands at its edge</text>")
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    with open(arguments[0], encoding="utf-8") as file:
        results = json.load(file)
    with open(arguments[1], "w", encoding="utf-8") as out:
        out.write(picture(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
