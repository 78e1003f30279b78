#!/bin/bash
# PayPal's published client libraries against the sandbox: installs them (npm ci), starts a sandbox of its own.
cd "$(dirname "$0")/../../.." || exit 1
folder=$PWD/var/e2e/clients-$$
mkdir -p "$folder"
sandbox=
trap '[ -z "$sandbox" ] || kill "$sandbox"; rm -rf "$folder"' EXIT
config/dev/tls.sh "$folder/tls" || exit 1
(cd tests/e2e/sandbox_clients && npm ci --silent --no-audit --no-fund) || { echo "clients: npm ci failed; is the npm registry reachable?"; exit 1; }
port=$((20000 + $$ % 9000))
"${BUILD:-build}/turnpike" sandbox --port $port --certificate "$folder/tls/gateway.pem" --key "$folder/tls/gateway.key" \
    --books "$folder/books" --delay-ms 0 >"$folder/log" 2>&1 &
sandbox=$!
until curl -sf --cacert "$folder/tls/ca.pem" "https://127.0.0.1:$port/faults" >/dev/null; do
    kill -0 $sandbox 2>/dev/null || { cat "$folder/log"; exit 1; }
done
NODE_EXTRA_CA_CERTS=$folder/tls/ca.pem node tests/e2e/sandbox_clients/run.mjs "https://127.0.0.1:$((port + 1))"
