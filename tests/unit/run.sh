#!/bin/sh
# Run unit test programs; on failure print the command that runs the failing one alone.
build=$1
shift
passed=0
failed=0
for program in "$@"; do
    name=${program#"$build"/unit/}
    if out=$(timeout -k 5 "${UNIT_TIMEOUT:-120}" "$program" 2>&1); then
        count=$(printf '%s\n' "$out" | sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' | tail -1)
        passed=$((passed + ${count:-0}))
    else
        printf '%s\n' "$out"
        echo "unit test failed: $name; run it alone: make unit M=${name%%/*} T=${name#*/}"
        failed=$((failed + 1))
    fi
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
