#!/bin/sh
# Forests of other libraries that learn as they score, beside tocsin's.
#
#     sh bench/forest/streams.sh [--json FILE] [--quick] [--build FOLDER]
#
# Builds tocsin's benchmark, installs the peers into a virtual environment in the build's folder
# (default: build-bench beside bench) and runs all of them turn by turn.  A peer that cannot be
# installed is left out, and said; exit status 3 if none can.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
programs="bench/stream"
. "$here/../peers/prepare.sh"

exec env OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
    "$venv/bin/python" "$here/stream_peers.py" --build "$build" ${json:+--json "$json"} $quick
