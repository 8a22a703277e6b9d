#!/usr/bin/env python3
"""Check who includes whom.

    check_layers.py ROOT          check the tree at ROOT
    check_layers.py --self-test   check that every rule can fail

The rules, as CONTRIBUTING.md states them:

  - A file of the library includes only from its own layer or lower ones; layers that share
    a rank (the four kinds of stages; bank, gate and forest) do not know each other.
  - The library includes nothing of the C library but what is listed below, and the public
    headers nothing but <stddef.h> and <stdint.h>.
  - Examples and benchmarks include the public headers, never a file of the library.
  - Only tocsin_all.c includes .c files: all of them, once, in the order of the layers, which
    is the order of meson.build too.
  - File names are unique across the library.
"""

import os
import re
import sys
import tempfile

# Folder -> rank.  stage.h and compiled.h are the part of the pipeline that stages may see.
RANKS = {
    "core": 0,
    "num": 1,
    "state": 2,
    "prepare": 4,
    "detect": 4,
    "calibrate": 4,
    "alarm": 4,
    "pipeline": 5,
    "bank": 6,
    "gate": 6,
    "forest": 6,
    "snapshot": 7,
    "api": 8,
}
STAGE_INTERFACE = {"pipeline/stage.h", "pipeline/compiled.h"}
STAGE_INTERFACE_RANK = 3

LIBRARY_SYSTEM_HEADERS = {"stddef.h", "stdint.h", "string.h", "float.h", "limits.h"}
SYSTEM_HEADERS_OF = {
    "core/alloc.c": {"stdlib.h"},
    "num/mathx.h": {"math.h"},
    "num/kernels.c": {"stdatomic.h", "cpuid.h"},
    "bank/tiles.h": {"stdatomic.h"},
    "num/kernels_avx2.c": {"immintrin.h"},
    "num/kernels_avx512.c": {"immintrin.h"},
    "num/forest_avx512.h": {"immintrin.h"},
    "num/lanes_avx2.h": {"immintrin.h"},
    "num/lanes_avx512.h": {"immintrin.h"},
    "num/lanes_neon.h": {"arm_neon.h"},
    "num/boxes.h": {"emmintrin.h"},
    "num/ways.h": {"emmintrin.h"},
    "num/ranks.h": {"emmintrin.h"},
    "num/lanes_sse2.h": {"emmintrin.h"},
}
PUBLIC_SYSTEM_HEADERS = {"stddef.h", "stdint.h"}

