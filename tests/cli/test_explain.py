"""Catalog and explain: complete, and in step with each other."""

import re

from cli_support import *


class Catalog(Test):
    @classmethod
    def setUpClass(cls):
        cls.stages = tocsin("catalog", "-f", "json").objects()

    def test_every_stage_is_listed_and_told(self):
        listed = self.good("catalog").out
        self.assertGreaterEqual(len(self.stages), 8)
        for stage in self.stages:
            self.assertRegex(listed, r"(?m)^%s +%s " % (stage["kind"], stage["name"]))
            told = self.good("catalog", stage["name"]).out
            self.assertIn(stage["summary"], told)
            for parameter in stage["parameters"]:
                self.assertRegex(told, r"(?m)^  %s " % re.escape(parameter["name"]))
                self.assertIn(parameter["summary"], told)
            self.assertEqual(self.good("catalog", "-f", "json", stage["name"]).objects(), [stage])

    def test_every_default_can_be_written_in_a_spec(self):
        for stage in self.stages:
            for parameter in stage["parameters"]:
                if parameter["default"]:
                    spec = "%s %s=%s" % (stage["name"], parameter["name"], parameter["default"])
                    with self.subTest(spec):
                        self.good("explain", spec)


class Explain(Test):
    def test_a_spec_resolved(self):
        out = self.good("explain", "ewma half-life=10m | tail | alarm budget=1/day").out
        for stage in ("clock", "gaps", "ewma", "tail", "alarm"):
            self.assertRegex(out, r"(?m)^%s: " % stage)
        self.assertRegex(out, r"(?m)^    half-life +(= 10m) .*\(default: ")
        self.assertRegex(out, r"(?m)^    budget +(= 1/day) .*\(default: 1/week\)")
        full = re.search(r"(?m)^in full: +(.*)$", out).group(1)
        for name, value in re.findall(r"([a-z-]+)=(\S+)", full):
            self.assertRegex(out, r"(?m)^    %s += %s" % (re.escape(name), re.escape(value)))
        self.assertIn("in full:    %s\n" % full, self.good("explain", full).out)

    def test_what_is_the_default_is_not_called_another(self):
        for stage in ("clock", "counter", "gaps", "ewma", "holt-winters", "tail", "raw", "alarm"):
            with self.subTest(stage):
                self.assertNotIn("(default: ", self.good("explain", stage).out)

    def test_the_default_spec(self):
        self.assertEqual(self.good("explain").out, self.good("explain", "").out)

    def test_carets_under_the_fault(self):
        for text, word in (("ewma seson=1d", "seson"), ("ewna", "ewna"),
                           ("ewma half-life=5x", "5x"), ("tail | ewma", "ewma"),
                           ("gaps | ewma\n  | tail | alrm", "alrm")):
            with self.subTest(text):
                lines = self.bad(64, [], "explain", text).err.splitlines()
                caret = next(i for i, line in enumerate(lines) if line.strip(" ~") == "^")
                column = lines[caret].index("^")
                self.assertTrue(lines[caret - 1][column:].startswith(word), lines)

    def test_data(self):
        path = self.write("in.csv", csv_text(points(), "timestamp,latency"))
        out = self.good("explain", "-s", SPEC, path).out
        for word in ("---- Alarms", "latency was", "expected", "deviation", "points",
                     "---- The last point"):
            self.assertIn(word, out)
        alarms = self.good("detect", "-s", SPEC, path).out.count("  start")
        told = out[out.index("---- Alarms"):out.index("---- The last")].count("The alarm started")
        self.assertEqual(told, alarms)
        out = self.good("explain", "-s", "ewma half-life=50p | tail | alarm budget=1/1h", path).out
        self.assertRegex(out, r"would ring +below \S+ or above \S+")
        self.assertIn("None rang", self.good("explain", "-", data=csv_text(points(50))).out)

    def test_a_missing_file_is_no_spec(self):
        self.bad(65, ["no such file"], "explain", "-s", "ewma", self.path("nothing"))


if __name__ == "__main__":
    main()
