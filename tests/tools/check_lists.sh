#!/bin/sh
# Every test program under tests/ is named in tests/meson.build: none is ever forgotten.
#
#     check_lists.sh ROOT

cd "$1" || exit 1
failed=0
for path in tests/*/test_*.c; do
    folder=$(basename "$(dirname "$path")")
    name=$(basename "$path" .c)
    if ! sed -n "/^  '$folder': \[/,/^  \]/p" tests/meson.build |
        grep -q "^    '${name#test_}',"; then
        echo "$path is not in the list '$folder' of tests/meson.build"
        failed=1
    fi
done
for path in tests/cli/test_*.py; do
    name=$(basename "$path" .py)
    if ! sed -n "/^cli_programs = \[/,/^\]/p" tests/meson.build | grep -q "^  '${name#test_}',"; then
        echo "$path is not in the list cli_programs of tests/meson.build"
        failed=1
    fi
done
exit $failed
