#!/bin/sh
# Install what is missing, build, and run every test.
#
#     sh tests/run.sh                  every leg
#     sh tests/run.sh --leg asan       one leg; may be given more than once
#     sh tests/run.sh --list           name the legs
#     sh tests/run.sh --no-install     take what is there
#
# A leg is one way of building and running: a compiler, a sanitizer, another machine.  A
# leg whose tools cannot be had is skipped and says so.  Each builds in build-tests/LEG,
# which stays there, so that a second run is quick.
#
# The last line counts tests over all legs: 'N passed, N failed, N skipped'.

set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
builds=$top/build-tests

all_legs="gcc clang asan tsan valgrind features i686 aarch64 s390x quickstart"
usage="usage: sh tests/run.sh [--no-install] [--list] [--leg LEG]...  ($all_legs)"

legs= install=yes
while [ $# -gt 0 ]; do
    case $1 in
    --leg)
        [ $# -gt 1 ] || { echo "$usage" >&2; exit 64; }
        case " $all_legs " in
        *" $2 "*) legs="$legs $2" ;;
        *) echo "there is no leg '$2'; $usage" >&2; exit 64 ;;
        esac
        shift
        ;;
    --list) printf '%s\n' $all_legs; exit 0 ;;
    --no-install) install=no ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 64 ;;
    esac
    shift
done
legs=${legs:-$all_legs}

# ---- Installing ------------------------------------------------------------------------

packages_of()    # the Debian packages a leg needs
{
    echo gcc g++ libc6-dev make meson ninja-build pkg-config python3 check \
        libpopt-dev libcsv-dev libjson-c-dev
    case $1 in
    gcc) echo clang cmake doxygen abigail-tools python3-cffi binutils ;;
    clang) echo clang ;;
    valgrind) echo valgrind libc6-dbg ;;
    features) echo qemu-user-static ;;
    i686) echo gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user-static ;;
    aarch64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static ;;
    s390x) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user-static ;;
    esac
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_missing()
{
    wanted=$(for leg in $legs; do packages_of "$leg"; done | tr ' ' '\n' | sort -u)
    missing=
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    as_root apt-get -o DPkg::Lock::Timeout=300 update -qq
    # One by one if not all at once: a package this system has not must not cost the others.
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y -qq --no-install-recommends $missing >"$builds/install.log" 2>&1 && return 0
    for package in $missing; do
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
            install -y -qq --no-install-recommends "$package" >>"$builds/install.log" 2>&1 ||
            echo "could not install $package, see $builds/install.log"
    done
}

