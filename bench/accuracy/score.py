#!/usr/bin/env python3
"""Say how good anomaly scores are, by published definitions.

    score.py [options] DATA_DIR SCORES_DIR

    DATA_DIR    series/.../NAME.csv with columns timestamp, values, label (1: anomalous); manifest.csv
                with columns name and score_from, the first row that counts (without it: NAB's rule,
                15 % of the first 5,000 rows); for NAB labels/combined_windows.json
    SCORES_DIR  what bench/accuracy/accuracy wrote: timestamp,score,alarm_score

    --dead-time LIST  tried where alarms are made from scores (10m,30m,1h,3h,6h,12h,1d,2d)
    --splits N        choose threshold and dead time on a random half of the series and score the
                      other half, N times: by NAB's standard profile where there are NAB's windows,
                      and by the F1 of events
    --seed N          of these halves (1)
    --json FILE       write all figures

One threshold serves the whole corpus, and nothing is adjusted afterwards: an event of a thousand
rows that is hit once is one event found, not a thousand rows.

Scores become alarms in three ways, and each has its figures:

    starts   the rows where the runner's alarm started, with the ranking there: the threshold only
             says which of these count
    sweep    any row above the threshold, if no alarm came within the dead time before: what
             the ranking is worth with the best threshold and dead time for the corpus
    rows     any row above the threshold, for what is defined by rows (VUS-PR, point F1)

Definitions
-----------
NAB (Lavin & Ahmad 2015).  With y a detection's position relative to its window, -1 its first row
and 0 its last, a detection counts s(y) = 2 / (1 + exp(5 y)) - 1, the best of a window divided by
s(-1); one behind a window counts s(its distance in windows' lengths), -1 beyond three, as does one that
follows no window; a window without detection counts -1.  The profiles weigh (found, false,
missed): standard 1, 0.11, 1; low FP 1, 0.22, 1; low FN 1, 0.11, 2.  100 is perfect, 0 silent.

VUS-PR (Paparrizos et al. 2022).  The area under precision and recall where labels have soft
borders of width l / 2, a row at distance d counting sqrt(1 - d / l); averaged over 11
widths l = 0..100 rows, at 250 thresholds.  Recall counts (soft) hits per mean of hard and soft
mass, times the share of (widened) events touched at all.

Events.  An event is a run of labelled rows; it is found if an alarm starts in it.  False alarms are
those outside; those at most ten rows apart are one, which rings again every hundred rows (not of
the sweep, whose dead time does the same).  F1 is the harmonic mean of found / events and found / (found + false).

Needs Python's standard library only; a minute for six million rows.
"""

import argparse
import bisect
import csv
import datetime
import json
import math
import os
import random
import sys
from array import array

NAB_PROFILES = {"standard": (1.0, 0.11, 1.0), "low FP": (1.0, 0.22, 1.0), "low FN": (1.0, 0.11, 2.0)}
VUS_WIDTH, VUS_WIDTHS, VUS_THRESHOLDS = 100, 11, 250
MERGE, RENOTIFY = 10, 100           # rows
RANKS, DEEPEST = 400, 0.3           # thresholds tried, and the share of rows they reach
SWEEP_DEEPEST = 0.03
DEAD_TIMES = "10m,30m,1h,3h,6h,12h,1d,2d"


# ---- Reading -----------------------------------------------------------------------------

class Series:
    """One file: everything by row, and where rows begin to count."""

    def __init__(self, name, times, labels, scores, alarms, first):
        self.name, self.times, self.labels = name, times, labels
        self.scores, self.alarms, self.first = scores, alarms, first
        self.windows = None             # NAB's, rows, inclusive

    def events(self):
        """Runs of labelled rows that count, inclusive."""
        return runs(self.labels, self.first)


def runs(labels, first=0):
    found, row, n = [], labels.find(1, first), len(labels)
    while row >= 0:
        end = labels.find(0, row)
        end = n if end < 0 else end
        found.append((row, end - 1))
        row = labels.find(1, end)
    return found


def seconds(text):
    try:
        return float(text)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        return moment.timestamp()


