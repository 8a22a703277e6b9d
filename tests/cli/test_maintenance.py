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

    def test_four_ways(self):
        """Muted or not, learnt or not."""
        rows = points(count=500, spikes=range(300, 306))
        plain = self.objects(rows)
        for way, muted, held in (("", True, True), ("=mute+hold", True, True),
                                 ("=mute", True, False), ("=hold", False, True),
                                 ("=note", False, False)):
            with self.subTest(way):
                objects = self.objects(rows, "-m", when(290) + ".." + when(310) + way)
                inside = objects[290:311]
                self.assertEqual(["muted" in o["flags"] for o in inside], [muted] * 21)
                self.assertEqual(["held" in o["flags"] for o in inside], [held] * 21)
                self.assertEqual("start" in [o["state"] for o in inside], not muted)
                if not held:
                    self.assertEqual([o["expected"] for o in objects],
                                     [o["expected"] for o in plain])
        both = self.objects(rows, "-m", when(290) + ".." + when(305) + "=mute", "-m",
                            when(300) + ".." + when(310) + "=hold")
        self.assertEqual([i for i, o in enumerate(both) if "muted" in o["flags"]],
                         [*range(290, 306)])
        self.assertEqual([i for i, o in enumerate(both) if "held" in o["flags"]],
                         [*range(300, 311)])

    def test_excluded_beforehand_is_held(self):
        rows = points(count=500, spikes=(300, 420))
        window = when(290) + ".." + when(310)
        self.assertEqual(self.objects(rows, "-x", window),
                         self.objects(rows, "-m", window + "=hold"))
        found = [json.loads(self.good("backtest", "-s", "ewma", "-b", "1/h", "-f", "json", *options,
                                      "-", data=csv_text(rows)).out)
                 for options in (["-x", window], ["-m", window + "=hold"])]
        self.assertEqual(found[0], found[1])

    def test_excluded_afterwards(self):
        """The limit of a state forgets; a second time there is nothing left to forget."""
        spec = ["-s", "robust | tail | alarm budget=1/day", "-f", "json"]
        rows = points(count=1200, spikes=range(700, 760, 6))
        window = when(690) + ".." + when(770)

        def limits(*options):
            """The band after an incident that was learnt, in a run that goes on from there."""
            state = os.path.join(self.scratch, "state%d" % len(os.listdir(self.scratch)))
            self.good("detect", *spec, "-S", state, "-", data=csv_text(rows[:1000]))
            later = tocsin("detect", *spec, "-S", state, *options, "-", data=csv_text(rows[1000:]))
            self.assertEqual(later.code, 0)
            first = later.objects()[0]
            return first["upper"] - first["lower"], later.err

        calm = self.good("detect", *spec, "-", data=csv_text(points(count=1200, spikes=()))).objects()
        usual = calm[1000]["upper"] - calm[1000]["lower"]
        raised, _ = limits()
        forgotten, note = limits("-x", window)
        self.assertIn("1 of 1 series", note)
        self.assertGreater(raised, 1.1 * usual)
        self.assertLess(abs(forgotten - usual), abs(raised - usual) / 2)
        raw = ["-s", "ewma | raw | alarm threshold=9", "-S", os.path.join(self.scratch, "raw")]
        self.good("detect", *raw, "-", data=csv_text(rows[:1000]))
        result = tocsin("detect", *raw, "-x", window, "-", data=csv_text(rows[1000:]))
        self.assertEqual(result.code, 64)
        self.assertIn("'raw'", result.err)

    def test_wrong_ones_are_told(self):
        for window, what in (("2023-11-14", "FROM..TO"), ("x..2023-11-14", "timestamp"),
                             ("2023-11-14..", "timestamp"),
                             ("2023-11-15..2023-11-14", "before it begins")):
            result = tocsin("detect", "-m", window, "-", data="1,2\n")
            self.assertEqual(result.code, 64)
            self.assertIn(what, result.err)
        for window, what in ((when(1) + ".." + when(2) + "=mte", "did you mean 'mute'"),
                             (when(1) + ".." + when(2) + "=", "one of")):
            result = tocsin("detect", "-m", window, "-", data="1,2\n")
            self.assertEqual(result.code, 64)
            self.assertIn(what, result.err)
        result = tocsin("detect", "-x", when(1) + ".." + when(2) + "=mute", "-", data="1,2\n")
        self.assertEqual(result.code, 64)


if __name__ == "__main__":
    main()
