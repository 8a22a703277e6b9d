#!/bin/sh
# The same work done by the libraries that a user would otherwise pick, beside tocsin.
#
#     sh bench/peers/run.sh [--json FILE] [--quick] [--build FOLDER]
#
# Builds tocsin's benchmarks, installs the peers into a virtual environment in the build's folder
# (default: build-bench beside bench) and runs all of them turn by turn.  A peer that cannot be
# installed is left out, and said; exit status 3 if none can.  The binding of RRDtool is compiled
# from source and needs its headers (Debian: librrd-dev).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
programs="bench/bank bench/push"
. "$here/prepare.sh"

# One thread each; and whatever a machine sets to calm old builds of OpenBLAS slows new ones.
exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1 \
    "$venv/bin/python" "$here/peers.py" --programs "$build/bench" ${json:+--json "$json"} $quick
