#!/bin/bash
# End-to-end suites: run.sh [SUITE...]. Each has a private PostgreSQL, sandbox and gateway, so LANES=4 of
# them run at a time, the longest first: most of their time they wait. What judges times or floods the gateway runs alone.
cd "$(dirname "$0")/../.." || exit 1
beside="seals failover health_scenarios reload webhooks operations rulebook holds reviews payments webhooks_out money action payout_batch
    payouts duplicates declines events ledger exports rules fees backtest health webhooks_in commits linear linear_self reports erase
    ledger_http ledger_exports archive session cli streams clients_examples permissions process_measures metrics audit"
alone="process overload attack"
[ $# -eq 0 ] || { beside="$*" alone=; }
lanes=${LANES:-4}
ports=${E2E_PORTS:-11400}
out=$(mktemp -d "${TMPDIR:-/tmp}/turnpike-e2e-XXXXXX")
trap 'rm -rf "$out"' EXIT

run() { # suite, ports from
    local from=$SECONDS
    PORTS_FROM=$2 node "tests/e2e/$1.mjs" >"$out/$1.running" 2>&1
    { flock 9
      cat "$out/$1.running"
      echo "-- $1: $((SECONDS - from)) s"
    } 9>"$out/lock"
    mv "$out/$1.running" "$out/$1.log"
}

for name in $beside; do
    while [ "$(jobs -rp | wc -l)" -ge "$lanes" ]; do wait -n; done
    ports=$((ports + 500)) # here, not in the child, which would keep it to itself
    run "$name" "$ports" &
done
wait
for name in $alone; do
    ports=$((ports + 500))
    run "$name" "$ports"
done

passed=0
failed=0
for name in $beside $alone; do
    line=$(grep -E "^$name: [0-9]+ passed, [0-9]+ failed" "$out/$name.log" | tail -1)
    p=$(printf '%s' "$line" | sed 's/.*: \([0-9]*\) passed.*/\1/')
    f=$(printf '%s' "$line" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-1}))
done
echo "e2e: $passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
