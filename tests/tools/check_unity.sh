#!/bin/sh
# The whole library compiles as one file with no configure step and no warning, with each
# compiler that is there, and the object has the symbols it should have.  Some of gcc's warnings
# depend on what it optimises; clang's do not.  (-O0 is what check_consumers.sh compiles with.)
#
#     check_unity.sh ROOT PYTHON COMPILER...

root=$1 python=$2
shift 2
. "$root/tests/tools/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work" "$tap_log"' EXIT
cd "$root" || exit 1

for cc in "$@"; do
    if ! command -v "$cc" >/dev/null; then
        skip "$cc" "not installed"
        continue
    fi
    case $cc in
    clang*) levels=-O2 ;;
    *) levels="-O3 -O2" ;;
    esac
    for options in $levels; do
        try "$cc $options" $cc -std=c11 -Wall -Wextra -Wpedantic -Werror $options \
            -c lib/tocsin_all.c -Iinclude -o "$work/all.o"
    done
    try "$cc: symbols" "$python" tests/tools/check_symbols.py . --object "$work/all.o"
    # Its scores would depend on the compiler.
    try "$cc refuses -ffast-math" fails "$cc" -std=c11 -ffast-math -fsyntax-only \
        -Iinclude lib/tocsin_all.c
done
finish
