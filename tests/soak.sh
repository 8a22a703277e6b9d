#!/bin/sh
# What takes longer than a change should wait for: run before a release.
#
#     sh tests/soak.sh [coverage] [fuzz] [fleet] [calibration]      all of them if none is named
#
# coverage      branches of lib/ that the test suite reaches: a test of the tests
# fuzz          libFuzzer over specs, snapshots and points, SOAK_SECONDS (600) each
# fleet         random sequences of all that can be done to banks, SOAK_FLEETS (100) of each kind
# calibration   ten years of healthy series per type: do the alarms keep their promise?
#
# Needs what tests/run.sh installs, and gcovr for the coverage.

set -eu
cd "$(dirname "$0")/.."
builds=$PWD/build-tests
seconds=${SOAK_SECONDS:-600}

coverage()
{
    [ -f "$builds/coverage/build.ninja" ] ||
        meson setup "$builds/coverage" -Db_coverage=true --buildtype=debug -Dcli=disabled \
            -Dbench=disabled
    ninja -C "$builds/coverage"
    meson test -C "$builds/coverage" --no-rebuild --no-suite once --timeout-multiplier 5
    gcovr -r . "$builds/coverage" --filter lib/ --branches --print-summary --sort-uncovered
}

fuzz()
{
    sh tests/fuzz/run.sh "$seconds" "$builds/corpora"
}

fleet()
{
    mkdir -p "$builds/fleet"
    # shellcheck disable=SC2046
    cc -std=c11 -O2 -ffp-contract=off -fsanitize=address,undefined -fno-sanitize-recover=all \
        -DFLEET_SEEDS="${SOAK_FLEETS:-100}" -Iinclude tests/contract/test_contract_fleet.c \
        lib/tocsin_all.c -o "$builds/fleet/fleet" $(pkg-config --cflags --libs check) -lm
    CK_VERBOSITY=normal "$builds/fleet/fleet"
}

calibration()
{
    [ -f "$builds/release/build.ninja" ] ||
        meson setup "$builds/release" --buildtype=release -Dtests=disabled -Dcli=disabled
    ninja -C "$builds/release"
    meson test -C "$builds/release" --no-rebuild --benchmark --verbose calibration
}

for what in "${@:-coverage fuzz fleet calibration}"; do
    for part in $what; do
        case $part in
        coverage | fuzz | fleet | calibration) "$part" ;;
        *) echo "usage: sh tests/soak.sh [coverage] [fuzz] [fleet] [calibration]" >&2; exit 64 ;;
        esac
    done
done
