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
programs="bench/forest"
. "$here/../peers/prepare.sh"

exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
    "$venv/bin/python" "$here/forest_peers.py" --build "$build" ${json:+--json "$json"} $quick
