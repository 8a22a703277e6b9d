"""What is wrong is said with file and line, and nothing is overwritten."""

import resource
import signal
import unittest

from cli_support import *


# A program that gives up frees nothing, so its leaks are none.
GIVING_UP = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}


class Usage(Test):
    def test_help_and_version(self):
        self.assertIn("detect", self.good("--help").out)
        self.assertRegex(self.good("--version").out, r"^tocsin \d+\.\d+\.\d+\n$")
        for command in ("detect", "backtest", "explain", "catalog", "changes", "gate"):
            with self.subTest(command):
                self.assertIn("Usage: ", self.good(command, "--help").out)
                self.assertEqual(self.good(command, "-h").out, self.good(command, "--help").out)
        self.assertEqual(tocsin().code, 64)

    def test_suggestions(self):
        cases = {
            ("detct", "-"): ["'detct'", "did you mean 'detect'"],
            ("detect", "--format", "jsn", "-"): ["'jsn'", "did you mean 'json'"],
            ("detect", "--input", "openmetric", "-"): ["did you mean 'openmetrics'"],
            ("detect", "--frmat", "csv", "-"): ["--frmat"],
            ("detect",): ["no input"],
            ("detect", "a", "b"): ["'b'"],
            ("detect", "--max-series", "none", "-"): ["'none'", "whole number"],
            ("detect", "--key", "a,,b", "-"): ["empty name"],
            ("backtest", "--budget", "1/wek", "-"): ["1/wek"],
            ("backtest", "--slack", "5 apples", "-"): ["duration"],
            ("catalog", "ewna"): ["did you mean 'ewma'"],
        }
        for arguments, words in cases.items():
            with self.subTest(arguments):
                self.bad(64, words, *arguments, data="time,value\n1,2\n")

    def test_a_wrong_spec_is_underlined(self):
        text = "ewma half-live=5m | tail"
        for arguments in (("detect", "--spec", text, "-"), ("explain", text),
                          ("backtest", "-s", text, "-")):
            with self.subTest(arguments):
                error = self.bad(64, ["half-live", "half-life"], *arguments).err.splitlines()
                shown = error.index("    " + text)
                caret = error[shown + 1]
                self.assertEqual(text[caret.index("^") - 4:][:len(caret.strip())], "half-live")

    def test_wrong_columns(self):
        data = "time,latency,errors\n1,2,3\n"
        self.bad(64, ["'latencyy'", "did you mean 'latency'", "time, latency, errors"], "detect",
                 "--column", "latencyy", "-", data=data)
        self.bad(64, ["which column", "latency, errors"], "detect", "-", data=data)
        self.bad(64, ["--key", "'host'"], "detect", "-c", "errors", "-k", "host", "-", data=data)
        self.bad(64, ["--time"], "detect", "-c", "errors", "-t", "when", "-", data=data)