UNITY = "tocsin_all.c"
UNITY_MAY_INCLUDE = {"tocsin/namespace.h", "tocsin_all_names.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def files_under(folder):
    for path, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.join(path, name)


def includes(path):
    """Line number, whether quoted, and name of every #include."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == '"', match.group(2)


def is_below(path, folder):
    return os.path.abspath(path).startswith(os.path.abspath(folder) + os.sep)


class Tree:
    def __init__(self, root):
        self.root = root
        self.lib = os.path.join(root, "lib")
        self.include = os.path.join(root, "include")
        self.slips = []

    def say(self, path, number, message):
        self.slips.append(f"{os.path.relpath(path, self.root)}:{number}: {message}")

    def layer(self, relative):
        """Rank and layer of a file named relative to lib/, or None."""
        if relative in STAGE_INTERFACE:
            return STAGE_INTERFACE_RANK, "stage interface"
        folder = relative.split("/")[0]
        return (RANKS[folder], folder) if folder in RANKS and "/" in relative else None

    def check_library_file(self, path):
        relative = os.path.relpath(path, self.lib).replace(os.sep, "/")
        own = self.layer(relative)
        if own is None:
            self.say(path, 1, f"{relative} is in no layer")
            return
        allowed = LIBRARY_SYSTEM_HEADERS | SYSTEM_HEADERS_OF.get(relative, set())
        for number, quoted, name in includes(path):
            if not quoted:
                if name not in allowed:
                    self.say(path, number, f"the library does not use <{name}>")
                continue
            if name.endswith(".c"):
                self.say(path, number, f"only {UNITY} includes .c files")
                continue
            if os.path.isfile(os.path.join(self.include, name)):
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if not os.path.isfile(target):
                self.say(path, number, f'"{name}" is neither a public header nor beside the file')
                continue
            target_relative = os.path.relpath(target, self.lib).replace(os.sep, "/")
            other = self.layer(target_relative)
            if other is None:
                self.say(path, number, f'"{name}" is in no layer')
            elif other[0] > own[0]:
                self.say(path, number, f"{own[1]} must not know of {other[1]}, a higher layer")
            elif other[0] == own[0] and other[1] != own[1]:
                self.say(path, number, f"{own[1]} and {other[1]} must not know each other")

    def check_public_header(self, path):
        for number, quoted, name in includes(path):
            if not quoted:
                if name not in PUBLIC_SYSTEM_HEADERS:
                    self.say(path, number, f"public headers do not use <{name}>")
            elif not is_below(os.path.join(os.path.dirname(path), name), self.include):
                self.say(path, number, f'"{name}" is no public header')

    def check_consumer(self, path):
        for number, quoted, name in includes(path):
            if quoted and is_below(os.path.join(os.path.dirname(path), name), self.lib):
                self.say(path, number, f'"{name}" is inside the library')
            elif name.startswith("lib/") or name.split("/")[0] in RANKS:
                self.say(path, number, f'"{name}" is inside the library')

    def check_lists(self):
        """tocsin_all.c, meson.build and the folders name the same files in the order of the layers."""
        unity = os.path.join(self.lib, UNITY)
        listed = []
        for number, quoted, name in includes(unity):
            if name in UNITY_MAY_INCLUDE:
                continue
            if not quoted or not name.endswith(".c"):
                self.say(unity, number, f"{name} is no source of the library")
                continue
            own = self.layer(name)
            if own is None:
                self.say(unity, number, f"{name} is in no layer")
            elif listed and own[0] < self.layer(listed[-1])[0]:
                self.say(unity, number, f"{name} comes after a higher layer")
            listed.append(name)

        there = [os.path.relpath(path, self.lib).replace(os.sep, "/")
                 for path in files_under(self.lib) if path.endswith(".c")]
        for name in sorted(set(there) - set(listed) - {UNITY}):
            self.say(unity, 1, f"{name} is missing")
        for name in sorted(set(listed) - set(there)):
            self.say(unity, 1, f"there is no {name}")
        for name in sorted({name for name in listed if listed.count(name) > 1}):
            self.say(unity, 1, f"{name} is included more than once")

        meson = os.path.join(self.lib, "meson.build")
        with open(meson, encoding="utf-8") as file:
            built = re.findall(r"^\s*'([\w/]+\.c)',", file.read(), re.M)
        if built != listed:
            self.say(meson, 1, f"its sources are not those of {UNITY} in the same order")

    def check_names(self):
        seen = {}
        for path in files_under(self.lib):
            name = os.path.basename(path)
            if name in seen:
                self.say(path, 1, f"there is {os.path.relpath(seen[name], self.root)} already")
            seen[name] = path

    def check(self):
        for path in files_under(self.lib):
            if os.path.dirname(path) != self.lib:
                self.check_library_file(path)
        for path in files_under(self.include):
            self.check_public_header(path)
        for folder in ("examples", "bench"):
            for path in files_under(os.path.join(self.root, folder)):
                self.check_consumer(path)
        self.check_lists()
        self.check_names()
        return self.slips


def write_tree(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def self_test():
    """A small clean tree has no slips; each change to it, breaking one rule, has."""
    clean = {
        "include/tocsin.h": '#include "tocsin/base.h"\n',
        "include/tocsin/base.h": "#include <stdint.h>\n",
        "lib/core/common.h": '#include <string.h>\n#include "tocsin/base.h"\n',
        "lib/core/status.c": '#include "common.h"\n',
        "lib/pipeline/stage.h": '#include "../core/common.h"\n',
        "lib/pipeline/pipeline.h": '#include "stage.h"\n',
        "lib/detect/ewma.c": '#include "../pipeline/stage.h"\n',
        "lib/calibrate/tail.h": '#include "../pipeline/stage.h"\n',
        "lib/api/version.c": '#include "../pipeline/pipeline.h"\n',
        "lib/tocsin_all.c": '#include "core/status.c"\n#include "detect/ewma.c"\n'
                            '#include "api/version.c"\n',
        "lib/meson.build": "  'core/status.c',\n  'detect/ewma.c',\n  'api/version.c',\n",
        "examples/hello.c": '#include <stdio.h>\n#include "tocsin.h"\n',
        "bench/push.c": '#include <tocsin.h>\n',
    }
    violations = {
        "a higher layer": {"lib/core/status.c": '#include "../pipeline/pipeline.h"\n'},
        "a stage that knows the pipeline": {"lib/detect/ewma.c":
                                            '#include "../pipeline/pipeline.h"\n'},
        "a stage that knows another kind": {"lib/detect/ewma.c": '#include "../calibrate/tail.h"\n'},
        "a spaced include": {"lib/detect/ewma.c": '  #  include   "../calibrate/tail.h"\n'},
        "stage.h that knows a stage": {"lib/pipeline/stage.h": '#include "../calibrate/tail.h"\n'},
        "stdio": {"lib/core/status.c": "#include <stdio.h>\n"},
        "malloc outside alloc.c": {"lib/detect/ewma.c": "#include <stdlib.h>\n"},
        "a .c file included": {"lib/api/version.c": '#include "../core/status.c"\n'},
        "a header that is nowhere": {"lib/api/version.c": '#include "nowhere.h"\n'},
        "a folder outside the plan": {"lib/misc/stuff.h": "\n"},
        "a public header with more of libc": {"include/tocsin/base.h": "#include <stdio.h>\n"},
        "a public header that leaves include/": {"include/tocsin/base.h":
                                                 '#include "../../lib/core/common.h"\n'},
        "an example that looks inside": {"examples/hello.c": '#include "../lib/core/common.h"\n'},
        "an example that looks inside by path": {"examples/hello.c": '#include "core/common.h"\n'},
        "a benchmark that looks inside": {"bench/push.c": '#include "../lib/core/common.h"\n'},
        "a source missing from tocsin_all.c": {"lib/detect/new.c": "\n"},
        "a source missing from meson.build": {"lib/meson.build": "  'core/status.c',\n"},
        "a list out of order": {
            "lib/tocsin_all.c": '#include "detect/ewma.c"\n#include "core/status.c"\n'
                                '#include "api/version.c"\n',
            "lib/meson.build": "  'detect/ewma.c',\n  'core/status.c',\n  'api/version.c',\n"},
        "a source twice": {
            "lib/tocsin_all.c": clean["lib/tocsin_all.c"] + '#include "api/version.c"\n',
            "lib/meson.build": clean["lib/meson.build"] + "  'api/version.c',\n"},
        "a name twice": {"lib/state/tail.h": "\n"},
    }
    failed = 0
    for name, change in {"nothing": {}, **violations}.items():
        with tempfile.TemporaryDirectory() as root:
            write_tree(root, {**clean, **change})
            slips = Tree(root).check()
        if bool(slips) != bool(change):
            print(f"self-test: {name} gave {slips or 'no slip'}")
            failed = 1
    print(f"self-test: {len(violations)} violations" + (", NOT all found" if failed else " found"))
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    slips = Tree(sys.argv[1]).check()
    for slip in slips:
        print(slip)
    sys.exit(1 if slips else 0)


if __name__ == "__main__":
    main()
