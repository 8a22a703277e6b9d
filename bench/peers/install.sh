# Read by what compares with peers, with `here` its folder and `build` the build's: installs what
# `here`/requirements.txt lists, one package a line, into a virtual environment in the build's
# folder, $venv.  A peer that cannot be installed is left out, and said; exit status 3 without an
# environment.
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
