#!/usr/bin/env python3
"""Draw the README's chart: some series of a recording, what was expected, what rang.

    python3 examples/chart.py build/examples/tocsin/tocsin examples/data/machine-a.csv chart.svg

The verdicts come from the command line as CSV, the incidents from the recording's labels.
Only the standard library is used, and the same input gives the same bytes.
"""

import csv
import io
import subprocess
import sys

SPEC = ("clock absence=30s | ewma half-life=1h floor-relative=10% | tail | "
        "alarm budget=4/h n=8 m=10 cooldown=5m")                # as in quickstart.sh
ABSENCE = 30    # seconds, as in the spec: verdicts of absence have no row of their own

# Series, title, the factor to its unit.
PANELS = [
    ("mem_available", "available memory, GB", 1e-9),
    ("svc_requests_total", "requests per second", 1),
    ("svc_errors_total", "errors per second", 1),
]

WIDTH, PANEL, GAP, LEFT, RIGHT, TOP, BOTTOM = 900, 110, 34, 46, 10, 26, 46
NAME = 90       # room for an incident's name
COLOURS = {"value": "#1f4e79", "band": "#cfdceb", "incident": "#f6dfb6", "alarm": "#c8102e",
           "text": "#333333", "axis": "#999999"}


def number(text):
    return float(text) if text else None


def verdicts(tocsin, recording):
    """Rows (time, value, lower, upper, state) by series."""
    done = subprocess.run(
        [tocsin, "detect", "--spec", SPEC, "--key", "series", "--format", "csv", recording],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    rows = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        rows.setdefault(row["series"], []).append(
            (float(row["timestamp"]), number(row["value"]), number(row["lower"]),
             number(row["upper"]), row["state"]))
    return rows


def incidents(recording):
    with open(recording.replace(".csv", ".labels.csv"), encoding="utf-8") as file:
        return [(row["incident"], float(row["start"]), float(row["end"]), row["series"].split(";"))
                for row in csv.DictReader(file)]


def alarms(rows):
    """(start, end) of each; one that ends without having started began with an absence."""
    found, start, last = [], None, rows[0][0]
    for time, _, _, _, state in rows:
        if state == "start":
            start = time
        elif state == "clear":
            found.append((last + ABSENCE if start is None else start, time))
            start = None
        last = time
    return found + ([(start, last)] if start is not None else [])


class Panel:
    def __init__(self, top, begin, end, rows, factor):
        self.top, self.begin, self.end = top, begin, end
        self.rows = [(time, *(None if x is None else x * factor for x in (value, lower, upper)))
                     for time, value, lower, upper, _ in rows]
        values = [value for _, value, _, _ in self.rows if value is not None]
        self.least, self.most = min(values), max(values)
        margin = 0.05 * (self.most - self.least)
        self.low, self.high = self.least - margin, self.most + margin

    def x(self, time):
        return LEFT + (time - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.top + PANEL * (1 - share)

    def runs(self, keep):
        """Stretches of rows without a gap in which `keep` holds."""
        run = []
        for row in self.rows:
            if run and (not keep(row) or row[0] - run[-1][0] > ABSENCE):
                yield run
                run = []
            if keep(row):
                run.append(row)
        if run:
            yield run

    def band(self):
        for run in self.runs(lambda row: row[2] is not None and row[3] is not None):
            run = run[::4] + run[-1:]    # the band is smooth
            edge = [(row[0], row[3]) for row in run] + [(row[0], row[2]) for row in reversed(run)]
            yield " ".join(f"{self.x(time):.1f},{self.y(value):.1f}" for time, value in edge)

    def line(self):
        for run in self.runs(lambda row: row[1] is not None):
            yield " ".join(f"{self.x(row[0]):.1f},{self.y(row[1]):.1f}" for row in run)


def text(x, y, words, anchor="start", colour="text", size=11):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{COLOURS[colour]}">{words}</text>')


def box(x, y, width, height, colour, rest=""):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{COLOURS[colour]}"{rest}/>')


def draw(rows, labels):
    times = [row[0] for series in rows.values() for row in series]
    begin, end = min(times), max(times)
    height = TOP + len(PANELS) * (PANEL + GAP) - GAP + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           'font-family="sans-serif">', f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>']
    for i, (series, title, factor) in enumerate(PANELS):
        panel = Panel(TOP + i * (PANEL + GAP), begin, end, rows[series], factor)
        out.append(text(LEFT, panel.top - 8, title, size=12))
        here = [label[:3] for label in labels if series in label[3]]
        for name, start, stop in here:
            out.append(box(panel.x(start), panel.top, panel.x(stop) - panel.x(start), PANEL,
                           "incident"))
        out += [f'<polygon points="{points}" fill="{COLOURS["band"]}" fill-opacity="0.7"/>'
                for points in panel.band()]
        out += [f'<polyline points="{points}" fill="none" stroke="{COLOURS["value"]}" '
                'stroke-width="0.8"/>' for points in panel.line()]
        for start, stop in alarms(rows[series]):
            width = max(panel.x(stop) - panel.x(start), 3)
            out.append(box(panel.x(start), panel.top + PANEL + 2, width, 6, "alarm"))
        # A name stands left of its incident; right of it where the one before is too near.
        reach = LEFT
        for name, start, stop in here:
            if panel.x(start) - NAME > reach:
                out.append(text(panel.x(start) - 4, panel.top + PANEL / 2, name, "end"))
            else:
                out.append(text(panel.x(stop) + 4, panel.top + PANEL / 2, name))
            reach = panel.x(stop)
        for value in (panel.least, panel.most):
            out.append(text(LEFT - 6, panel.y(value) + 4, f"{value:.3g}", "end", "axis"))
        out.append(f'<path d="M{LEFT} {panel.top}V{panel.top + PANEL}H{WIDTH - RIGHT}" fill="none" '
                   f'stroke="{COLOURS["axis"]}"/>')
    bottom = height - BOTTOM
    for minute in range(0, int((end - begin) / 60) + 1, 10):
        out.append(text(panel.x(begin + 60 * minute), bottom + 22, f"{minute} min", "middle", "axis"))
    x = LEFT
    for colour, words in (("value", "value"), ("band", "would not ring"),
                          ("incident", "incident, as recorded"), ("alarm", "alarm")):
        out += [box(x, height - 14, 12, 8, colour), text(x + 17, height - 6, words)]
        x += 150
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    tocsin, recording, output = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as file:
        file.write(draw(verdicts(tocsin, recording), incidents(recording)))


if __name__ == "__main__":
    main()
