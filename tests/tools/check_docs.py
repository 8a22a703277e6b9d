#!/usr/bin/env python3
"""Run what the documentation shows.

    check_docs.py ROOT --cc CC --library FILE [--path FOLDER]

In Markdown files, by a fence's info string:

    ```c         a program (it has a main) is compiled, linked and run, and must return 0;
                 anything else is a fragment, compiled as the body of a function
    ```sh run    is run in a copy of the tree's top level, with FOLDER in the PATH
    ```sh        is read by sh -n
    ```spec      each line must compile as a spec

Relative links must lead somewhere.  In the public headers, indented code inside comments
that calls a tocsin function is compiled as a fragment too.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

MARKDOWN = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md",
            "bench/accuracy/README.md"]

# What fragments leave to the reader.
FRAGMENT = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tocsin.h"
int next_point(int64_t *time, double *value);
void ring(void);
#ifdef TOCSIN_BANK_H
extern tocsin_bank *bank;
extern const double *values;
extern double *scores;
extern const tocsin_point *points;
extern size_t count;
#endif
int fragment(void);
int fragment(void)
{
    int64_t time = 0;
    double value = 0;
    (void)time, (void)value;
    {
%s
    }
    return 0;
}
"""

SPECS = """\
#include <stdio.h>
#include "tocsin.h"
int main(void)
{
    static const char *const texts[] = {%s};
    int failed = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tocsin_error error;
        tocsin_spec *spec;
        error.struct_size = sizeof error;
        if (tocsin_spec_compile(&spec, texts[i], TOCSIN_NUL_TERMINATED, NULL, &error) < 0) {
            printf("%%s\\n    %%s\\n", texts[i], error.message);
            failed = 1;
        }
        tocsin_spec_free(spec);
    }
    return failed;
}
"""


class Block:
    def __init__(self, path, line, info, text):
        self.where, self.info, self.text = f"{path}:{line}", info, text


def markdown_blocks(path, text):
    fence = re.compile(r"^( *)```(\w[^\n]*)\n(.*?)^\1```$", re.S | re.M)
    for match in fence.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(path, line, match.group(2).strip(), match.group(3))


def header_blocks(path, text):
    """Runs of comment lines indented by four or more, if they call a function of the library."""
    run, start = [], 0
    for number, line in enumerate(text.split("\n") + [""], 1):
        match = re.match(r" \*( {5,}\S.*)?$", line)
        if match and (match.group(1) or run):
            start = start or number
            run.append((match.group(1) or "")[1:])
            continue
        code = "\n".join(run)
        if re.search(r"\btocsin_\w+\(.*;", code):
            yield Block(path, start, "c", code)
        run, start = [], 0


def broken_links(root, path, text):
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            beside = os.path.join(root, os.path.dirname(path), target)
            if not os.path.exists(beside):
                yield f"{path}: there is no {target}"


class Runner:
    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        self.root = os.path.abspath(arguments.root)
        self.compile = [*arguments.cc.split(), "-std=c11", "-Wall", "-Wextra", "-Werror",
                        "-I" + os.path.join(self.root, "include")]
        self.specs, self.counts = [], {}

    def run(self, command, **options):
        done = subprocess.run(command, cwd=self.work, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        return "" if done.returncode == 0 else done.stdout or f"exit status {done.returncode}"

    def source(self, text):
        path = os.path.join(self.work, "block.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def program(self, text):
        program = os.path.join(self.work, "block")
        return (self.run([*self.compile, self.source(text), self.arguments.tocsin, "-lm",
                          "-o", program]) or self.run([program]))

    def fragment(self, text):
        return self.run([*self.compile, "-Wno-unused", "-fsyntax-only",
                         self.source(FRAGMENT % text)])

    def shell(self, text, check_only):
        path = os.path.join(self.work, "block.sh")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if check_only:
            return self.run(["sh", "-n", path])
        environment = dict(os.environ)
        if self.arguments.path:
            environment["PATH"] = os.path.abspath(self.arguments.path) + ":" + environment["PATH"]
        return self.run(["sh", "-e", path], env=environment)

    def block(self, block):
        """Try one block; return what is wrong with it, or an empty text."""
        self.counts[block.info] = self.counts.get(block.info, 0) + 1
        if block.info == "c":
            is_program = re.search(r"\bint main\(", block.text)
            return self.program(block.text) if is_program else self.fragment(block.text)
        if block.info == "sh":
            return self.shell(block.text, check_only=True)
        if block.info == "sh run":
            return self.shell(block.text, check_only=False)
        if block.info == "spec":
            self.specs += [line for line in block.text.splitlines() if line.strip()]
        return ""

    def compile_specs(self):
        if not self.specs:
            return ""
        quoted = ", ".join('"' + spec.replace("\\", "\\\\").replace('"', '\\"') + '"'
                           for spec in self.specs)
        return self.program(SPECS % quoted)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--library", dest="tocsin", required=True)
    parser.add_argument("--path")
    arguments = parser.parse_args()
    arguments.tocsin = os.path.abspath(arguments.tocsin)
    root, failed, blocks = arguments.root, [], []

    def read(path):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()

    for path in MARKDOWN:
        if os.path.exists(os.path.join(root, path)):
            blocks += markdown_blocks(path, read(path))
            failed += broken_links(root, path, read(path))
    for folder in ("include", "include/tocsin"):
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if name.endswith(".h"):
                path = f"{folder}/{name}"
                blocks += header_blocks(path, read(path))

    with tempfile.TemporaryDirectory() as work:
        for name in ("include", "lib", "examples"):
            os.symlink(os.path.join(os.path.abspath(root), name), os.path.join(work, name))
        runner = Runner(arguments, work)
        for block in blocks:
            wrong = runner.block(block)
            if wrong:
                failed.append(f"{block.where}: ```{block.info}\n{wrong}")
        wrong = runner.compile_specs()
        if wrong:
            failed.append(f"specs that do not compile:\n{wrong}")
    print(", ".join(f"{count} of {info}" for info, count in sorted(runner.counts.items())))
    for slip in failed:
        print(slip)
    sys.exit(1 if failed or not blocks else 0)


if __name__ == "__main__":
    main()
