"""The accuracy runner is causal and blind, and says what it cannot read."""

import datetime
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "cli"))
from cli_support import *  # noqa: E402  (TOCSIN is the runner here)

SPECS = ["", "holt-winters season=1h step=1m | tail | alarm budget=1/6h"]
WEEKS = 4 * 7 * 86400


def noise(count=3000, seed=1):
    """Rows a minute apart, with spikes that ring."""
    random_numbers = random.Random(seed)
    return [(START + 60 * i, round(random_numbers.gauss(50, 2) + (60 if i % 701 == 700 else 0), 3))
            for i in range(count)]


def labelled(rows, label="01"):
    """The rows with a label, one for spikes and one for others."""
    return "timestamp,value,label\n" + "".join(
        f"{t},{v},{label[i % 701 == 700]}\n" for i, (t, v) in enumerate(rows))


def datetime_of(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class Runner(Test):
    def setUp(self):
        super().setUp()
        self.runs = 0

    def run_runner(self, files, *options):
        """{name: text of the scores}, and the finished process."""
        self.runs += 1
        data, out = self.path(f"data-{self.runs}"), self.path(f"out-{self.runs}")
        for name, text in files.items():
            path = os.path.join(data, "series", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text.encode() if isinstance(text, str) else text)
        done = subprocess.run([TOCSIN, *options, data, out], capture_output=True, check=False,
                              timeout=60, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        scores = {}
        for name in files:
            path = os.path.join(out, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    scores[name] = file.read()
        return scores, done

    def scores(self, text, *options):
        scores, done = self.run_runner({"a.csv": text}, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return scores["a.csv"]

    def refused(self, text, *words):
        scores, done = self.run_runner({"a.csv": text, "b.csv": labelled(noise(100))})
        self.assertEqual(done.returncode, 65, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr.decode())
        self.assertIn("b.csv", scores)          # the others are scored

    @staticmethod
    def columns(text):
        rows = list(csv.DictReader(io.StringIO(text)))
        return ([row["timestamp"] for row in rows], [float(row["score"]) for row in rows],
                [float(row["alarm_score"]) for row in rows])

    def assert_same(self, a, b):
        """Scores to a thousandth, alarms at the same rows."""
        for x, y in zip(a[1], b[1], strict=True):
            self.assertAlmostEqual(x, y, delta=1e-3 * max(1, abs(x)))
        self.assertEqual([x > 0 for x in a[2]], [x > 0 for x in b[2]])

    def test_a_prefix_gives_a_prefix(self):
        rows = noise()
        for spec in SPECS:
            whole = self.scores(labelled(rows), "--spec", spec)
            for count in (1, 40, 1500, 2999):
                part = self.scores(labelled(rows[:count]), "--spec", spec)
                self.assertEqual(part, "".join(whole.splitlines(True)[:count + 1]))
            self.assertGreater(sum(x > 0 for x in self.columns(whole)[2]), 0)

    def test_the_plainest_ranking(self):
        """Of a value to the one before it, over the mean of those before; missing ones are no value."""
        rows = [(t, None if i % 50 == 7 else v) for i, (t, v) in enumerate(noise(800))]
        text = "timestamp,value\n" + "".join(f"{t},{'' if v is None else v}\n" for t, v in rows)
        found = self.columns(self.scores(text, "--rank", "difference"))[1]
        last, seen = None, []
        for (_, value), score in zip(rows, found, strict=True):
            expected = 0
            if value is not None:
                if last is not None:
                    if seen:
                        expected = abs(value - last) / (sum(seen) / len(seen))
                    seen.append(abs(value - last))
                last = value
            self.assertAlmostEqual(score, expected, delta=1e-6 * max(1, expected))
        _, done = self.run_runner({"a.csv": text}, "--rank", "luck")
        self.assertEqual(done.returncode, 64)

    def test_the_future_changes_nothing(self):
        rows = noise()
        other = rows[:2000] + [(t, v * 1e6) for t, v in rows[2000:]]
        self.assertEqual(self.scores(labelled(rows)).splitlines()[:2001],
                         self.scores(labelled(other)).splitlines()[:2001])

    def test_labels_are_never_read(self):
        rows = noise()
        plain = self.scores(csv_text(rows))
        self.assertEqual(self.scores(labelled(rows)), plain)
        self.assertEqual(self.scores(labelled(rows, ["what?", ""])), plain)

    def test_names_mean_nothing(self):
        text = labelled(noise())
        scores, done = self.run_runner({"a.csv": text, "deep/er/z.csv": text, "zz.csv": text})
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(set(scores.values())), 1)
        self.assertEqual(len(scores), 3)

    def test_neither_units_nor_the_date_matter(self):
        rows = noise()
        for spec in SPECS:
            plain = self.columns(self.scores(csv_text(rows), "--spec", spec))
            larger = self.columns(self.scores(csv_text([(t, v * 1000) for t, v in rows]),
                                              "--spec", spec))
            later = self.columns(self.scores(csv_text([(t + WEEKS, v) for t, v in rows]),
                                             "--spec", spec))
            self.assert_same(plain, larger)
            self.assert_same(plain, later)

    def test_alarm_scores_are_scores_at_starts(self):
        for options in ((), ("--rank", "score")):
            _, scores, alarms = self.columns(self.scores(labelled(noise()), *options))
            rings = [row for row, score in enumerate(alarms) if score > 0]
            self.assertTrue(rings)
            for row in rings:
                self.assertEqual(alarms[row], scores[row])
                self.assertEqual(row % 701, 700)

    def test_several_columns_are_a_mean(self):
        a, b = noise(seed=1), noise(seed=2)
        rows = [(t, v, w) for (t, v), (_, w) in zip(a, b)]
        both = self.columns(self.scores("timestamp,cpu,disk\n" + "".join("%d,%s,%s\n" % row
                                                                          for row in rows)))
        one, other = self.columns(self.scores(csv_text(a))), self.columns(self.scores(csv_text(b)))
        for row, score in enumerate(both[1]):
            self.assertAlmostEqual(score, (one[1][row] + other[1][row]) / 2,
                                   delta=1e-7 * max(1, score))
            self.assertEqual(both[2][row] > 0, one[2][row] > 0 or other[2][row] > 0)

    def test_rows_are_judged_together(self):
        """Two metrics that move together and once do not: who judges rows sees it, whether or not the
        spec says of how many, and who judges each by itself does not."""
        random_numbers = random.Random(5)
        cpu = [random_numbers.gauss(0, 10) for _ in range(2000)]
        cpu[1800] = 15      # and 15 is nothing by itself
        text = "timestamp,cpu,load\n" + "".join(
            "%d,%.3f,%.3f\n" % (60 * i, v, -v if i == 1800 else v) for i, v in enumerate(cpu))
        for detector, is_seen in (("rcforest", True), ("rcforest metrics=2", True), ("ewma", False)):
            scores = self.columns(self.scores(text, "--spec", detector + " | raw"))[1]
            louder = sum(score > scores[1800] for score in scores[500:])
            self.assertEqual(louder < 15, is_seen, detector)

    def test_forms_of_the_same_rows(self):
        rows = noise(500)
        plain = self.columns(self.scores(csv_text(rows)))[1]
        quoted = "\ufeff\"timestamp\" , \"value\"\r\n" + "".join('"%d", "%s"\r\n' % row
                                                                 for row in rows) + "\r\n"
        swapped = "value,timestamp\n" + "".join("%s,%d.0\n" % (v, t) for t, v in rows)
        dated = "timestamp,value\n" + "".join(
            "%s,%s\n" % (datetime_of(t), v) for t, v in rows).rstrip("\n")
        for text in (quoted, swapped, dated):
            self.assertEqual(self.columns(self.scores(text))[1], plain)

    def test_forms_of_the_same_times(self):
        rows = noise(1500)
        expected = self.columns(self.scores(labelled(rows)))[1:]

        def offset(zone, hours):
            return lambda t: datetime_of(t + hours * 3600).replace(" ", "T") + zone

        for form in (lambda t: f"{t}.0", lambda t: t * 10**3, lambda t: t * 10**6,
                     lambda t: t * 10**9, offset("+02:00", 2), offset("-0300", -3),
                     offset("+05", 5), offset(".000Z", 0)):
            with self.subTest(form(START)):
                found = self.columns(self.scores(labelled([(form(t), v) for t, v in rows])))
                self.assertEqual(found[1:], expected)

    def test_words_for_what_is_missing(self):
        def holes(word):
            return labelled([(t, word if t // 60 % 9 == 0 else v) for t, v in noise(1500)])

        expected = self.scores(holes(""))
        for word in ("nan", "NaN", "NA", "n/a", "None", "null"):
            with self.subTest(word):
                self.assertEqual(self.scores(holes(word)), expected)

    def test_gaps_and_disorder(self):
        rows = noise(500)
        words = ["", "nan", "NaN", "null", "inf"]
        holes = "timestamp,value\n" + "".join(
            "%d,%s\n" % (t, words[i // 10 % 5] if i % 10 == 3 else v)
            for i, (t, v) in enumerate(rows))
        scores = self.columns(self.scores(holes))[1]
        self.assertEqual(len(scores), 500)
        self.assertTrue(all(scores[i] == 0 for i in range(3, 500, 10)))
        late = rows[:]
        late[300] = (late[299][0] - 600, 1e6)
        late[301] = (late[299][0], 1e6)         # repeated
        scores = self.columns(self.scores(csv_text(late)))[1]
        self.assertEqual(scores[300:302], [0, 0])
        self.assertTrue(all(math.isfinite(score) for score in scores))

    def test_small_files(self):
        self.assertEqual(self.scores("timestamp,value\n"), "timestamp,score,alarm_score\n")
        self.assertEqual(self.scores("timestamp,value\n5,1"), "timestamp,score,alarm_score\n5,0,0\n")

    def test_what_cannot_be_read_is_said_with_its_line(self):
        self.refused("", "a.csv:1:", "empty")
        self.refused("time,value\n1,2\n", "a.csv:1:", "timestamp")
        self.refused("timestamp,label\n1,0\n", "a.csv:1:", "values")
        self.refused("timestamp,value\n1,2\n2,abc\n", "a.csv:3:", "abc")
        self.refused("timestamp,value\n1,2\n\n2,3x\n", "a.csv:4:", "3x")
        self.refused("timestamp,value\n1,2\nsoon,3\n", "a.csv:3:", "soon")
        self.refused("timestamp,value\n1e30,3\n", "a.csv:2:", "1e30")
        self.refused("timestamp,value\n2014-01-01 00:00:00+99,3\n", "a.csv:2:", "+99")
        self.refused("timestamp,value\n2014-01-01 00:00:00+02:,3\n", "a.csv:2:", "+02:")
        self.refused("timestamp,value\n2014-01-01 00:00:00+02:0x,3\n", "a.csv:2:", "+02:0x")
        self.refused("timestamp,value\n2014-13-01 00:00:00,3\n", "a.csv:2:", "2014-13-01")
        self.refused("timestamp,value\n1,2,3\n", "a.csv:2:", "more cells")
        self.refused("timestamp,value\n1\n", "a.csv:2:", "fewer cells")
        self.refused("timestamp,value\n1,\"2\n", "a.csv:2:", "quote")
        self.refused(b"timestamp,value\n1,\x002\n", "a.csv:", "text")

    def test_wrong_usage(self):
        data = self.path("data")
        os.makedirs(os.path.join(data, "series"))
        for arguments, status in (([], 64), ([data], 64), (["--spec", "nonsense", data, "o"], 64),
                                  (["--rank", "best", data, "o"], 64),
                                  ([data, os.path.join(data, "series")], 64),
                                  ([data, self.path("out")], 66),
                                  ([self.path("nowhere"), self.path("out")], 66)):
            done = subprocess.run([TOCSIN, *arguments], capture_output=True, check=False,
                                  env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
            self.assertEqual(done.returncode, status, (arguments, done.stderr))


if __name__ == "__main__":
    main()
