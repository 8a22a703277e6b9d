"""The scorer of bench/accuracy on cases small enough to work out by hand."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "cli"))
from cli_support import *  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "bench", "accuracy"))
import nab_layout  # noqa: E402
import score  # noqa: E402

ROWS = 1000             # of which NAB leaves out 150
WINDOW = (200, 209)     # ten rows
BEST = math.tanh(2.5)   # NAB's sigmoid at -1: 2 / (1 + exp(5 y)) - 1 is tanh(-5 y / 2)


def series(scores, labels=None, alarms=None, windows=None, first=0, step=60):
    """One file, with scores {row: score} and everything else 0."""
    rows = len(labels) if labels is not None else ROWS
    column = [0.0] * rows
    for row, value in scores.items():
        column[row] = value
    one = score.Series("x", [step * row for row in range(rows)],
                       bytearray(labels if labels is not None else rows), column,
                       alarms if alarms is not None else column, first)
    one.windows = windows
    return one


def nab(scores, windows=(WINDOW,)):
    """Standard, low FP, low FN of one series."""
    corpus = [series(scores, windows=list(windows))]
    return [score.nab_of_ranking(corpus, "scores", profile)[0]
            for profile in score.NAB_PROFILES.values()]


class Nab(Test):
    def test_perfect_and_silent(self):
        for value in nab({WINDOW[0]: 1}):
            self.assertAlmostEqual(value, 100, 9)
        self.assertEqual(nab({}), [0, 0, 0])

    def test_late_in_the_window(self):
        worth = math.tanh(0.25) / BEST          # its last row: y = -1/10
        standard, low_fp, low_fn = nab({WINDOW[1]: 1})
        self.assertAlmostEqual(standard, 100 * (worth + 1) / 2, 9)
        self.assertAlmostEqual(low_fp, 100 * (worth + 1) / 2, 9)
        self.assertAlmostEqual(low_fn, 100 * (worth + 2) / 3, 9)

    def test_only_the_first_of_a_window_counts(self):
        self.assertAlmostEqual(nab({row: 1 for row in range(200, 210)})[0], 100, 9)

    def test_false_positives(self):
        far = nab({WINDOW[0]: 1, 600: 1})
        self.assertAlmostEqual(far[0], 100 * (2 - 0.11) / 2, 9)
        self.assertAlmostEqual(far[1], 100 * (2 - 0.22) / 2, 9)
        self.assertAlmostEqual(far[2], 100 * (3 - 0.11) / 3, 9)
        near = nab({WINDOW[0]: 1, 214: 1})[0]   # 5 rows behind a window 9 rows long
        self.assertAlmostEqual(near, 100 * (2 - 0.11 * math.tanh(2.5 * 5 / 9)) / 2, 9)

    def test_the_threshold_leaves_out_what_does_not_pay(self):
        self.assertAlmostEqual(nab({WINDOW[0]: 2, 600: 1})[0], 100, 9)

    def test_ties_stand_or_fall_together(self):
        false = {row: 1 for row in range(400, 420)}     # 20 x 0.11 outweigh a window
        self.assertEqual(nab({WINDOW[0]: 1, **false})[0], 0)

    def test_probation_does_not_count(self):
        self.assertAlmostEqual(nab({149: 5, WINDOW[0]: 1})[0], 100, 9)
        self.assertAlmostEqual(nab({150: 1, WINDOW[0]: 1})[0], 100 * (2 - 0.11) / 2, 9)
        self.assertEqual([score.probation(rows) for rows in (0, 100, 5000, 10 ** 6)],
                         [0, 15, 750, 750])

    def test_alarms_score_as_rankings_do(self):
        windows = [WINDOW, (500, 519)]
        for starts in ([], [200], [209, 212, 300], [100, 505, 700], [205, 206, 510, 511]):
            one = series({row: 1 for row in starts}, windows=windows)
            one.worth, one.owner = score.nab_values(ROWS, windows)
            for profile in score.NAB_PROFILES.values():
                raw = score.nab_of_alarms(one, starts, profile)
                ranked = score.nab_of_ranking([one], "scores", profile)[0]
                self.assertAlmostEqual(max(0, score.nab_scale(raw, 2, profile)), ranked, 9)

    def test_windows_in_time(self):
        times = [score.seconds("2014-02-19 10:%02d:00" % minute) for minute in range(0, 60, 5)]
        found = score.nab_rows(times, [["2014-02-19 10:10:00.000000", "2014-02-19 10:21:00"]])
        self.assertEqual(found, [(2, 4)])

    def test_the_layout_of_a_checkout(self):
        os.makedirs(self.path("nab/labels"))
        os.makedirs(self.path("nab/data/real"))
        rows = ["2014-02-19 10:%02d:00" % minute for minute in range(60)]
        self.write("nab/data/real/a.csv", csv_text([(row, 7) for row in rows]))
        self.write("nab/labels/combined_windows.json",
                   json.dumps({"real/a.csv": [[rows[10], rows[19]]]}))
        nab_layout.lay_out(self.path("nab"), self.path("out"))
        times, labels = score.read_labels(self.path("out/series/real/a.csv"))
        self.assertEqual(len(times), 60)
        self.assertEqual(score.runs(labels), [(10, 19)])
        self.assertEqual(score.read_manifest(self.path("out")), {"real/a": 9})


class VusPr(Test):
    def test_hard_labels(self):
        labels = bytearray([0, 1, 0, 0])
        for scores, area in (([1, 9, 5, 2], 1), ([1, 5, 9, 2], 1 / 2), ([9, 1, 5, 2], 1 / 4)):
            self.assertAlmostEqual(score.vus_pr(scores, labels, 0, 1, 4), area, 12)

    def test_soft_labels(self):
        # Weights 0, r, 1, r, 0 with r = sqrt(1/2); the row before the event is flagged first, then
        # the event.  Mass is 1 + r / 2 both times.
        r = math.sqrt(0.5)
        first = r / (1 + r / 2)
        area = first * r + (1 - first) * (1 + r) / 2
        found = score.vus_pr([1, 9, 8, 3, 2], bytearray([0, 0, 1, 0, 0]), 2, 2, 5)
        self.assertAlmostEqual(found, (1 / 2 + area) / 2, 12)

    def test_events_not_touched_weigh(self):
        # Two events, one flagged at the top: half of the rows at a precision of 1, times half of
        # the events; the other is found last of four rows, at a precision of 1/2.
        found = score.vus_pr([9, 5, 4, 1], bytearray([1, 0, 0, 1]), 0, 1, 4)
        self.assertAlmostEqual(found, 1 / 4 + 3 / 4 / 2, 12)

    def test_borders(self):
        self.assertEqual(score.soft_labels(5, [(0, 0), (2, 2)], 2),
                         {0: 1, 1: 1, 2: 1, 3: math.sqrt(0.5)})
        self.assertEqual(score.widened([(0, 0), (2, 2), (9, 9)], 1, 10), [(0, 3), (8, 9)])

    def test_no_event_no_area(self):
        self.assertTrue(math.isnan(score.vus_pr([1, 2], bytearray(2))))


class Events(Test):
    def test_found_and_false(self):
        labels = [0] * 100
        labels[20:25] = labels[60:65] = [1] * 5
        corpus = [series({21: 5, 40: 4, 41: 4, 80: 3}, labels)]
        best = score.events_of_rows(corpus, "alarms")
        self.assertEqual((best["found"], best["events"], best["false"]), (1, 2, 0))
        self.assertAlmostEqual(best["f1"], 2 / 3, 12)
        self.assertEqual((best["threshold"], best["delay_rows"], best["delay_seconds"]), (5, 1, 60))
        one = corpus[0]
        self.assertEqual(score.event_counts(one, [21, 22, 40, 41, 64]),
                         (2, 2, [(1, 60), (4, 240)]))

    def test_what_does_not_count(self):
        labels = [1] * 3 + [0] * 97
        one = series({}, labels, first=10)
        self.assertEqual(one.events(), [])
        self.assertEqual(score.event_counts(one, [1, 5, 11]), (0, 1, []))

    def test_an_event_cut_by_the_first_row(self):
        one = series({}, [1] * 20 + [0] * 80, first=10)
        self.assertEqual(one.events(), [(10, 19)])

    def test_f1(self):
        self.assertEqual(score.f1(0, 5, 7), 0)
        self.assertEqual(score.f1(7, 0, 7), 1)
        self.assertAlmostEqual(score.f1(2, 2, 4), 0.5, 12)      # precision and recall 1/2
        self.assertEqual(score.f1(0, 0, 0), 0)

    def test_episodes_equal_their_definition(self):
        noise = random.Random(3)
        for _ in range(20):
            rows = sorted(noise.sample(range(600), noise.randrange(1, 90)))
            if noise.random() < 0.5:
                rows = sorted(set(rows) | set(range(100, 100 + noise.randrange(300))))
            order, added = rows[:], []
            noise.shuffle(order)
            episodes = score.Episodes(600)
            for row in order:
                episodes.add(row)
                added.append(row)
                if len(added) % 7 == 0 or len(added) == len(order):
                    self.assertEqual(episodes.count, self.count_episodes(sorted(added)))

    @staticmethod
    def count_episodes(rows):
        count, first, last = 0, rows[0], rows[0]
        for row in rows[1:] + [10 ** 9]:
            if row - last > 10:
                count += math.ceil((last - first + 1) / 100)
                first = row
            last = row
        return count

    def test_dead_time(self):
        times = [60 * row for row in range(10)]
        starts = score.alarms_from([5, 5, 1, 5, 5, 5, 9, 0, 0, 5], times, range(10), 5, 180)
        self.assertEqual(starts, [0, 3, 6, 9])
        self.assertEqual(score.alarms_from([5, 5], [0, 60], range(2), 6, 0), [])

    def test_the_sweep_finds_the_best_setting(self):
        # An event after each of two bursts of equal rows: with a dead time longer than the
        # burst, each burst costs one false alarm; with none it costs ten.
        labels = [0] * 2000
        scores = {}
        for begin in (500, 1500):
            labels[begin + 50:begin + 60] = [1] * 10
            scores.update({begin + i: 5.0 for i in range(10)})
            scores[begin + 50] = 5.0
        best = score.Sweep([series(scores, labels)], "scores", [0, 1200, 86400]).best_events()
        self.assertEqual((best["found"], best["false"], best["dead_time"]), (2, 2, 1200))

    def test_splits_choose_on_one_half_and_score_the_other(self):
        # One series' event is as high as the other's ten false alarms.
        low = series({500: 3.0}, [0] * 500 + [1] * 5 + [0] * 1495)
        high = series({500: 9.0, **{1000 + 50 * i: 3.0 for i in range(10)}},
                      [0] * 500 + [1] * 5 + [0] * 1495)
        sweep = score.Sweep([low, high], "scores", [60])
        splits = sweep.splits(12, 1, sweep.events_at)
        self.assertEqual(splits, sweep.splits(12, 1, sweep.events_at))
        self.assertEqual(len(splits), 12)
        kinds = {(one["chosen"], round(one["other"], 4), one["other_best"]) for one in splits}
        self.assertEqual(kinds, {(1, 0, 1), (1, round(2 / 12, 4), 1)})
        self.assertEqual(sweep.splits(0, 1, sweep.events_at), [])

    def test_ranks(self):
        ranks = score.ranks(10 ** 6, 0.3)
        self.assertEqual((ranks[0], ranks[-1]), (0, 299999))
        self.assertEqual(ranks, sorted(set(ranks)))


class Files(Test):
    def corpus(self, scores):
        for folder in ("data/series", "scores"):
            os.makedirs(self.path(folder), exist_ok=True)
        self.write("data/series/a.csv", "timestamp,value,label\n" + "".join(
            "%d,1,%d\n" % (60 * i, 50 <= i < 60) for i in range(100)))
        self.write("scores/a.csv", "timestamp,score,alarm_score\n" + scores)

    def test_from_files_to_figures(self):
        self.corpus("".join("%d,%s,%d\n" % (60 * i, i == 52 and 3 or "", 3 * (i == 54))
                            for i in range(100)))
        result = score.evaluate(self.path("data"), self.path("scores"), [600])
        self.assertEqual((result["series"], result["rows"]), (1, 100))
        self.assertEqual((result["rows_flagged"]["f1"], result["rows_flagged"]["delay_rows"]),
                         (1, 2))
        self.assertEqual((result["starts"]["f1"], result["starts"]["delay_seconds"]), (1, 240))
        self.assertEqual(result["sweep"]["f1"], 1)
        with contextlib.redirect_stdout(io.StringIO()):
            score.print_result(result)

    def test_what_does_not_fit_is_refused(self):
        self.corpus("0,1,0\n")
        with self.assertRaisesRegex(SystemExit, "1 scores for 100 rows"):
            score.evaluate(self.path("data"), self.path("scores"), [600])
        self.write("data/series/a.csv", "timestamp,value,label\n1,2,high\n")
        with self.assertRaisesRegex(SystemExit, "a.csv:2:"):
            score.evaluate(self.path("data"), self.path("scores"), [600])


if __name__ == "__main__":
    main()
