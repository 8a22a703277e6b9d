#!/bin/sh
# Ask Prometheus what both arms measured since the rollout began, and judge it.
#
#     PROMETHEUS=http://prometheus:9090 QUERY='...' SINCE=1700000000 gate.sh [tocsin gate's options]
#
#     PROMETHEUS  its address
#     QUERY       PromQL whose series have the labels `arm` and, with several metrics, `metric`
#     SINCE       when the rollout began, in seconds since 1970; default: 30 minutes ago
#     STEP        seconds between samples; default: 15
#     TOCSIN      the program; default: tocsin
#
# Exit codes are those of tocsin gate: 0 pass, 1 fail, 2 undecided, 3 no data, 64 usage, 65 bad input;
# and 65 where Prometheus does not answer.
set -eu

now=$(date +%s)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

curl --silent --show-error --fail --get "${PROMETHEUS:?an address was expected}/api/v1/query_range" \
    --data-urlencode "query=${QUERY:?a query was expected}" \
    --data-urlencode "start=${SINCE:-$((now - 1800))}" \
    --data-urlencode "end=$now" \
    --data-urlencode "step=${STEP:-15}" > "$answer" || exit 65

code=0
"${TOCSIN:-tocsin}" gate --input prometheus "$@" "$answer" || code=$?
exit "$code"
