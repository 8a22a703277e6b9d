#!/usr/bin/env python3
"""Compare what the linker sees with what the sources say.

    check_symbols.py ROOT                       headers = map = namespace.h
    check_symbols.py ROOT --shared FILE         ... = what the shared library exports
    check_symbols.py ROOT --static FILE         and what the static one defines and needs
    check_symbols.py ROOT --object FILE         the same for a compiled tocsin_all.c
    check_symbols.py ROOT --static FILE --write write namespace.h and tocsin_all_names.h anew

What a guest in somebody's process promises is checked here: every symbol begins with
tocsin_, nothing but memory functions and sqrt is needed from outside, and there is no
writable data but one pointer: which kernels are in use.
"""

import argparse
import os
import re
import subprocess
import sys

# Everything the library may need from libc and libm.
NEEDED = {"memcpy", "memmove", "memset", "memcmp", "strcmp", "strlen", "malloc", "free", "sqrt"}
# What compilers and linkers put in by themselves (clang's bcmp is a memcmp).
TOOLCHAIN = re.compile(
    r"_GLOBAL_OFFSET_TABLE_$|_ITM_|__gmon_start__$|__cxa_finalize$|__stack_chk_fail|"
    r"bcmp$|__(mem|str)\w+_chk$|_init$|_fini$|_?__x86\.get_pc_thunk|__stack_chk_guard$|TOCSIN_\d")

NAMESPACE = "include/tocsin/namespace.h"
INTERNAL = "lib/tocsin_all_names.h"

NAMESPACE_TEXT = """\
/* tocsin/namespace.h - every public function under another name.
 *
 * Included by version.h where TOCSIN_NAMESPACE is defined, and never directly: with
 * -DTOCSIN_NAMESPACE=prefix_ a vendored copy's tocsin_x becomes prefix_tocsin_x for the
 * linker, while sources go on calling tocsin_x.
 *
 * Written by tests/tools/check_symbols.py --write; a test keeps it in step with the
 * headers.
 */
#ifndef TOCSIN_NAMESPACE_H
#define TOCSIN_NAMESPACE_H

#define TOCSIN_NAMESPACE_JOIN_(prefix, name) prefix##name
#define TOCSIN_NAMESPACE_JOIN(prefix, name) TOCSIN_NAMESPACE_JOIN_(prefix, name)

{defines}

#endif
"""

INTERNAL_TEXT = """\
/* tocsin_all_names.h - every symbol the library's files share, under another name.
 *
 * tocsin_all.c includes it where TOCSIN_NAMESPACE is defined, so that two copies of the
 * library can be linked into one program.
 *
 * Written by tests/tools/check_symbols.py --write; a test keeps it in step with the
 * library.
 */
#ifndef TOCSIN__ALL_NAMES_H
#define TOCSIN__ALL_NAMES_H

{defines}

#endif
"""


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def header_functions(root):
    """The public functions, in the order of the umbrella header's table."""
    umbrella = without_comments(read(root, "include/tocsin.h"))
    names = []
    for header in re.findall(r'#include "(tocsin/\w+\.h)"', umbrella):
        text = without_comments(read(root, "include/" + header))
        names += re.findall(r"^TOCSIN_API\b[^;{(]*?\b(\w+)\s*\(", text, re.M)
        marks = len(re.findall(r"^TOCSIN_API\b", text, re.M))
        found = len(re.findall(r"^TOCSIN_API\b[^;{(]*?\b\w+\s*\(", text, re.M))
        if marks != found:
            sys.exit(f"{header}: {marks} declarations are public, {found} of them functions")
    return names


def map_symbols(root):
    text = without_comments(read(root, "lib/tocsin.map"))
    names = []
    for body in re.findall(r"^TOCSIN_[\d.]+\s*\{(.*?)\}", text, re.S | re.M):
        exported = body.split("local:")[0].replace("global:", "")
        names += [name.strip() for name in exported.split(";") if name.strip()]
    return names


def renamed(root, name):
    return re.findall(r"^#define (\w+) TOCSIN_NAMESPACE_JOIN\(TOCSIN_NAMESPACE, \1\)$",
                      read(root, name), re.M)


