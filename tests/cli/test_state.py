"""A run that is cut anywhere goes on as if it had not been."""

import signal

from cli_support import *

SPEC = "clock absence=60s | counter | " + SPEC


def mixed(count=120):
    """Three series: a sends always, b falls silent and returns, n_total counts."""
    lines, total = [], 2**53
    for i, (t, v) in enumerate(points(count, spikes=(90,))):
        total += 7 + i % 3
        lines.append("%d,a,%s" % (t, int(v) * i))
        if not 70 <= i < 100:
            lines.append("%d,b,%d" % (t, i * 50))
        lines.append("%d,n_total,%d" % (t, total))
        if i == 60:
            lines.append("%d,a,5" % (t - 30))       # late
    return lines


class State(Test):
    def run_rows(self, rows, form, *options):
        result = tocsin("detect", "-s", SPEC, "-k", "series", "-f", form, "--no-header",
                        *options, "-", data="time,series,value\n" + "\n".join(rows) + "\n")
        self.assertIn(result.code, (0, 3), result.err)
        return result.out

    def test_cut_at_any_row(self):
        rows = mixed()
        for form in ("json", "csv"):
            whole = self.run_rows(rows, form)
            for cut in list(range(1, len(rows), 13)) + [len(rows) - 1]:
                with self.subTest(form=form, cut=cut):
                    state = self.path("state-%s-%d" % (form, cut))
                    first = self.run_rows(rows[:cut], form, "--state", state)
                    second = self.run_rows(rows[cut:], form, "--state", state)
                    self.assertEqual(first + second, whole)

    def test_cut_at_every_row(self):
        rows = mixed(60)
        whole = self.run_rows(rows, "json")
        state, got = self.path("state"), ""
        for row in rows:
            got += self.run_rows([row], "json", "--state", state)
        self.assertEqual(got, whole)

    def test_the_same_state_as_without_a_cut(self):
        rows = mixed()
        self.run_rows(rows, "csv", "--state", self.path("whole"))
        self.run_rows(rows[:100], "csv", "--state", self.path("parts"))
        self.run_rows(rows[100:], "csv", "--state", self.path("parts"))
        self.assertEqual(self.read("whole"), self.read("parts"))

    def test_rows_seen_before_change_nothing(self):
        rows = mixed()
        self.run_rows(rows, "csv", "--state", self.path("state"))
        again = self.run_rows(rows, "csv", "--state", self.path("state"))
        self.assertEqual({line.split(",")[-1] for line in again.splitlines()}, {"late", "repeated"})

    def test_nothing_is_left_beside_it(self):
        self.run_rows(mixed(), "csv", "--state", self.path("state"))
        self.assertEqual(os.listdir(self.scratch), ["state"])

    def test_mode_and_link_are_kept(self):
        self.run_rows(mixed()[:50], "csv", "--state", self.path("real"))
        os.chmod(self.path("real"), 0o640)
        os.symlink("real", self.path("link"))
        before = self.read("real")
        self.run_rows(mixed()[50:], "csv", "--state", self.path("link"))
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(os.stat(self.path("real")).st_mode & 0o777, 0o640)
        self.assertNotEqual(self.read("real"), before)

    def refused(self, words, name="state", *options, spec=SPEC, keys="series"):
        before = self.read(name)
        self.bad(65, [self.path(name)] + words, "detect", "-s", spec, "-k", keys, "--state",
                 self.path(name), *options, "-", data="time,series,host,value\n1,a,b,2\n")
        self.assertEqual(self.read(name), before)

    def test_another_spec_or_key(self):
        self.run_rows(mixed(), "csv", "--state", self.path("state"))
        self.refused(["another spec"], spec="ewma")
        self.refused(["another spec"], spec=SPEC.replace("4", "5"))
        self.refused(["told apart"], keys="series,host")
        self.refused(["cannot be used"], "state", "--take-over",
                     spec="counter | holt-winters season=12p")

    def test_parameters_may_be_taken_over(self):
        rows = mixed()
        other = SPEC.replace("threshold=4", "threshold=5")
        whole = self.run_rows(rows, "csv").splitlines()
        self.run_rows(rows[:200], "csv", "--state", self.path("state"))
        result = tocsin("detect", "-s", other, "-k", "series", "-f", "csv", "--no-header",
                        "--state", self.path("state"), "--take-over", "-",
                        data="time,series,value\n" + "\n".join(rows[200:]) + "\n")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual([line.split(",")[:5] for line in result.out.splitlines()],
                         [line.split(",")[:5] for line in whole[200:]])

    def test_damaged_files(self):
        self.run_rows(mixed()[:40], "csv", "--state", self.path("good"))
        good = self.read("good")
        noise = random.Random(2)
        damages = {"empty": b"", "text": b"time,value\n1,2\n" * 9, "short": good[:10],
                   "newer": good[:8] + b"\x09" + good[9:], "longer": good + b"\0"}
        for i in range(60):
            at = noise.randrange(len(good))
            damages["cut %d" % at] = good[:at]
            flipped = bytearray(good)
            flipped[at] ^= 1 << noise.randrange(8)
            damages["flipped %d" % at] = bytes(flipped)
        for name, data in damages.items():
            with self.subTest(name):
                self.write("state", data)
                self.refused(["left as it is"])

    def test_damage_behind_a_repaired_checksum(self):
        """Whatever the bytes say, it ends with 65 or works; it never crashes."""
        self.run_rows(mixed()[:40], "csv", "--state", self.path("good"))
        good = self.read("good")
        noise = random.Random(4)
        for _ in range(150):
            data = bytearray(good)
            for _ in range(noise.randint(1, 3)):
                data[noise.randrange(16, len(data))] = noise.randrange(256)
            data[12:16] = crc32c(bytes(data[16:])).to_bytes(4, "little")
            self.write("state", bytes(data))
            result = tocsin("detect", "-s", SPEC, "-k", "series", "--state", self.path("state"),
                            "-", data="time,series,value\n1,a,2\n",
                            env={"ASAN_OPTIONS": "detect_leaks=0"})
            self.assertIn(result.code, (0, 65), result.err)

    def test_unreadable(self):
        os.mkdir(self.path("state"))
        self.bad(65, ["state"], "detect", "--state", self.path("state"), "-", data="1,2\n")

    def test_signals_save_and_end_well(self):
        rows = mixed()
        whole = self.run_rows(rows, "json")
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                state = self.path("state%d" % number)
                process = subprocess.Popen(
                    [TOCSIN, "detect", "-s", SPEC, "-k", "series", "-f", "json", "--state", state,
                     "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                half = "time,series,value\n" + "\n".join(rows[:200]) + "\n12"
                process.stdin.write(half.encode())
                process.stdin.flush()
                got, events = b"", 0
                while got.count(b"\n") - events < 200:      # every whole row is through
                    line = process.stdout.readline()
                    events += b'"event"' in line
                    got += line
                process.send_signal(number)
                got += process.stdout.read()
                self.assertEqual(process.wait(), 0)
                process.stdin.close()
                process.stdout.close()
                rest = self.run_rows(rows[200:], "json", "--state", state)
                self.assertEqual(got.decode() + rest, whole)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


if __name__ == "__main__":
    main()
