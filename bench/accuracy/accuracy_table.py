#!/usr/bin/env python3
"""Print what run.sh measured as a table in Markdown.

    accuracy_table.py FOLDER...

Each FOLDER holds run.json (of the runner) and figures.json (of score.py).
"""

import json
import os
import sys

HEAD = ["spec", "data", "NAB, alarm starts", "NAB, sweep", "VUS-PR", "event F1, alarm starts",
        "event F1, sweep", "false alarms per 1000 rows", "median delay", "ns per point",
        "bytes per series"]


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def profiles(figures, kind):
    if "nab" not in figures:
        return ""
    return " / ".join(f"{value:.1f}" for value in figures["nab"][kind].values())


def row(folder):
    run, figures = read(folder, "run.json"), read(folder, "figures.json")
    starts, sweep = figures["starts"], figures["sweep"]
    return [f"`{run['spec']}`".replace("|", "\\|"),
            os.path.basename(folder).rpartition("-")[0],
            profiles(figures, "starts"), profiles(figures, "sweep"), f"{figures['vus_pr']:.3f}",
            f"{starts['f1']:.3f}" if starts else "", f"{sweep['f1']:.3f}" if sweep else "",
            f"{starts['false_per_1000']:.3f}" if starts else "",
            f"{starts['delay_rows']:g} rows" if starts else "",
            f"{run['ns_per_point']:.0f}", str(run["bytes_per_series"])]


def print_splits(name, measure, halves, digits):
    """What a setting that was chosen on one half of the series is worth on the other."""
    if not halves:
        return
    mean = {key: sum(half[key] for half in halves) / len(halves) for key in halves[0]}
    print(f"\n{name}, {measure}: over {len(halves)} splits, chosen on one half "
          f"{mean['chosen']:.{digits}f}, the same setting on the other {mean['other']:.{digits}f}, "
          f"that half's own best {mean['other_best']:.{digits}f}")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for folder in sys.argv[1:]:
        print("| " + " | ".join(row(folder)) + " |")
    for folder in sys.argv[1:]:
        figures, name = read(folder, "figures.json"), os.path.basename(folder)
        print_splits(name, "NAB", figures.get("nab", {}).get("splits"), 1)
        print_splits(name, "event F1", figures.get("splits"), 3)


if __name__ == "__main__":
    main()
