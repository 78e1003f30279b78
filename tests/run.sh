#!/bin/bash
# `make test`: every step of the test suite, each with the command that runs it alone; ends with one line
# "N passed, N failed". A step reports its own count in a last line "<name>: P passed, F failed", else it
# counts as one. The crash sample runs beside the others, and is reported last.
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
broken=
log_folder=build/test
mkdir -p "$log_folder"

report() { # name status seconds command...: what its log says
    local name=$1 status=$2 seconds=$3 line p f
    shift 3
    line=$(grep -E '^[a-z0-9 -]+: [0-9]+ passed, [0-9]+ failed' "$log_folder/$name.log" | tail -1)
    if [ -n "$line" ]; then
        p=$(printf '%s' "$line" | sed 's/.*: \([0-9]*\) passed.*/\1/')
        f=$(printf '%s' "$line" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
        [ $status -eq 0 ] || [ "$f" -gt 0 ] || f=1
    elif [ $status -eq 0 ]; then
        p=1 f=0
    else
        p=0 f=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$f" -gt 0 ]; then
        broken="$broken $name"
        grep -aE -A2 '^(FAIL|not ok|\[  FAILED)' "$log_folder/$name.log" | head -60 # what failed, and the command that runs it alone
        echo "   the end of $log_folder/$name.log:"
        tail -40 "$log_folder/$name.log"
        echo "FAILED $name ($seconds s); run it alone: $*"
    else
        printf '   ok, %s passed (%s s)\n' "$p" "$seconds"
    fi
}

step() { # name command...
    local name=$1 from=$SECONDS
    shift
    printf -- '-- %s: %s\n' "$name" "$*"
    "$@" >"$log_folder/$name.log" 2>&1
    report "$name" $? $((SECONDS - from)) "$@"
}

jobs=-j$(nproc)
step build make --no-print-directory "$jobs" crash-build
# The crash sample waits most of its three minutes: it runs beside what computes.
crash="tests/crash/sample.sh"
printf -- '-- crash: %s (beside the next steps)\n' "$crash"
rm -f "$log_folder/crash.end"
crash_from=$SECONDS
set -m # a group of its own, to be ended whole
(
    $crash >"$log_folder/crash.log" 2>&1
    echo "$? $SECONDS" >"$log_folder/crash.end"
) &
crash_pid=$!
set +m
trap 'kill -TERM -- -$crash_pid 2>/dev/null' EXIT
step lint make --no-print-directory lint
step unit make --no-print-directory "$jobs" unit
step sanitizers make --no-print-directory "$jobs" unit SAN=1 BUILD=build-san
step fuzz make --no-print-directory "$jobs" fuzz-sample SAN=1 BUILD=build-san
step router make --no-print-directory router-proof
step privileges make --no-print-directory privileges
step postings make --no-print-directory postings-sample
step sim make --no-print-directory sim
step scripts make --no-print-directory scripts LIMIT=25
step sim-same make --no-print-directory sim-same
step sim-teeth make --no-print-directory sim-teeth
step e2e make --no-print-directory e2e
wait "$crash_pid"
trap - EXIT
read -r crash_status crash_to <"$log_folder/crash.end"
echo "-- crash: $crash"
report crash "$crash_status" $((crash_to - crash_from)) "$crash"
[ -z "$broken" ] || echo "failed steps:$broken"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
