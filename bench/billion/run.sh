#!/bin/sh
# One tick of as many series as memory holds, up to a billion.
#
#     sh bench/billion/run.sh [SERIES] [options of billion]
#
# SERIES may be written 50M or 1G.  Prints seconds per tick, bytes per series and GB/s, beside the
# bandwidth twin.  Takes some minutes, most of them to fill and warm the bank.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
build=$root/build-bench

case ${1-} in
[0-9]*) series=$1; shift ;;
*) series= ;;
esac

[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$root" --buildtype=release -Dtests=disabled -Dcli=disabled > /dev/null
ninja -C "$build" bench/billion > "$build/ninja.log" || { cat "$build/ninja.log" >&2; exit 1; }
exec "$build/bench/billion" ${series:+--series "$series"} "$@"
