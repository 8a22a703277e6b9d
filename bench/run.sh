#!/bin/sh
# Builds and runs the benchmarks: a table for people, lines of JSON and a picture for the rest.
#
#     sh bench/run.sh [--only NAME,...] [--json FILE] [--svg FILE] [--quick] [--build FOLDER]
#
#     --only   what has one of these in its name: push, bank/ewma/, bits, peers, billion ...
#     --json   the lines of JSON (default: results.json in the build's folder)
#     --svg    the picture (default: beside the JSON)
#     --quick  a look of a minute or so, not a measurement
#     --build  where to build (default: build-bench beside bench)
#
# Needs meson and a C compiler; peers need Python and its package index besides, and are left out
# where bench/peers/run.sh says that it cannot have them.  All of it takes about half an
# hour and up to 20 GiB of memory; what does not fit is left out, and said.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=$root/build-bench
json= svg= only= quick=

usage()
{
    sed -n '4p' "$0" | sed 's/^# */usage: /' >&2
    exit 64
}

while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick; shift; continue ;;
    --help) sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p'; exit 0 ;;
    --only|--json|--svg|--build) [ $# -ge 2 ] && [ -n "$2" ] || usage ;;
    *) usage ;;
    esac
    case $1 in
    --only) only=$2 ;;
    --json) json=$2 ;;
    --svg) svg=$2 ;;
    --build) build=$2 ;;
    esac
    shift 2
done

case ,$only, in
,,|*,peers*) has_peers=1 ;;
*) has_peers=0 ;;
esac

if [ -f "$build/build.ninja" ]; then
    meson setup --reconfigure "$build" "$root" > /dev/null
else
    meson setup "$build" "$root" --buildtype=release -Dtests=disabled -Dcli=disabled > /dev/null
fi
ninja -C "$build" > "$build/ninja.log" || { cat "$build/ninja.log" >&2; exit 1; }

[ -n "$json" ] || json=$build/results.json
[ -n "$svg" ] || svg=${json%.json}.svg
: > "$json"

for program in push bank billion; do
    "$build/bench/$program" --json "$json" ${only:+--only "$only"} $quick
done
if [ "$has_peers" -eq 1 ]; then
    status=0
    sh "$here/peers/run.sh" --build "$build" --json "$json" $quick || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
fi

[ -s "$json" ] || { echo "run.sh: nothing is called $only" >&2; exit 64; }
status=0
python3 "$here/plot.py" "$json" "$svg" 2> "$build/plot.log" || status=$?
case $status in
0) echo "results in $json, picture in $svg" ;;
3) echo "results in $json" ;;
*) cat "$build/plot.log" >&2; exit "$status" ;;
esac
