#!/usr/bin/env python3
"""Read the declaration file as a binding does and hold it against the C compiler.

    check_declarations.py DECLARATIONS ROOT CC [LIBRARY]

cffi parses it; what cffi makes of it - constants, sizes, offsets, prototypes - is written
down as a C program that compiles only if the headers say the same; and the shared library
is loaded and called through it.  Exit status 77 without cffi: skipped.
"""

import os
import re
import subprocess
import sys
import tempfile

try:
    import cffi
except ImportError:
    print("SKIP: this python has no cffi (python3-cffi)")
    sys.exit(77)

# What a binding generator, or an ABI meant to last, cannot have in a header.
UNWANTED = {
    "a directive": r"^\s*#",
    "an inline function": r"\binline\b",
    "variable arguments": r"\.\.\.",
    "a bool": r"\b(bool|_Bool)\b",
    "a bit-field": r"\w\s*:\s*\d+\s*;",
    "an enum field or parameter": r"\benum\s+\w+\s+\w",
    "exported data": r"^extern\b",
}


def assertions(ffi, text):
    """C source that compiles only if the headers agree with what cffi read, and its counts."""
    values = ffi.dlopen(None)   # constants need no library
    structs = re.findall(r"^typedef struct (\w+) \{", text, re.M)
    constants = re.findall(r"\b(TOCSIN_\w+) =", text)
    outside_structs = re.sub(r"\{[^}]*\}", "", text)
    prototypes = re.findall(r"^[^;=]*\btocsin_\w+\([^;]*;", outside_structs, re.M)

    conditions = []
    for name in structs:
        conditions.append(f"sizeof({name}) == {ffi.sizeof(name)}")
        conditions += [f"offsetof({name}, {field}) == {info.offset}"
                       for field, info in ffi.typeof(name).fields]
    for name in constants:
        value = getattr(values, name)
        written = "INT64_MIN" if value == -2**63 else f"{value}u" if value >= 2**63 else value
        conditions.append(f"{name} == {written}")
    lines = ["#include <stddef.h>", '#include "tocsin.h"']
    lines += [f'_Static_assert({condition}, "{condition}");' for condition in conditions]
    # A second declaration of the same function must be compatible with the first.
    return lines + prototypes, len(structs), len(constants), len(prototypes)


def main():
    declarations, root, compiler = sys.argv[1:4]
    with open(declarations, encoding="utf-8") as file:
        text = file.read()
    for what, pattern in UNWANTED.items():
        if re.search(pattern, text, re.M):
            sys.exit(f"{declarations}: {what}: {re.search(pattern, text, re.M).group(0)!r}")

    ffi = cffi.FFI()
    ffi.cdef(text)
    lines, structs, constants, functions = assertions(ffi, text)
    if functions != len(re.findall(r"\btocsin_\w+\(", text)):
        sys.exit(f"{declarations}: only {functions} prototypes were understood")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "assertions.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        compiled = subprocess.run(
            [*compiler.split(), "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             "-I" + os.path.join(root, "include"), source])
        if compiled.returncode:
            sys.exit(1)
    print(f"{structs} structs, {constants} constants and {functions} functions agree")

    if len(sys.argv) > 4:
        library = ffi.dlopen(sys.argv[4])
        for name in re.findall(r"\b(tocsin_\w+)\(", text):
            getattr(library, name)
        version = ffi.string(library.tocsin_version_string()).decode()
        expected = ".".join(str(getattr(library, "TOCSIN_VERSION_" + part))
                            for part in ("MAJOR", "MINOR", "PATCH"))
        if version != expected:
            sys.exit(f"the library says {version}, its declarations {expected}")
        print(f"loaded {version}")


if __name__ == "__main__":
    main()
