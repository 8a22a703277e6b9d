"""tocsin run: the last run of a job among the good ones before it."""

from cli_support import *


def runs(count, last, seed=1):
    """Runs of two metrics; `last` are those of the new one."""
    noise = random.Random(seed)
    rows = [(noise.gauss(300, 20), noise.gauss(900, 5)) for _ in range(count)] + [last]
    return "time,metric,value\n" + "".join(
        "%d,%s,%s\n" % (START + 3600 * i, name, value)
        for i, row in enumerate(rows) for name, value in zip(("duration", "tests"), row))


class Run(Test):
    def run_of(self, data, *options):
        result = tocsin("run", "-k", "metric", "-f", "json", *options, "-", data=data)
        verdict = json.loads(result.out)
        self.assertEqual(result.code, {"pass": 0, "fail": 1, "undecided": 2, "no data": 3}
                         [verdict["outcome"]])
        return verdict

    def test_a_strange_run_fails(self):
        verdict = self.run_of(runs(250, (450, 900)))
        self.assertEqual((verdict["outcome"], verdict["metric"]), ("fail", "duration"))
        self.assertEqual(verdict["runs"], 250)
        self.assertAlmostEqual(verdict["p"], 1 / 251, delta=1e-6)      # the strangest of all
        result = tocsin("run", "-k", "metric", "-", data=runs(250, (450, 900)))
        self.assertEqual(result.code, 1)
        self.assertRegex(result.out, r"^fail: .* unlike the 250 before it, p 0\.00\d+; 'duration' ")

    def test_a_usual_run_passes(self):
        self.assertEqual(self.run_of(runs(250, (300, 900)))["outcome"], "pass")

    def test_only_the_worse_direction_counts(self):
        data = runs(250, (450, 900))
        for words, outcome in (("up", "fail"), ("down", "pass"), ("duration=down", "pass"),
                               ("down,duration=up", "fail"), ("up,tests=down", "fail")):
            self.assertEqual(self.run_of(data, "--worse", words)["outcome"], outcome, words)

    def test_a_short_history_says_so(self):
        result = tocsin("run", "-k", "metric", "-", data=runs(30, (4000, 900)))
        self.assertEqual(result.code, 2)
        self.assertRegex(result.out, "30 runs cannot tell at 1 %, it takes 99")
        self.assertEqual(self.run_of(runs(30, (4000, 900)), "--alpha", "10%")["outcome"], "fail")

    def test_the_chance_of_failing_a_good_run(self):
        tries, fails = 60, 0
        for seed in range(tries):
            noise = random.Random(1000 + seed)
            last = (noise.gauss(300, 20), noise.gauss(900, 5))
            fails += self.run_of(runs(40, last, seed), "--alpha", "20%")["outcome"] == "fail"
        self.assertTrue(2 <= fails <= 23)       # 12 are expected; beyond these: chance of .001

    def test_missing_values(self):
        self.assertEqual(self.run_of(runs(250, ("nan", 900)))["outcome"], "pass")
        self.assertEqual(self.run_of(runs(250, ("nan", "nan")))["outcome"], "no data")

    def test_no_data(self):
        self.bad(3, ["no data"], "run", "-", data="time,value\n")
        self.assertEqual(tocsin("run", "-", data="value\n5\n").code, 3)

    def test_wrong_usage_and_bad_input(self):
        data = runs(20, (300, 900))
        self.bad(64, ["--worse", "'sideways'", "up, down, either"], "run", "-k", "metric", "-w",
                 "sideways", "-", data=data)
        self.bad(64, ["--worse", "'tets'"], "run", "-k", "metric", "-w", "tets=up", "-", data=data)
        self.bad(64, ["--column"], "run", "-c", "duration,tests", "-", data=data)
        self.bad(64, ["--alpha"], "run", "-a", "70%", "-", data=data)
        self.bad(65, ["'duration' has 21 values", "'tests' has 20"], "run", "-k", "metric", "-",
                 data=data[:data.rindex("\n", 0, -1) + 1])
        self.bad(65, ["standard input:3:", "'x'"], "run", "-", data="value\n1\nx\n")


if __name__ == "__main__":
    main()
