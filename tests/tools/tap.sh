# tap.sh - a few words of the Test Anything Protocol for checks written in sh.
#
#     . tap.sh
#     try "what is checked" command...      runs it; its output is shown if it fails
#     skip "what is checked" "why not"
#     finish                                the plan, at the end

tap_count=0
tap_log=$(mktemp)
trap 'rm -f "$tap_log"' EXIT

try()
{
    tap_name=$1
    shift
    tap_count=$((tap_count + 1))
    if "$@" >"$tap_log" 2>&1 </dev/null; then
        echo "ok $tap_count - $tap_name"
    else
        echo "not ok $tap_count - $tap_name"
        sed 's/^/# /' "$tap_log"
    fi
}

skip()
{
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

finish()
{
    echo "1..$tap_count"
}

# Succeeds if the command fails: try "..." fails false
fails()
{
    ! "$@"
}
