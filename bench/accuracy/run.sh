#!/bin/sh
# How good the scores are, on labelled data: the table of README.md.
#
#     sh bench/accuracy/run.sh [options] DATA_DIR...
#
#     --spec S       what to measure; may be given more than once (default: the runner's own, and
#                    budgets of 1 per 4 days, 1 per week and 1 per month)
#     --rank R       raw, score or difference, see accuracy.c
#     --rows         without --spec: the forests, on rows of a file's columns, and what they have to
#                    beat (rows_peers.py; isotree is installed into a virtual environment in the
#                    build's folder where Python has none, and left out where that fails)
#     --splits N     choose on a random half, score on the other, N times
#     --build DIR    where to build (default: build-bench beside bench)
#     --keep DIR     leave scores and figures there
#
# DATA_DIR is a folder as README.md describes it.  Needs meson, a C compiler and Python.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
build=$root/build-bench
keep= rank=raw splits=0 rows= python=python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
: > "$work/specs"

usage()
{
    sed -n '4p' "$0" | sed 's/^# */usage: /' >&2
    exit 64
}

# Whether $python has isotree, or another one that it is installed for.
has_isotree()
{
    "$python" -c 'import isotree' 2> /dev/null && return
    (. "$here/../peers/install.sh") || return
    python=$build/peers/bin/python
    "$python" -c 'import isotree'
}

while [ $# -gt 0 ]; do
    case $1 in
    --help) sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p'; exit 0 ;;
    --rows) rows=1; shift; continue ;;
    --spec) [ $# -ge 2 ] || usage; printf '%s\n' "$2" >> "$work/specs" ;;
    --rank) [ $# -ge 2 ] || usage; rank=$2 ;;
    --splits) [ $# -ge 2 ] || usage; splits=$2 ;;
    --build) [ $# -ge 2 ] || usage; build=$2 ;;
    --keep) [ $# -ge 2 ] || usage; keep=$2 ;;
    -*) usage ;;
    *) break ;;
    esac
    shift 2
done
[ $# -ge 1 ] || usage
if [ -n "$rows" ] && [ ! -s "$work/specs" ]; then
    printf '%s\n' hstrees iforest rcforest > "$work/specs"
    peers=diff
fi
[ -s "$work/specs" ] || printf '%s\n' 'raw | alarm threshold=5 cooldown=12h' \
    'alarm budget=1/4d' 'alarm budget=1/week' 'alarm budget=1/month' > "$work/specs"
[ -n "$keep" ] || keep=$work

[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$root" --buildtype=release -Dtests=disabled -Dcli=disabled > /dev/null
ninja -C "$build" bench/accuracy/accuracy > "$work/ninja.log" ||
    { cat "$work/ninja.log" >&2; exit 1; }

if [ -n "${peers:-}" ] && has_isotree; then
    peers="$peers isotree isotree-default"
fi

score()     # data, folder with scores/ and run.json
{
    python3 "$here/score.py" --splits "$splits" --json "$2/figures.json" "$1" "$2/scores" \
        > "$2/figures.txt"
    echo "$2" >> "$work/folders"
}

number=0
while IFS= read -r spec; do
    number=$((number + 1))
    for data in "$@"; do
        folder=$keep/$(basename "$data")-$number
        mkdir -p "$folder"
        "$build/bench/accuracy/accuracy" --spec "$spec" --rank "$rank" \
            --json "$folder/run.json" "$data" "$folder/scores"
        score "$data" "$folder"
    done
done < "$work/specs"
for peer in ${peers:-}; do
    number=$((number + 1))
    for data in "$@"; do
        folder=$keep/$(basename "$data")-$number
        mkdir -p "$folder"
        "$python" "$here/rows_peers.py" "$peer" "$data" "$folder/scores" --json "$folder/run.json"
        score "$data" "$folder"
    done
done
tr "\n" "\0" < "$work/folders" | xargs -0 python3 "$here/accuracy_table.py"
