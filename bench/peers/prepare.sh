# What runs beside peers begin with: read by them, with `here` their folder and `programs` the
# benchmarks that they need.
#
# Reads the options --json FILE, --quick and --build FOLDER into $json, $quick and $build (default:
# build-bench beside bench), builds the programs, and installs what `here`/requirements.txt lists
# into a virtual environment in the build's folder, $venv.  A peer that cannot be installed is left
# out, and said.
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

venv=$build/peers
log=$build/peers.log
: > "$log"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" >> "$log" 2>&1 ||
        { echo "peers: no virtual environment, see $log" >&2; exit 3; }
fi
while read -r package; do
    case $package in ''|\#*) continue ;; esac
    "$venv/bin/python" -m pip install --quiet "$package" >> "$log" 2>&1 ||
        echo "peers: $package is left out: it could not be installed, see $log" >&2
done < "$here/requirements.txt"
