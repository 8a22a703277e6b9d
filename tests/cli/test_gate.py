"""tocsin gate: verdicts and exit codes, every way in and out, and what is wrong with an input."""

import re
import time
import xml.etree.ElementTree as xml

from cli_support import *

GATE = "unit=request share=50% alpha=0.01"
LATENCY = "latency name=checkout worse=up margin=10% tail_margin=100%"


def rollout(count, factor=1.0, seed=1, share=0.5, sigma=1.0):
    """(seconds, arm, latency) of requests that are routed independently."""
    noise = random.Random(seed)
    rows = []
    for i in range(count):
        arm = noise.random() < share
        value = 30 * math.exp(noise.gauss(0, sigma)) * (factor if arm else 1)
        rows.append((START + 0.01 * i, "candidate" if arm else "baseline", value))
    return rows


def as_csv(rows, metric=None):
    if metric:
        return "time,metric,arm,value\n" + "".join("%.2f,%s,%s,%.4f\n" % (t, metric, arm, v)
                                                   for t, arm, v in rows)
    return "arm,value\n" + "".join("%s,%.4f\n" % (arm, v) for _, arm, v in rows)


def matrix(series):
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": labels, "values": [[t, str(v)] for t, v in values]} for labels, values in series]}})


class Gate(Test):
    def gate(self, data, *options, gate=GATE, metrics=(LATENCY,)):
        arguments = ["gate", "--gate", gate]
        for metric in metrics:
            arguments += ["--metric", metric]
        return tocsin(*arguments, *options, "-", data=data)

    def verdict(self, *arguments, **options):
        result = self.gate(*arguments[:1], "--format", "json", *arguments[1:], **options)
        self.assertIn(result.code, (0, 1, 2, 3), result.err)
        verdict = json.loads(result.out)
        self.assertEqual(verdict["exit_code"], result.code)
        return verdict

    def test_a_slower_release_fails(self):
        result = self.gate(as_csv(rollout(12000, 1.3), "checkout"))
        self.assertEqual((result.code, result.err), (1, ""))
        self.assertIn("fail", result.out)
        self.assertIn("<- to blame", result.out)
        verdict = self.verdict(as_csv(rollout(12000, 1.3)))
        self.assertEqual((verdict["outcome"], verdict["deciding"]), ("fail", "checkout"))
        self.assertIn("'checkout' is higher or its tail worse in the candidate",
                      verdict["sentence"])
        self.assertLess(verdict["effect_low"], 0.3)
        self.assertGreater(verdict["effect_high"], 0.3)
        self.assertEqual(verdict["baseline_units"] + verdict["candidate_units"], 12000)

    def test_the_same_release_passes(self):
        verdict = self.verdict(as_csv(rollout(70000, sigma=0.5)))
        self.assertEqual((verdict["outcome"], verdict["exit_code"]), ("pass", 0))
        self.assertLess(verdict["ruled_out"], 0.1)

    def test_little_is_undecided_and_says_how_much_more(self):
        verdict = self.verdict(as_csv(rollout(500)))
        self.assertEqual((verdict["outcome"], verdict["exit_code"]), ("undecided", 2))
        self.assertIsInstance(verdict["sentence"], str)

    def test_silence_never_passes(self):
        for data in ("arm,value\n", "", as_csv([row for row in rollout(3000)
                                                if row[1] == "baseline"])):
            result = self.gate(data) if data else tocsin(
                "gate", "--gate", GATE, "--metric", LATENCY, "-", data=data)
            self.assertIn(result.code, (2, 3), result.out)
        self.assertEqual(self.gate("arm,value\n").code, 3)

    def test_a_wrong_share_is_invalid(self):
        data = as_csv(rollout(20000, share=0.6))
        self.assertEqual(self.verdict(data)["outcome"], "invalid")
        self.assertEqual(self.gate(data).code, 2)
        self.assertEqual(self.gate(data, "--invalid", "fail").code, 1)

    def test_shift_only_ends_as_one_likes(self):
        data, metric = as_csv(rollout(30000, sigma=0.3)), (LATENCY + " tail=none",)
        self.assertEqual(self.verdict(data, metrics=metric)["outcome"], "shift only")
        for word, code in (("pass", 0), ("fail", 1), ("undecided", 2)):
            self.assertEqual(self.gate(data, "--shift-only", word, metrics=metric).code, code)

    def test_ndjson_is_the_same(self):
        rows = rollout(4000, 1.2)
        lines = "".join(json.dumps({"time": t, "arm": arm, "metric": "checkout", "value": round(v, 4)})
                        + "\n" for t, arm, v in rows)
        of_csv, of_json = self.verdict(as_csv(rows, "checkout")), self.verdict(lines)
        self.assertEqual(of_csv, of_json)

    def test_errors_one_by_one_and_as_counts(self):
        noise = random.Random(3)
        single, counted = "arm,value\n", "time,arm,value,of\n"
        for minute in range(60):
            for arm, rate in (("baseline", 0.01), ("candidate", 0.05)):
                failures = [noise.random() < rate for _ in range(100)]
                single += "".join("%s,%d\n" % (arm, failure) for failure in failures)
                counted += "%d,%s,%d,%d\n" % (START + 60 * minute, arm, sum(failures), 100)
        for data in (single, counted):
            verdict = self.verdict(data, metrics=("errors margin=50%",), gate="unit=request")
            self.assertEqual(verdict["outcome"], "fail", verdict["sentence"])
            self.assertRegex(verdict["sentence"], "is higher in the candidate")    # no tail there

    def test_prometheus_counters_and_resets(self):
        noise = random.Random(4)
        series = []
        for arm, rate in (("baseline", 0.01), ("canary", 0.05)):
            events, of, total_events, total = [], [], 0, 0
            for minute in range(60):
                if minute == 30:
                    total_events = total = 0        # the process began anew
                total += 100
                total_events += sum(noise.random() < rate for _ in range(100))
                events.append((START + 60 * minute, total_events))
                of.append((START + 60 * minute, total))
            series += [({"__name__": "errors", "arm": arm}, events),
                       ({"__name__": "errors", "arm": arm, "of": "requests"}, of)]
        verdict = self.verdict(matrix(series), metrics=("errors margin=50%",), gate="unit=request")
        self.assertEqual(verdict["outcome"], "fail", verdict["sentence"])
        self.assertGreater(verdict["candidate_units"], 5500)

    def buckets(self, factor, count=40000):
        bounds = [5, 10, 20, 40, 80, 160, 320, math.inf]
        totals = {arm: [0] * len(bounds) for arm in ("baseline", "candidate")}
        samples = {arm: [[] for _ in bounds] for arm in totals}
        for i, (_, arm, value) in enumerate(rollout(count, factor)):
            for k, bound in enumerate(bounds):
                totals[arm][k] += value <= bound
            if i % 200 == 199:
                for name in totals:
                    for k in range(len(bounds)):
                        samples[name][k].append((START + i, totals[name][k]))
        return bounds, samples

    def test_histograms_of_prometheus_and_of_csv(self):
        metric = ("histogram name=checkout margin=10%",)
        for factor, outcomes in ((1.5, ("fail",)), (1, ("pass", "undecided", "shift only"))):
            bounds, samples = self.buckets(factor)
            names = ["+Inf" if math.isinf(bound) else str(bound) for bound in bounds]
            answer = matrix([({"metric": "checkout", "arm": arm, "le": name}, values)
                             for arm in samples for name, values in zip(names, samples[arm])])
            rows = sorted((t, arm, name, v) for arm in samples
                          for name, values in zip(names, samples[arm]) for t, v in values)
            table = "time,arm,le,value\n" + "".join("%d,%s,%s,%d\n" % row for row in rows)
            of_answer, of_table = self.verdict(answer, metrics=metric), self.verdict(table, metrics=metric)
            self.assertIn(of_answer["outcome"], outcomes)
            self.assertEqual({key: of_answer[key] for key in ("outcome", "log_e", "effect")},
                             {key: of_table[key] for key in ("outcome", "log_e", "effect")})

    def test_sessions_count_once(self):
        rows = "arm,session,value\n" + "".join(
            "%s,s%d,%.4f\n" % (arm, i // 3, v) for i, (_, arm, v) in enumerate(rollout(3000)))
        verdict = self.verdict(rows, gate="unit=session share=50%")
        self.assertLessEqual(verdict["baseline_units"] + verdict["candidate_units"], 1000)

    def test_several_metrics_and_junit(self):
        metrics = (LATENCY, "latency name=search", "errors margin=50%")
        data = "metric,arm,value\n"
        for i, ((_, arm, slow), (_, _, fast)) in enumerate(zip(rollout(15000, 1.3), rollout(15000))):
            data += "checkout,%s,%.4f\nsearch,%s,%.4f\n" % (arm, slow, arm, fast)
        result = self.gate(data, "--format", "junit", metrics=metrics)
        suite = xml.fromstring(result.out.encode())
        cases = {case.get("name"): case for case in suite}
        self.assertEqual(set(cases), {"checkout", "search", "errors", "release"})
        self.assertEqual((int(suite.get("tests")), int(suite.get("failures"))),
                         (4, len(suite.findall("testcase/failure"))))
        self.assertIsNotNone(cases["checkout"].find("failure"))
        self.assertIsNotNone(cases["errors"].find("error"))     # nothing came of it
        self.assertEqual(int(suite.get("errors")), len(suite.findall("testcase/error")))

    def test_follow_stops_at_the_first_decision(self):
        rows = as_csv(rollout(60000, 1.5), "checkout")
        result = self.gate(rows, "--follow", "--format", "json")
        self.assertEqual(result.code, 1)
        self.assertLess(json.loads(result.out)["rows"], 20000)

    def test_follow_waits_for_more_of_a_file(self):
        lines = as_csv(rollout(20000, 1.5), "checkout").splitlines(keepends=True)
        path = self.write("live.csv", "".join(lines[:200]))

        running = subprocess.Popen([TOCSIN, "gate", "-g", GATE, "-m", LATENCY, "--follow", path],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for at in range(200, len(lines), 500):
            with open(path, "a", encoding="ascii") as file:
                file.write("".join(lines[at:at + 500]))
        _, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 1, error)

    def test_follow_outlives_rotation(self):
        """A file is renamed with a half line at its end, then cut off: nothing is read twice."""
        rows = as_csv(rollout(9000), "checkout").splitlines(keepends=True)
        header, rows = rows[0], rows[1:]
        path = self.write("live.csv", header + "".join(rows[:3000]) + rows[3000][:20])
        with subprocess.Popen([TOCSIN, "gate", "-g", GATE, "-m", LATENCY.replace("10%", "0.1%", 1),
                               "--follow", "-f", "json", path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            self.until_read(running, path)
            self.write("next.csv", header + "".join(rows[3000:6000]))
            os.rename(path, self.path("live.csv.1"))
            os.rename(self.path("next.csv"), path)
            self.until_read(running, path)
            with open(path, "r+", encoding="ascii") as file:
                file.truncate(0)
                file.write(header + "".join(rows[6000:7000]))
            self.until_read(running, path)
            running.terminate()
            out, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 2, error)
        self.assertEqual(json.loads(out)["rows"], 7000)
        self.assertEqual(error.count(b"begins anew; the half line"), 1, error)

    def until_read(self, running, path):
        """Until the process has read the file that is there to its end."""
        end, there = time.monotonic() + 60, os.stat(path)
        while time.monotonic() < end and running.poll() is None:
            for number in os.listdir("/proc/%d/fd" % running.pid):
                try:
                    held = os.stat("/proc/%d/fd/%s" % (running.pid, number))
                    with open("/proc/%d/fdinfo/%s" % (running.pid, number), encoding="ascii") as info:
                        position = int(info.readline().split()[1])
                except OSError:
                    continue
                if (held.st_ino, position) == (there.st_ino, os.stat(path).st_size):
                    return
            time.sleep(0.01)
        self.fail("it has not read %s" % path)

    def test_stopped_by_a_signal_it_says_what_it_knows(self):
        path = self.write("live.csv", as_csv(rollout(2000), "checkout") + "candidate,12")
        with subprocess.Popen([TOCSIN, "gate", "-g", GATE, "-m", LATENCY, "--follow", path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            self.until_read(running, path)
            running.terminate()
            out, error = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 2, error)
        self.assertTrue(out.splitlines()[-1].startswith(b"undecided: "), out)

    def test_counters_without_times_make_moments(self):
        """With the second reading of a counter another moment begins: a stream is judged on the way."""
        noise, total, lines = random.Random(3), {}, ["arm,le,value\n"]
        for _ in range(60):
            for arm in ("baseline", "candidate"):
                for _ in range(500):
                    latency = 30 * math.exp(noise.gauss(0, 1)) * (1.5 if arm == "candidate" else 1)
                    for le in ("10", "30", "100", "300", "+Inf"):
                        total[arm, le] = total.get((arm, le), 0) + (latency <= float(le))
                lines += ["%s,%s,%d\n" % (arm, le, total[arm, le])
                          for le in ("10", "30", "100", "300", "+Inf")]
        result = self.gate("".join(lines), "--follow", "-f", "json", metrics=("histogram name=checkout",))
        self.assertEqual(result.code, 1, result.err)
        self.assertLess(json.loads(result.out)["rows"], 300)

    def test_a_header_may_come_again(self):
        rows = as_csv(rollout(4000), "checkout")
        header = rows[:rows.index("\n") + 1]
        at = rows.index("\n", len(rows) // 2) + 1
        self.assertEqual(self.gate(rows[:at] + header + rows[at:]).out, self.gate(rows).out)

    def test_the_report_holds_the_verdict(self):
        path = self.path("gate.html")
        result = self.gate(as_csv(rollout(8000, 1.3), "checkout"), "--report", path, "-f", "json")
        html = self.read("gate.html").decode()
        start = html.index("const data = ") + len("const data = ")
        data = json.JSONDecoder().raw_decode(html[start:])[0]
        self.assertEqual(data["verdict"], json.loads(result.out))
        self.assertEqual(len(data["rows"]), len(data["traces"][0]["fail"]))
        self.assertEqual(data["rows"], sorted(data["rows"]))
        self.assertEqual(data["rows"][-1], 8000)
        levels = data["traces"][0]["levels"]
        self.assertGreater(len(levels), 10)
        for level in levels:
            self.assertLessEqual(level["cl"], level["c"])
            self.assertLessEqual(level["c"], level["ch"])
        self.assertNotRegex(html, r"(?i)<(script|img|iframe)[^>]*\ssrc\s*=|<link|@import|url\(")

    def test_a_plan_tells_how_long_it_takes(self):
        result = self.good("gate", "-g", GATE, "-m", "latency margin=20%", "--plan",
                           "rps=100 share=50% effect=50% sigma=0.5")
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertRegex(line, r"median [\d,]+ requests, .* 90 % [\d,]+ requests")
        first = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) requests", lines[0])]
        self.assertLessEqual(first[0], first[1])
        self.assertLess(first[1], 10000)

    def test_wrong_usage(self):
        self.bad(64, ["'unti'", "did you mean 'unit'", "^~~"], "gate", "-g", "unti=request", "-m",
                 "latency", "-", data="arm,value\n")
        self.bad(64, ["--gate", "--metric"], "gate", "-", data="arm,value\n")
        self.bad(64, ["--metric"], "gate", "-g", GATE, "-", data="arm,value\n")
        self.bad(64, ["no input"], "gate", "-g", GATE, "-m", "latency")
        self.bad(64, ["--format", "'xml'"], "gate", "-g", GATE, "-m", "latency", "-f", "xml", "-",
                 data="arm,value\n")
        self.bad(64, ["--plan", "rps="], "gate", "-g", GATE, "-m", "latency", "--plan", "share=5%")
        self.bad(64, ["--plan", "'spare=5%'"], "gate", "-g", GATE, "-m", "latency", "--plan",
                 "rps=1 spare=5%")

    def test_bad_input_is_told_with_its_line(self):
        cases = {
            "no arm": ("time,value\n1,2\n", 1, ["'arm'"]),
            "no value": ("time,arm\n1,baseline\n", 1, ["'value'"]),
            "what arm": ("arm,value\nbaseline,1\ncandidat,2\n", 3, ["did you mean 'candidate'"]),
            "what metric": ("metric,arm,value\nchekout,baseline,1\n", 2,
                            ["'chekout'", "did you mean 'checkout'"]),
            "no number": ("arm,value\nbaseline,fast\n", 2, ["'fast'", "not a number"]),
            "no time": ("time,arm,value\nsoon,baseline,1\n", 2, ["'soon'", "not a timestamp"]),
            "too few": ("arm,value\nbaseline\n", 2, ["1 cell", "2 were expected"]),
            "JSON": ('{"arm":"baseline","value":1}\n{"arm":\n', 2, ["not JSON"]),
            "JSON without arm": ('{"value":1}\n', 1, ["no arm"]),
            "no answer": ('{"status":"error","data":{"resultType":"matrix"}}', 1, ["'result'"]),
            "no label": (matrix([({"pod": "a"}, [(START, 1)])]), 1, ["no label 'arm'"]),
        }
        for name, (data, line, words) in cases.items():
            with self.subTest(name):
                self.bad(65, ["standard input:%d: " % line] + words, "gate", "-g", GATE, "-m",
                         LATENCY, "-", data=data)

    def counters(self, readings, arms=("baseline", "candidate")):
        """Prometheus' answer: for each arm and labels what a function of the sample's number says."""
        return matrix([({"arm": arm, **labels}, [(START + 15 * i, read(i)) for i in range(60)])
                       for arm in arms for labels, read in readings])

    def test_one_arm_is_no_comparison(self):
        """Whatever the format, the kind and how much there is."""
        rows = [row for row in rollout(8000) if row[1] == "candidate"]
        lines = "".join(json.dumps({"arm": arm, "value": v}) + "\n" for _, arm, v in rows)
        of = ({"of": "1"}, lambda i: 1000 * i)
        alone = {
            "CSV": (as_csv(rows), LATENCY),
            "NDJSON": (lines, LATENCY),
            "errors": (self.counters([({}, lambda i: 0), of], ["candidate"]), "errors"),
            "histogram": (self.counters([({"le": "1"}, lambda i: 500 * i),
                                         ({"le": "+Inf"}, lambda i: 1000 * i)], ["baseline"]),
                          "histogram"),
        }
        for name, (data, metric) in alone.items():
            with self.subTest(name):
                self.assertEqual(self.verdict(data, "--any-name", metrics=[metric])["outcome"], "invalid")
                verdict = self.verdict(data, "--any-name", metrics=[metric], gate="unit=request")
                self.assertEqual((verdict["outcome"], verdict["exit_code"]), ("no data", 3))

    def test_one_observation_decides_nothing(self):
        for data in ("arm,value\nbaseline,3\ncandidate,4\n",
                     '{"arm":"baseline","value":3}\n{"arm":"candidate","value":4}\n'):
            self.assertEqual(self.verdict(data)["outcome"], "undecided")
        once = self.counters([({}, lambda i: 0), ({"of": "1"}, lambda i: int(i == 59))])
        self.assertEqual(self.verdict(once, "--any-name", metrics=["errors"])["outcome"], "undecided")

    def test_no_measurements_at_all(self):
        for value in ("-5", "nan", "", "NULL"):
            for data in ("arm,value\n" + "baseline,%s\ncandidate,%s\n" % (value, value) * 5000,
                         ('{"arm":"baseline","value":"%s"}\n{"arm":"candidate","value":"%s"}\n' %
                          (value, value)) * 5000):
                with self.subTest(value):
                    verdict = self.verdict(data)
                    self.assertEqual((verdict["outcome"], verdict["ignored"]), ("no data", 10000))

    def test_a_counter_that_cannot_be_read_is_not_nothing(self):
        """NaN for the errors beside good counts of requests: the candidate's errors are not 0."""
        of = ({"of": "1"}, lambda i: 50000 * i)
        for value in ("NaN", "-1", "1e300"):
            verdict = self.verdict(self.counters([({}, lambda i: value), of]), "--any-name",
                                   metrics=["errors margin=50%"])
            self.assertEqual(verdict["outcome"], "no data", value)
        # Only now and then: what it counted meanwhile is found out, and held against the right requests.
        good = self.counters([({}, lambda i: 500 * i), of])
        torn = self.counters([({}, lambda i: "NaN" if i % 7 == 2 else 500 * i), of])
        one, other = (self.verdict(data, "--any-name", metrics=["errors margin=50%"])
                      for data in (good, torn))
        self.assertEqual(other.pop("ignored"), 2 * sum(i % 7 == 2 for i in range(60)))
        self.assertEqual(one["outcome"], "pass")
        for name in ("outcome", "effect", "baseline_units", "candidate_units"):
            self.assertEqual(one[name], other[name])

    def test_huge_counters(self):
        """A billion requests of each arm, and counters that are about to overflow."""
        start = 2 ** 63 - 10 ** 9
        readings = [({}, lambda i: start - 10 ** 8 + 10 ** 5 * i),
                    ({"of": "1"}, lambda i: start + 10 ** 7 * i)]
        verdict = self.verdict(self.counters(readings), "--any-name", metrics=["errors margin=20%"])
        self.assertEqual(verdict["outcome"], "pass")
        self.assertEqual(verdict["baseline_units"], 59 * 10 ** 7)

    def test_buckets_must_be_the_same(self):
        def histogram(bounds, arms):
            return json.loads(self.counters([({"le": le}, lambda i, k=k: (k + 1) * 10 * i)
                                             for k, le in enumerate(bounds)], arms))["data"]["result"]

        def answer(*parts):
            return json.dumps({"status": "success", "data": {"resultType": "matrix",
                                                             "result": sum(parts, [])}})

        both, (baseline, candidate) = ["baseline", "candidate"], (["baseline"], ["candidate"])
        later = histogram(["1", "2", "5", "+Inf"], both)
        for series in later:
            series["values"] = [[t + 3600, value] for t, value in series["values"]]
        cases = {
            "the arms'": (answer(histogram(["1", "5", "+Inf"], baseline),
                                 histogram(["1", "2", "+Inf"], candidate)), "no bucket le="),
            "one more": (answer(histogram(["1", "5", "+Inf"], baseline),
                                histogram(["1", "2", "5", "+Inf"], candidate)),
                         "the baseline has no bucket le=2"),
            "later": (answer(histogram(["1", "5", "+Inf"], both), later), "at first"),
            "none": (answer(histogram(["+Inf"], both)), "at least one other"),
            "no end": (answer(histogram(["1", "5"], both)), "le=+Inf"),
        }
        for name, (data, words) in cases.items():
            with self.subTest(name):
                self.bad(65, [words], "gate", "-g", GATE, "-m", "histogram", "--any-name", "-", data=data)
        self.bad(65, ["histogram's bucket", "'latency'"], "gate", "-g", GATE, "-m", "latency", "--any-name",
                 "-", data=answer(histogram(["1", "5", "+Inf"], both)))

    def test_clocks_that_disagree(self):
        """Times out of order change no verdict but a budget's; a gauge's late readings are said."""
        rows = rollout(6000, 1.5)
        straight = self.verdict(as_csv(rows, "checkout"))
        skewed = self.verdict(as_csv([(t + 300 * (arm == "candidate"), arm, v) for t, arm, v in rows],
                                     "checkout"))
        for name in ("outcome", "log_e", "effect", "baseline_units", "candidate_units"):
            self.assertEqual(straight[name], skewed[name])
        noise = random.Random(2)
        data = "time,arm,value\n" + "".join(
            "%d,%s,%.3f\n" % (START + 10 * (i // 2) - 40 * (i % 7), ("baseline", "candidate")[i % 2],
                              10 + noise.gauss(0, 1)) for i in range(2000))
        verdict = self.verdict(data, metrics=["gauge margin=10% block=30s"])
        self.assertNotEqual(verdict["outcome"], "pass")
        self.assertGreater(verdict["ignored"], 1000)

    def test_what_is_no_measurement_is_said(self):
        rows = as_csv(rollout(2000)) + "baseline,-5\ncandidate,nan\n"
        result = self.gate(rows, "--format", "json")
        self.assertEqual(json.loads(result.out)["ignored"], 2)
        self.assertIn("2 of 2002 rows", result.err)


if __name__ == "__main__":
    main()
