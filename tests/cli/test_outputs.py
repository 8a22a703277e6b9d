"""What comes out: rows, numbers, events, exit codes."""

import datetime
import decimal
import threading

from cli_support import *

POINTS = points()


def two_series(silent_from=None, count=400):
    """Series a sends to the end; b stops, if it is told to."""
    lines = ["time,series,value"]
    for i, ((t, v), (_, w)) in enumerate(zip(points(count, spikes=()),
                                             points(count, seed=5, spikes=()))):
        lines.append("%d,a,%s" % (t, v))
        if silent_from is None or i < silent_from:
            lines.append("%d,b,%s" % (t, w))
    return "\n".join(lines) + "\n"


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def significant(number):
    return decimal.Decimal(number).normalize().as_tuple().digits


class Rows(Test):
    def test_a_row_for_every_row_in_every_state(self):
        data = csv_text(POINTS[:380] + [POINTS[5], POINTS[379]] + POINTS[380:390] +
                        [(POINTS[390][0], "")] + POINTS[391:])
        rows = self.good("detect", "-s", SPEC, "-f", "csv", "-", data=data).rows()
        self.assertEqual([row["timestamp"] for row in rows],
                         [line.split(",")[0] for line in data.splitlines()[1:]])
        self.assertEqual({row["state"] for row in rows},
                         {"ok", "warming", "missing", "start", "ongoing", "clear"})
        self.assertEqual([row["reason"] for row in rows[380:382]], ["late", "repeated"])
        self.assertEqual(rows[392]["state"], "missing")
        for row in rows:
            known = row["state"] not in ("warming", "missing")
            self.assertEqual(row["score"] != "", known, row)
            if known:
                self.assertGreaterEqual(float(row["score"]), 0)
        order = [row["state"] for row in rows if row["state"] in ("start", "ongoing", "clear")]
        self.assertEqual(order[0], "start")
        self.assertEqual(order[-1], "clear")

    def test_all_formats_say_the_same(self):
        data = csv_text(POINTS)
        rows = self.good("detect", "-s", SPEC, "-f", "csv", "-", data=data).rows()
        objects = self.good("detect", "-s", SPEC, "-f", "json", "-", data=data).objects()
        lines = self.good("detect", "-s", SPEC, "-f", "influx", "-", data=data).out.splitlines()
        self.assertEqual((len(objects), len(lines)), (len(rows), len(rows)))
        for row, item, line, (seconds, _) in zip(rows, objects, lines, POINTS):
            measurement, fields, time = line.split(" ")
            fields = dict(field.split("=") for field in fields.split(","))
            self.assertEqual((measurement, int(time)), ("tocsin", seconds * 10**9))
            self.assertEqual(item["state"], row["state"])
            self.assertEqual(fields["state"], '"%s"' % row["state"])
            self.assertEqual(item["reason"] or "", row["reason"])
            for name in ("value", "score", "expected", "lower", "upper"):
                number = float(row[name]) if row[name] not in ("", "inf", "-inf") else None
                self.assertEqual(item[name], number)
                self.assertEqual(float(fields[name]) if name in fields else None, number)

    def test_numbers_are_the_shortest_that_read_back(self):
        rows = self.good("detect", "-s", SPEC, "-f", "csv", "-", data=csv_text(POINTS)).rows()
        seen = 0
        for row in rows:
            for name in ("value", "score", "expected"):
                if row[name]:
                    self.assertEqual(significant(row[name]),
                                     significant(repr(float(row[name]))))
                    seen += 1
        self.assertGreater(seen, 1000)
        for value in ("0.1", "-0.1", "0", "-0", "1e+300", "5e-324", "123456789012345",
                      "0.30000000000000004", "1e-07", "0.0001", "100", "2.5", "99999.999"):
            with self.subTest(value):
                row = self.good("detect", "-f", "csv", "--no-header", "-",
                                data="time,value\n1,%s\n" % value).out
                self.assertEqual(row.split(",")[1], value)

    def test_numbers_in_are_read_exactly(self):
        noise = random.Random(3)
        values = [repr(noise.uniform(-1, 1) * 10 ** noise.randint(-300, 300)) for _ in range(300)]
        values += ["%d.%0*d" % (noise.randint(0, 10**6), digits, noise.randint(0, 10**digits - 1))
                   for digits in range(1, 17) for _ in range(40)]
        values += ["9007199254740993", "18446744073709551615", "0." + "3" * 40, "1" * 30,
                   ".5", "5.", "+7", "1E5"]
        rows = self.good("detect", "-f", "csv", "--counter", "never", "-", data="time,value\n" +
                         "".join("%d,%s\n" % (i, v) for i, v in enumerate(values))).rows()
        self.assertEqual([float(row["value"]) for row in rows], [float(v) for v in values])

    def test_awkward_names(self):
        names = ['a,b', 'say "hi"', " space ", "back\\slash", "tab\there", "ünï", "a=b", "<b>"]
        data = "time,name,value\n" + "".join(
            '%d,"%s",1\n' % (START, name.replace('"', '""')) for name in names)
        rows = self.good("detect", "-f", "csv", "-k", "name", "-", data=data).rows()
        self.assertEqual([row["name"] for row in rows], names)
        objects = self.good("detect", "-f", "json", "-k", "name", "-", data=data).objects()
        self.assertEqual([item["name"] for item in objects], names)
        odd = b"a\xff\xc3\xa9\xc0\x80\xed\xa0\x80\xf0\x9f\x94\x94z"
        item = self.good("detect", "-f", "json", "-k", "name", "-",
                         data=b"time,name,value\n1,%s,2\n" % odd).objects()[0]
        self.assertEqual(item["name"], odd.decode(errors="replace"))
        again = self.good("detect", "-f", "influx", "-k", "name", "-", data=data).out
        back = self.good("detect", "-f", "csv", "-c", "value", "-k", "name", "-", data=again).rows()
        self.assertEqual(len({row["name"] for row in back}), len(names))


