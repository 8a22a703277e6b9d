#!/bin/sh
# Install the library the way a packager does and use it from outside in every way the
# README names: pkg-config, CMake, a meson subproject, a vendored copy, two copies at once.
#
#     check_consumers.sh ROOT CC [CXX]
#
# Without optimisation: what is checked is that it compiles, links and starts.

root=$(cd "$1" && pwd) cc=$2 cxx=${3:-}
. "$root/tests/tools/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work" "$tap_log"' EXIT
here=$root/tests/consumers
prefix=$work/prefix
export CC="$cc"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"

has()    # whether the commands are there
{
    for command in "$@"; do
        command -v "$command" >/dev/null || return 1
    done
}

# ---- Installing ------------------------------------------------------------------------

install_library()
{
    meson setup "$work/build" "$root" --prefix "$prefix" --libdir lib --buildtype debug \
        -Dcli=disabled -Dtests=disabled -Dbench=disabled &&
        meson install -C "$work/build"
}

# What is installed is what belongs to the product, and nothing else.
installed_files()
{
    (cd "$root/include" && find . -name '*.h' | sed 's|^\.|include|'
        cat <<END
include/tocsin/tocsin.cdef.h
lib/cmake/tocsin/tocsinConfig.cmake
lib/cmake/tocsin/tocsinConfigVersion.cmake
lib/libtocsin.a
lib/pkgconfig/tocsin.pc
END
        echo lib/libtocsin.so
        echo "lib/libtocsin.so.$abi"
        echo "lib/libtocsin.so.$version") | sort >"$work/expected"
    (cd "$prefix" && find . ! -type d | sed 's|^\./||' | sort) >"$work/found"
    diff "$work/expected" "$work/found"
}

version_part()
{
    sed -n "s/^#define TOCSIN_$1 \([0-9]*\)$/\1/p" "$root/include/tocsin/version.h"
}
version=$(version_part VERSION_MAJOR).$(version_part VERSION_MINOR).$(version_part VERSION_PATCH)
abi=$(version_part ABI)

try "install" install_library
try "installed files" installed_files

# ---- Linking ---------------------------------------------------------------------------

by_pkg_config()
{
    $cc "$here/consumer.c" -o "$work/shared" $(pkg-config --cflags --libs tocsin) &&
        LD_LIBRARY_PATH="$prefix/lib" "$work/shared" &&
        readelf -d "$work/shared" | grep "NEEDED.*libtocsin\.so\.$abi\]"
}

by_pkg_config_static()
{
    $cc -static "$here/consumer.c" -o "$work/static" $(pkg-config --static --cflags --libs tocsin) &&
        "$work/static"
}

by_cmake()    # the prefix
{
    cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$1" && cmake --build "$work/cmake" &&
        "$work/cmake/consumer_tocsin" && "$work/cmake/consumer_shared" &&
        "$work/cmake/consumer_static"
}

by_cmake_too_new()
{
    cmake -S "$here" -B "$work/cmake-new" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED=99
}

# A prefix that was moved after installing still works.
by_cmake_moved()
{
    mv "$prefix" "$work/moved" && rm -rf "$work/cmake" && by_cmake "$work/moved" &&
        mv "$work/moved" "$prefix"
}

# Of a subproject only the library is built.
by_subproject()
{
    mkdir -p "$work/super/subprojects" &&
        cp "$here/consumer.c" "$work/super" &&
        cp "$here/subproject.build" "$work/super/meson.build" &&
        ln -s "$root" "$work/super/subprojects/tocsin" &&
        meson setup "$work/super/build" "$work/super" --buildtype debug &&
        ninja -C "$work/super/build" &&
        "$work/super/build/consumer" &&
        ! ninja -C "$work/super/build" -t targets all | grep -E 'tocsin/(tests|bench|examples)/'
}

vendored_copy()
{
    mkdir -p "$work/vendored" && cp -R "$root/include" "$root/lib" "$work/vendored" &&
        (cd "$work/vendored" && $cc -std=c11 -Wall -Wextra -Wpedantic -Werror -O0 -Iinclude \
            -c lib/tocsin_all.c)
}

vendored()    # compiler of the program
{
    (cd "$work/vendored" && $1 -Iinclude -o program "$here/consumer.c" -x none tocsin_all.o -lm &&
        ./program)
}

two_copies()
{
    for side in left right; do
        $cc -std=c11 -O0 -DTOCSIN_NAMESPACE=${side}_ -I"$root/include" \
            -c "$root/lib/tocsin_all.c" -o "$work/$side.o" &&
            $cc -DTOCSIN_NAMESPACE=${side}_ -Dmain=${side}_main -I"$root/include" \
                -c "$here/consumer.c" -o "$work/${side}_consumer.o" || return 1
        # Not one symbol keeps its name.
        nm -P -g --defined-only "$work/$side.o" | grep -v "^${side}_tocsin_" && return 1
    done
    $cc "$here/two_copies.c" "$work/left.o" "$work/right.o" "$work/left_consumer.o" \
        "$work/right_consumer.o" -lm -o "$work/two" && "$work/two"
}

if has pkg-config; then
    try "pkg-config, shared" by_pkg_config
    try "pkg-config, static" by_pkg_config_static
else
    skip "pkg-config" "not installed"
fi
if has cmake make; then
    try "CMake" by_cmake "$prefix"
    try "CMake refuses another version" fails by_cmake_too_new
    try "CMake, prefix moved" by_cmake_moved
else
    skip "CMake" "not installed"
fi
try "meson subproject" by_subproject
try "vendored copy" vendored_copy
try "vendored" vendored "$cc -std=c11"
if [ -n "$cxx" ]; then
    try "vendored, from C++98" vendored "$cxx -x c++ -std=c++98"
else
    skip "vendored, from C++98" "no C++ compiler"
fi
try "two copies in one program" two_copies
finish
