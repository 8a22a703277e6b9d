#!/usr/bin/env python3
"""Print what was measured as tables in Markdown, for README.md.

    table.py RESULTS.json

RESULTS.json holds a line of JSON per result, as --json writes them.  Banks have a row per
benchmark and kernel and a column per number of series: ns per point, and in brackets the share of
the bandwidth twin's speed.  Where a line appears more than once, the last one counts.
"""

import json
import sys


def read(path):
    """{(name, kernel): {n: line}}, in the order in which they were measured."""
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for text in lines:
            line = json.loads(text)
            rows.setdefault((line["name"], line["kernel"]), {})[line["n"]] = line
    return rows


def si(number):
    for factor, unit in ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")):
        if number >= factor:
            return f"{number / factor:.4g}{unit}"
    return str(number)


def cell(line):
    if line is None:
        return ""
    text = f"{line['ns_per_point']:.3g}"
    if line["twin_ratio"]:
        text += f" ({100 * line['twin_ratio']:.0f} %)"
    if line.get("plain_ratio"):
        text += f" {line['plain_ratio']:.1f}x"
    return text


def print_table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_group(rows, prefix):
    mine = {key: sizes for key, sizes in rows.items() if key[0].startswith(prefix)}
    if not mine:
        return
    sizes = sorted({n for row in mine.values() for n in row})
    print_table([prefix.strip("/"), "kernel", *map(si, sizes), "bytes per series"],
                [[name.removeprefix(prefix), kernel or "", *(cell(row.get(n)) for n in sizes),
                  f"{row[max(row)]['bytes_per_series']:.1f}"]
                 for (name, kernel), row in mine.items()])


def print_peers(rows):
    mine = [sizes for (name, _), sizes in rows.items() if name.startswith("peers/")]
    if mine:
        print_table(["peers", "ns per point", "times tocsin"],
                    [[line["name"].removeprefix("peers/"), f"{line['ns_per_point']:.3g}",
                      f"{line['times_tocsin']:.3g}"]
                     for sizes in mine for line in sizes.values()])


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    rows = read(arguments[0])
    sections = dict.fromkeys("/".join(name.split("/")[:2 if name.startswith("bank/") else 1]) + "/"
                             for name, _ in rows if not name.startswith("peers/"))
    for section in sections:
        print_group(rows, section)
    print_peers(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
