#!/bin/bash
# End-to-end suites: run.sh [SUITE...]. Each has a private PostgreSQL, sandbox and gateway.
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
for suite in "${@:-payments failover ledger rules rulebook fees backtest health health_scenarios money operations holds reviews process reload overload attack duplicates events declines payouts payout_batch action webhooks_in webhooks_out webhooks}"; do
    for name in $suite; do
        out=$(node "tests/e2e/$name.mjs" 2>&1)
        printf '%s\n' "$out"
        line=$(printf '%s\n' "$out" | grep -E "^$name: [0-9]+ passed, [0-9]+ failed" | tail -1)
        p=$(printf '%s' "$line" | sed 's/.*: \([0-9]*\) passed.*/\1/')
        f=$(printf '%s' "$line" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
        passed=$((passed + ${p:-0}))
        failed=$((failed + ${f:-1}))
    done
done
echo "e2e: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
