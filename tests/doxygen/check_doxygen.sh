#!/bin/sh
# Doxygen reads the public headers without a warning.
#
#     check_doxygen.sh ROOT

if ! command -v doxygen >/dev/null; then
    echo "SKIP: doxygen is not installed"
    exit 77
fi
root=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Doxygen looks at what a file declares only where the file itself is documented, so the
# comment on top of each header becomes that documentation.
cat >"$work/filter.sed" <<'END'
1s|^/\* [^ ]* - |/** @file\
 |
END

{
    cat "$root/tests/doxygen/Doxyfile"
    echo "INPUT = $root/include"
    echo "STRIP_FROM_PATH = $root/include"
    echo "INPUT_FILTER = \"sed -f $work/filter.sed\""
    echo "OUTPUT_DIRECTORY = $work"
} | doxygen -
