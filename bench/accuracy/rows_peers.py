#!/usr/bin/env python3
"""Score rows by what a forest has to beat, in the layout of `accuracy`.

    rows_peers.py diff|isotree|isotree-default DATA_DIR OUT_DIR --json FILE

diff             mean over the metrics of |x_t - x_(t-1)|, each in units of what it was on average
                 before; a stream's knowledge only
isotree          isolation forest of 100 trees of 256 rows, single-metric cuts, fitted as a batch on the
                 rows before score_from (manifest.csv), which no stream could do before they ended
isotree-default  the same with the package's own defaults

isotree needs the package of that name and numpy: see requirements.txt.
"""

import argparse
import csv
import json
import math
import os
import time


def read_rows(path):
    """Stamps, and the values as lists of numbers; an empty one is missing."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = [name.lower() for name in next(reader)]
        stamp = head.index("timestamp")
        values = [i for i, name in enumerate(head)
                  if i != stamp and name not in ("label", "is_anomaly", "anomaly")]
        stamps, rows = [], []
        for cells in reader:
            stamps.append(cells[stamp])
            rows.append([float(cells[i] or "nan") for i in values])
    return stamps, rows


def differences(rows, _warm):
    scores, before = [], rows[0]
    means, counts = [0.0] * len(before), [0] * len(before)
    for row in rows:
        total, seen = 0.0, 0
        for i, (value, last) in enumerate(zip(row, before)):
            size = abs(value - last)
            if math.isnan(size):
                continue
            if means[i] > 0:
                total += size / means[i]
                seen += 1
            counts[i] += 1
            means[i] += (size - means[i]) / counts[i]
        scores.append(total / seen if seen else 0.0)
        before = row
    return scores


def isotree_batch(**parameters):
    def scores(rows, warm):
        import isotree
        import numpy

        matrix = numpy.array(rows)
        forest = isotree.IsolationForest(random_seed=1, nthreads=1, **parameters)
        return forest.fit(matrix[:warm]).predict(matrix).tolist()
    return scores


METHODS = {
    "diff": differences,
    "isotree": isotree_batch(ntrees=100, sample_size=256, ndim=1, missing_action="impute"),
    "isotree-default": isotree_batch(),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--json", required=True)
    options = parser.parse_args()
    with open(os.path.join(options.data, "manifest.csv"), encoding="utf-8", newline="") as file:
        warm = {row["name"]: int(row["score_from"]) for row in csv.DictReader(file)}
    os.makedirs(options.out, exist_ok=True)
    began, points = time.process_time(), 0
    for name in sorted(warm):
        stamps, rows = read_rows(os.path.join(options.data, "series", name + ".csv"))
        scores = METHODS[options.method](rows, warm[name])
        with open(os.path.join(options.out, name + ".csv"), "w", encoding="utf-8") as file:
            file.write("timestamp,score,alarm_score\n")
            file.writelines(f"{stamp},{score:.9g},0\n" for stamp, score in zip(stamps, scores))
        points += len(rows)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"spec": options.method, "files": len(warm), "points": points, "alarms": 0,
                   "ns_per_point": 1e9 * (time.process_time() - began) / max(1, points),
                   "bytes_per_series": 0}, file)


if __name__ == "__main__":
    main()
