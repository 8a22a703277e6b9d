"""Maintenance: between two times nothing rings and nothing is learnt."""

from cli_support import *

RUN = ["-s", "ewma half-life=50p | tail | alarm threshold=4", "-f", "json"]


def when(index):
    return str(START + 10 * index)


class Maintenance(Test):
    def objects(self, rows, *options):
        return self.good("detect", *RUN, *options, "-", data=csv_text(rows)).objects()

    def test_it_is_as_if_the_points_had_no_lesson(self):
        """After the window all is as if its points had never come."""
        rows = points(count=500, spikes=(300, 420))
        without = self.objects(rows[:290] + rows[311:])
        with_window = self.objects(rows, "-m", when(290) + ".." + when(310))
        self.assertEqual([o["state"] for o in self.objects(rows)].count("start"), 2)
        starts = [o["timestamp"] for o in with_window if o["state"] == "start"]
        self.assertEqual([str(t) for t in starts], [when(420)])
        for one in with_window[290:311]:
            self.assertIn("muted", one["flags"])
            self.assertIn("held", one["flags"])
            self.assertIsNotNone(one["score"])
        self.assertNotIn("muted", with_window[289]["flags"] + with_window[311]["flags"])
        for one, other in zip(with_window[311:], without[290:]):
            self.assertEqual(one["expected"], other["expected"])
            self.assertEqual(one["raw"], other["raw"])

    def test_several_windows_in_any_order_and_form(self):
        rows = points(count=500, spikes=(200, 300, 420))
        first = "2023-11-14T22:46:00Z..2023-11-14T22:48:00Z"      # 196 .. 208
        objects = self.objects(rows, "-m", when(415) + ".." + when(430), "--maintenance", first)
        self.assertEqual([str(o["timestamp"]) for o in objects if o["state"] == "start"],
                         [when(300)])
        self.assertEqual([i for i, o in enumerate(objects) if "muted" in o["flags"]],
                         [*range(196, 209), *range(415, 431)])

    def test_an_alarm_that_is_on_clears(self):
        rows = points(count=400, spikes=range(300, 320))
        states = [o["state"] for o in self.objects(rows, "-m", when(303) + ".." + when(330))]
        self.assertEqual(states[300], "start")
        self.assertEqual(states[303], "clear")

    def test_backtest_and_state(self):
        rows = points(count=500, spikes=(300, 420))
        window = ["-m", when(290) + ".." + when(310)]

        def alarms(*options):
            found = self.good("backtest", "-s", "ewma half-life=50p", "-b", "1/h", "-f", "json",
                              *options, "-", data=csv_text(rows))
            return json.loads(found.out)["budgets"][0]

        self.assertEqual(alarms()["alarms"] - alarms(*window)["alarms"], 1)
        self.assertAlmostEqual(alarms()["promised_per_series_week"], 168, 9)

        state = os.path.join(self.scratch, "state")
        halves = [self.good("detect", *RUN, *window, "-S", state, "-", data=csv_text(part)).objects()
                  for part in (rows[:300], rows[300:])]
        self.assertEqual(halves[0] + halves[1], self.objects(rows, *window))

    def test_wrong_ones_are_told(self):
        for window, what in (("2023-11-14", "FROM..TO"), ("x..2023-11-14", "timestamp"),
                             ("2023-11-14..", "timestamp"),
                             ("2023-11-15..2023-11-14", "before it begins")):
            result = tocsin("detect", "-m", window, "-", data="1,2\n")
            self.assertEqual(result.code, 64)
            self.assertIn(what, result.err)


if __name__ == "__main__":
    main()
