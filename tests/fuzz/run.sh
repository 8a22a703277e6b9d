#!/bin/sh
# Fuzz the spec compiler, the loaders of snapshots, shards and forests, the pipeline and the gate with
# libFuzzer, under the address and undefined-behaviour sanitizers.
#
#     sh tests/fuzz/run.sh [SECONDS [DIRECTORY]]
#
# Runs each target for SECONDS (60 if not given).  The corpora are kept in DIRECTORY, so that a later
# run goes on from them; without one they are thrown away.  What breaks a target is left in the current
# directory as crash-*; `test_replay crash-*` runs it again.  Needs clang.
set -eu

seconds=${1:-60}
here=$(pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpora=${2:-$work/corpora}
mkdir -p "$corpora/spec" "$corpora/snapshot" "$corpora/push" "$corpora/shard" \
    "$corpora/forest" "$corpora/gate"

cd "$root"
flags='-std=c11 -g -O1 -Iinclude -fsanitize=address,undefined -fno-sanitize-recover=all'
${CLANG:-clang} $flags tests/fuzz/test_replay.c lib/tocsin_all.c \
    $(pkg-config --cflags --libs check) -o "$work/replay"
"$work/replay" --seeds "$corpora"

for target in spec snapshot push shard forest gate; do
    ${CLANG:-clang} $flags -fsanitize=fuzzer -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
        "tests/fuzz/fuzz_$target.c" lib/tocsin_all.c -o "$work/fuzz_$target"
    echo "fuzz_$target: $seconds seconds"
    "$work/fuzz_$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$here/" "$corpora/$target"
done
