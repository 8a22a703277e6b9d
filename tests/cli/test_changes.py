"""tocsin changes: what is found in histories, how it is said, and the exit codes."""

from cli_support import *


def history(count, steps, seed=1, noise=0.02):
    """A level with noise of 2 % that is multiplied at each step."""
    random_ = random.Random(seed)
    rows, level = [], 100.0
    for i in range(count):
        level *= steps.get(i, 1)
        rows.append((START + 60 * i, round(level * (1 + random_.gauss(0, noise)), 4)))
    return rows


class Changes(Test):
    def test_a_step_is_found_and_told(self):
        result = tocsin("changes", "-", data=csv_text(history(120, {70: 1.1})))
        self.assertEqual((result.code, result.err), (1, ""))
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"^\d{10} +value +value \d+ ")
        self.assertEqual(lines[1], "1 of 1 series changed, 1 change")

    def test_json_says_the_same(self):
        rows = history(120, {40: 1.1, 80: 1 / 1.1})
        result = tocsin("changes", "-f", "json", "-", data=csv_text(rows))
        self.assertEqual(result.code, 1)
        found = result.objects()
        self.assertEqual(len(found), 2)
        for change, at, effect in zip(found, (40, 80), (0.1, -0.1)):
            self.assertLessEqual(abs(change["index"] - at), 1)
            self.assertEqual(change["time"], str(rows[change["index"]][0]))
            self.assertAlmostEqual(change["effect"], effect, delta=0.03)
            self.assertLessEqual(change["shift_lower"], change["shift"])
            self.assertLessEqual(change["shift"], change["shift_upper"])
            self.assertLessEqual(change["p"], 0.05)

    def test_nothing_changed(self):
        result = tocsin("changes", "-", data=csv_text(history(120, {}, seed=5)))
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertEqual(result.out, "0 of 1 series changed, 0 changes\n")

    def test_several_series_and_counters_as_they_are(self):
        rows = ["%d,%s,%s" % (t, name, v) for name, steps in (("calm_total", {}), ("moved", {50: 1.2}))
                for t, v in history(100, steps, seed=8)]
        result = tocsin("changes", "-k", "name", "-f", "json", "-",
                        data="time,name,value\n" + "\n".join(rows))
        self.assertEqual([change["series"] for change in result.objects()], ["moved"])

    def test_small_effects_can_be_left_out(self):
        data = csv_text(history(120, {60: 1.05}))
        self.assertEqual(tocsin("changes", "--min-effect", "20%", "-", data=data).code, 0)
        self.assertEqual(tocsin("changes", "--min-effect", "2%", "-", data=data).code, 1)

    def test_no_data_and_too_little(self):
        self.bad(3, ["no data"], "changes", "-", data="time,value\n")
        result = tocsin("changes", "-", data="time,value\n1,2\n2,3\n")
        self.assertEqual(result.code, 2)
        self.assertIn("too few", result.out)

    def test_wrong_options(self):
        for option, word in (("--alpha", "0"), ("--alpha", "60%"), ("--min-segment", "1"),
                             ("--permutations", "5"), ("--block", "x"), ("--min-effect", "-1%")):
            with self.subTest(option):
                self.bad(64, [option, word], "changes", option, word, "-", data="time,value\n1,2\n")
        self.bad(64, ["no input"], "changes")
        self.bad(65, ["standard input:3:", "'x'"], "changes", "-", data="time,value\n1,2\n2,x\n")

    def test_the_seed_is_all_there_is_of_chance(self):
        data = csv_text(history(120, {60: 1.02}))
        one = tocsin("changes", "-f", "json", "--seed", "7", "-", data=data)
        self.assertEqual(one.out, tocsin("changes", "-f", "json", "--seed", "7", "-", data=data).out)


if __name__ == "__main__":
    main()
