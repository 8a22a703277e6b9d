#!/usr/bin/env python3
"""The same work done by other libraries and by tocsin, turn by turn in one run.

    peers.py --programs FOLDER [--json FILE] [--quick]

FOLDER holds tocsin's benchmarks `bank` and `push`.  Two kinds of work:

  ewma          exponentially weighted mean and variance of 10,000 series, a value each per tick
  holt-winters  level, trend and a season of 288 slots, one step ahead, per value

Each peer does it in the fastest way that its documentation offers and says in its line what it
computes.  Time is processor time of this thread, except for tocsin's, which its programs
measure the same way.  Setting up, making values and converting them is not timed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

SERIES = 10000
TICKS = 100             # of wide tables, per turn
SLOTS = 288             # of the season: a day of five minutes
ALPHA = 0.00346         # a half-life of 200 points, as tocsin's
HOLT = {"alpha": 0.1, "beta": 0.0035, "gamma": 0.1}
START = 1700006400      # of RRDtool's file: a multiple of 300


class Peer:
    """One way of doing the work; run() does it for `points` points."""

    def __init__(self, work, name, what, points, run):
        self.work, self.name, self.what = work, name, what
        self.points, self.run = points, run
        self.turns = []

    def turn(self):
        start = time.thread_time_ns()
        self.run()
        self.turns.append((time.thread_time_ns() - start) / self.points)

    @property
    def ns(self):
        return statistics.median(self.turns)


class Tocsin(Peer):
    """A benchmark of tocsin's, run as a program of its own; its best kernel counts."""

    def __init__(self, work, name, what, command):
        super().__init__(work, name, what, 1, None)
        self.command = command

    def turn(self):
        out = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        self.turns.append(min(line["ns_per_point"] for line in lines
                              if line["name"] in self.command[-1]))


def tocsins(folder):
    def bank(subject, way="tick"):
        return [os.path.join(folder, "bank"), "--json", "-", "--turns", "7",
                "--series", str(SERIES), "--only", f"bank/{subject}/{way}"]

    def push(row):
        return [os.path.join(folder, "push"), "--json", "-", "--turns", "3", "--only", row]

    yield Tocsin("ewma", "tocsin", "mean, variance, score; f64 and f32", bank("plain"))
    yield Tocsin("ewma", "tocsin, no score", "mean, variance; f64 and f32",
                 bank("plain", "learn"))
    yield Tocsin("ewma", "tocsin, catalog", "and winsorised, floored, gaps; f64 and f32",
                 bank("ewma"))
    yield Tocsin("ewma", "tocsin, one series", "the same through a call per point",
                 push("push/ewma/score"))
    yield Tocsin("holt-winters", "tocsin", "10,000 series; score, f64 and f32", bank("holt"))
    yield Tocsin("holt-winters", "tocsin, one series", "verdict through a call per point",
                 push("push/holt/verdict"))


def numpy_ewma(numpy, has_score):
    """Wide arrays of f32, in place: mean += a d; v += a ((1 - a) d^2 - v)."""
    random = numpy.random.default_rng(1)
    ticks = (100 + random.standard_normal((TICKS, SERIES))).astype(numpy.float32)
    alpha, rest = numpy.float32(ALPHA), numpy.float32(1 - ALPHA)
    mean = ticks.mean(axis=0)
    variance = ticks.var(axis=0)
    d, e, score = (numpy.empty(SERIES, numpy.float32) for _ in range(3))

    def run():
        for x in ticks:
            numpy.subtract(x, mean, out=d)
            if has_score:
                numpy.sqrt(variance, out=score)
                numpy.divide(d, score, out=score)
                numpy.abs(score, out=score)
            numpy.multiply(d, alpha, out=e)
            numpy.add(mean, e, out=mean)
            numpy.multiply(d, e, out=d)             # a d^2
            numpy.add(variance, d, out=variance)
            numpy.multiply(variance, rest, out=variance)

    return run


def numba_ewma(numpy, numba):
    @numba.njit(error_model="numpy")
    def tick(x, mean, variance, score, alpha, rest):
        for i in range(len(x)):
            d = x[i] - mean[i]
            score[i] = abs(d) / numpy.sqrt(variance[i])
            mean[i] += alpha * d
            variance[i] = rest * (variance[i] + alpha * d * d)

    random = numpy.random.default_rng(1)
    ticks = (100 + random.standard_normal((TICKS, SERIES))).astype(numpy.float32)
    mean, variance, score = ticks.mean(axis=0), ticks.var(axis=0), numpy.empty_like(ticks[0])
    alpha, rest = numpy.float32(ALPHA), numpy.float32(1 - ALPHA)

    def run():
        for x in ticks:
            tick(x, mean, variance, score, alpha, rest)

    run()
    return run


def pandas_ewma(numpy, pandas):
    random = numpy.random.default_rng(1)
    wide = pandas.DataFrame(100 + random.standard_normal((TICKS, SERIES)))

    def run():
        window = wide.ewm(alpha=ALPHA, adjust=False)
        window.mean()
        window.var(bias=True)

    return run


def polars_ewma(numpy, polars):
    random = numpy.random.default_rng(1)
    wide = polars.DataFrame({f"s{i}": 100 + random.standard_normal(TICKS)
                             for i in range(SERIES)})
    every = polars.all()

    def run():
        wide.select(every.ewm_mean(alpha=ALPHA, adjust=False))
        wide.select(every.ewm_var(alpha=ALPHA, adjust=False, bias=True))

    return run


def river_ewma(stats, values):
    mean, variance = stats.EWMean(fading_factor=ALPHA), stats.EWVar(fading_factor=ALPHA)

    def run():
        for x in values:
            mean.update(x)
            variance.update(x)

    return run


