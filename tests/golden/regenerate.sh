#!/bin/sh
# Write golden files.
#
#     sh tests/golden/regenerate.sh NAME SPEC       a new one, tests/golden/NAME.golden
#     sh tests/golden/regenerate.sh --all           every one anew, from its own spec
#
# A golden file is a promise: a spec with pinned revisions gives these bits for good, and its snapshot
# loads for good.  So a file is written once, for a new stage or a new revision of one, and --all is
# for the time before a stage's first release, or for a mistake in the files themselves.  When a change
# was not meant to alter any output and this seems to be needed, the change is wrong.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c11 -O2 -ffp-contract=off -Iinclude tests/golden/test_golden.c \
    lib/tocsin_all.c -o "$work/golden" $(pkg-config --cflags --libs check)

write() {
    "$work/golden" --write "$2" > "$work/new"
    mv "$work/new" "tests/golden/$1.golden"
    echo "tests/golden/$1.golden"
}

case "${1-}" in
--all)
    for file in tests/golden/*.golden; do
        write "$(basename "$file" .golden)" "$(sed -n 's/^spec //p' "$file")"
    done
    ;;
'' | -*)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
*)
    if [ -e "tests/golden/$1.golden" ]; then
        echo "tests/golden/$1.golden exists, and is a promise" >&2
        exit 1
    fi
    write "$1" "${2-$1}"
    ;;
esac
