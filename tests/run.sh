#!/bin/bash
# `make test`: every step of the test suite, each with the command that runs it alone; ends with one line
# "N passed, N failed". A step reports its own count in a last line "<name>: P passed, F failed", else it
# counts as one.
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
broken=
log_folder=build/test
mkdir -p "$log_folder"

step() { # name command...
    local name=$1 from=$SECONDS line p f
    shift
    printf -- '-- %s: %s\n' "$name" "$*"
    "$@" >"$log_folder/$name.log" 2>&1
    local status=$?
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
        tail -60 "$log_folder/$name.log"
        echo "FAILED $name ($((SECONDS - from)) s); run it alone: $*"
    else
        printf '   ok, %s passed (%s s)\n' "$p" "$((SECONDS - from))"
    fi
}

jobs=-j$(nproc)
step build make --no-print-directory "$jobs" build
step lint make --no-print-directory lint
step unit make --no-print-directory "$jobs" unit
step sanitizers make --no-print-directory "$jobs" unit SAN=1 BUILD=build-san
step fuzz make --no-print-directory "$jobs" fuzz-sample SAN=1 BUILD=build-san
step router make --no-print-directory router-proof
step sim make --no-print-directory sim
step scripts make --no-print-directory scripts LIMIT=25
step sim-same make --no-print-directory sim-same
step sim-teeth make --no-print-directory sim-teeth
step e2e tests/e2e/run.sh
step crash tests/crash/sample.sh
[ -z "$broken" ] || echo "failed steps:$broken"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
