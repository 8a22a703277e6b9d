#!/usr/bin/env python3
"""Isolation forests of isotree and scikit-learn beside tocsin's, turn by turn in one run.

    forest_peers.py --build FOLDER [--json FILE] [--quick] [--agreement]

FOLDER is a build of tocsin's.  A hundred trees of 256 points each, one thread:

  fit     from 10,000 rows
  batch   16,384 rows at once, as doubles in the order that each library likes best
  mixed   the same, by forests whose cuts go through two metrics
  point   one row a call; tocsin's by its own program, for a call from Python costs more than it

and whether the libraries say the same of data that scikit-learn brings along: Spearman's rank
correlation of the mean scores over some seeds, between two libraries and, as what can be hoped
for, between two halves of one library's own seeds; and, where a class is rare or made so, the area
under the ROC curve: its mean over the seeds and the standard error of that.
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

TREES, SAMPLE = 100, 256
FIT_ROWS, BATCH_ROWS, POINT_CALLS = 10000, 16384, 50
DIMENSIONS = [1, 8, 32]


# ---- tocsin, through its public interface --------------------------------------------------

class Matrix(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("value_type", ctypes.c_uint32),
                ("rows", ctypes.c_uint64), ("columns", ctypes.c_uint64),
                ("row_stride", ctypes.c_int64), ("column_stride", ctypes.c_int64),
                ("values", ctypes.c_void_p)]


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("trees", ctypes.c_uint32),
                ("sample", ctypes.c_uint32), ("depth", ctypes.c_uint32),
                ("seed", ctypes.c_uint64),
                ("mix", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


class Tocsin:
    name = "tocsin"

    def __init__(self, build, numpy):
        self.tocsin = ctypes.CDLL(os.path.join(build, "lib", "libtocsin.so"))
        self.numpy = numpy
        for function in ("tocsin_forest_fit", "tocsin_forest_score", "tocsin_kernel_force"):
            getattr(self.tocsin, function).restype = ctypes.c_int
        self.tocsin.tocsin_kernel_name.restype = ctypes.c_char_p
        self.tocsin.tocsin_kernel_name.argtypes = [ctypes.c_size_t]
        self.tocsin.tocsin_kernel_count.restype = ctypes.c_size_t
        self.tocsin.tocsin_forest_free.argtypes = [ctypes.c_void_p]
        self.tocsin.tocsin_forest_score.argtypes = [ctypes.c_void_p] * 3

    def kernels(self):
        return [self.tocsin.tocsin_kernel_name(k).decode()
                for k in range(self.tocsin.tocsin_kernel_count())]

    def force(self, kernel):
        self.tocsin.tocsin_kernel_force(kernel.encode() if kernel else None)

    @staticmethod
    def prepare(x):
        return x

    @staticmethod
    def matrix(x):
        return Matrix(ctypes.sizeof(Matrix), 0, x.shape[0], x.shape[1], x.strides[0] // 8,
                      x.strides[1] // 8, x.ctypes.data)

    def fit(self, x, seed, mix=1):
        forest = ctypes.c_void_p()
        options = Options(ctypes.sizeof(Options), TREES, SAMPLE, 0, seed, mix, 0)
        matrix = self.matrix(x)
        if self.tocsin.tocsin_forest_fit(ctypes.byref(forest), ctypes.byref(options),
                                          ctypes.byref(matrix), None) < 0:
            sys.exit("tocsin: no forest")
        return forest

    def free(self, forest):
        self.tocsin.tocsin_forest_free(forest)

    def score(self, forest, x):
        scores = self.numpy.empty(len(x))
        matrix = self.matrix(x)
        if self.tocsin.tocsin_forest_score(forest, ctypes.addressof(matrix),
                                            scores.ctypes.data) < 0:
            sys.exit("tocsin: no scores")
        return scores


# ---- The others -------------------------------------------------------------------------------

class Isotree:
    name = "isotree"

    def __init__(self):
        from isotree import IsolationForest
        import numpy
        self.make, self.numpy = IsolationForest, numpy

    def prepare(self, x):
        return self.numpy.asfortranarray(x) if x.shape[1] > 1 else x

    def fit(self, x, seed, mix=1):
        return self.make(ntrees=TREES, sample_size=SAMPLE, ndim=mix, missing_action="fail",
                         penalize_range=False, standardize_data=False, random_seed=seed,
                         nthreads=1).fit(x)

    def free(self, forest):
        pass

    def score(self, forest, x):
        return forest.predict(x)


class IsotreeRows(Isotree):
    name = "isotree, rows"

    def prepare(self, x):
        return x


class Sklearn:
    name = "scikit-learn"

    def __init__(self):
        from sklearn.ensemble import IsolationForest
        import numpy
        self.make, self.numpy = IsolationForest, numpy

    def prepare(self, x):
        return self.numpy.ascontiguousarray(x, self.numpy.float32)

    def fit(self, x, seed):
        return self.make(n_estimators=TREES, max_samples=min(SAMPLE, len(x)), n_jobs=1,
                         random_state=seed).fit(x)

    def free(self, forest):
        pass

    def score(self, forest, x):
        return -forest.score_samples(x)


def available(build, numpy):
    libraries = [Tocsin(build, numpy)]
    for kind in (Isotree, IsotreeRows, Sklearn):
        try:
            libraries.append(kind())
        except ImportError as error:
            print(f"peers: {kind.name} is left out: {error}", file=sys.stderr)
    if len(libraries) == 1:
        sys.exit(3)
    return libraries


# ---- Time ------------------------------------------------------------------------------------

def clusters(numpy, random, rows, columns):
    centre = 4.0 * random.integers(0, 3, rows)[:, None]
    spread = numpy.where(random.random(rows) < 0.02, 10.0, 1.0)[:, None]
    return centre + spread * random.standard_normal((rows, columns))


class Way:
    def __init__(self, work, columns, name, points, run):
        self.work, self.columns, self.name = work, columns, name
        self.points, self.run, self.turns = points, run, []

    def turn(self):
        start = time.thread_time_ns()
        ns = self.run()
        self.turns.append((ns or time.thread_time_ns() - start) / self.points)

    @property
    def ns(self):
        return statistics.median(self.turns)


def ways_of(arguments, numpy, libraries):
    random = numpy.random.default_rng(1)
    tocsin = libraries[0]
    for columns in DIMENSIONS:
        fitted = clusters(numpy, random, FIT_ROWS, columns)
        judged = clusters(numpy, random, BATCH_ROWS, columns)
        for library in libraries:
            x, y = library.prepare(fitted), library.prepare(judged)
            forest = library.fit(x, 1)
            fits = 20 if library is tocsin else 1

            def fit(library=library, x=x, fits=fits):
                for seed in range(fits):
                    library.free(library.fit(x, seed + 1))

            yield Way("fit", columns, library.name, fits, fit)
            for kernel in tocsin.kernels() if library is tocsin else [None]:
                def batch(library=library, forest=forest, y=y, kernel=kernel):
                    tocsin.force(kernel)
                    library.score(forest, y)
                    tocsin.force(None)

                name = f"{library.name} {kernel}" if kernel else library.name
                yield Way("batch", columns, name, BATCH_ROWS, batch)
            if columns > 1 and library.name != "scikit-learn":
                mixed = library.fit(x, 1, 2)
                for kernel in tocsin.kernels() if library is tocsin else [None]:
                    def batch_mixed(library=library, forest=mixed, y=y, kernel=kernel):
                        tocsin.force(kernel)
                        library.score(forest, y)
                        tocsin.force(None)

                    name = f"{library.name} {kernel}" if kernel else library.name
                    yield Way("mixed", columns, name, BATCH_ROWS, batch_mixed)
            if library is tocsin:
                for kernel in tocsin.kernels():
                    yield Way("point", columns, f"tocsin {kernel}", 1,
                              lambda columns=columns, kernel=kernel:
                              own_point(arguments, columns, kernel))
            else:
                calls = POINT_CALLS if library.name != "scikit-learn" else 2
                rows = [y[k:k + 1].copy() for k in range(calls)]

                def point(library=library, forest=forest, rows=rows):
                    for row in rows:
                        library.score(forest, row)

                yield Way("point", columns, library.name, calls, point)


def own_point(arguments, columns, kernel):
    command = [os.path.join(arguments.build, "bench", "forest"), "--json", "-", "--quick",
               "--only", f"forest/point/d{columns}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(line["ns_per_point"] for line in map(json.loads, out.splitlines())
                if line["kernel"] == kernel and line["name"] == f"forest/point/d{columns}")


def measure(arguments, numpy, libraries, write):
    ways = list(ways_of(arguments, numpy, libraries))
    for _ in range(2 if arguments.quick else 7):
        for way in ways:
            way.turn()
    peers = [library.name for library in libraries[1:]]
    for work in ("fit", "batch", "mixed", "point"):
        for columns in DIMENSIONS:
            group = {way.name: way for way in ways if (way.work, way.columns) == (work, columns)}
            for name, way in group.items():
                line = f"{work:6} d={columns:<3} {name:18} {way.ns:14,.1f} ns"
                ratios = {}
                for peer in peers if name.startswith("tocsin") else []:
                    if peer not in group:
                        continue
                    ratios[peer] = statistics.median(
                        theirs / own for theirs, own in zip(group[peer].turns, way.turns))
                    line += f"   {ratios[peer]:8.1f} x {peer}"
                print(line, flush=True)
                write({"work": work, "columns": columns, "name": name, "ns": way.ns,
                       "times_faster_than": ratios})


# ---- Agreement ---------------------------------------------------------------------------------

def data_sets():
    """Name, points, and for some which of them are of a class made rare."""
    from sklearn import datasets
    import numpy

    def with_rare(x, y, rare, keep):
        odd = numpy.flatnonzero(y == rare)[:keep]
        return numpy.concatenate([x[odd], x[y != rare]]), \
            numpy.arange(len(odd) + (y != rare).sum()) < len(odd)

    x, y = datasets.load_breast_cancer(return_X_y=True)
    yield ("breast cancer", *with_rare(x, y, 0, 20))
    x, y = datasets.load_wine(return_X_y=True)
    yield ("wine", *with_rare(x, y, 2, 10))
    x, y = datasets.load_digits(return_X_y=True)
    yield ("digits", *with_rare(x, y, 0, 20))
    yield "diabetes", datasets.load_diabetes().data, None
    yield "iris", datasets.load_iris().data, None


def area(scores, odd):
    from scipy.stats import rankdata

    count = odd.sum()
    return (rankdata(scores)[odd].sum() - count * (count + 1) / 2) / (count * (len(odd) - count))


def agree(arguments, numpy, libraries, write):
    from scipy.stats import spearmanr

    # isotree seeds its trees with consecutive numbers from the seed on.
    seeds = [1000 * k for k in range(1, 5 if arguments.quick else 21)]
    libraries = [library for library in libraries if library.name != "isotree, rows"]
    for name, x, odd in data_sets():
        runs = {}
        for library in libraries:
            y = library.prepare(numpy.ascontiguousarray(x))
            every = []
            for seed in seeds:
                forest = library.fit(y, seed)
                every.append(library.score(forest, y))
                library.free(forest)
            runs[library.name] = numpy.array(every)
        mean = {library: every.mean(axis=0) for library, every in runs.items()}
        own = runs["tocsin"]
        line = {"set": name, "rows": len(x), "columns": x.shape[1],
                "spearman_of_own_halves": float(spearmanr(own[::2].mean(axis=0),
                                                          own[1::2].mean(axis=0))[0])}
        text = f"agree  {name:14} own halves {line['spearman_of_own_halves']:.4f}"
        for library in list(mean)[1:]:
            line[f"spearman_{library}"] = float(spearmanr(mean["tocsin"], mean[library])[0])
            text += f"   {library} {line[f'spearman_{library}']:.4f}"
        if odd is not None:
            for library, every in runs.items():
                areas = [area(scores, odd) for scores in every]
                line[f"auc_{library}"] = statistics.mean(areas)
                line[f"auc_error_{library}"] = statistics.stdev(areas) / len(areas) ** 0.5
                text += (f"   AUC {library} {line[f'auc_{library}']:.4f}"
                         f" +- {line[f'auc_error_{library}']:.4f}")
        print(text, flush=True)
        write(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--agreement", action="store_true", help="no times")
    arguments = parser.parse_args()
    try:
        import numpy
    except ImportError:
        print("peers: there is no numpy", file=sys.stderr)
        sys.exit(3)
    lines = open(arguments.json, "w", encoding="utf-8") if arguments.json else None

    def write(line):
        if lines:
            lines.write(json.dumps(line) + "\n")

    libraries = available(arguments.build, numpy)
    if not arguments.agreement:
        measure(arguments, numpy, libraries, write)
    if any(library.name == "scikit-learn" for library in libraries):
        agree(arguments, numpy, libraries, write)


if __name__ == "__main__":
    main()
