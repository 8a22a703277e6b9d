"""--timezone: a zone by its name is the rule that the tz database has for it."""

import struct

from cli_support import *

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
DAY, HOUR = 86400, 3600
START_OF_WEEKS = 1707091200         # Monday, 5 February 2024
CHANGE = 1711846800                 # clocks in Berlin go forward


def zone_file(rule, version=b"2"):
    """The least file of the tz database: two headers with one type each, and the rule."""
    header = b"TZif" + version + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    body = struct.pack(">lbb", 3600, 0, 0) + b"CET\0"
    return header + body + header + body + b"\n" + rule.encode() + b"\n"


def office(weeks=9):
    """A load from eight to six on Berlin's clocks, every half hour."""
    noise = random.Random(4)
    rows = []
    for i in range(weeks * 336):
        time = START_OF_WEEKS + 1800 * i
        of_day = (time + (HOUR if time < CHANGE else 2 * HOUR)) % DAY
        busy = 40 if 8 * HOUR <= of_day < 18 * HOUR else 0
        rows.append("%d,%.2f\n" % (time, 100 + busy + noise.gauss(0, 1)))
    return "timestamp,value\n" + "".join(rows)


class Zones(Test):
    def setUp(self):
        super().setUp()
        self.folder = self.path("zoneinfo")
        os.makedirs(os.path.join(self.folder, "Europe"))
        for name, content in {"Europe/Berlin": zone_file(BERLIN), "Europe/Old": zone_file("", b"2"),
                              "Europe/Odd": zone_file("no rule"), "notes": b"not a zone\n"}.items():
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(content)

    def detect(self, *options):
        return self.good("detect", "-s", "season | raw", "-f", "csv", *options, "-", data=office(),
                         env={"TZDIR": self.folder}).rows()

    def test_a_name_is_its_rule(self):
        by_name = self.detect("--timezone", "Europe/Berlin")
        self.assertEqual(by_name, self.detect("-z", BERLIN))
        self.assertEqual(by_name, self.good(
            "detect", "-s", "clock timezone=" + BERLIN + " | season | raw", "-f", "csv", "-",
            data=office()).rows())

    def test_summer_time_is_no_surprise(self):
        def most(rows):
            return max(float(row["score"]) for row in rows
                       if CHANGE <= int(row["timestamp"]) < CHANGE + DAY)

        self.assertGreater(most(self.detect()), 3 * most(self.detect("-z", "Europe/Berlin")))

    def test_the_option_goes_before_the_spec(self):
        self.assertEqual(self.detect("-z", BERLIN),
                         self.good("detect", "-s", "clock timezone=EST5 | season | raw", "-f", "csv",
                                   "-z", BERLIN, "-", data=office()).rows())

    def test_what_is_no_zone_is_refused(self):
        for name in ("Europe/Berln", "notes", "Europe/Old", "Europe/Odd", "Europe", "../zoneinfo/notes",
                     "/etc/passwd", "", "CET-1CEST"):
            self.bad(64, ["--timezone", "'%s'" % name, "CET-1CEST,M3.5.0,M10.5.0/3"], "detect", "-z",
                     name, "-", data=office(1), env={"TZDIR": self.folder})

    def test_histories_have_no_clocks(self):
        self.bad(64, ["--timezone"], "changes", "--timezone", BERLIN, "-", data=office(1))


if __name__ == "__main__":
    main()
