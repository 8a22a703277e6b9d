#!/usr/bin/env python3
"""Write the public interface as plain declarations, for cffi and its like.

    declarations.py --size-t-bytes 8 --output tocsin.cdef.h version.h base.h ...

A binding generator that has no C preprocessor cannot read the headers.  This drops their
comments and directives, and turns every public constant into a declaration with its value:

    #define TOCSIN_CHANNELS 8             enum { TOCSIN_CHANNELS = 8 };
    #define TOCSIN_SECOND ((int64_t)1...  static const int64_t TOCSIN_SECOND = 1000000000;

The headers come in an order in which each needs only those before it.  A macro that is no
constant, other than the few known below, is an error: the interface has none.
"""

import argparse
import re
import sys

# Directives for the compiler that is building or using the library, not for a reader.
NOT_CONSTANTS = re.compile(r"TOCSIN_(API|BUILDING|SHARED|NAMESPACE|H|[A-Z]+_H)$")

DEFINE = re.compile(r"#\s*define\s+(\w+)(\(?)[ \t]*(.*)")
CAST = re.compile(r"\(\s*(u?int\d+_t|size_t)\s*\)")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def join_lines(text):
    return text.replace("\\\n", " ")


class Constants:
    """Evaluates the headers' integer macros."""

    def __init__(self, size_t_bytes):
        self.values = {"INT64_MIN": -2**63, "INT64_MAX": 2**63 - 1}
        self.types = {"INT64_MIN": "int64_t", "INT64_MAX": "int64_t"}
        self.size_t_bytes = size_t_bytes

    def add(self, name, expression):
        """Evaluate one macro's body; return its type and value."""
        types = set(CAST.findall(expression))
        bare = CAST.sub("", expression)
        for word in re.findall(r"[A-Za-z_]\w*", bare):
            if word not in self.values:
                raise ValueError(f"{name}: unknown name {word} in {expression!r}")
            types.add(self.types[word])
            bare = re.sub(rf"\b{word}\b", str(self.values[word]), bare)
        if not re.fullmatch(r"[\d\s()+*<|-]+", bare):
            raise ValueError(f"{name} is no integer constant: {expression!r}")
        value = eval(bare, {"__builtins__": {}})  # digits, operators and parentheses only
        types.discard("int")
        if len(types) > 1:
            raise ValueError(f"{name} mixes the types {sorted(types)}")
        kind = types.pop() if types else "int"
        if kind == "size_t":
            value %= 256**self.size_t_bytes
        self.values[name], self.types[name] = value, kind
        return kind, value


def declarations(text, constants):
    """One header's declarations: a list of lines."""
    text = join_lines(without_comments(text))
    # What only C++ sees, and the include guards, are directives around nothing.
    text = re.sub(r'#ifdef __cplusplus\n(extern "C" \{|\})\n#endif\n', "", text)
    out = []
    for line in text.split("\n"):
        if not line.startswith("#"):
            out.append(line)
            continue
        define = DEFINE.match(line)
        if not define or NOT_CONSTANTS.match(define.group(1)):
            continue
        name, is_function, body = define.groups()
        if is_function and line[define.end(1)] == "(":
            raise ValueError(f"{name} is a function-like macro")
        kind, value = constants.add(name, (is_function + body).strip())
        if kind == "int":
            out.append(f"enum {{ {name} = {value} }};")
        else:
            out.append(f"static const {kind} {name} = {value};")
    text = "\n".join(out).replace("TOCSIN_API ", "")
    for name, value in constants.values.items():
        text = re.sub(rf"\[{name}\]", f"[{value}]", text)
    # Continued lines move left with what was before them; one empty line at most.
    text = re.sub(r"\n {%d}(?= {9})" % len("TOCSIN_API "), "\n", text)
    text = re.sub(r"[ \t]+\n", "\n", text + "\n")
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def main():
    parser = argparse.ArgumentParser(description="Write preprocessor-free declarations.")
    parser.add_argument("--size-t-bytes", type=int, required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("headers", nargs="+")
    arguments = parser.parse_args()

    constants = Constants(arguments.size_t_bytes)
    parts = []
    for path in arguments.headers:
        with open(path, encoding="utf-8") as file:
            try:
                parts.append(declarations(file.read(), constants))
            except ValueError as error:
                sys.exit(f"{path}: {error}")
    with open(arguments.output, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n\n".join(part for part in parts if part) + "\n")


if __name__ == "__main__":
    main()