def number(text):
    """A score; -inf where there is none."""
    try:
        value = float(text)
    except ValueError:
        return -math.inf
    return -math.inf if math.isnan(value) else value


def refuse(path, line, what):
    raise SystemExit(f"{path}:{line}: {what}")


def read_labels(path):
    times, labels = array("d"), bytearray()
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        head = next(rows, None)
        if not head or "timestamp" not in head or "label" not in head:
            refuse(path, 1, "expected the columns timestamp and label")
        time, label = head.index("timestamp"), head.index("label")
        for line, row in enumerate(rows, 2):
            if not row:
                continue
            try:
                times.append(seconds(row[time]))
                labels.append(float(row[label]) > 0)
            except (ValueError, IndexError):
                refuse(path, line, "no time, or a label that is neither 0 nor 1")
    return times, labels


def read_scores(path, rows):
    scores, alarms = array("d"), array("d")
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        if "score" not in head:
            refuse(path, 1, "no column is called score")
        score = head.index("score")
        alarm = head.index("alarm_score") if "alarm_score" in head else score
        for line, row in enumerate(reader, 2):
            try:
                scores.append(number(row[score]))
                alarms.append(number(row[alarm]))
            except IndexError:
                refuse(path, line, "too few cells")
    if len(scores) != rows:
        refuse(path, len(scores) + 1, f"{len(scores)} scores for {rows} rows of data")
    return scores, alarms


def probation(rows):
    return int(0.15 * min(rows, 5000))


def read_manifest(data):
    """{name: first row that counts}, or None."""
    path = os.path.join(data, "manifest.csv")
    if not os.path.exists(path):
        return None
    with open(path, newline="", encoding="utf-8") as file:
        return {row["name"]: int(row["score_from"]) for row in csv.DictReader(file)}


def csv_names(top):
    """Every CSV file below a folder, without its ending."""
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".csv"):
                yield os.path.relpath(os.path.join(folder, name[:-4]), top)


def nab_rows(times, windows):
    """Windows in time as rows: from the first row not before to the last not after."""
    return [(bisect.bisect_left(times, seconds(a)), bisect.bisect_right(times, seconds(b)) - 1)
            for a, b in windows]


def read_windows(path):
    """NAB's {"folder/name.csv": [[begin, end], ...]}."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_corpus(data, scored):
    manifest = read_manifest(data)
    names = list(manifest) if manifest is not None else list(csv_names(os.path.join(data, "series")))
    path = os.path.join(data, "labels", "combined_windows.json")
    windows = read_windows(path) if os.path.exists(path) else None
    corpus = []
    for name in names:
        times, labels = read_labels(os.path.join(data, "series", name + ".csv"))
        scores, alarms = read_scores(os.path.join(scored, name + ".csv"), len(times))
        first = manifest[name] if manifest is not None else probation(len(times))
        one = Series(name, times, labels, scores, alarms, first)
        if windows is not None:
            one.windows = nab_rows(times, windows.get(name + ".csv", []))
        corpus.append(one)
    if not corpus:
        raise SystemExit(f"score.py: no series under {data}")
    return corpus


# ---- NAB ---------------------------------------------------------------------------------

def sigmoid(y):
    return 2 / (1 + math.exp(5 * y)) - 1


def nab_values(rows, windows):
    """What a detection at each row is worth before weighing, and the window it is in, or -1."""
    worth, owner = array("d", [-1.0]) * rows, array("i", [-1]) * rows
    for first, last in windows:
        length = last - first
        for row in range(last + 1, rows):
            if length <= 0 or row - last > 3 * length:
                worth[row] = -1.0
            else:
                worth[row] = sigmoid((row - last) / length)
    for index, (first, last) in enumerate(windows):
        for row in range(first, last + 1):
            worth[row] = sigmoid((row - last - 1) / (last - first + 1)) / sigmoid(-1)
            owner[row] = index
    return worth, owner


def nab_scale(raw, windows, profile):
    found, _, missed = profile
    return 100 * (raw + missed * windows) / ((found + missed) * windows) if windows else math.nan


def nab_of_ranking(corpus, column, profile):
    """The best score over all thresholds, and that threshold."""
    found, false, missed = profile
    steps, windows = [], 0              # (score, what flagging that row adds)
    for one in corpus:
        rows = len(one.labels)
        scores = getattr(one, column)
        worth, owner = nab_values(rows, one.windows)
        first, inside = probation(rows), {}
        windows += len(one.windows)
        for row in range(first, rows):
            if owner[row] < 0:
                steps.append((scores[row], worth[row] * false))
            else:
                inside.setdefault(owner[row], []).append((scores[row], row))
        for hits in inside.values():
            best = -missed
            for score, row in sorted(hits, key=lambda hit: (-hit[0], hit[1])):
                if worth[row] * found > best:
                    steps.append((score, worth[row] * found - best))
                    best = worth[row] * found
    steps.sort(key=lambda step: -step[0])
    silent = raw = best = -missed * windows
    threshold = math.inf
    for i, (score, gain) in enumerate(steps):
        raw += gain
        if raw > best and (i + 1 == len(steps) or steps[i + 1][0] != score):
            best, threshold = raw, score
    return nab_scale(max(best, silent), windows, profile), threshold


def nab_of_alarms(one, starts, profile):
    """One series' raw score for alarms at these rows."""
    found, false, missed = profile
    best, raw = [-missed] * len(one.windows), 0.0
    for row in starts:
        if row < probation(len(one.labels)):
            continue
        if one.owner[row] < 0:
            raw += false * one.worth[row]
        else:
            best[one.owner[row]] = max(best[one.owner[row]], found * one.worth[row])
    return raw + sum(best)


