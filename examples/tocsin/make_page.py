#!/usr/bin/env python3
"""Make cli_page.c: the HTML pages with their common style and script and uPlot, a chart library, put in.

    python3 make_page.py page.css page.js cli=report.html gate=gate.html cli_page.c

uPlot comes from npm, in one pinned version whose bytes are checked against the
hash below.  Where npm is missing or reaches no registry the page is made without
it, and draws its charts as plain pictures; the build never fails for that.
The package is kept beside the output, so a build directory asks npm once.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

VERSION = "1.6.32"
INTEGRITY = "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
PACKAGE = "uplot-%s.tgz" % VERSION
DATA_MARK = b"/*DATA*/"


def is_intact(path):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as package:
        digest = hashlib.sha512(package.read()).digest()
    return base64.b64encode(digest).decode() == INTEGRITY


def fetch(directory):
    """The path of the package, or None with a reason on stderr."""
    kept = os.path.join(directory, PACKAGE)
    if is_intact(kept):
        return kept
    npm = shutil.which("npm")
    if not npm:
        print("make_page.py: npm is not installed; reports will have plain charts",
              file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run(
                [npm, "pack", "uplot@" + VERSION, "--silent", "--fetch-retries=1",
                 "--fetch-timeout=20000"],
                cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, timeout=120, check=True)
        except (subprocess.SubprocessError, OSError) as error:
            print("make_page.py: npm could not fetch uPlot (%s); reports will have plain charts"
                  % error, file=sys.stderr)
            return None
        fetched = os.path.join(scratch, PACKAGE)
        if not is_intact(fetched):
            print("make_page.py: uPlot %s from npm is not what it should be; reports will have "
                  "plain charts" % VERSION, file=sys.stderr)
            return None
        shutil.copyfile(fetched, kept)
    return kept


def chart_library(directory):
    package = fetch(directory)
    if not package:
        return b"", b""
    with tarfile.open(package) as files:
        script = files.extractfile("package/dist/uPlot.iife.min.js").read()
        style = files.extractfile("package/dist/uPlot.min.css").read()
    return script, style


def as_c(name, data):
    rows = (", ".join(str(byte) for byte in data[at:at + 20]) for at in range(0, len(data), 20))
    return "const unsigned char %s[] = {\n    %s\n};\nconst size_t %s_size = %d;\n" % (
        name, ",\n    ".join(rows), name, len(data))


def main():
    style_sheet, common_script, *templates, output = sys.argv[1:]
    with open(style_sheet, "rb") as page:
        page_style = page.read()
    with open(common_script, "rb") as page:
        page_script = page.read()
    script, style = chart_library(os.path.dirname(os.path.abspath(output)))
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made by make_page.py. */\n#include \"cli_page.h\"\n\n")
        for template in templates:
            name, path = template.split("=", 1)
            with open(path, "rb") as page:
                html = page.read()
            for mark, text in ((b"/*UPLOT_STYLE*/", style), (b"/*UPLOT_SCRIPT*/", script),
                               (b"/*PAGE_STYLE*/", page_style),
                               (b"/*PAGE_SCRIPT*/", page_script)):
                html = html.replace(mark, text)
            head, tail = html.split(DATA_MARK)
            out.write(as_c(name + "_page_head", head))
            out.write(as_c(name + "_page_tail", tail))
        out.write("const size_t cli_page_chart_size = %d;\n" % len(script))


if __name__ == "__main__":
    main()
