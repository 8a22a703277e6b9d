"""Backtest against a plain recount of what detect says."""

import math
import statistics

from cli_support import *

BUDGETS = ["3/1h", "1/1h", "1/6h"]


def recording(hours=24):
    """Two series a minute apart, spikes of many sizes, and labels for some of them."""
    noise = random.Random(8)
    rows, labels = [], []
    count = hours * 60
    spikes = {int(count * part): size for part, size in
              ((.55, 30), (.65, 9), (.75, 40), (.85, 15), (.95, 60))}
    for i in range(count):
        t = START + 60 * i
        bump = spikes.get(i, 0)
        rows.append((t, "a", round(noise.gauss(10, 1) + bump, 3)))
        rows.append((t, "b", round(noise.gauss(10, 1) ** 2 / 10, 3)))
    for number, i in enumerate(sorted(spikes)):
        if number != 2:         # one spike nobody knows of
            labels.append(("incident-%d" % number, START + 60 * i - 90, START + 60 * i + 90, "a"))
    return rows, labels


def text(rows):
    return "time,series,value\n" + "".join("%d,%s,%s\n" % row for row in rows)


class Backtest(Test):
    @classmethod
    def setUpClass(cls):
        cls.rows, cls.labels = recording()

    def starts(self, budget):
        """(time, series) of every alarm, from detect itself."""
        objects = self.good("detect", "-s", "ewma | tail | alarm budget=" + budget, "-k", "series",
                            "-f", "json", "-", data=text(self.rows)).objects()
        return [(int(item["timestamp"]), item["series"]) for item in objects
                if item["state"] == "start"]

    def backtest(self, *options, data=None):
        result = self.good("backtest", "-s", "ewma", "-k", "series", "-f", "json", "-b",
                           ",".join(BUDGETS), *options, "-", data=data or text(self.rows))
        return json.loads(result.out)["budgets"]

    def test_alarms_per_budget_and_series(self):
        total = 0
        for budget, found in zip(BUDGETS, self.backtest()):
            starts = self.starts(budget)
            total += len(starts)
            self.assertEqual(found["budget"], budget)
            self.assertEqual(found["alarms"], len(starts))
            self.assertEqual(found["by_series"],
                             {name: sum(s == name for _, s in starts)
                              for name in sorted({s for _, s in starts})})
            weeks = 2 * (24 * 60 - 1) / 7 / 1440
            self.assertAlmostEqual(found["alarms_per_series_week"], len(starts) / weeks, 9)
        self.assertGreater(total, 5)

    def write_labels(self, labels):
        return self.write("labels.csv", "incident,start,end,series\n" +
                          "".join("%s,%s,%s,%s\n" % label for label in labels))

    def test_labels_that_fit_nothing_are_told(self):
        labels = self.write_labels([("x", START, START + 60, "a;typo"), ("y", START, START, "typo"),
                                    ("z", START - 9e8, START - 8e8, "")])
        result = tocsin("backtest", "-k", "series", "--labels", labels, "-", data=text(self.rows))
        self.assertEqual(result.code, 0)
        self.assertIn("1 of 3 incidents name no series", result.err)
        self.assertIn("1 of 3 incidents lie before or after", result.err)

    def test_times_at_the_ends_of_what_can_be_told(self):
        """Distances that fit no time: only a sanitizer would see it."""
        labels = self.write_labels([("all", "1678-01-01", "2261-12-31", ""),
                                    ("early", "1678-01-01", "1678-01-02", "")])
        data = "time,value\n1678-01-01,1\n" + "".join(
            "2261-12-30T%02d:%02d:00Z,%d\n" % (i // 60, i % 60, 100 * (i == 900) + i % 7)
            for i in range(1000))
        found = json.loads(self.good("backtest", "-f", "json", "-b", "1/1h", "--slack", "14000w",
                                     "--labels", labels, "-", data=data).out)["budgets"][0]
        self.assertEqual(found["false_alarms"], 0)

    def check(self, found, budget, labels, beside_counts, slack=0):
        kinds, first = {"true": 0, "beside": 0, "false": 0}, {}
        for time, series in self.starts(budget):
            hit = [l for l in labels if l[1] <= time <= l[2] + slack]
            own = [l for l in hit if not l[3] or series in l[3].split(";")]
            kinds["true" if own else "beside" if hit and beside_counts else "false"] += 1
            for label in own:
                first.setdefault(label[0], time - label[1])
        self.assertEqual(found["found"], len(first))
        self.assertEqual(found["incidents"], len(labels))
        self.assertEqual(found["true_alarms"], kinds["true"])
        self.assertEqual(found["alarms_beside"], kinds["beside"])
        self.assertEqual(found["false_alarms"], kinds["false"])
        recall = len(first) / len(labels)
        self.assertAlmostEqual(found["recall"], recall)
        if kinds["true"] + kinds["false"]:
            precision = kinds["true"] / (kinds["true"] + kinds["false"])
            self.assertAlmostEqual(found["precision"], precision)
            if precision + recall:
                self.assertAlmostEqual(found["f1"], 2 * precision * recall / (precision + recall))
        if first:
            self.assertAlmostEqual(found["median_delay_seconds"],
                                   statistics.median(first.values()))
        return len(first)

    def test_a_file_of_labels(self):
        path = self.write("labels.csv", "incident,start,end,series\n" +
                          "".join("%s,%d,%d.5,%s\n" % label for label in self.labels))
        seen = 0
        for budget, found in zip(BUDGETS, self.backtest("--labels", path)):
            seen += self.check(found, budget, [l[:2] + (l[2] + .5,) + l[3:] for l in self.labels],
                               True)
            self.assertEqual(len(found["found_incidents"]), found["found"])
        self.assertGreater(seen, 3)

    def test_slack_and_incidents_of_every_series(self):
        early = [(name, start - 60, end - 180, "") for name, start, end, _ in self.labels]
        path = self.write("labels.csv", "incident,end,start\n" +
                          "".join("%s,%d,%d\n" % (l[0], l[2], l[1]) for l in early))
        for budget, found in zip(BUDGETS, self.backtest("--labels", path)):
            self.check(found, budget, early, True)
        for budget, found in zip(BUDGETS, self.backtest("--labels", path, "--slack", "3m")):
            self.check(found, budget, early, True, slack=180)

    def test_a_column_of_labels(self):
        rows = []
        for t, name, v in self.rows:
            label = name == "a" and any(l[1] <= t <= l[2] for l in self.labels)
            rows.append("%d,%s,%s,%d\n" % (t, name, v, label))
        data = "time,series,value,label\n" + "".join(rows)
        inside = [(l[0], min(t for t, _, _ in self.rows if t >= l[1]),
                   max(t for t, _, _ in self.rows if t <= l[2]), "a") for l in self.labels]
        for budget, found in zip(BUDGETS, self.backtest(data=data)):
            self.check(found, budget, inside, False)
        other = data.replace("value,label", "value,truth")
        for found in self.backtest("--label", "truth", "-c", "value", data=other):
            self.assertEqual(found["incidents"], len(self.labels))
        lines = "".join('{"time":%s,"series":"%s","value":%s,"anomaly":%s}\n' %
                        (*line.rsplit(",", 1)[0].split(","), "true" if line[-2] == "1" else "false")
                        for line in rows)
        self.assertEqual(self.backtest(data=lines), self.backtest(data=data))

    def test_several_specs_in_one_pass(self):
        """Each as if it were alone, in the order given."""
        specs = ["ewma", "auto", "ewma half-life=50p | tail | alarm direction=up"]
        path = self.write_labels(self.labels)

        def run(*names, budgets=BUDGETS, form="json"):
            options = [word for name in names for word in ("-s", name)]
            return self.good("backtest", *options, "-k", "series", "-f", form, "-b",
                             ",".join(budgets), "-l", path, "-", data=text(self.rows)).out

        together = json.loads(run(*specs))["budgets"]
        alone = [one for spec in specs for one in json.loads(run(spec))["budgets"]]
        self.assertEqual(together, alone)
        self.assertEqual([(one["spec"], one["budget"]) for one in together],
                         [(spec, budget) for spec in specs for budget in BUDGETS])
        table = run(*specs, form="table")
        for number, spec in enumerate(specs, 1):
            self.assertIn("%2d  %s\n" % (number, spec), table)
            for budget in BUDGETS:
                self.assertIn("\n%d %s " % (number, budget), table)
        result = tocsin("backtest", *["-s", "ewma"] * 17, "-", data="1,2\n")
        self.assertEqual(result.code, 64)
        self.assertIn("more than 64", result.err)
        result = tocsin("detect", "-s", "ewma", "-s", "auto", "-", data="1,2\n")
        self.assertEqual(result.code, 64)
        self.assertIn("one at a time", result.err)

    def test_the_promise(self):
        """The interval of a Poisson count (Garwood 1936), and what is said of it."""

        def at_most(count, mean):
            return sum(math.exp(i * math.log(mean) - mean - math.lgamma(i + 1))
                       for i in range(count + 1))

        hours = 24 - 1 / 60
        for one in self.backtest():
            per, unit = one["budget"].split("/")
            promised = 2 * hours * float(per) / float(unit[:-1])
            lower, upper = one["times_promised_lower"], one["times_promised_upper"]
            mean = one["alarms"] / one["times_promised"]        # exactly what was promised
            self.assertLess(abs(mean / promised - 1), 0.05)
            self.assertAlmostEqual(at_most(one["alarms"] - 1, lower * mean), 0.975, 4)
            self.assertAlmostEqual(at_most(one["alarms"], upper * mean), 0.025, 4)
            self.assertEqual(one["promise"], "above" if lower > 1 else
                             "below" if upper < 1 else "kept")
        spikes = [(t, "a", v + 50 * (i > 500 and i % 97 == 0))
                  for i, (t, v) in enumerate(points(count=2000, step=60))]
        result = self.good("backtest", "-s", "ewma | tail | alarm cooldown=1s", "-b", "1/month",
                           "-f", "json", "-k", "series", "-", data=text(spikes))
        self.assertEqual(json.loads(result.out)["budgets"][0]["promise"], "above")

    def test_detect_never_looks_at_labels(self):
        data = "timestamp,value,label\n" + "".join("%d,%s,%d\n" % (t, v, v > 60)
                                                   for t, v in points())
        plain = tocsin("detect", "-s", SPEC, "-f", "csv", "-", data=csv_text(points())).out
        self.assertEqual(tocsin("detect", "-s", SPEC, "-f", "csv", "-", data=data).out, plain)

    def test_the_table(self):
        path = self.write("labels.csv", "incident,start,end,series\n" +
                          "".join("%s,%d,%d,%s\n" % label for label in self.labels))
        out = self.good("backtest", "-k", "series", "--labels", path, "-",
                        data=text(self.rows)).out
        for word in ("1/day", "1/4d", "1/week", "1/month", "of 4", "incident-0", "median delay"):
            self.assertIn(word, out)

    def test_wrong_labels(self):
        for data, line, words in (("incident,start\n", 1, ["'end'"]), ("", 1, ["empty"]),
                                  ("incident,start,end\na,1,soon\n", 2, ["'soon'"]),
                                  ("incident,start,end\na,5,1\n", 2, ["before"]),
                                  ("incident,start,end\na,5\n", 2, ["2 cells"])):
            with self.subTest(data):
                path = self.write("labels.csv", data)
                self.bad(65, ["%s:%d:" % (path, line)] + words, "backtest", "--labels", path, "-",
                         data="1,2\n")
        self.bad(65, ["label", "neither"], "backtest", "-",
                 data="time,value,label\n1,2,0\n2,3,maybe\n")


if __name__ == "__main__":
    main()
