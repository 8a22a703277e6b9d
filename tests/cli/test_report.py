"""The page: complete, self-contained, bounded, and true to what detect says."""

import re

from cli_support import *

SPEC = "clock absence=60s | " + SPEC


def page_data(html):
    start = html.index("const data = ") + len("const data = ")
    return json.JSONDecoder().raw_decode(html[start:])[0]


def times_of(series):
    at, times = 0, []
    for step in series["t"]:
        at += step
        times.append(at)
    return times


class Report(Test):
    def page(self, data, *options, form="json"):
        result = tocsin("detect", "-s", SPEC, "--report", self.path("page.html"), "-f", form,
                        *options, "-", data=data)
        self.assertIn(result.code, (0, 3), result.err)
        return self.read("page.html").decode(), result

    def test_it_asks_nobody_for_anything(self):
        html, _ = self.page(csv_text(points()))
        self.assertNotRegex(html, r"(?i)<(script|img|iframe)[^>]*\ssrc\s*=|<link|@import|url\(")
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", html))
        self.assertLessEqual(addresses, {"http://www.w3.org/2000/svg",
                                         "https://github.com/leeoniya/uPlot"})
        self.assertNotRegex(html, r"\b(fetch|XMLHttpRequest|WebSocket|sendBeacon)\s*\(")

    def test_alarms_are_those_of_the_rows(self):
        rows = []
        for (t, v), (_, w) in zip(points(), points(seed=4, spikes=(320,))):
            rows += ["%d,a,%s" % (t, v), "%d,b,%s" % (t, w), "%d,calm,5" % t]
        rows = [row for row in rows if not (",b," in row and int(row.split(",")[0]) > START + 3500)]
        html, result = self.page("time,series,value\n" + "\n".join(rows), "-k", "series")
        data = page_data(html)
        wanted = [(item["series"], item["text"]) for item in result.objects()
                  if item["state"] == "start"]
        got = [(series["name"], episode["text"]) for series in data["series"]
               for episode in series["episodes"]]
        self.assertEqual(sorted(got), sorted(wanted))
        self.assertIn("absence", [e["reason"] for s in data["series"] for e in s["episodes"]])
        self.assertEqual(data["series"][-1]["name"], "calm")
        self.assertEqual(data["alarms"], len(wanted))
        self.assertEqual(data["points"], len(rows))
        for series in data["series"]:
            self.assertEqual(series["alarms"], len(series["episodes"]))
            for episode in series["episodes"]:
                if episode["end"] is not None:
                    self.assertLess(episode["start"], episode["end"])

    def test_what_was_promised_stands_beside_what_rang(self):
        result = tocsin("detect", "-s", "ewma | tail | alarm budget=1/10m", "-f", "json", "--report",
                        self.path("page.html"), "-", data=csv_text(points()))
        self.assertIn(result.code, (0, 3), result.err)
        html = self.read("page.html").decode()
        check = page_data(html)["check"]
        starts = sum(item["state"] == "start" for item in result.objects())
        self.assertEqual(check["alarms"], starts)
        self.assertGreater(check["promised"], 0)
        self.assertLessEqual(check["lower"], starts / check["promised"])
        self.assertGreaterEqual(check["upper"], starts / check["promised"])
        self.assertIn(check["finding"], ("kept", "below", "above"))
        bare = tocsin("detect", "-s", "raw | alarm threshold=5", "--report", self.path("page.html"),
                      "-", data=csv_text(points()))
        self.assertIn(bare.code, (0, 3), bare.err)
        self.assertIsNone(page_data(self.read("page.html").decode())["check"])

    def test_short_series_are_drawn_point_by_point(self):
        rows = points()
        series = page_data(self.page(csv_text(rows))[0])["series"][0]
        self.assertEqual(times_of(series), [1000 * t for t, _ in rows])
        self.assertEqual(series["v"], [float("%.6g" % v) for _, v in rows])
        self.assertEqual({len(series[name]) for name in "tvelu"}, {len(rows)})

    def test_long_series_keep_their_spikes(self):
        noise = random.Random(1)
        count = 100_000
        values = [round(noise.gauss(0, 1), 3) for _ in range(count)]
        values[12_345], values[76_543] = 99, -88
        html, _ = self.page(csv_text([(START + i, v) for i, v in enumerate(values)]), form="table")
        series = page_data(html)["series"][0]
        self.assertLessEqual(len(series["t"]), 4000)
        self.assertGreater(len(series["t"]), 1000)
        times = times_of(series)
        self.assertEqual(times, sorted(times))
        for value, at in ((99, 12_345), (-88, 76_543)):
            self.assertEqual(times[series["v"].index(value)], 1000 * (START + at))

    def test_pauses_and_missing_values_are_not_bridged(self):
        rows = points(100, spikes=())
        rows += [(t + 100_000, v) for t, v in points(100, spikes=(), start=rows[-1][0])]
        rows[50] = (rows[50][0], "")
        series = page_data(self.page(csv_text(rows))[0])["series"][0]
        times = times_of(series)
        holes = [times[i] for i, v in enumerate(series["v"]) if v is None]
        self.assertEqual(holes, [1000 * rows[50][0], 1000 * rows[100][0] - 1])

    def test_many_series_make_no_monster(self):
        noise = random.Random(1)
        rows = ["%d,s%d,%.9f" % (START + i, k, noise.random()) for i in range(100)
                for k in range(1500)]
        html, _ = self.page("time,series,value\n" + "\n".join(rows), "-k", "series", form="table")
        self.assertLess(len(html), 5 << 20)
        data = page_data(html)
        self.assertEqual((data["seriesCount"], len(data["series"])), (1500, 1000))

    def test_names_cannot_break_out(self):
        name = "</script><script>alert(1)</script>"
        html, _ = self.page('time,series,value\n1,"%s",2\n' % name, "-k", "series")
        self.assertNotIn(name, html)
        self.assertEqual(page_data(html)["series"][0]["name"], name)

    def test_no_points(self):
        self.assertEqual(page_data(self.page("time,value\n")[0])["series"], [])

    def test_the_scripts_are_scripts(self):
        node = next((path for path in ("/usr/bin/node", "/usr/local/bin/node")
                     if os.path.exists(path)), None)
        if not node:
            self.skipTest("no node")
        html, _ = self.page(csv_text(points()))
        for number, script in enumerate(re.findall(r"<script>(.*?)</script>", html, re.S)):
            path = self.write("script%d.js" % number, script)
            done = subprocess.run([node, "--check", path], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr.decode()[:500])


if __name__ == "__main__":
    main()
