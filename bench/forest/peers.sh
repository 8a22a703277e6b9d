#!/bin/sh
# Isolation forests of other libraries beside tocsin's: time, and whether they agree.
#
#     sh bench/forest/peers.sh [--json FILE] [--quick] [--build FOLDER]
#
# Builds tocsin's library and benchmark, installs the peers into a virtual environment in the
# build's folder (default: build-bench beside bench) and runs all of them turn by turn.  A peer
# that cannot be installed is left out, and said; exit status 3 if none can.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
build=$root/build-bench
json= quick=

usage()
{
    sed -n '4p' "$0" | sed 's/^# */usage: /' >&2
    exit 64
}

while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick; shift; continue ;;
    --help) sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p'; exit 0 ;;
    --json) [ $# -ge 2 ] || usage; json=$2 ;;
    --build) [ $# -ge 2 ] || usage; build=$2 ;;
    *) usage ;;
    esac
    shift 2
done

[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$root" --buildtype=release -Dtests=disabled -Dcli=disabled > /dev/null
ninja -C "$build" bench/forest > "$build/ninja.log" ||
    { cat "$build/ninja.log" >&2; exit 1; }

venv=$build/peers
log=$build/peers.log
: > "$log"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" >> "$log" 2>&1 ||
        { echo "peers: no virtual environment, see $log" >&2; exit 3; }
fi
while read -r package; do
    case $package in ''|\#*) continue ;; esac
    "$venv/bin/python" -m pip install --quiet "$package" >> "$log" 2>&1 ||
        echo "peers: $package is left out: it could not be installed, see $log" >&2
done < "$here/requirements.txt"

exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
    "$venv/bin/python" "$here/forest_peers.py" --build "$build" ${json:+--json "$json"} $quick
