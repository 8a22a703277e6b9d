#!/usr/bin/env python3
"""Count a meson test run: print 'PASSED FAILED SKIPPED'.

    count_tests.py TESTLOG.json...
"""

import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def main():
    counts = [0, 0, 0]
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for line in file:
                result = json.loads(line)["result"]
                counts[0 if result in PASSED else 2 if result in SKIPPED else 1] += 1
    if not any(counts):
        sys.exit(f"no test ran: {sys.argv[1:]}")
    print(*counts)


if __name__ == "__main__":
    main()