class BadInput(Test):
    CASES = {
        "too few cells": ("time,value\n1,2\n3\n", 3, ["1 cell", "2 were expected"]),
        "too many cells": ("time,value\n1,2\n3,4,5\n", 3, ["3 cells"]),
        "no number": ("time,value\n1,2\n3,abc\n", 3, ["'abc'", "not a number"]),
        "no timestamp": ("time,value\n1,2\nsoon,4\n", 3, ["'soon'", "not a timestamp"]),
        "no such day": ("time,value\n2023-02-28,2\n2023-02-29,4\n", 3, ["not a timestamp"]),
        "year too late": ("time,value\n1,2\n2300-01-01,2\n", 3, ["1678 to 2261"]),
        "empty timestamp": ("time,value\n1,2\n,2\n", 3, ["timestamp is empty"]),
        "quote inside": ('time,value\n1,2\n2,3"4\n', 3, ["quote"]),
        "quote left open": ('time,value\n1,2\n2,"3\n4,5\n', 4, ["line 3", "never closed"]),
        "NUL": ("time,value\n1,2\n2,\0\n", 3, ["binary"]),
        "no numbers": ("a,b\nx,y\n", 2, ["no column holds numbers", "a, b"]),
        "another separator": ("time|value\n1|2\n", 2, ["commas, semicolons or tabs", "time|value"]),
        "carriage returns": ("time,value\r1,2\r3,4\r", 1, ["carriage return"]),
        "JSON cut off": ('{"time":1,"value":2}\n{"time":1,\n', 2, ["ends inside"]),
        "JSON broken": ('{"time":1,"value":2}\n{"time" 1}\n', 2, ["not JSON"]),
        "JSON array": ('{"time":1,"value":2}\n[1,2]\n', 2, ["no object"]),
        "JSON array file": ('[{"time":1,"value":2}]\n', 1, ["array", "one object per line"]),
        "JSON twice": ('{"time":1,"value":2}{"time":1,"value":2}\n', 1, ["not JSON"]),
        "JSON value": ('{"time":1,"value":2}\n{"time":2,"value":[1]}\n', 2, ["no number"]),
        "JSON without fields": ("{}\n", 1, ["no column holds numbers", "are: none"]),
        "JSON without time": ('{"time":1,"value":2}\n{"value":[1]}\n', 2, ["'time'"]),
        "metric without value": ("# TYPE a gauge\na 1 1\na\n", 3, ["value"]),
        "metric with words": ("# TYPE a gauge\na 1 1\na x 1\n", 3, ["'x'", "not a number"]),
        "metric without a name": ("# TYPE a gauge\n1 2 3\n", 2, ["name"]),
        "label without a quote": ("# TYPE a gauge\na{b=c} 1\n", 2, ["label 'b'", "quoted"]),
        "label left open": ('# TYPE a gauge\na{b="c} 1\n', 2, ["label 'b'", "closing quote"]),
        "labels left open": ('# TYPE a gauge\na{b="c" 1\n', 2, ["label 'b'", "}"]),
        "behind the timestamp": ("# TYPE a gauge\na 1 2 3\n", 2, ["'3'"]),
        "influx without fields": ("a,b=c v=1 1\na,b=c\n", 2, ["field"]),
        "influx broken tag": ("a,b=c v=1 1\na,b v=1\n", 2, ["tag"]),
        "influx broken field": ("a v=1 1\na v 1\n", 2, ["field"]),
        "influx word": ("a v=1 1\na v=x 1\n", 2, ["'x'"]),
        "influx time": ("a v=1 1\na v=1 now\n", 2, ["'now'", "timestamp"]),
        "gzip": (b"\x1f\x8b\x08\0\0\0\0", 1, ["compressed", "zcat"]),
        "UTF-16": ("time,value\n".encode("utf-16"), 1, ["UTF-8"]),
        "binary": (b"\x7fELF\x02\x01\x01\0\0\0\0\0", 1, ["binary"]),
    }

    def test_file_line_and_what_was_expected(self):
        for name, (data, line, words) in self.CASES.items():
            with self.subTest(name):
                path = self.write("input", data)
                self.write("state", "")
                os.remove(self.path("state"))
                self.bad(65, ["%s:%d: " % (path, line)] + words, "detect", "--state",
                         self.path("state"), "--report", self.path("page"), path)
                self.assertEqual(os.listdir(self.scratch), ["input"])

    def test_other_files(self):
        self.bad(65, ["cannot be opened"], "detect", self.path("nothing"))
        self.bad(65, ["directory"], "detect", self.scratch)
        self.bad(65, ["cannot be written"], "detect", "--report", "/nowhere/page.html", "-")
        self.bad(65, ["cannot be written"], "detect", "--state", "/nowhere/state", "-")

        self.bad(65, ["no such file"], "explain", self.path("nothing.csv"))

    def test_nothing_is_written_over_the_input(self):
        text = csv_text(points(50))
        path = self.write("input", text)
        os.symlink(path, self.path("link"))
        for name in (path, self.path("link")):
            for option in ("--report", "--state"):
                with self.subTest(name=name, option=option):
                    self.bad(64, [option, "is the input"], "detect", option, name, path)
        both = self.path("both")
        self.bad(64, ["same file"], "detect", "--state", both, "--report", both, path)
        with open(path, "rb") as file:
            done = subprocess.run([TOCSIN, "detect", "--report", path, "-"], stdin=file,
                                  capture_output=True, env=GIVING_UP, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertEqual(self.read("input").decode(), text)
        self.assertEqual(sorted(os.listdir(self.scratch)), ["input", "link"])

    def test_no_data(self):
        for data in ("", "time,value\n", "\n\n", "# EOF\n"):
            with self.subTest(data):
                self.bad(3, ["no data"], "detect", "-", data=data)
                self.bad(3, ["no data"], "backtest", "-", data=data)

    def test_garbled_input(self):
        """Whatever the bytes, it reads them or says what is wrong."""
        noise = random.Random(6)
        starts = ['time,series,value\n%s', '"time";"value"\r\n%s', '{"time":1,"value":2}\n%s',
                  '# TYPE a counter\na_total{b="c",d="e"} 1 1\n%s', "a,b=c d=1i,e=t 1\n%s",
                  "incident,start,end,series\n%s"]
        pieces = ["1,a,2\n", '"1","a\nb",2\n', "1;2,5\n", '{"time":3,"value":{"a":[1]}}\n',
                  '{"value":1e999,"time":"2023-01-01"}\n', 'a{b="\\"",c="d"} 4 5 # {e="f"} 1\n',
                  "a,b\\ c=d e=2u,f=\"g h\" 7\n", "-1e400,NaN,inf\n", "99999999999999999999,x,1\n",
                  "9223372036854775807,b,-0\n", "-9223372036854775808,b,1\n", "# EOF\n", "\n", ","]
        for number in range(250):
            text = noise.choice(starts) % "".join(noise.choices(pieces, k=noise.randint(1, 12)))
            data = bytearray(text.encode())
            for _ in range(noise.randint(0, 4)):
                data[noise.randrange(len(data))] = noise.choice(b"\"\\,;={}#\n\r 019ez\x00\xff")
            form = noise.choice(("auto", "csv", "jsonl", "openmetrics", "influx"))
            options = noise.choice(([], ["-k", "series"], ["-c", "value"], ["--time-unit", "ns"],
                                    ["--counter", "always"], ["-s", "clock absence=1s"]))
            result = tocsin("detect", "-f", noise.choice(("csv", "json", "influx", "table")), "-i",
                            form, *options, "-", data=bytes(data),
                            env={"ASAN_OPTIONS": "detect_leaks=0"})
            self.assertIn(result.code, (0, 3, 64, 65), (bytes(data), result.err))

    def test_an_endless_line(self):
        """It is given up early, by a process that may have no more than 64 MB."""
        with open(TOCSIN, "rb") as program:
            is_sanitized = b"__asan_init" in program.read()     # needs far more for itself

        def limit():
            if not is_sanitized:
                resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))

        starts = {"csv": "time,value\n1,2\n", "jsonl": '{"time":1,"value":2}\n{"a":"',
                  "openmetrics": "# TYPE a gauge\na{b=\"", "influx": 'a v=1 1\na v="',
                  "quoted": 'time,value\n1,2\n2,"\n'}
        for name, start in starts.items():
            with self.subTest(name):
                piece = (b"x" * 99 + (b"\n" if name == "quoted" else b"x")) * 10000
                process = subprocess.Popen([TOCSIN, "detect", "-"], stdin=subprocess.PIPE,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                           env=GIVING_UP, preexec_fn=limit)
                written = 0
                try:
                    process.stdin.write(start.encode())
                    while written < 1 << 30:
                        written += process.stdin.write(piece)
                except BrokenPipeError:
                    pass
                error = process.stderr.read().decode()
                try:
                    process.stdin.close()
                except BrokenPipeError:
                    pass
                process.stderr.close()
                self.assertEqual(process.wait(), 65, error)
                self.assertLess(written, 16 << 20)
                self.assertIn("longer than 1048576 bytes", error)
                self.assertIn("standard input:", error)

    def test_a_full_disk_is_told(self):
        for arguments in (("detect", "-f", "csv", "-"), ("detect", "-"), ("backtest", "-"),
                          ("explain", "-"), ("explain", "ewma"), ("catalog",), ("--help",),
                          ("catalog", "--format", "json"), ("detect", "--help"), ("--version",)):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                done = subprocess.run([TOCSIN, *arguments], input=b"time,value\n1,2\n",
                                      stdout=full, stderr=subprocess.PIPE, env=GIVING_UP,
                                      check=False)
                self.assertEqual(done.returncode, 65)
                self.assertEqual(done.stderr.count(b"standard output cannot be written"), 1)

    def test_a_page_that_does_not_fit_leaves_nothing(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        path = self.write("input", csv_text(points(50)))
        for before in (["input"], ["input", "page"]):
            with self.subTest(before):
                if "page" in before:
                    self.write("page", "old")
                done = subprocess.run([TOCSIN, "detect", "--report", self.path("page"), path],
                                      capture_output=True, env=GIVING_UP, check=False,
                                      preexec_fn=limit)
                self.assertEqual(done.returncode, 65)
                self.assertIn(b"page: cannot be written: File too large", done.stderr)
                self.assertEqual(sorted(os.listdir(self.scratch)), before)
        self.assertEqual(self.read("page"), b"old")

    @unittest.skipIf(os.geteuid() == 0, "root may write everything")
    def test_a_file_not_to_be_written_is_not_replaced(self):
        path = self.write("input", csv_text(points(50)))
        self.good("detect", "--state", self.path("state"), path)
        os.chmod(self.path("state"), 0o444)
        for option in ("--state", "--report"):
            with self.subTest(option):
                self.bad(65, ["cannot be written"], "detect", option, self.path("state"), path)

    def test_a_full_disk_ends_an_input_that_goes_on(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen([TOCSIN, "detect", "-f", "csv", "-"],
                                       stdin=subprocess.PIPE, stdout=full,
                                       stderr=subprocess.PIPE, env=GIVING_UP)
            process.stdin.write(b"time,value\n1,2\n")
            process.stdin.flush()
            self.assertEqual(process.wait(timeout=60), 65)      # while the pipe stays open
            process.stdin.close()
            process.stderr.close()

    def test_whoever_stops_reading_is_left_quietly(self):
        process = subprocess.Popen([TOCSIN, "detect", "-f", "csv", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(csv_text(points(100)).encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(b"".join(b"%d,1\n" % (START + 10000 + i) for i in range(100000)))
            process.stdin.close()
        except BrokenPipeError:
            pass
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(), -13)
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass


if __name__ == "__main__":
    main()
