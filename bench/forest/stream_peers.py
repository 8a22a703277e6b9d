#!/usr/bin/env python3
"""Forests that learn as they score, beside tocsin's, turn by turn in one run.

    stream_peers.py --build FOLDER [--json FILE] [--quick]

FOLDER is a build of tocsin's.  Each row is scored and then learnt, on one thread:

  rcforest   100 trees of 256 points, against AWS's random cut forest (krcf: their Rust, called from
             Python a row at a time) and rrcf (Python; to score it inserts)
  hstrees    25 trees of depth 8, windows of 250 points, against river's HalfSpaceTrees (Python)

tocsin's times are its own program's, bench/stream; a call of krcf's costs some microseconds more
than what it does inside.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

TREES, SAMPLE = 100, 256
WARM = 3000
DIMENSIONS = [1, 8, 32]


def rows_of(random, count, columns):
    for _ in range(count):
        centre = 4.0 * random.randrange(3)
        spread = 10.0 if random.random() < 0.02 else 1.0
        yield [centre + spread * random.gauss(0, 1) for _ in range(columns)]


class Krcf:
    name, against, calls = "AWS (krcf)", "rcforest", 500

    def __init__(self, columns):
        import krcf
        self.forest = krcf.RandomCutForest({
            "dimensions": columns, "shingle_size": 1, "num_trees": TREES, "sample_size": SAMPLE,
            "output_after": SAMPLE, "random_seed": 1, "parallel_execution_enabled": False,
            "bounding_box_cache_fraction": 1.0})

    def learn(self, row):
        self.forest.update(row)

    def push(self, row):
        self.forest.score(row)
        self.forest.update(row)


class Rrcf:
    name, against, calls = "rrcf", "rcforest", 5

    def __init__(self, columns):
        import numpy
        import rrcf
        self.array = numpy.array
        self.trees = [rrcf.RCTree() for _ in range(TREES)]
        self.next = 0

    def push(self, row):
        point, sum_of = self.array(row), 0
        for tree in self.trees:
            if len(tree.leaves) >= SAMPLE:
                tree.forget_point(self.next - SAMPLE)
            tree.insert_point(point, index=self.next)
            sum_of += tree.codisp(self.next)
        self.next += 1
        return sum_of / TREES

    learn = push


class River:
    name, against, calls = "river", "hstrees", 100

    def __init__(self, columns):
        from river import anomaly
        self.forest = anomaly.HalfSpaceTrees(
            n_trees=25, height=8, window_size=250, seed=1,
            limits={k: (-10, 18) for k in range(columns)})

    def learn(self, row):
        self.forest.learn_one(dict(enumerate(row)))

    def push(self, row):
        named = dict(enumerate(row))
        self.forest.score_one(named)
        self.forest.learn_one(named)


class Peer:
    def __init__(self, kind, columns, random):
        self.kind, self.columns, self.random = kind, columns, random
        self.forest, self.turns = kind(columns), []
        for row in rows_of(random, WARM if kind is Krcf else 300, columns):
            self.forest.learn(row)

    def turn(self):
        rows = list(rows_of(self.random, self.kind.calls, self.columns))
        start = time.thread_time_ns()
        for row in rows:
            self.forest.push(row)
        self.turns.append((time.thread_time_ns() - start) / len(rows))


def own_turn(build):
    command = [os.path.join(build, "bench", "stream"), "--json", "-", "--quick"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {tuple(line["name"].split("/")[1:]): line["ns_per_point"] for line in lines}


def main():
    import random

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    lines = open(arguments.json, "w", encoding="utf-8") if arguments.json else None
    draws = random.Random(1)
    peers = []
    for kind in (Krcf, Rrcf, River):
        try:
            peers += [Peer(kind, columns, draws) for columns in DIMENSIONS]
        except ImportError as error:
            print(f"peers: {kind.name} is left out: {error}", file=sys.stderr)
    if not peers:
        sys.exit(3)

    own = []
    for _ in range(3 if arguments.quick else 7):
        own.append(own_turn(arguments.build))
        for peer in peers:
            peer.turn()
    for name, d in own[0]:
        print(f"{name:10} {d:4} {'tocsin':12} "
              f"{statistics.median(turn[name, d] for turn in own):14,.0f} ns")
        for peer in peers:
            if (peer.kind.against, f"d{peer.columns}") != (name, d):
                continue
            ratio = statistics.median(t / turn[name, d] for t, turn in zip(peer.turns, own))
            ns = statistics.median(peer.turns)
            print(f"{name:10} {d:4} {peer.kind.name:12} {ns:14,.0f} ns   {ratio:9,.1f} x")
            if lines:
                lines.write(json.dumps({"work": name, "columns": peer.columns,
                                        "name": peer.kind.name, "ns": ns,
                                        "times_tocsin": ratio}) + "\n")


if __name__ == "__main__":
    main()
