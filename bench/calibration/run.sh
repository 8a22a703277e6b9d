#!/bin/sh
# Measures whether alarms keep their promise, and writes the table into
# bench/README.md.
#
#     sh bench/calibration/run.sh [options of calibration, see its head]
#
# With options the table goes to standard output and the README stays as it is.  Takes about a
# minute; needs a C compiler only.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

${CC:-cc} -std=c11 -O2 -I"$root/include" -c "$root/lib/tocsin_all.c" -o "$work/tocsin.o"
${CC:-cc} -std=c11 -O2 -D_GNU_SOURCE -I"$root/include" "$here/calibration.c" "$work/tocsin.o" -lm \
    -o "$work/calibration"

if [ $# -gt 0 ]; then
    "$work/calibration" "$@"
    exit
fi

status=0
"$work/calibration" --power > "$work/table" || status=$?
[ "$status" -le 1 ] || exit "$status"
awk -v table="$work/table" '
    /^<!-- table ends -->/ { inside = 0 }
    !inside { print }
    /^<!-- table begins/ {
        inside = 1
        while ((getline line < table) > 0)
            print line
    }
' "$here/../README.md" > "$work/README.md"
cp "$work/README.md" "$here/../README.md"
exit "$status"
