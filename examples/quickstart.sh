#!/bin/sh
# From nothing to a result: install what is missing (Debian, Ubuntu), build, look for
# anomalies in a recording of a real machine, and write a report.
#
#     sh examples/quickstart.sh

set -eu
cd "$(dirname "$0")/.."

spec='clock absence=30s | ewma half-life=1h floor-relative=10% | tail | alarm budget=4/h n=8 m=10 cooldown=5m'
recording=examples/data/machine-a.csv
report=build/report.html

packages='gcc libc6-dev meson ninja-build pkg-config python3 libpopt-dev libcsv-dev libjson-c-dev'
# The report's chart library comes from npm; who has npm from elsewhere keeps it.
command -v npm >/dev/null || packages="$packages npm"

say()
{
    printf '\n==== %s\n' "$1"
}

install_missing()
{
    missing=
    for package in $packages; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    $root apt-get -o DPkg::Lock::Timeout=300 update -qq
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y -qq --no-install-recommends $missing
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_missing
else
    echo "not Debian or Ubuntu: the packages needed are called something like"
    echo "    $packages"
fi

say "building"
if [ ! -f build/build.ninja ]; then
    meson setup build --buildtype=release -Dcli=enabled -Dtests=disabled -Dbench=disabled
fi
ninja -C build

say "tocsin detect --spec '$spec' --key series $recording"
build/examples/tocsin/tocsin detect --spec "$spec" --key series --report "$report" "$recording"

say "what really happened"
tail -n +2 "${recording%.csv}.labels.csv" | while IFS=, read -r incident start end _; do
    printf '%s  to %s  %s\n' "$(date -u -d "@$start" +%Y-%m-%dT%H:%M:%SZ)" \
        "$(date -u -d "@$end" +%H:%M:%S)" "$incident"
done

say "the report"
echo "$PWD/$report"
