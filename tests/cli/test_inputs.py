"""Every way to write the same points gives the same verdicts."""

import datetime

from cli_support import *

POINTS = points()


def verdicts(result):
    """All but the timestamp, which is echoed in the input's own text."""
    return [tuple(row[name] for name in ("value", "score", "expected", "lower", "upper", "state",
                                         "reason")) for row in result.rows()]


def iso(seconds, form="%Y-%m-%dT%H:%M:%SZ"):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(form)


class Inputs(Test):
    @classmethod
    def setUpClass(cls):
        cls.plain = verdicts(tocsin("detect", "-s", SPEC, "-f", "csv", "-",
                                    data=csv_text(POINTS)))
        assert len(cls.plain) == len(POINTS)

    def same(self, data, *options):
        result = self.good("detect", "-s", SPEC, "-f", "csv", *options, "-", data=data)
        self.assertEqual(verdicts(result), self.plain)
        return result

    def test_the_reference_rings_at_the_spike_alone(self):
        started = [i for i, row in enumerate(self.plain) if row[5] == "start"]
        self.assertEqual(started, [300])

    def test_csv_shapes(self):
        rows = ["%d,%s" % point for point in POINTS]
        shapes = {
            "no header": "\n".join(rows) + "\n",
            "no newline at the end": "timestamp,value\n" + "\n".join(rows),
            "CRLF": "timestamp,value\r\n" + "\r\n".join(rows) + "\r\n",
            "byte order mark": "\ufefftimestamp,value\n" + "\n".join(rows),
            "blank lines": "\n\ntimestamp,value\n\n" + "\n\n".join(rows) + "\n\n",
            "semicolons": "timestamp;value\n" + "\n".join(rows).replace(",", ";"),
            "semicolons and decimal commas":
                "timestamp;value\n" + "\n".join(rows).replace(",", ";").replace(".", ","),
            "tabs": "timestamp\tvalue\n" + "\n".join(rows).replace(",", "\t"),
            "quotes": '"timestamp","value"\n' +
                      "".join('"%d","%s"\n' % point for point in POINTS),
            "spaces": "timestamp , value\n" + "".join(" %d , %s \n" % point for point in POINTS),
            "other columns": 'note,timestamp,value\n' +
                             "".join('"a, ""b""\nc",%d,%s\n' % point for point in POINTS),
            "another name": "timestamp,load\n" + "\n".join(rows),
            "value before time": "value,time\n" +
                                 "".join("%s,%d\n" % (v, t) for t, v in POINTS),
        }
        for name, data in shapes.items():
            with self.subTest(name):
                self.same(data)

    def test_json_lines(self):
        self.same("".join('{"time":%d,"value":%s}\n' % point for point in POINTS))
        self.same("\n".join('{"meta":{"when":"%s"},"load":%s, "host":"a"}' % (iso(t), v)
                            for t, v in POINTS), "--time", "meta.when")
        self.same("".join('{"a":1,"ts":%d,"m":{"x":"%s"}}\r\n' % point for point in POINTS),
                  "--column", "m.x")

    def test_openmetrics_and_prometheus(self):
        self.same("# TYPE load gauge\n# HELP load a\\nb\n" +
                  "".join('load{b="2",a="x\\"}, y"} %s %d # {id="1"} 3\n' % (v, t)
                          for t, v in POINTS) + "# EOF\n")
        self.same("".join("load %s %d000\n" % (v, t) for t, v in POINTS))

    def test_influx(self):
        self.same("".join('load\\ 1,host=a\\,b,az=c value=%s,note="a, b=c d" %d000000000\n' % (v, t)
                          for t, v in POINTS))

    def test_labels_in_any_order_are_one_series(self):
        lines = ['load{a="1",b="2"} %s %d', 'load{b="2",a="1"} %s %d']
        result = self.same("".join((lines[i % 2] + "\n") % (v, t)
                                   for i, (t, v) in enumerate(POINTS)))
        self.assertEqual({row["series"] for row in result.rows()}, {'load{a="1",b="2"}'})

    def test_times(self):
        forms = {
            "ISO": iso, "space": lambda t: iso(t, "%Y-%m-%d %H:%M:%S"),
            "zone": lambda t: iso(t + 7200, "%Y-%m-%dT%H:%M:%S+02:00"),
            "west": lambda t: iso(t - 12600, "%Y-%m-%d %H:%M:%S -0330"),
            "decimals": lambda t: "%d.000" % t, "exponent": lambda t: "%.9e" % t,
            "ms": lambda t: "%d000" % t, "us": lambda t: "%d000000" % t,
            "ns": lambda t: "%d000000000" % t,
        }
        for name, form in forms.items():
            with self.subTest(name):
                result = self.same(csv_text([(form(t), v) for t, v in POINTS]))
                self.assertEqual([row["timestamp"] for row in result.rows()],
                                 [form(t) for t, _ in POINTS])

    def test_time_is_read_to_the_nanosecond(self):
        for text, ns in (("1700000000.123456789", 1700000000123456789),
                         ("1700000000123456789", 1700000000123456789),
                         ("2023-11-14T22:13:20.123456789Z", 1700000000123456789),
                         ("-0.5", -500000000), ("1969-12-31T23:59:59.5Z", -500000000),
                         ("2024-02-29", 1709164800000000000), ("1700000000123.25",
                                                               1700000000123250000)):
            with self.subTest(text):
                result = self.good("detect", "-f", "influx", "-i", "csv", "-",
                                   data="time,value\n%s,1\n" % text)
                self.assertEqual(int(result.out.split()[-1]), ns)
        result = self.good("detect", "-f", "influx", "--time-unit", "ms", "-",
                           data="time,value\n1000,1\n")
        self.assertEqual(int(result.out.split()[-1]), 10**9)

    def test_keys_part_the_series(self):
        other = points(seed=9, spikes=(350,))
        mixed = []
        for (t, v), (_, w) in zip(POINTS, other):
            mixed += [(t, "a", v), (t, "b", w)]
        text = "time,series,value\n" + "".join("%d,%s,%s\n" % row for row in mixed)
        result = self.good("detect", "-s", SPEC, "-f", "csv", "--key", "series", "-", data=text)
        self.assertEqual(result.out.splitlines()[0],
                         "series,timestamp,value,score,expected,lower,upper,state,reason")
        rows = result.rows()
        own = [row for row in rows if row["series"] == "a"]
        self.assertEqual([tuple(row[name] for name in list(row)[2:]) for row in own], self.plain)
        rang = [(row["series"], row["timestamp"]) for row in rows if row["state"] == "start"]
        self.assertEqual(rang, [("a", str(POINTS[300][0])), ("b", str(other[350][0]))])

    def test_several_keys_and_empty_ones(self):
        text = "time,host,disk,value\n" + "".join(
            "%d,%s,%s,%d\n" % (START + i // 4, "ab"[i & 1], ("", '"x,y"')[i >> 1 & 1], i)
            for i in range(40))
        result = self.good("detect", "-f", "json", "--key", "host,disk", "-", data=text)
        self.assertEqual({(o["host"], o["disk"]) for o in result.objects()},
                         {("a", ""), ("b", ""), ("a", "x,y"), ("b", "x,y")})
        self.assertFalse(any("repeated" in o["flags"] for o in result.objects()))

    def test_labels_chosen_as_keys(self):
        text = "".join('load{host="%s",pid="%d"} %d %d\n' % (host, i, i, START + i)
                       for i in range(10) for host in "ab")
        result = self.good("detect", "-f", "csv", "--key", "__name__,host", "-", data=text)
        self.assertEqual({(row["__name__"], row["host"]) for row in result.rows()},
                         {("load", "a"), ("load", "b")})
        text = "".join("cpu,host=%s,n=%d a=%d,b=2i %d\n" % (host, i, i, START + i)
                       for i in range(10) for host in "ab")
        result = self.good("detect", "-f", "csv", "--key", "_measurement,host,_field", "-",
                           data=text)
        self.assertEqual(len({tuple(row.values())[:3] for row in result.rows()}), 4)

    def test_escapes_end_where_names_begin(self):
        text = "".join('a\\ b,ho\\ st=x\\,\\=y\\z c\\ d=%d,e\\,f=1 %d\n' % (i, START + i)
                       for i in range(10))
        rows = self.good("detect", "-f", "csv", "-c", "c d", "-k", "ho st,_measurement,_field",
                         "-", data=text).rows()
        self.assertEqual(len(rows), 10)
        self.assertEqual(list(rows[0].values())[:3], ["x,=y\\z", "a b", "c d"])
        rows = self.good("detect", "-f", "csv", "-", data=text).rows()
        self.assertEqual(rows[1]["series"], 'a\\ b,ho\\ st=x\\,\\=y\\z e\\,f')
        text = "".join('load{path="C:\\\\new \\"x\\"",b="1\\n2"} 1 %d\n' % (START + i)
                       for i in range(10))
        rows = self.good("detect", "-f", "csv", "-k", "path,b", "-", data=text).rows()
        self.assertEqual(list(rows[0].values())[:2], ['C:\\new "x"', "1\n2"])
        lines = self.good("detect", "-f", "influx", "-k", "path", "-", data=(
            'load{path="C:\\\\"} 1 %d\n' % START)).out
        self.assertTrue(lines.startswith("tocsin,path=C: value=1,"), lines)

    def test_a_misspelt_label_is_told(self):
        for text in ('load{host="a"} 1 1\n', "load,host=a v=1 1\n"):
            with self.subTest(text):
                result = tocsin("detect", "-k", "hsot", "-", data=text)
                self.assertEqual(result.code, 0)
                self.assertIn("no label 'hsot'", result.err)
                self.good("detect", "-k", "host", "-", data=text)

    def test_column_picks_the_metric(self):
        text = "".join("a %d %d\nb %d %d\n" % (i, START + i, i, START + i) for i in range(10))
        rows = self.good("detect", "-f", "csv", "-c", "b", "-", data=text).rows()
        self.assertEqual(len(rows), 10)
        self.bad(3, ["nothing called 'bb'", "did you mean 'b'"], "detect", "-c", "bb", "-",
                 data=text)

    def test_missing_values(self):
        for word in ("", "NaN", "nan", "null", "NA", "N/A", "None"):
            with self.subTest(word):
                rows = self.good("detect", "-f", "csv", "-", data=csv_text(
                    [(START + i, "1" if i != 5 else word) for i in range(10)])).rows()
                self.assertEqual((rows[5]["state"], rows[5]["value"]), ("missing", ""))
                self.assertEqual(len(rows), 10)
        rows = self.good("detect", "-f", "csv", "-", data="".join(
            '{"time":%d%s}\n' % (START + i, ',"value":%s' % ("null" if i == 5 else i)
                                 if i != 6 else "") for i in range(10))).rows()
        self.assertEqual([row["state"] == "missing" for row in rows].index(True), 5)
        self.assertEqual(sum(row["state"] == "missing" for row in rows), 2)


class Counters(Test):
    def rates(self, data, *options):
        rows = self.good("detect", "-f", "csv", *options, "-", data=data).rows()
        return [row["value"] for row in rows]

    def test_suffix_type_and_rule(self):
        values = [2**60 + 3 * i for i in range(8)]      # a double would lose the steps
        total = "".join("%d,n_total,%d\n" % (START + i, v) for i, v in enumerate(values))
        header = "time,series,value\n"
        three = [""] + ["3"] * 7
        self.assertEqual(self.rates(header + total, "-k", "series"), three)
        self.assertEqual(self.rates(header + total.replace("n_total", "n"), "-k", "series",
                                    "--counter", "always"), three)
        self.assertNotEqual(self.rates(header + total, "-k", "series", "--counter", "never"), three)
        self.assertEqual(self.rates("".join('{"time":%d,"n_total":%d}\n' % (START + i, v)
                                            for i, v in enumerate(values))), three)
        self.assertEqual(self.rates("".join("m n_total=%di %d\n" % (v, START + i)
                                            for i, v in enumerate(values))), three)
        for kind, name in (("counter n", "n"), ("counter n", "n_total"), ("histogram n", "n_count"),
                           ("histogram n", "n_bucket"), ("summary n", "n_sum")):
            with self.subTest(kind=kind, name=name):
                text = "# TYPE %s %s\n" % tuple(reversed(kind.split()))
                text += "".join("%s %d %d\n" % (name, v, START + i) for i, v in enumerate(values))
                self.assertEqual(self.rates(text), three)

    def test_type_beats_suffix(self):
        text = "# TYPE n_total gauge\n" + "".join("n_total %d %d\n" % (i, START + i)
                                                  for i in range(5))
        self.assertEqual(self.rates(text), ["0", "1", "2", "3", "4"])

    def test_a_spec_with_its_own_counter_is_left_alone(self):
        text = csv_text([(START + i, 5 * i) for i in range(5)], "time,n_total")
        self.assertEqual(self.rates(text, "-s", "counter | ewma"), [""] + ["5"] * 4)

    def test_a_clock_stays_in_front(self):
        text = csv_text([(START + i, 5 * i) for i in range(5)], "time,n_total")
        self.assertEqual(self.rates(text, "-s", "clock absence=9s | gaps missing=hold | ewma"),
                         [""] + ["5"] * 4)


if __name__ == "__main__":
    main()