def write_names(root, name, template, symbols):
    defines = "\n".join(
        f"#define {symbol} TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, {symbol})" for symbol in symbols)
    with open(os.path.join(root, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(template.replace("{defines}", defines))


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Symbols:
    """What nm says of a library or an object."""

    def __init__(self, nm, path, *options):
        self.defined, self.needed = set(), set()
        for line in output_of(nm, "-P", "-g", *options, path).splitlines():
            fields = line.split()
            if len(fields) < 2 or len(fields[1]) != 1:
                continue    # the name of an archive's member
            name = fields[0].split("@")[0]
            (self.needed if fields[1] in "Uwv" else self.defined).add(name)
        self.needed -= self.defined


class Check:
    def __init__(self):
        self.failed = 0

    def same(self, what, found, whose, expected):
        if list(found) == list(expected):
            return
        self.failed = 1
        print(f"{what} and {whose} differ:")
        for name in found:
            if name not in expected:
                print(f"  only in {what}: {name}")
        for name in expected:
            if name not in found:
                print(f"  only in {whose}: {name}")
        if sorted(found) == sorted(expected):
            print("  the order")

    def none(self, what, names):
        if names:
            self.failed = 1
            print(f"{what}: {' '.join(sorted(names))}")


# The one thing that may change while the program runs.
WRITABLE = "kernels_chosen"


def writable_data(size, nm, path):
    """Sections with data that can change while the program runs, by member."""
    found, member = [], path
    allowed = {int(fields[1], 16)
               for fields in map(str.split, output_of(nm, "-S", "--defined-only", path).splitlines())
               if len(fields) == 4 and fields[2] in "bB" and fields[3] == WRITABLE}
    for line in output_of(size, "-A", path).splitlines():
        fields = line.split()
        if len(fields) >= 2 and line.rstrip().endswith(":"):
            member = fields[0]
        # Constant tables of pointers (.data.rel.ro) are written by the dynamic linker alone.
        if (len(fields) == 3 and fields[1].isdigit() and int(fields[1]) > 0
                and re.match(r"\.(data|bss|tdata|tbss)(\.|$)", fields[0])
                and not fields[0].startswith(".data.rel.ro")
                and not (fields[0] == ".bss" and {int(fields[1])} == allowed)):
            found.append(f"{member}:{fields[0]}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--size", default="size")
    parser.add_argument("--shared")
    parser.add_argument("--static")
    parser.add_argument("--object")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    root, check = arguments.root, Check()

    public = header_functions(root)
    static = Symbols(arguments.nm, arguments.static) if arguments.static else None
    if arguments.write:
        write_names(root, NAMESPACE, NAMESPACE_TEXT, public)
        if static:
            write_names(root, INTERNAL, INTERNAL_TEXT, sorted(static.defined - set(public)))

    check.same("lib/tocsin.map", map_symbols(root), "the headers", public)
    check.same(NAMESPACE, renamed(root, NAMESPACE), "the headers", public)
    check.none("public, but not named tocsin_...",
               [name for name in public if not re.match(r"tocsin_[a-z]", name)])

    if arguments.shared:
        shared = Symbols(arguments.nm, arguments.shared, "-D")
        exported = {name for name in shared.defined if not TOOLCHAIN.match(name)}
        check.same("the shared library", sorted(exported), "the headers", sorted(public))
        check.none("the shared library needs from outside",
                   {name for name in shared.needed - NEEDED if not TOOLCHAIN.match(name)})
    if static:
        internal = {name for name in static.defined - set(public) if not TOOLCHAIN.match(name)}
        check.same(INTERNAL, renamed(root, INTERNAL), "the static library", sorted(internal))
        check.none("defined, but not named tocsin_...",
                   [name for name in internal if not name.startswith("tocsin__")])
    for path in filter(None, (arguments.static, arguments.object)):
        symbols = static if path == arguments.static else Symbols(arguments.nm, path)
        check.none(f"{path} lacks", set(public) - symbols.defined)
        check.none(f"{path} needs from outside",
                   {name for name in symbols.needed - NEEDED if not TOOLCHAIN.match(name)})
        check.none("writable data", writable_data(arguments.size, arguments.nm, path))
    sys.exit(check.failed)


if __name__ == "__main__":
    main()
