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


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    splits = []
    for folder in sys.argv[1:]:
        print("| " + " | ".join(row(folder)) + " |")
        splits.append((folder, read(folder, "figures.json").get("nab", {}).get("splits", [])))
    for folder, halves in splits:
        if halves:
            chosen = sum(half["chosen"] for half in halves) / len(halves)
            other = sum(half["other"] for half in halves) / len(halves)
            best = sum(half["other_best"] for half in halves) / len(halves)
            print(f"\n{os.path.basename(folder)}: over {len(halves)} splits, chosen on one half "
                  f"{chosen:.1f}, the same setting on the other {other:.1f}, that half's own best "
                  f"{best:.1f}")


if __name__ == "__main__":
    main()
