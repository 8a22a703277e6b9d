#!/usr/bin/env python3
"""Compare score.py with another scorer of the same measures.

    cross_check.py OTHER DATA_DIR SCORES_DIR

OTHER is a program that is called as `OTHER --json FILE DATA_DIR FOLDER`, reads a column called score of
FOLDER/.../NAME.csv, and writes nab_standard, nab_reward_low_FP_rate, nab_reward_low_FN_rate (each an
object with a score, where there are NAB's windows), mean_vus_pr and event (f1, detected,
false_alarms, delay_rows_median).  It is asked twice: about the scores, and about the alarm starts.

Exit: 0 all figures agree to 4 decimals, 1 some do not.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile

import score

NAB_KEYS = {"standard": "nab_standard", "low FP": "nab_reward_low_FP_rate",
            "low FN": "nab_reward_low_FN_rate"}


def ask(other, data, folder):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "figures.json")
        subprocess.run([other, "--json", path, data, folder], check=True,
                       stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def write_starts(folder, target):
    """The same files with the alarm starts as their scores."""
    for name in score.csv_names(folder):
        path = os.path.join(target, name + ".csv")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.path.join(folder, name + ".csv"), newline="", encoding="utf-8") as source, \
                open(path, "w", newline="", encoding="utf-8") as out:
            rows = csv.DictReader(source)
            writer = csv.writer(out)
            writer.writerow(["timestamp", "score"])
            writer.writerows((row["timestamp"], row["alarm_score"]) for row in rows)


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    other, data, folder = sys.argv[1:]
    ours = score.evaluate(data, folder, [])
    with tempfile.TemporaryDirectory() as starts:
        write_starts(folder, starts)
        theirs = {"rows": ask(other, data, folder), "starts": ask(other, data, starts)}

    pairs = [("VUS-PR of rows", ours["vus_pr"], theirs["rows"]["mean_vus_pr"])]
    for kind, mine in (("rows", "rows_flagged"), ("starts", "starts")):
        for ours_key, theirs_key in (("f1", "f1"), ("found", "detected"),
                                     ("false", "false_alarms"),
                                     ("delay_rows", "delay_rows_median")):
            pairs.append((f"event {theirs_key} of {kind}", ours[mine][ours_key],
                          theirs[kind]["event"][theirs_key]))
        if "nab" in ours:
            for profile, key in NAB_KEYS.items():
                pairs.append((f"NAB {profile} of {kind}", ours["nab"][kind][profile],
                              theirs[kind][key]["score"]))
    failed = 0
    for name, mine, its in pairs:
        agrees = abs(mine - its) < 5e-5
        failed += not agrees
        print(f"{name:32} {mine:12.4f} {its:12.4f}{'' if agrees else '   differs'}")
    print(f"{len(pairs) - failed} of {len(pairs)} figures agree to 4 decimals")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
