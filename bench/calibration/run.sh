#!/bin/sh
# Measures whether alarms keep their promise and find what they should, and writes the tables into
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
${CC:-cc} -std=c11 -O2 -D_GNU_SOURCE -I"$root/include" "$here"/*.c "$work/tocsin.o" -lm \
    -o "$work/calibration"

if [ $# -gt 0 ]; then
    "$work/calibration" "$@"
    exit
fi

status=0

# Run the program and put its tables, one below the other, between two lines of the README.
write_table()    # name of the place, specs
{
    place=$1
    shift
    : > "$work/table"
    for spec in "$@"; do
        set -- --spec "$spec"
        [ "$place" = table ] && set -- "$@" --power || set -- "$@" "--$place"
        code=0
        "$work/calibration" "$@" > "$work/part" || code=$?
        [ "$code" -le 1 ] || exit "$code"
        [ "$place" != table ] || status=$code
        if [ -s "$work/table" ]; then
            sed 1,2d "$work/part" >> "$work/table"
        else
            cp "$work/part" "$work/table"
        fi
    done
    awk -v table="$work/table" -v begins="^<!-- $place begins" -v ends="^<!-- $place ends -->" '
        $0 ~ ends { inside = 0 }
        !inside { print }
        $0 ~ begins {
            inside = 1
            while ((getline line < table) > 0)
                print line
        }
    ' "$here/../README.md" > "$work/README.md"
    cp "$work/README.md" "$here/../README.md"
}

write_table table 'auto | tail'
write_table incidents 'auto | tail' 'ewma | tail' 'holt-winters season=1d | tail' random
write_table changes 'auto | tail' 'ewma | tail' 'holt-winters season=1d | tail' random
exit "$status"