def river_holt(time_series, values):
    model = time_series.HoltWinters(alpha=HOLT["alpha"], beta=HOLT["beta"], gamma=HOLT["gamma"],
                                    seasonality=SLOTS)
    for x in values[:2 * SLOTS]:
        model.learn_one(x)

    def run():
        for x in values:
            model.forecast(horizon=1)
            model.learn_one(x)

    return run


def statsmodels_holt(holtwinters, values):
    """Fixed parameters and start: only the filter runs."""
    model = holtwinters.ExponentialSmoothing(
        values, trend="add", seasonal="add", seasonal_periods=SLOTS,
        initialization_method="known", initial_level=100.0, initial_trend=0.0,
        initial_seasonal=[0.0] * SLOTS)

    def run():
        model.fit(smoothing_level=HOLT["alpha"], smoothing_trend=HOLT["beta"],
                  smoothing_seasonal=HOLT["gamma"], optimized=False)

    return run


def rrdtool_holt(rrdtool, folder, values, batch):
    path = os.path.join(folder, f"holt-{batch}.rrd")
    rrdtool.create(path, "--start", str(START), "--step", "300", "DS:x:GAUGE:600:U:U",
                   f"RRA:HWPREDICT:1440:{HOLT['alpha']}:{HOLT['beta']}:{SLOTS}")
    clock = [START]

    def run():
        points = []
        for x in values:
            clock[0] += 300
            points.append(f"{clock[0]}:{x:.6f}")
        for i in range(0, len(points), batch):
            rrdtool.update(path, *points[i:i + batch])

    return run


def import_peer(name, absent):
    try:
        return __import__(name, fromlist=["_"])
    except Exception as problem:    # a broken installation is as absent as none
        absent.append(f"{name} ({type(problem).__name__})")
        return None


def others(folder, is_quick):
    absent = []
    numpy = import_peer("numpy", absent)
    if numpy is None:
        return [], absent
    random = numpy.random.default_rng(2)
    count = 2000 if is_quick else 20000
    values = 100 + random.standard_normal(count)
    plain_values = values.tolist()
    wide = TICKS * SERIES
    peers = [Peer("ewma", "numpy", "mean, variance, score; f32 in place", wide,
                  numpy_ewma(numpy, True)),
             Peer("ewma", "numpy, no score", "mean, variance; f32 in place", wide,
                  numpy_ewma(numpy, False))]

    if numba := import_peer("numba", absent):
        peers.append(Peer("ewma", "numba", "mean, variance, score; f32, a compiled loop", wide,
                          numba_ewma(numpy, numba)))
    if polars := import_peer("polars", absent):
        peers.append(Peer("ewma", "polars", "ewm_mean, ewm_var of a wide frame; f64", wide,
                          polars_ewma(numpy, polars)))
    if pandas := import_peer("pandas", absent):
        peers.append(Peer("ewma", "pandas", "ewm mean, var of a wide frame; f64", wide,
                          pandas_ewma(numpy, pandas)))
    if stats := import_peer("river.stats", absent):
        peers.append(Peer("ewma", "river", "EWMean, EWVar; one series", count,
                          river_ewma(stats, plain_values)))
    if rrdtool := import_peer("rrdtool", absent):
        peers.append(Peer("holt-winters", "RRDtool, batch",
                          "HWPREDICT, 1,000 values a call; with deviations and failures", count,
                          rrdtool_holt(rrdtool, folder, plain_values, 1000)))
        peers.append(Peer("holt-winters", "RRDtool, one", "the same, a value a call", count // 10,
                          rrdtool_holt(rrdtool, folder, plain_values[:count // 10], 1)))
    if smoothing := import_peer("statsmodels.tsa.holtwinters", absent):
        peers.append(Peer("holt-winters", "statsmodels", "ExponentialSmoothing, fixed parameters",
                          count, statsmodels_holt(smoothing, values)))
    if time_series := import_peer("river.time_series", absent):
        peers.append(Peer("holt-winters", "river", "HoltWinters, forecast and learn_one", count,
                          river_holt(time_series, plain_values)))
    return peers, absent


def report(peers, out):
    for work in dict.fromkeys(peer.work for peer in peers):
        mine = [peer for peer in peers if peer.work == work]
        tocsin = mine[0]
        print(f"\n{work:<20} {'ns/point':>12} {'x tocsin':>12}   {'what it does'}")
        for peer in mine:
            ratio = statistics.median(a / b for a, b in zip(peer.turns, tocsin.turns))
            print(f"{peer.name:<20} {peer.ns:12.2f} {ratio:12.1f}   {peer.what}")
            if out:
                name = peer.name.replace(", ", "-").replace(" ", "-").lower()
                print(json.dumps({
                    "name": f"peers/{work}/{name}", "kernel": None, "n": SERIES,
                    "ns_per_point": round(peer.ns, 4), "twin_ns_per_point": None,
                    "twin_ratio": None, "bytes_per_series": None,
                    "times_tocsin": round(ratio, 4), "turns": len(peer.turns)}), file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, metavar="FOLDER")
    parser.add_argument("--json", type=argparse.FileType("a"))
    parser.add_argument("--quick", action="store_true")
    try:
        arguments = parser.parse_args()
    except SystemExit as end:
        return 64 if end.code else 0

    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        peers, absent = others(folder, arguments.quick)
        if absent:
            print("peers: left out: " + ", ".join(absent), file=sys.stderr)
        if not peers:
            return 3
        peers = [*tocsins(arguments.programs), *peers]
        for _ in range(3 if arguments.quick else 9):
            for peer in peers:
                peer.turn()
    report(peers, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