class Table(Test):
    def test_alarms_and_a_summary(self):
        result = self.good("detect", "-s", SPEC, "-", data=csv_text(POINTS))
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("start", lines[0])
        self.assertIn("value was", lines[0])
        self.assertIn("clear", lines[1])
        self.assertTrue(lines[2].startswith("1 series, 400 points: 1 alarm. "), lines[2])

    def test_no_colour_where_nobody_looks(self):
        result = tocsin("detect", "-s", SPEC, "-", data=csv_text(POINTS), env={"NO_COLOR": ""})
        self.assertNotIn("\033", result.out)

    def test_colour_on_a_terminal_unless_refused(self):
        import pty
        for refused in ("", "1"):
            with self.subTest(refused):
                mine, theirs = pty.openpty()
                process = subprocess.Popen([TOCSIN, "detect", "-s", SPEC,
                                            self.write("in.csv", csv_text(POINTS))],
                                           stdout=theirs, env={**os.environ, "NO_COLOR": refused})
                os.close(theirs)
                seen = b""
                while True:
                    try:
                        piece = os.read(mine, 65536)
                    except OSError:     # the terminal's other side is closed
                        break
                    if not piece:
                        break
                    seen += piece
                os.close(mine)
                self.assertEqual(process.wait(), 0)
                self.assertEqual(b"\033[" in seen, not refused)

    def test_a_hint_where_series_are_mixed_up(self):
        result = tocsin("detect", "-", data=two_series())
        self.assertEqual(result.code, 0)
        self.assertIn("--key", result.err)


class ExitCodes(Test):
    def test_fail_on_alarm(self):
        self.assertEqual(tocsin("detect", "-s", SPEC, "--fail-on", "alarm", "-",
                                data=csv_text(POINTS)).code, 1)
        self.assertEqual(tocsin("detect", "-s", SPEC, "-", data=csv_text(POINTS)).code, 0)
        self.assertEqual(tocsin("detect", "-s", SPEC, "--fail-on", "alarm", "-",
                                data=csv_text(POINTS[:290])).code, 0)
        self.assertEqual(tocsin("detect", "-s", SPEC, "--fail-on", "alarm", "-",
                                data=csv_text(POINTS[:10])).code, 2)
        self.assertEqual(tocsin("detect", "-s", SPEC, "--fail-on", "alarm", "-").code, 3)


