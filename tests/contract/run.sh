#!/bin/bash
# `make contract [SUITE=names]`: the OpenAPI document by Redocly's linter, with neither errors nor warnings; then end-to-end
# suites with a Prism proxy before the gateway.
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/contract
mkdir -p "$out"
tests/contract/modules.sh && tests/contract/modules.sh tools || exit 1
"${BUILD:-build}/turnpike" openapi >"$out/openapi.json" || exit 1
tools=$PWD/tests/contract/tools/node_modules
REDOCLY_TELEMETRY=off node "$tools/@redocly/cli/bin/cli.js" lint "$out/openapi.json" --max-problems=20 >"$out/redocly.log" 2>&1
if [ $? -ne 0 ] || grep -qE '^You have [0-9]+ warning' "$out/redocly.log"; then
    cat "$out/redocly.log"
    echo "contract: 0 passed, 1 failed"
    exit 1
fi
echo "ok   contract: redocly lint of turnpike openapi"
suites=${1:-payments operations payouts payout_batch reviews rulebook ledger_http webhooks_out session action process_measures reports holds}
PRISM=$PWD/$out/openapi.json LANES=${LANES:-2} tests/e2e/run.sh $suites | sed 's/^e2e:/contract:/'
exit "${PIPESTATUS[0]}"
