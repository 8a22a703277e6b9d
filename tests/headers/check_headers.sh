#!/bin/sh
# Every public header compiles alone, twice over, as C11 and as C++98, without a warning
# and without a hole in a struct.
#
#     check_headers.sh ROOT CC [CXX]

root=$1 cc=$2 cxx=${3:-}
. "$root/tests/tools/tap.sh"

warnings="-Wall -Wextra -Wpedantic -Wpadded -Wundef -Werror"

# A struct is used, or clang would not lay it out.
use_structs()
{
    sed -n 's/^typedef struct \([a-z_]*\) {.*/typedef char size_of_\1[sizeof(\1)];/p' "$@"
}

compile()    # language, compiler and standard, header
{
    {
        printf '#include "%s"\n#include "%s"\ntypedef int not_empty;\n' "$3" "$3"
        use_structs "$root/include/$3"
    } | $2 $warnings -I"$root/include" -x "$1" -fsyntax-only -
}

for path in "$root"/include/*.h "$root"/include/*/*.h; do
    header=${path#"$root"/include/}
    try "$header as C11" compile c "$cc -std=c11 -Wstrict-prototypes" "$header"
    if [ -n "$cxx" ]; then
        try "$header as C++98" compile c++ "$cxx -std=c++98" "$header"
    else
        skip "$header as C++98" "no C++ compiler"
    fi
done

# The check can fail: a struct with a hole in it is found.
hole()
{
    text='typedef struct hole {
        char first;
        double second;
    } hole;'
    { echo "$text" && echo "$text" | use_structs; } |
        $cc -std=c11 $warnings -x c -fsyntax-only -
}
try "a hole is found" fails hole

finish