class Silence(Test):
    SPEC = "clock absence=60s | " + SPEC

    def test_absence_rings_once_per_series(self):
        data = two_series(silent_from=300)
        json_out = self.good("detect", "-s", self.SPEC, "-k", "series", "-f", "json", "-",
                             data=data).objects()
        events = [item for item in json_out if "event" in item]
        self.assertEqual(len(events), 1)
        event = events[0]
        self.assertEqual((event["event"], event["series"], event["state"], event["reason"]),
                         ("absence", "b", "start", "absence"))
        # The last point came at step 299; 60 s later is step 305, and 306 is past it.
        self.assertEqual(event["timestamp"], iso(START + 10 * 306))
        table = self.good("detect", "-s", self.SPEC, "-k", "series", "-", data=data)
        self.assertEqual(table.out.count("nothing has come from b"), 1)
        csv_out = tocsin("detect", "-s", self.SPEC, "-k", "series", "-f", "csv", "-", data=data)
        self.assertEqual(len(csv_out.rows()), len(data.splitlines()) - 1)
        self.assertIn("nothing has come from b", csv_out.err)

    def test_it_clears_when_the_series_is_back(self):
        data = two_series(silent_from=300).splitlines()
        data.append("%d,b,50" % (START + 10 * 399))
        rows = tocsin("detect", "-s", self.SPEC, "-k", "series", "-f", "csv", "-",
                      data="\n".join(data)).rows()
        self.assertEqual((rows[-1]["series"], rows[-1]["state"]), ("b", "clear"))

    def test_silence_of_all_is_nobodys(self):
        lines = two_series(count=300).splitlines()
        for series in "ab":
            lines.append("%d,%s,50" % (START + 10**6, series))
        result = self.good("detect", "-s", self.SPEC, "-k", "series", "-", data="\n".join(lines))
        self.assertNotIn("nothing has come", result.out)

    def test_many_series_with_clocks_of_their_own(self):
        """Against a plain recomputation: who is silent when the input's clock moves on."""
        noise = random.Random(11)
        rows, clock = [], START
        for _ in range(3000):
            clock += noise.choice((0, 0, 1, 7))
            rows.append((clock - noise.choice((0, 0, 0, 3)), noise.randint(0, 19)))
        last, rung, now, expected = {}, set(), None, []
        for time, name in rows:
            if now is None or time > now:
                due = sorted((last[k] + 60, order) for order, k in enumerate(last)
                             if k not in rung and last[k] + 60 < (now or 0))
                names = list(last)
                for _, order in due:
                    expected.append((now, str(names[order])))
                    rung.add(names[order])
                now = time
            if name not in last or time > last[name]:
                last[name] = time
                rung.discard(name)
        data = "time,series,value\n" + "".join("%d,%d,1\n" % row for row in rows)
        objects = self.good("detect", "-s", self.SPEC, "-k", "series", "-f", "json", "-",
                            data=data).objects()
        got = [(item["timestamp"], item["series"]) for item in objects if "event" in item]
        self.assertGreater(len(expected), 20)
        self.assertEqual(got, [(iso(t), name) for t, name in expected])


class Limits(Test):
    def test_series_beyond_the_limit(self):
        data = "time,series,value\n" + "".join("%d,%d,1\n" % (START + i // 5, i % 5)
                                               for i in range(50))
        result = tocsin("detect", "-f", "csv", "-k", "series", "--max-series", "3", "-", data=data)
        self.assertEqual(result.code, 0)
        self.assertIn("more than 3 series", result.err)
        rows = result.rows()
        self.assertEqual(len(rows), 50)
        self.assertEqual({row["series"] for row in rows if row["reason"] == "max-series"},
                         {"3", "4"})
        table = tocsin("detect", "-k", "series", "--max-series", "3", "-", data=data)
        self.assertIn("3 series, 30 points", table.out)
        self.assertIn("20 rows beyond --max-series", table.out)

    def test_output_comes_as_points_arrive(self):
        for form, wanted in (("csv", 1), ("json", 1), ("influx", 1)):
            with self.subTest(form):
                process = subprocess.Popen([TOCSIN, "detect", "-f", form, "--no-header", "-"],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                killer = threading.Timer(30, process.kill)
                killer.start()
                process.stdin.write(b"time,value\n")
                for i in range(5):
                    process.stdin.write(b"%d,%d\n" % (START + i, i))
                    process.stdin.flush()
                    line = process.stdout.readline()     # while the pipe stays open
                    self.assertIn(str(START + i).encode(), line)
                process.stdin.close()
                self.assertEqual(process.wait(), 0)
                process.stdout.close()
                killer.cancel()


if __name__ == "__main__":
    main()
