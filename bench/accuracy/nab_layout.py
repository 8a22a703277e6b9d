#!/usr/bin/env python3
"""Lay out a checkout of NAB as accuracy and score.py read it.

    nab_layout.py NAB_CHECKOUT DATA_DIR

Copies data/*/*.csv to DATA_DIR/series with a label beside each row (1 inside a window of
labels/combined_windows.json) and the windows to DATA_DIR/labels, and writes manifest.csv.
"""

import csv
import os
import shutil
import sys

import score


def lay_out(nab, target):
    windows_path = os.path.join(nab, "labels", "combined_windows.json")
    if not os.path.exists(windows_path):
        raise SystemExit(f"{windows_path}: no such file; is {nab} a checkout of NAB?")
    windows = score.read_windows(windows_path)
    os.makedirs(os.path.join(target, "labels"), exist_ok=True)
    shutil.copy(windows_path, os.path.join(target, "labels"))
    manifest = []
    for name in score.csv_names(os.path.join(nab, "data")):
        spans = [(score.seconds(a), score.seconds(b)) for a, b in windows.get(name + ".csv", [])]
        path = os.path.join(target, "series", name + ".csv")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        rows = 0
        with open(os.path.join(nab, "data", name + ".csv"), newline="",
                  encoding="utf-8") as source, \
                open(path, "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["timestamp", "value", "label"])
            for row in csv.DictReader(source):
                time = score.seconds(row["timestamp"])
                is_inside = any(a <= time <= b for a, b in spans)
                writer.writerow([row["timestamp"], row["value"], int(is_inside)])
                rows += 1
        manifest.append((name, score.probation(rows)))
    with open(os.path.join(target, "manifest.csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "score_from"])
        writer.writerows(manifest)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    lay_out(sys.argv[1], sys.argv[2])
