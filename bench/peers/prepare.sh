# What runs beside peers begin with: read by them, with `here` their folder and `programs` the
# benchmarks that they need.
#
# Reads the options --json FILE, --quick and --build FOLDER into $json, $quick and $build (default:
# build-bench beside bench), builds the programs, and installs what `here`/requirements.txt lists
# into a virtual environment, see install.sh.
root=$(dirname "$(dirname "$here")")
build=$root/build-bench
json= quick=

usage()
{
    sed -n '4p' "$0" | sed 's/^# */usage: /' >&2
    exit 64
}

while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick; shift; continue ;;
    --help) sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p'; exit 0 ;;
    --json) [ $# -ge 2 ] || usage; json=$2 ;;
    --build) [ $# -ge 2 ] || usage; build=$2 ;;
    *) usage ;;
    esac
    shift 2
done

[ -f "$build/build.ninja" ] ||
    meson setup "$build" "$root" --buildtype=release -Dtests=disabled -Dcli=disabled > /dev/null
# shellcheck disable=SC2086
ninja -C "$build" $programs > "$build/ninja.log" ||
    { cat "$build/ninja.log" >&2; exit 1; }

. "$here/../peers/install.sh"
