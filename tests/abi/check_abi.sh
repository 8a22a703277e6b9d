#!/bin/sh
# The shared library still serves programs linked with the first release of this ABI.
#
#     check_abi.sh ROOT LIBRARY           compare with the committed baseline
#     check_abi.sh --write ROOT LIBRARY   write the baseline anew: only for a new ABI number
#
# abidiff says nothing about a library without debugging information, so that is looked
# for first.  Functions may be added; allowed.abignore says which types may change.

write=no
if [ "$1" = --write ]; then
    write=yes
    shift
fi
root=$1 library=$2
here=$root/tests/abi
abi=$(sed -n 's/^#define TOCSIN_ABI \([0-9]*\)$/\1/p' "$root/include/tocsin/version.h")
baseline=$here/tocsin-$abi.abi

skip()
{
    echo "SKIP: $1"
    exit 77
}

command -v abidiff >/dev/null || skip "libabigail is not installed (abigail-tools)"
[ "$(uname -m)" = x86_64 ] || skip "the baseline is of x86_64"
readelf -S "$library" | grep -q '\.debug_info' || skip "$library has no debugging information"

if [ $write = yes ]; then
    # Where the library was built is nobody's business.
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --exported-interfaces-only \
        --drop-undefined-syms \
        --suppressions "$here/allowed.abignore" "$library" |
        sed "s|path='[^']*/lib/|path='lib/|" >"$baseline"
    exit
fi
abidiff --no-added-syms --suppressions "$here/allowed.abignore" \
    "$baseline" "$library"