# libcheck for another machine, unpacked beside the build: nothing of that machine is
# installed here.  Writes a meson cross file that points to it.
foreign_libcheck()    # Debian's name of the machine, folder
{
    machine=$1 folder=$2
    [ -f "$folder/libcheck.ini" ] && return 0
    command -v apt-get >/dev/null || return 1
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs" || return 1
    apt="apt-get -qq -o APT::Architecture=$machine -o APT::Architectures=$machine
        -o APT::Sandbox::User= -o Dir::State::Lists=$folder/lists -o Dir::Cache=$folder/cache
        -o Dir::State::status=/dev/null"
    # shellcheck disable=SC2086
    (cd "$folder/debs" && { $apt update || true; } &&
        $apt download check libsubunit-dev) || return 1
    for deb in "$folder"/debs/*.deb; do
        dpkg -x "$deb" "$folder/root" || return 1
    done
    libraries=$(dirname "$(find "$folder/root" -name libcheck.a)")
    rm -rf "$folder/lists" "$folder/cache" "$folder/debs"
    cat >"$folder/libcheck.ini" <<END
[binaries]
pkgconfig = 'pkg-config'

[properties]
pkg_config_libdir = '$libraries/pkgconfig'
sys_root = '$folder/root'
END
}

# ---- Running ---------------------------------------------------------------------------

passed=0 failed=0 skipped=0 report=

# Add a line to the report and to the totals.
result()    # leg, passed, failed, skipped, remark
{
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    report="$report$(printf '%-12s %4d passed %4d failed %4d skipped   %s' "$@")
"
}

heading()
{
    printf '\n==== %s\n' "$1"
}

skip_leg()    # leg, reason
{
    echo "SKIP: $2"
    result "$1" 0 0 1 "$2"
}

# Set up if need be, and build: everything, or what $targets names.
build()    # leg, arguments of meson setup
{
    leg_build=$builds/$1
    shift
    if [ ! -f "$leg_build/build.ninja" ]; then
        rm -rf "$leg_build"
        meson setup "$leg_build" "$top" "$@" || return 1
    fi
    # shellcheck disable=SC2086
    ninja -C "$leg_build" ${targets-}
}

# Run tests in a build that is there, and count them.
run_tests()    # leg, build folder, arguments of meson test
{
    leg=$1 folder=$2
    shift 2
    rm -f "$folder"/meson-logs/testlog*.json
    began=$(date +%s)
    meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
    status=$?
    took="$(($(date +%s) - began)) s"
    counts=$(python3 "$top/tests/tools/count_tests.py" "$folder"/meson-logs/testlog*.json) ||
        counts="0 1 0"
    # shellcheck disable=SC2086
    set -- $counts
    if [ "$status" != 0 ] && [ "$2" = 0 ]; then
        result "$leg" "$1" 1 "$3" "$took; meson test failed"
    else
        result "$leg" "$1" "$2" "$3" "$took"
    fi
}

have()
{
    for command in "$@"; do
        command -v "$command" >/dev/null || return 1
    done
}

build_and_test()    # leg, suites and other arguments of meson test, arguments of meson setup
{
    leg=$1 test_arguments=$2
    shift 2
    if build "$leg" "$@"; then
        # shellcheck disable=SC2086
        run_tests "$leg" "$builds/$leg" $test_arguments
    else
        result "$leg" 0 1 0 "does not build"
    fi
}

# Enough for a backtrace: to keep track of variables takes gcc as long as all else where sanitizers are.
lines_only="-Dc_args=-g1"

compiled_suites="--no-suite once"
foreign_suites="--suite unit --suite differential --suite golden --suite contract"

leg_gcc()
{
    CC=gcc build_and_test gcc "" --werror
}

# Without what takes seconds to damage input in every way: gcc's legs do that, plainly and with
# sanitizers.
leg_clang()
{
    have clang || { skip_leg clang "clang is not installed"; return; }
    CC=clang build_and_test clang "$compiled_suites --no-suite slow" --werror
}

# Address and undefined behaviour sanitizers; leaks are found when each test's process ends.
# Without what only tells other numbers (support/suite.h).
leg_asan()
{
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_stack_use_after_return=1 \
        CK_EXCLUDE_TAGS=long CC=gcc build_and_test asan "$compiled_suites" --werror -Db_sanitize=address,undefined \
        -Db_lundef=false $lines_only
}

# Data races: what has threads, and what threads share.
leg_tsan()
{
    if ! CC=gcc targets="tests/test_contract_threads tests/test_bank" build tsan --werror -Db_sanitize=thread \
        -Dcli=disabled -Dbench=disabled $lines_only; then
        result tsan 0 1 0 "does not build"
        return
    fi
    TSAN_OPTIONS=halt_on_error=1 run_tests tsan "$builds/tsan" --timeout-multiplier 10 \
        contract_threads bank
}

# Processors that lack one thing after another, emulated: the library finds out what there is by
# itself, and the bits are the same on the least of them.  (The gcc leg runs every kernel that
# this machine has; the emulator has no AVX-512.)
leg_features()
{
    have qemu-x86_64-static || { skip_leg features "qemu-x86_64-static is not installed"; return; }
    [ "$(uname -m)" = x86_64 ] || { skip_leg features "this machine is not x86-64"; return; }
    if ! CC=gcc build gcc --werror; then
        result features 0 1 0 "does not build"
        return
    fi
    kernels=$builds/gcc/list-kernels
    if ! gcc -Iinclude -o "$kernels" tests/tools/list_kernels.c "$builds/gcc/lib/libtocsin.a" -lm
    then
        result features 0 1 0 "tests/tools/list_kernels.c does not build"
        return
    fi
    while read -r model expected; do
        found=$(qemu-x86_64-static -cpu "$model" "$kernels" 2>/dev/null)
        if [ "$found" = "$expected" ]; then
            result features 1 0 0 "$model: $found"
        else
            result features 0 1 0 "$model: '$found' instead of '$expected'"
        fi
    done <<END
max scalar sse2 avx2
max,-avx512f scalar sse2 avx2
max,-avx2 scalar sse2
max,-avx scalar sse2
max,-xsave scalar sse2
Haswell scalar sse2 avx2
SandyBridge scalar sse2
Nehalem scalar sse2
qemu64 scalar sse2
END
    CK_FORK=no CK_EXCLUDE_TAGS=long run_tests features "$builds/gcc" --timeout-multiplier 10 \
        --wrapper "qemu-x86_64-static -cpu Nehalem" \
        kernels bank contract_fleet golden
}

# Reads of what was never written, which no sanitizer of gcc's sees.  Kernels are left to the
# sanitizers: what they are given is random and what they return is compared bit by bit.
leg_valgrind()
{
    have valgrind || { skip_leg valgrind "valgrind is not installed"; return; }
    if ! CC=gcc build gcc --werror; then
        result valgrind 0 1 0 "does not build"
        return
    fi
    CK_EXCLUDE_TAGS=long run_tests valgrind "$builds/gcc" --suite unit --suite fault --no-suite slow \
        --no-suite vectors --timeout-multiplier 10 \
        --wrapper 'valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
}

leg_foreign()    # leg, Debian's name of the machine, compiler, emulator, arguments of meson setup
{
    have "$3" "$4" || { skip_leg "$1" "$3 or $4 is not installed"; return; }
    if ! foreign_libcheck "$2" "$builds/libcheck-$2"; then
        skip_leg "$1" "libcheck for $2 cannot be had"
        return
    fi
    leg=$1 machine=$2
    shift 4
    CK_FORK=no build_and_test "$leg" "$foreign_suites ${left_out-} --timeout-multiplier 2" --werror \
        --cross-file "tests/cross/$leg.ini" --cross-file "$builds/libcheck-$machine/libcheck.ini" \
        -Dcli=disabled -Dbench=disabled $lines_only "$@"
}

# Emulated only where the kernel does not take 32-bit programs: it takes twenty times as long.
leg_i686()
{
    native=$top/tests/cross/i686-native.sh
    if sh "$native" /usr/i686-linux-gnu/lib/libc.so.6 >/dev/null 2>&1; then
        printf "[binaries]\nexe_wrapper = ['sh', '%s']\n" "$native" >"$builds/i686-native.ini"
        leg_foreign i686 i386 i686-linux-gnu-gcc sh --cross-file "$builds/i686-native.ini"
    else
        all_foreign_suites=$foreign_suites
        # Debian 12's qemu-i386 hangs with more than one thread.
        foreign_suites="$foreign_suites --no-suite threads"
        leg_foreign i686 i386 i686-linux-gnu-gcc qemu-i386-static
        foreign_suites=$all_foreign_suites
    fi
}

# Emulated: without the tests that support/suite.h calls long, and each with a part of the others:
# kernels where the machine has some of its own, snapshots and oracles where bytes are
# the other way round.  (The i686 leg runs all, golden files hold the bits.)
leg_aarch64()
{
    left_out="--no-suite walks --no-suite bytes --no-suite differential" CK_EXCLUDE_TAGS=long leg_foreign aarch64 arm64 aarch64-linux-gnu-gcc qemu-aarch64-static
}

leg_s390x()
{
    left_out="--no-suite walks --no-suite vectors" CK_EXCLUDE_TAGS=long leg_foreign s390x s390x s390x-linux-gnu-gcc qemu-s390x-static
}

# What a newcomer does, in a copy of the tree as it would be cloned.
leg_quickstart()
{
    copy=$builds/quickstart
    rm -rf "$copy"
    mkdir -p "$copy"
    tar -cf - --exclude=./build* --exclude=./.git . | tar -xf - -C "$copy"
    if (cd "$copy" && sh examples/quickstart.sh) && [ -s "$copy/build/report.html" ]; then
        result quickstart 1 0 0 ""
    else
        result quickstart 0 1 0 "examples/quickstart.sh failed"
    fi
}

mkdir -p "$builds" || exit 1
if [ $install = yes ] && have apt-get dpkg-query; then
    install_missing
fi
if ! have meson ninja python3 pkg-config; then
    echo "meson, ninja, python3 and pkg-config are needed; this is no Debian or Ubuntu, or the"
    echo "installation failed: see $builds/install.log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

for leg in $legs; do
    heading "$leg"
    "leg_$leg"
done

heading "results"
printf '%s' "$report"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
