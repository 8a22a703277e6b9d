"""The recordings of a real machine: one spec, the quickstart's, finds what happened in them."""

import csv
import json
import os
import re

from cli_support import ROOT, Test, main

DATA = os.path.join(ROOT, "examples", "data")

ALL = {"cpu-hog", "memory-balloon", "disk-write-storm", "service-stall", "error-burst",
       "sender-death"}

# What the spec is known to find of them; all six happened in each.
FOUND = {
    "machine-a": ALL,
    "machine-b": ALL - {"cpu-hog"},
    "machine-c": ALL,       # made after the spec was chosen
}
FALSE_ALARMS_PER_HOUR = 3       # at most, summed over all series, in all recordings together


def quickstart_spec():
    with open(os.path.join(ROOT, "examples", "quickstart.sh"), encoding="utf-8") as script:
        return re.search(r"^spec='(.*)'$", script.read(), re.MULTILINE).group(1)


class Recordings(Test):
    def backtest(self, name):
        spec = quickstart_spec()
        budget = re.search(r"budget=(\S+)", spec).group(1)
        out = self.good("backtest", "--spec", spec, "--budget", budget, "--key", "series",
                        "--format", "json", "--labels", os.path.join(DATA, name + ".labels.csv"),
                        os.path.join(DATA, name + ".csv")).out
        result = json.loads(out)
        budget, = result["budgets"]
        return {**budget, "hours": result["hours"]}

    def test_what_is_found(self):
        for name, expected in FOUND.items():
            with self.subTest(name):
                self.assertGreaterEqual(len(expected), 5)
                result = self.backtest(name)
                self.assertEqual(result["incidents"], 6)
                self.assertLessEqual(expected, set(result["found_incidents"]))

    def test_false_alarms_are_few(self):
        found = [self.backtest(name) for name in FOUND]
        alarms = sum(one["false_alarms"] for one in found)
        hours = sum(one["hours"] for one in found)
        self.assertLessEqual(alarms / hours, FALSE_ALARMS_PER_HOUR)

    def test_the_recordings_are_whole(self):
        """At least 40 minutes, a sweep a second, and labels inside of them."""
        for name in FOUND:
            with self.subTest(name):
                with open(os.path.join(DATA, name + ".csv"), encoding="utf-8") as file:
                    times = sorted({float(row["time"]) for row in csv.DictReader(file)})
                self.assertGreaterEqual(times[-1] - times[0], 40 * 60)
                self.assertLess(max(b - a for a, b in zip(times, times[1:])), 5)
                with open(os.path.join(DATA, name + ".labels.csv"), encoding="utf-8") as file:
                    for row in csv.DictReader(file):
                        self.assertLess(times[0], float(row["start"]))
                        self.assertLess(float(row["start"]), float(row["end"]))
                        self.assertLess(float(row["end"]), times[-1])


if __name__ == "__main__":
    main()
