#!/bin/bash
# Run unit test programs, several at a time (the slow ones wait for servers, not for the processor); on failure
# print the command that runs the failing one alone. run.sh BUILD PROGRAM...
if [ "$1" = --one ]; then
    build=$2
    program=$3
    name=${program#"$build"/unit/}
    from=$(date +%s%N)
    out=$(timeout -k 5 "${UNIT_TIMEOUT:-180}" "$program" 2>&1)
    status=$?
    spent=$((($(date +%s%N) - from) / 1000000))
    if [ $status -eq 0 ]; then
        count=$(printf '%s\n' "$out" | sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' | tail -1)
        echo "unit-result ${count:-0} 0 $spent $name"
    else
        printf '%s\n' "$out" | tail -40
        echo "unit test failed: $name (exit $status); run it alone: make unit M=${name%%/*} T=${name#*/}"
        echo "unit-result 0 1 $spent $name"
    fi
    exit 0
fi
build=$1
shift
[ $# -gt 0 ] || { echo "unit: no test program of that name" >&2; exit 1; }
results=$(mktemp)
trap 'rm -f "$results"' EXIT
# The slowest first: ledger and payment talk to PostgreSQL.
printf '%s\n' "$@" | awk '{ print (/\/unit\/(ledger|payment)\// ? 0 : 1), $0 }' | sort -s -k1,1 | cut -d' ' -f2- |
    xargs -P "${UNIT_JOBS:-6}" -n 1 "$0" --one "$build" | tee "$results" | grep -v '^unit-result'
[ -z "${SLOW:-}" ] || grep '^unit-result' "$results" | sort -k4,4nr | head -8
awk '/^unit-result/ { p += $2; f += $3 } END { printf "unit: %d passed, %d failed\n", p, f; exit !(f == 0 && p > 0) }' "$results"
