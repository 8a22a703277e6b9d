#!/bin/sh
# Measures whether alarms keep their promise where series live hours, with class pools and without.
#
#     sh bench/churn/run.sh [options of churn, see its head]
#
# Without options: the classes of seed 1, which the pools were developed with, and those of seeds
# 1001 and 2001, which were held out.  Takes two minutes; needs a C compiler only.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

${CC:-cc} -std=c11 -O2 -I"$root/include" -c "$root/lib/tocsin_all.c" -o "$work/tocsin.o"
${CC:-cc} -std=c11 -O2 -D_GNU_SOURCE -I"$root/include" "$here/churn.c" "$work/tocsin.o" -lm \
    -o "$work/churn"

if [ $# -gt 0 ]; then
    "$work/churn" "$@"
    exit
fi

status=0
for seed in 1 1001 2001; do
    "$work/churn" --seed "$seed" || status=$?
    echo
done
exit "$status"