# ---- VUS-PR ------------------------------------------------------------------------------

def soft_labels(rows, events, width):
    """{row: weight} of the rows near events, those inside included."""
    soft, half = {}, width // 2
    for first, last in events:
        for d in range(1, half + 1):
            weight = math.sqrt(1 - d / width)
            for row in (first - d, last + d):
                if 0 <= row < rows:
                    soft[row] = min(1.0, soft.get(row, 0.0) + weight)
    for first, last in events:
        for row in range(first, last + 1):
            soft[row] = 1.0
    return soft


def widened(events, half, rows):
    """Events with their borders; those that then touch are one."""
    joined = []
    for first, last in events:
        if joined and joined[-1][1] + half >= first - half:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return [(max(0, first - half), min(rows - 1, last + half)) for first, last in joined]


def vus_pr(scores, labels, width=VUS_WIDTH, widths=VUS_WIDTHS, levels=VUS_THRESHOLDS):
    events, rows = runs(labels), len(labels)
    if not events:
        return math.nan
    ascending = sorted(scores)
    thresholds = [ascending[rows - 1 - int(i * (rows - 1) / (levels - 1))] for i in range(levels)]
    flagged = [rows - bisect.bisect_left(ascending, t) for t in thresholds]
    backwards = thresholds[::-1]

    def level_of(score):                # the first threshold that flags it
        return levels - bisect.bisect_right(backwards, score)

    def cumulated(soft):
        mass = [0.0] * (levels + 1)
        for row, weight in soft.items():
            mass[level_of(scores[row])] += weight
        total, sums = 0.0, []
        for level in range(levels):
            total += mass[level]
            sums.append(total)
        return sums

    hard = cumulated(soft_labels(rows, events, 0))
    positives = sum(last - first + 1 for first, last in events)
    areas = []
    for width_now in sorted({round(i * width / max(1, widths - 1)) for i in range(widths)}):
        hits = cumulated(soft_labels(rows, events, width_now))
        peaks = sorted(max(scores[first:last + 1])
                       for first, last in widened(events, width_now // 2, rows))
        area = before = 0.0
        for level in range(levels):
            touched = 1 - bisect.bisect_left(peaks, thresholds[level]) / len(peaks)
            mass = positives + (hits[level] - hard[level]) / 2
            recall = min(hits[level] / mass, 1) * touched
            area += (recall - before) * hits[level] / flagged[level]
            before = recall
        areas.append(area)
    return sum(areas) / len(areas)


# ---- Events ------------------------------------------------------------------------------

def ranks(rows, deepest):
    """Ranks of the rows whose scores serve as thresholds, evenly spread in their logarithm."""
    last = max(2, int(deepest * rows))
    return sorted({round(math.exp(math.log(last) * i / (RANKS - 1))) - 1 for i in range(RANKS)})


def thresholds_of(corpus, column, deepest):
    pool = []
    for one in corpus:
        pool.extend(getattr(one, column)[one.first:])
    pool.sort(reverse=True)
    return sorted({pool[rank] for rank in ranks(len(pool), deepest) if rank < len(pool)}
                  - {-math.inf, math.inf}, reverse=True)


def f1(found, false, events):
    return 2 * found / (found + false + events) if events else 0.0


class Episodes:
    """False alarms of one series, as rows are flagged one after the other in any order."""

    def __init__(self, rows):
        self.flags = bytearray(rows)
        self.start, self.end = {}, {}   # of an episode by its other end
        self.count = 0

    @staticmethod
    def rings(first, last):
        return (last - first + RENOTIFY) // RENOTIFY

    def add(self, row):
        left = self.flags.rfind(1, max(0, row - MERGE), row)
        right = self.flags.find(1, row + 1, row + MERGE + 1)
        self.flags[row] = 1
        if left >= 0 and right >= 0 and right - left <= MERGE:
            return                      # inside an episode already
        first = last = row
        if left >= 0:
            first = self.start.pop(left)
            self.end.pop(first)
            self.count -= self.rings(first, left)
        if right >= 0:
            last = self.end.pop(right)
            self.start.pop(last)
            self.count -= self.rings(right, last)
        self.start[last], self.end[first] = first, last
        self.count += self.rings(first, last)


def events_of_rows(corpus, column):
    """The best F1 over thresholds, where every row above is flagged: a dictionary of figures."""
    thresholds = thresholds_of(corpus, column, DEEPEST)
    if column == "alarms":              # 0 is no alarm
        thresholds = [t for t in thresholds if t > 0]
    if not thresholds:
        return None
    backwards = thresholds[::-1]
    found = [0] * (len(thresholds) + 1)
    false = [0] * len(thresholds)
    events = total_rows = 0
    for one in corpus:
        scores = getattr(one, column)
        total_rows += len(scores) - one.first
        by_level = {}
        for row in range(one.first, len(scores)):
            if scores[row] >= thresholds[-1] and not one.labels[row]:
                level = len(thresholds) - bisect.bisect_right(backwards, scores[row])
                by_level.setdefault(level, []).append(row)
        episodes = Episodes(len(scores))
        for level in range(len(thresholds)):
            for row in by_level.get(level, ()):
                episodes.add(row)
            false[level] += episodes.count
        for first, last in one.events():
            events += 1
            peak = max(scores[first:last + 1])
            found[len(thresholds) - bisect.bisect_right(backwards, peak)] += 1
    best = None
    hits = 0
    for level, threshold in enumerate(thresholds):
        hits += found[level]
        value = f1(hits, false[level], events)
        if best is None or value > best["f1"]:
            best = dict(f1=value, threshold=threshold, found=hits, events=events,
                        false=false[level], false_per_1000=1000 * false[level] / total_rows)
    if best:
        best.update(delays_of_rows(corpus, column, best["threshold"]))
    return best


def delays_of_rows(corpus, column, threshold):
    delays = []
    for one in corpus:
        scores = getattr(one, column)
        for first, last in one.events():
            hit = next((row for row in range(first, last + 1) if scores[row] >= threshold), None)
            if hit is not None:
                delays.append((hit - first, one.times[hit] - one.times[first]))
    return middle_of(delays)


def middle_of(delays):
    def median(values):
        values = sorted(values)
        half = len(values) // 2
        return (values[half] + values[-half - 1]) / 2 if values else math.nan

    return dict(delay_rows=median([rows for rows, _ in delays]),
                delay_seconds=median([time for _, time in delays]))


def alarms_from(scores, times, candidates, threshold, dead_time):
    """The rows that ring: at or above the threshold, with none within the dead time before."""
    starts, silent_until = [], -math.inf
    for row in candidates:
        if scores[row] >= threshold and times[row] >= silent_until:
            starts.append(row)
            silent_until = times[row] + dead_time
    return starts


def event_counts(one, starts):
    """(events found, false alarms, delays) of one series."""
    events = one.events()
    begins = [first for first, _ in events]
    hit, false = {}, 0
    for row in starts:
        if row < one.first:
            continue
        at = bisect.bisect_right(begins, row) - 1
        if at >= 0 and row <= events[at][1]:
            hit.setdefault(at, row)
        else:
            false += 1
    return len(hit), false, [(row - begins[at], one.times[row] - one.times[begins[at]])
                             for at, row in hit.items()]


# ---- Alarms made from scores -------------------------------------------------------------------

class Sweep:
    """Alarms at each threshold and dead time, counted by series."""

    def __init__(self, corpus, column, dead_times):
        self.corpus = corpus
        thresholds = [t for t in thresholds_of(corpus, column, SWEEP_DEEPEST) if t > 0]
        self.settings = [(t, d) for d in dead_times for t in thresholds]
        self.rows = sum(len(one.labels) - one.first for one in corpus)
        self.total_events = [len(one.events()) for one in corpus]
        self.counts, self.nab = [], []
        for one in corpus:
            scores = getattr(one, column)
            lowest = thresholds[-1] if thresholds else math.inf
            # NAB counts from its own probation, others from the manifest; alarms before either
            # silence what follows, as they would in life.
            candidates = [row for row in range(len(scores)) if scores[row] >= lowest]
            if one.windows is not None:
                one.worth, one.owner = nab_values(len(scores), one.windows)
            counts, nab, last = [], [], None
            for threshold, dead_time in self.settings:
                starts = alarms_from(scores, one.times, candidates, threshold, dead_time)
                if last is not None and starts == last:
                    counts.append(counts[-1])
                    nab.append(nab[-1])
                else:
                    counts.append(event_counts(one, starts))
                    nab.append([nab_of_alarms(one, starts, p) for p in NAB_PROFILES.values()]
                               if one.windows is not None else None)
                last = starts
            self.counts.append(counts)
            self.nab.append(nab)

    def best_events(self):
        best = None
        for i, (threshold, dead_time) in enumerate(self.settings):
            found = sum(counts[i][0] for counts in self.counts)
            false = sum(counts[i][1] for counts in self.counts)
            value = f1(found, false, sum(self.total_events))
            if best is None or value > best["f1"]:
                best = dict(f1=value, threshold=threshold, dead_time=dead_time, found=found,
                            events=sum(self.total_events), false=false,
                            false_per_1000=1000 * false / self.rows, index=i)
        if best:
            i = best.pop("index")
            best.update(middle_of([d for counts in self.counts for d in counts[i][2]]))
        return best

    def nab_at(self, index, profile, members):
        windows = sum(len(self.corpus[m].windows) for m in members)
        raw = sum(self.nab[m][index][profile] for m in members)
        return nab_scale(raw, windows, list(NAB_PROFILES.values())[profile])

    def best_nab(self, profile, members=None):
        """(score, index of the setting) over thresholds and dead times; silence scores 0."""
        members = range(len(self.corpus)) if members is None else members
        return max(((self.nab_at(i, profile, members), i) for i in range(len(self.settings))),
                   default=(0.0, None))

    def events_at(self, index, members):
        found = sum(self.counts[m][index][0] for m in members)
        false = sum(self.counts[m][index][1] for m in members)
        return f1(found, false, sum(self.total_events[m] for m in members))

    def splits(self, count, seed, score_at):
        """Chosen on one half, and what that scores on the other beside the other's own best.
        `score_at` is the score of a setting, by its index, and some series."""
        rng, found = random.Random(seed), []

        def best(members):
            return max((score_at(i, members), i) for i in range(len(self.settings)))

        for _ in range(count if self.settings else 0):
            order = list(range(len(self.corpus)))
            rng.shuffle(order)
            half, rest = order[:len(order) // 2], order[len(order) // 2:]
            own, i = best(half)
            found.append(dict(chosen=own, other=score_at(i, rest), other_best=best(rest)[0]))
        return found


# ---- All of it -------------------------------------------------------------------------------

def parse_duration(text):
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[-1:] not in units:
        raise SystemExit(f"score.py: {text} is no duration; expected 30m, 6h, 1d")
    return float(text[:-1]) * units[text[-1]]


def fill_in(corpus):
    """Rows without a score rank below all others of their series."""
    for one in corpus:
        for column in (one.scores, one.alarms):
            finite = [s for s in column[one.first:] if math.isfinite(s)]
            least = min(finite) - 1 if finite else 0.0
            for row in range(one.first, len(column)):
                if not math.isfinite(column[row]):
                    column[row] = least


def evaluate(data, scored, dead_times, splits=0, seed=1):
    corpus = read_corpus(data, scored)
    result = dict(series=len(corpus), rows=sum(len(one.labels) for one in corpus))
    if corpus[0].windows is not None:
        result["nab"] = {}
        for column, kind in (("alarms", "starts"), ("scores", "rows")):
            result["nab"][kind] = {name: nab_of_ranking(corpus, column, profile)[0]
                                   for name, profile in NAB_PROFILES.items()}
    fill_in(corpus)
    areas = [vus_pr(one.scores[one.first:], one.labels[one.first:]) for one in corpus
             if one.events()]
    result["vus_pr"] = sum(areas) / len(areas) if areas else math.nan
    result["starts"] = events_of_rows(corpus, "alarms")
    result["rows_flagged"] = events_of_rows(corpus, "scores")
    sweep = Sweep(corpus, "scores", dead_times)
    result["sweep"] = sweep.best_events()
    if corpus[0].windows is not None:
        result["nab"]["sweep"] = {}
        for index, name in enumerate(NAB_PROFILES):
            score, at = sweep.best_nab(index)
            result["nab"]["sweep"][name] = score
            if index == 0 and at is not None:
                result["nab"]["sweep threshold"], result["nab"]["sweep dead time"] = \
                    sweep.settings[at]
        result["nab"]["splits"] = sweep.splits(
            splits, seed, lambda i, members: sweep.nab_at(i, 0, members))
    result["splits"] = sweep.splits(splits, seed, sweep.events_at)
    return result


def print_splits(measure, splits, digits):
    for split in splits:
        print(f"    {measure}: chosen on one half {split['chosen']:.{digits}f}, on the other "
              f"{split['other']:.{digits}f} of {split['other_best']:.{digits}f}")


def print_result(result):
    print(f"{result['series']} series, {result['rows']} rows")
    for kind, title in (("starts", "alarm starts"), ("sweep", "sweep"), ("rows", "rows")):
        if "nab" in result:
            print(f"NAB, {title:14}" + "  ".join(f"{name} {value:.4f}"
                                                 for name, value in result["nab"][kind].items()))
    if "nab" in result and "sweep threshold" in result["nab"]:
        print(f"    sweep at threshold {result['nab']['sweep threshold']:.4g}, dead time "
              f"{result['nab']['sweep dead time'] / 3600:.4g} h")
    print_splits("NAB", result.get("nab", {}).get("splits", ()), 2)
    print_splits("F1", result["splits"], 4)
    print(f"VUS-PR {result['vus_pr']:.4f}")
    for kind, title in (("starts", "alarm starts"), ("sweep", "sweep"), ("rows_flagged", "rows")):
        best = result[kind]
        if best:
            dead = f", dead time {best['dead_time'] / 3600:.4g} h" if "dead_time" in best else ""
            print(f"events, {title:13} F1 {best['f1']:.4f}  found {best['found']} of "
                  f"{best['events']}, false {best['false']} ({best['false_per_1000']:.4f} per 1000 "
                  f"rows), median delay {best['delay_rows']:.4g} rows, {best['delay_seconds']:.4g} s"
                  f"; threshold {best['threshold']:.6g}{dead}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("scores")
    parser.add_argument("--dead-time", default=DEAD_TIMES)
    parser.add_argument("--splits", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    options = parser.parse_args()
    result = evaluate(options.data, options.scores,
                      [parse_duration(d) for d in options.dead_time.split(",")],
                      options.splits, options.seed)
    print_result(result)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
