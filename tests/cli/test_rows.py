"""Rows of several columns: however they are written they are judged alike, and who is to blame is
said wherever an alarm is."""

import re

from cli_support import *

SPEC = "rcforest sample=64 trees=10 | tail | alarm threshold=3"
COLUMNS = "cpu,mem,disk"
ODD = 700


def rows(count=800):
    """(seconds, cpu, mem, disk): mem follows cpu but in row ODD."""
    noise = random.Random(4)
    made = []
    for i in range(count):
        cpu = round(noise.gauss(50, 5), 2)
        mem = round(cpu / 2 + noise.gauss(10, 1) + (60 if i == ODD else 0), 2)
        made.append((START + 60 * i, cpu, mem, round(noise.gauss(100, 10), 2)))
    return made


ROWS = rows()


def wide(made, extra=""):
    return ("timestamp,cpu,mem,disk\n" +
            "".join("%d,%s,%s,%s\n" % row for row in made) + extra)


class Rows(Test):
    @classmethod
    def setUpClass(cls):
        cls.plain = tocsin("detect", "-s", SPEC, "-c", COLUMNS, "-f", "csv", "-",
                           data=wide(ROWS)).rows()
        assert len(cls.plain) == len(ROWS)

    def test_the_metric_to_blame_is_named(self):
        odd = self.plain[ODD]
        self.assertEqual((odd["state"], odd["metric"]), ("start", "mem"))
        self.assertEqual(float(odd["value"]), ROWS[ODD][2])
        table = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-", data=wide(ROWS))
        line = [line for line in table.out.splitlines() if "start" in line]
        self.assertEqual(len(line), 1)
        self.assertRegex(line[0], r"page +mem was .* What is odd about the row: mem \d+ %")

    def test_shares_are_of_the_whole(self):
        out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-f", "json", "-", data=wide(ROWS))
        odd = out.objects()[ODD]
        self.assertEqual(odd["metric"], "mem")
        self.assertEqual(set(odd["shares"]), {"cpu", "mem", "disk"})
        self.assertAlmostEqual(sum(odd["shares"].values()), 1, 2)
        self.assertEqual(max(odd["shares"], key=odd["shares"].get), "mem")

    def same(self, data, *options):
        result = self.good("detect", "-s", SPEC, "-f", "csv", *options, "-", data=data)
        self.assertEqual([{**row, "timestamp": ""} for row in result.rows()],
                         [{**row, "timestamp": ""} for row in self.plain])

    def test_every_way_to_write_them(self):
        names = COLUMNS.split(",")
        self.same("".join('{"ts":%d,"cpu":%s,"mem":%s,"disk":%s}\n' % row for row in ROWS),
                  "-c", COLUMNS)
        self.same(wide(ROWS).replace(",", ";"), "-c", COLUMNS)
        lines = "".join("%d,%s,%s\n" % (row[0], name, value)
                        for row in ROWS for name, value in zip(names, row[1:]))
        self.same("time,series,value\n" + lines, "-c", COLUMNS, "-k", "series")
        self.same("".join("%s %s %d\n" % (name, value, row[0])
                          for row in ROWS for name, value in zip(names, row[1:])), "-c", COLUMNS)
        self.same("".join("host cpu=%s,mem=%s,disk=%s,other=1 %d000000000\n" %
                          (row[1:] + row[:1]) for row in ROWS), "-c", COLUMNS)

    def test_columns_may_be_called_by_number(self):
        self.same(wide(ROWS), "-c", "2,3,4")

    def test_a_gap_is_one_metrics_own(self):
        made = [(t, cpu, "" if i == 400 else mem, disk)
                for i, (t, cpu, mem, disk) in enumerate(ROWS)]
        out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-f", "csv", "-", data=wide(made))
        self.assertNotEqual(out.rows()[400]["state"], "missing")
        made[401] = (made[401][0], "", "NaN", "-")
        out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-f", "csv", "-", data=wide(made))
        self.assertEqual(out.rows()[401]["state"], "missing")

    def test_keys_tell_rows_apart(self):
        data = "timestamp,host,cpu,mem,disk\n" + "".join(
            "%d,%s,%s,%s,%s\n" % ((row[0], host) + row[1:]) for row in ROWS for host in "ab")
        out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-k", "host", "-f", "csv", "-",
                        data=data).rows()
        for host in "ab":
            mine = [{k: v for k, v in row.items() if k != "host"}
                    for row in out if row["host"] == host]
            self.assertEqual(mine, self.plain)

    def test_a_line_per_metric_of_several_hosts(self):
        """Lines of two hosts in any order are the rows of each."""
        names = COLUMNS.split(",")
        lines = [(row[0], host, name, value)
                 for row in ROWS for host in "ab" for name, value in zip(names, row[1:])]
        mixed = []
        for at in range(0, len(lines), 6):
            mixed += random.Random(at).sample(lines[at:at + 6], 6)
        ways = [
            ("time,host,metric,value\n" + "".join("%d,%s,%s,%s\n" % line for line in mixed),
             "host,metric"),
            ("time,metric,host,value\n" +
             "".join("%d,%s,%s,%s\n" % (t, name, host, v) for t, host, name, v in lines),
             "metric,host"),
            ("".join('%s{host="%s"} %s %d\n' % (name, host, v, t) for t, host, name, v in mixed),
             "host"),
            ("".join('%s{host="%s"} %s %d\n' % (name, host, v, t) for t, host, name, v in mixed),
             "__name__,host"),
            ("".join("usage,host=%s %s=%s %d000000000\n" % (host, name, v, t)
                     for t, host, name, v in mixed), "host"),
            ("".join('{"ts":%d,"host":"%s","metric":"%s","value":%s}\n' % line for line in mixed),
             "host,metric"),
        ]
        for data, keys in ways:
            out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-k", keys, "-f", "csv", "-",
                            data=data).rows()
            self.assertEqual(len(out), 2 * len(ROWS))
            for host in "ab":
                self.assertEqual([{**row, "timestamp": ""} for row in out if row["host"] == host],
                                 [{**row, "timestamp": "", "host": host} for row in self.plain])

    def test_hosts_nobody_tells_apart_are_refused(self):
        labelled = "".join('%s{host="%s"} 1 60\n' % (name, host)
                           for host in "ab" for name in COLUMNS.split(","))
        self.bad(65, ["input:4:", 'cpu{host="a"}', 'cpu{host="b"}', "--key"], "detect", "-s", SPEC,
                 "-c", COLUMNS, "-", data=labelled)
        self.bad(65, ["input:2:", "host=b", "--key"], "detect", "-s", SPEC, "-c", "cpu,mem", "-",
                 data="usage,host=a cpu=1,mem=1 60\nusage,host=b cpu=1,mem=1 60\n")

    def test_a_row_is_whole_before_the_next_begins(self):
        """Nothing waits for another host, or for a metric that did not come."""
        data = ("time,host,metric,value\n" + "60,a,cpu,1\n60,b,cpu,1\n61,b,mem,2\n" +
                "60,a,mem,2\n60,a,disk,3\n61,b,mem,2\n")
        out = self.good("detect", "-s", SPEC, "-c", COLUMNS, "-k", "host,metric", "-f", "csv", "-",
                        data=data).rows()
        self.assertEqual([(row["host"], row["timestamp"]) for row in out],
                         [("b", "60"), ("a", "60"), ("b", "61"), ("b", "61")])

    def test_counters_become_rates(self):
        """Totals above 2^53 that start anew once are the same rows as their rates, a row later and
        but for the one of the reset."""
        start, reset = 2 ** 60, 500
        total, made, expected = start, [], []
        for i, (t, cpu, mem, disk) in enumerate(ROWS):
            count = round(60 * mem)         # a minute's
            total = count if i == reset else total + count
            made.append((t, cpu, total, disk))
            expected.append((t, cpu, "" if i in (0, reset) else count / 60, disk))
        names = "cpu,served_total,disk"
        rates = tocsin("detect", "-s", SPEC, "-c", COLUMNS, "-f", "csv", "-",
                       data=wide(expected)).rows()
        data = wide(made).replace("mem", "served_total")
        state = self.path("rates.state")
        halves = data.splitlines(keepends=True)
        found = self.good("detect", "-s", SPEC, "-c", names, "-f", "csv", "-", data=data).rows()
        in_halves = []
        for half in (halves[:301], halves[:1] + halves[301:]):
            in_halves += self.good("detect", "-s", SPEC, "-c", names, "-f", "csv", "-S", state, "-",
                                   data="".join(half)).rows()
        self.assertEqual(in_halves, found)
        for row in rates:
            row["metric"] = row["metric"].replace("mem", "served_total")
        self.assertEqual(found, rates)

    def test_two_halves_are_the_whole(self):
        state = self.path("rows.state")
        halves = []
        for half in (ROWS[:350], ROWS[350:]):
            halves += self.good("detect", "-s", SPEC, "-c", COLUMNS, "-f", "csv", "-S", state, "-",
                                data=wide(half)).rows()
        self.assertEqual(halves, self.plain)
        self.bad(65, ["rows of cpu, mem, disk"], "detect", "-s", SPEC, "-c", "cpu,disk,mem", "-S",
                 state, "-", data=wide(ROWS))

    def test_each_column_has_its_chart(self):
        page = self.path("rows.html")
        self.good("detect", "-s", SPEC, "-c", COLUMNS, "-r", page, "-", data=wide(ROWS))
        with open(page) as file:
            text = file.read()
        alarms = dict(re.findall(r'\{"name":"(\w+)","rate":0,"points":800,"missing":0,"alarms":(\d+)',
                                 text))
        self.assertEqual(alarms, {"cpu": "0", "mem": "1", "disk": "0"})
        self.assertIn("What is odd about the row: mem", text)

    def test_explain_tells_shares_and_what_would_be_usual(self):
        out = self.good("explain", "-s", SPEC, "-c", COLUMNS, "-", data=wide(ROWS)).out
        self.assertRegex(out, r"share +\d+\.\d %  mem \([\d.]+ would be usual\)")

    def test_backtests_take_rows(self):
        out = self.good("backtest", "-s", "rcforest", "-c", COLUMNS, "-b", "1/day", "-",
                        data=wide(ROWS))
        self.assertIn("800 points", out.out)

    def test_what_does_not_fit_is_told(self):
        for options, said in (
                (("-s", "ewma", "-c", COLUMNS), "judges single values"),
                (("-s", "rcforest metrics=2", "-c", COLUMNS), "rows with 2 metrics, and --column "
                                                              "names 3"),
                (("-s", "rcforest metrics=2"), "names 0 columns"),
                (("-s", SPEC, "-c", "cpu,mme"), "did you mean 'mem'?"),
                (("-s", SPEC, "-c", "cpu,mem,cpu"), "'cpu' stands there twice"),
                (("-s", SPEC, "-c", "cpu,,mem"), "an empty name")):
            self.bad(64, [said], "detect", *options, "-", data=wide(ROWS))
        self.bad(65, [":5: 'x' is not a number, as a value of 'mem' should be"], "detect", "-s", SPEC,
                 "-c", COLUMNS, "-", data=wide(ROWS[:3], "1,2,x,4\n"))
        self.bad(64, ["one column"], "changes", "-c", "cpu,mem", "-", data=wide(ROWS))

    def test_a_name_that_is_not_there_is_told(self):
        lines = "".join("cpu %s %d\n" % (row[1], row[0]) for row in ROWS)
        result = tocsin("detect", "-s", SPEC, "-c", "cpu,mem", "-", data=lines)
        self.assertEqual(result.code, 0)
        self.assertIn("no points of 'mem'", result.err)


if __name__ == "__main__":
    main()
