"""The manual: its examples do what it shows, and it leaves out no option."""

import re

from cli_support import *

README = os.path.join(ROOT, "examples", "tocsin", "README.md")


def examples(text):
    """(command, expected lines) of each console block, in order."""
    found = []
    for block in re.findall(r"(?ms)^```console\n(.*?)^```", text):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines):
    """A regular expression for what is shown; ... stands for anything, alone on a line for any
    lines."""
    parts = []
    for line in lines:
        parts.append(r"(?:.*\n)*?" if line == "..." else
                     ".*".join(re.escape(part) for part in line.split("...")) + r"\n")
    return "".join(parts)


class Readme(Test):
    def setUp(self):
        super().setUp()
        with open(README, encoding="utf-8") as file:
            self.text = file.read()

    def test_examples(self):
        shown = examples(self.text)
        self.assertGreater(len(shown), 10)
        environment = {**os.environ, "LC_ALL": "C", "ASAN_OPTIONS": "detect_leaks=0",
                       "PATH": os.path.dirname(TOCSIN) + os.pathsep + os.environ["PATH"]}
        os.symlink(os.path.join(ROOT, "examples"), self.path("examples"))
        for command, lines in shown:
            done = subprocess.run(["sh", "-c", command], cwd=self.scratch, env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                                  check=False)
            # A build without uPlot says so at each report; the README shows one with it.
            output = "".join(line for line in done.stdout.decode().splitlines(keepends=True)
                             if "was built without uPlot" not in line)
            with self.subTest(command):
                self.assertRegex(output, r"\A" + pattern(lines) + r"\Z")

    def test_every_option_is_told(self):
        for command in ("detect", "backtest", "explain", "catalog", "changes", "gate"):
            for option in re.findall(r"--[a-z-]+", tocsin(command, "--help").out):
                if option not in ("--help", "--usage"):
                    self.assertIn("`%s" % option, self.text.replace(", `--", " `--"), option)

    def test_every_state_and_exit_code_is_told(self):
        for word in ("ok", "warming", "missing", "start", "ongoing", "clear", "late", "repeated",
                     "max-series"):
            self.assertIn("`%s`" % word, self.text)
        for code in (0, 1, 2, 3, 64, 65):
            self.assertRegex(self.text, r"(?m)^\| %d \|" % code)

    def test_every_source_file_is_told(self):
        folder = os.path.dirname(README)
        told = [name.replace("*", r"\w+") for name in re.findall(r"`([\w*.]+\.(?:c|h|py|html))`",
                                                                 self.text)]
        for name in os.listdir(folder):
            if name.endswith((".c", ".py", ".html")):
                self.assertTrue(any(re.fullmatch(one, name) for one in told), name)


if __name__ == "__main__":
    main()
