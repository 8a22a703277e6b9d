"""What the tests of the command line share: running it, making inputs, reporting in TAP.

Each test file is a program: python3 test_x.py PATH/TO/tocsin
"""

import csv
import io
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import unittest

TOCSIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "tocsin"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Rings soon enough for short inputs, whatever the calibration makes of it.
SPEC = "ewma half-life=50p | tail | alarm threshold=4"
START = 1_700_000_000


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="surrogateescape")
        self.err = done.stderr.decode(errors="replace")

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.out)))

    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]


def tocsin(*arguments, data=None, timeout=60, env=None):
    if isinstance(data, str):
        data = data.encode()
    return Result(subprocess.run([TOCSIN, *arguments], input=data or b"", capture_output=True,
                                 timeout=timeout, check=False,
                                 env={**os.environ, "NO_COLOR": "1", **(env or {})}))


def points(count=400, seed=1, spikes=(300,), start=START, step=10):
    """(seconds, value) of noise with spikes; values have few digits, like most metrics."""
    noise = random.Random(seed)
    return [(start + step * i, round(noise.gauss(50, 2) + (60 if i in spikes else 0), 3))
            for i in range(count)]


def csv_text(rows, header="timestamp,value"):
    return header + "\n" + "".join("%s,%s\n" % row for row in rows)


class Test(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def good(self, *arguments, **options):
        result = tocsin(*arguments, **options)
        self.assertEqual((result.code, result.err), (0, ""))
        return result

    def bad(self, code, words, *arguments, env=None, **options):
        """It ends with `code` and one message that holds all of `words`.  A program that gives up
        frees nothing, so its leaks are none."""
        result = tocsin(*arguments, env={"ASAN_OPTIONS": "detect_leaks=0", **(env or {})}, **options)
        self.assertEqual(result.code, code, result.err)
        self.assertTrue(result.err.startswith("tocsin: "), result.err)
        for word in words:
            self.assertIn(word, result.err)
        return result


class TapResult(unittest.TestResult):
    """A line for each test as it ends, what went wrong above it."""

    def startTest(self, test):
        super().startTest(test)
        self.word, self.note = "ok", ""

    def stopTest(self, test):
        super().stopTest(test)
        print("%s %d - %s%s" % (self.word, self.testsRun, test.id().split(".", 1)[1], self.note),
              flush=True)

    def tell(self, test, error):
        self.word = "not ok"
        for line in ("%s\n" % test + self._exc_info_to_string(error, test)).splitlines():
            print("# " + line)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note = " # SKIP " + reason

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.tell(subtest, err)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print("1..%d" % suite.countTestCases())
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)


__all__ = ["Result", "tocsin", "points", "csv_text", "Test", "main", "TOCSIN", "ROOT", "SPEC",
           "START", "math", "json", "os", "subprocess", "csv", "io", "random"]
