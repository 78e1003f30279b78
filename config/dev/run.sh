#!/bin/bash
# `make run`: from a folder with a built binary to a served gateway with sample payments.
#
#   packages (by make) -> binary (by make) -> var/: cluster, certificates, secrets, migrations, demo merchant
#   -> sandbox -> gateway -> var/ready.json -> sample payments -> serve until Ctrl-C
#
# Everything it makes is below var/ and is made once; each step can be repeated after a kill at any point.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=config/dev/lib.sh
. config/dev/lib.sh

PORT=${PORT:-8443}
OPS_PORT=${OPS_PORT:-8444}
SANDBOX_PORT=${SANDBOX_PORT:-9443}
DEMO=${DEMO:-1}
WORKERS=${WORKERS:--1}
DELAY_MS=${DELAY_MS:-50}

check_options() {
    local name
    for name in PORT OPS_PORT SANDBOX_PORT; do
        case ${!name} in
        '' | *[!0-9]*) die "$name must be a port number, not \"${!name}\"" ;;
        esac
        [ "${!name}" -ge 1 ] && [ "${!name}" -le 65500 ] || die "$name must be from 1 to 65500"
    done
}

# ---- what must be free -----------------------------------------------------------------------

check_ports() {
    local port
    for port in "$PORT:PORT" "$OPS_PORT:OPS_PORT" "$SANDBOX_PORT:SANDBOX_PORT" \
        "$((SANDBOX_PORT + 1)):SANDBOX_PORT" "$((SANDBOX_PORT + 2)):SANDBOX_PORT" \
        "$((SANDBOX_PORT + 3)):SANDBOX_PORT"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/${port%%:*}") 2>/dev/null; then
            die "port ${port%%:*} is taken by another program; stop it, or: make run ${port#*:}=<a free port>"
        fi
    done
}

check_space() {
    local free_kb
    mkdir -p var && : >var/.write-test && rm -f var/.write-test ||
        die "cannot write to $PWD/var; fix its rights or free some space"
    free_kb=$(df -Pk var | awk 'NR == 2 { print $4 }') # may be another disk
    [ "$free_kb" -ge 262144 ] ||
        die "only $((free_kb / 1024)) MB free in $PWD/var; PostgreSQL and the logs need 256 MB: free some space"
}

# ---- made once -------------------------------------------------------------------------------

make_secrets() {
    local name
    umask 077
    mkdir -p var/exports var/secrets var/run var/log var/state var/sandbox
    for name in master db_gateway db_finance; do
        [ -s "var/secrets/$name" ] || write_file "var/secrets/$name" "$(openssl rand -hex 32)"
    done
    [ -s var/secrets/seal.pem ] || { openssl genpkey -algorithm ed25519 -out var/secrets/seal.pem.new 2>/dev/null &&
        mv var/secrets/seal.pem.new var/secrets/seal.pem; } || die "cannot make var/secrets/seal.pem: is the disk full?"
    [ -s var/secrets/seal.pub ] || write_file var/secrets/seal.pub "$(openssl pkey -in var/secrets/seal.pem -pubout)"
    for name in paypal paypal_payouts payoneer_payouts; do
        [ -s "var/secrets/$name-demo.json" ] ||
            write_file "var/secrets/$name-demo.json" '{"user":"demo-client","password":"demo-secret"}'
    done
    [ -s var/secrets/payoneer-demo.json ] ||
        write_file var/secrets/payoneer-demo.json '{"user":"DEMO_MERCHANT","password":"demo-token"}'
    [ -s var/secrets/webhook ] || write_file var/secrets/webhook "$(openssl rand -hex 16)"
    for name in payoneer payoneer_payouts; do
        jq -e --arg secret "$(cat var/secrets/webhook)" ".webhook_secret == \$secret" "var/secrets/$name-demo.json" >/dev/null ||
            write_file "var/secrets/$name-demo.json" \
                "$(jq -c --arg secret "$(cat var/secrets/webhook)" '. + {webhook_secret: $secret}' "var/secrets/$name-demo.json")"
    done
}

start_database() {
    [ -s var/pg/port ] || { mkdir -p var/pg && write_file var/pg/port 5432; }
    config/dev/pg.sh start "$PWD/var/pg" "$(cat var/pg/port)" scram || exit 1
    if [ ! -f var/pg/roles ]; then
        psql_owner postgres -q -v ON_ERROR_STOP=1 <<SQL 2>var/log/database.log ||
SELECT 'CREATE DATABASE turnpike' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'turnpike') \gexec
SQL
            die "could not make the database: $(head -1 var/log/database.log); see var/pg/data/server.log"
    fi
}

migrate() {
    build/turnpike migrate up --database "$(conninfo_owner turnpike)" \
        --config var/turnpike.conf >var/log/migrate.log 2>&1 || {
        tail -1 var/log/migrate.log >&2
        die "the migrations failed; see var/log/migrate.log"
    }
    [ -f var/pg/roles ] && return
    psql_owner turnpike -q -v ON_ERROR_STOP=1 -v gateway="$(cat var/secrets/db_gateway)" \
        -v finance="$(cat var/secrets/db_finance)" <<'SQL' || die "could not make the database roles"
ALTER ROLE turnpike_gateway LOGIN PASSWORD :'gateway';
SELECT 'CREATE ROLE demo_finance' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_finance') \gexec
ALTER ROLE demo_finance LOGIN PASSWORD :'finance';
GRANT turnpike_finance TO demo_finance;
ALTER ROLE demo_finance SET search_path = finance;
SQL
    : >var/pg/roles
}

write_config() {
    cat <<CONF >var/turnpike.conf.new && mv var/turnpike.conf.new var/turnpike.conf || die "cannot write var/turnpike.conf: is the disk full?"
# Written by make run; every setting is explained in config/turnpike.conf.
api_port = $PORT
ops_port = $OPS_PORT
workers = $WORKERS
tls_certificate = $PWD/var/tls/gateway.pem
tls_key = $PWD/var/tls/gateway.key
provider_ca_file = $PWD/var/tls/ca.pem
state_folder = $PWD/var/state
master_secret_file = $PWD/var/secrets/master
secrets_folder = $PWD/var/secrets
seal_key_file = $PWD/var/secrets/seal.pem
anchor_file = $PWD/var/anchors.jsonl
migrations_folder = $PWD/migrations
rules_file = $PWD/config/example.rules
database = $(conninfo turnpike_gateway db_gateway)
exports_folder = $PWD/var/exports
reports_database = $(conninfo demo_finance db_finance)
provider_connect_ms = 2000
provider_answer_ms = 5000
answer_ms = 8000
send_window_ms = 3000
lease_ms = 15000
dead_after_ms = 30000
resolve_first_ms = 500
resolve_max_ms = 10000
resolve_interval_ms = 250
delivery_allowed_networks = 127.0.0.0/8
delivery_http_allowed = yes
CONF
}

# ---- demo merchant ---------------------------------------------------------------------------

admin() {
    build/turnpike "$@" --config var/turnpike.conf --json 2>var/log/admin.log ||
        die "turnpike $1 $2 failed: $(tail -1 var/log/admin.log)"
}

make_account() { # merchant provider port-offset fees [option...]
    local merchant=$1 provider=$2 url="https://127.0.0.1:$((SANDBOX_PORT + $3))" fees=$4 id
    shift 4
    id=$(admin accounts create --merchant "$merchant" --provider "$provider" --name main --if-absent \
        --base-url "$url" --secret "file:$provider-demo.json" \
        --fees "config/fees/$fees.json" "$@" | jq -r .id) && [ -n "$id" ] || exit 1
    admin accounts update "$id" --base-url "$url" "$@" >/dev/null || exit 1 # settings are replaced as a whole
    write_file "var/run/account_$provider" "$id"
}

hook_id() { # provider: what the sandbox's registration is called
    printf 'DEMOHOOK%s' "$(printf %s "$1" | tr -d _ | tr '[:lower:]' '[:upper:]')"
}

# The sandbox tells the gateway what happens, as the providers do. It remembers; the port may be another.
register_hooks() {
    local provider query
    for provider in paypal paypal_payouts payoneer payoneer_payouts; do
        case $provider in
        payoneer) query="?secret=$(cat var/secrets/webhook)" ;;
        payoneer_payouts) query='?event={event}' ;;
        *) query= ;;
        esac
        jq -n --arg provider "$provider" --arg id "$(hook_id "$provider")" --arg secret "$(cat var/secrets/webhook)" \
            --arg url "https://127.0.0.1:$PORT/webhooks/$provider/$(cat "var/run/account_$provider")$query" \
            '{$provider, $id, $secret, $url}' |
            curl -sf -o /dev/null --cacert var/tls/ca.pem -H 'Content-Type: application/json' -d @- \
                "https://127.0.0.1:$SANDBOX_PORT/hooks" || die "the sandbox did not take the webhooks; see var/log/sandbox.log"
    done
}

make_key() { # role file merchant-option...
    local role=$1 file=$2
    shift 2
    [ -s "$file" ] && return
    local key
    key=$(admin keys create --role "$role" "$@" | jq -r .key) && [ -n "$key" ] || exit 1
    write_file "$file" "$key"
}

make_demo() {
    local merchant made
    merchant=$(admin merchants create --name Demo --country US --if-absent | jq -r .test_id) &&
        [ -n "$merchant" ] || exit 1
    write_file var/run/merchant "$merchant"
    # The ports are part of the accounts' addresses: other ports, other address.
    made="$merchant $SANDBOX_PORT with payouts and webhooks"
    if [ "$(cat var/run/accounts 2>/dev/null)" != "$made" ]; then
        # The sandbox takes effect within seconds, however late.
        make_account "$merchant" paypal 1 paypal-us --setting settle_ms=3000 --setting "webhook_id=$(hook_id paypal)"
        make_account "$merchant" payoneer 2 payoneer-checkout --setting country=US --setting settle_ms=3000
        make_account "$merchant" paypal_payouts 1 paypal-us --setting settle_ms=3000 --setting "webhook_id=$(hook_id paypal_payouts)"
        make_account "$merchant" payoneer_payouts 3 payoneer-payouts --setting program_id=100012345 --setting settle_ms=3000
        write_file var/run/accounts "$made"
    fi
    make_key merchant var/secrets/key_merchant --merchant "$merchant"
    make_key finance var/secrets/key_finance --merchant "$merchant"
    make_key operator var/secrets/key_operator
    psql_owner turnpike -q -v ON_ERROR_STOP=1 -v name=Demo <<'SQL' || die "could not give finance access to the demo merchant"
INSERT INTO finance_access (login, merchant_id)
SELECT 'demo_finance', merchant_id FROM merchants WHERE name = :'name' ON CONFLICT DO NOTHING;
SQL
}

# ---- servers ---------------------------------------------------------------------------------

start_sandbox() {
    build/turnpike sandbox --port "$SANDBOX_PORT" --certificate var/tls/gateway.pem \
        --key var/tls/gateway.key --books var/sandbox/books.journal --delay-ms "$DELAY_MS" \
        --hook-ca var/tls/ca.pem --hook-certificate var/tls/hook.pem --hook-key var/tls/hook.key \
        >var/log/sandbox.log 2>&1 &
    write_file var/run/sandbox.pid $!
    wait_for "$(cat var/run/sandbox.pid)" var/log/sandbox.log \
        curl -sf --cacert var/tls/ca.pem "https://127.0.0.1:$SANDBOX_PORT/faults"
}

start_gateway() {
    build/turnpike serve --config var/turnpike.conf >var/log/gateway.log 2>&1 &
    write_file var/run/gateway.pid $!
    wait_for "$(cat var/run/gateway.pid)" var/log/gateway.log \
        curl -sf --cacert var/tls/ca.pem "https://127.0.0.1:$OPS_PORT/readyz"
}

write_ready() {
    jq -n --arg api "https://127.0.0.1:$PORT" --arg ops "https://127.0.0.1:$OPS_PORT" \
        --arg sandbox "https://127.0.0.1:$SANDBOX_PORT" \
        --arg merchant "$(cat var/secrets/key_merchant)" --arg finance "$(cat var/secrets/key_finance)" \
        --arg operator "$(cat var/secrets/key_operator)" \
        --arg database "$(conninfo turnpike_gateway db_gateway)" \
        --arg finance_database "$(conninfo demo_finance db_finance)" \
        '{api: $api, ops: $ops, ca: "var/tls/ca.pem",
          keys: {merchant: $merchant, finance: $finance, operator: $operator},
          sandbox: $sandbox, database: $database, finance_database: $finance_database}' \
        >var/ready.json.new && chmod 600 var/ready.json.new && mv var/ready.json.new var/ready.json ||
        die "cannot write var/ready.json: is the disk full?"
    # What the command line and the clients in docs/clients want to know: . var/env
    write_file var/env "$(jq -nr --arg api "https://127.0.0.1:$PORT" --arg at "$PWD/var" \
        '"export TURNPIKE_URL=\($api | @sh) TURNPIKE_CA_FILE=\($at + "/tls/ca.pem" | @sh) TURNPIKE_KEY_FILE=\($at + "/secrets/key_merchant" | @sh)"')"
}

print_how_to() {
    cat <<TEXT

A payment of your own (test method, no provider token needed):

  curl --cacert $(printf %q "$PWD/var/tls/ca.pem") https://127.0.0.1:$PORT/v1/payments \\
    -H 'Authorization: Bearer $(cat var/secrets/key_merchant)' \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-payment' \\
    -d '{"amount": 1099, "currency": "EUR", "method": {"type": "test", "outcome": "approved"}}'

A payout (processing at first; GET /v1/payouts/{id} says what became of it):

  curl --cacert $(printf %q "$PWD/var/tls/ca.pem") https://127.0.0.1:$PORT/v1/payouts \\
    -H 'Authorization: Bearer $(cat var/secrets/key_merchant)' \\
    -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-payout' \\
    -d '{"amount": 12500, "currency": "EUR", "payees": {"paypal": "ada@example.com", "payoneer": "ada-1815"},
         "beneficiary": {"type": "individual", "first_name": "Ada", "last_name": "Lovelace"}}'

A payment, a refund, a payout and verified webhooks from Node.js, Python or PHP: docs/clients/README.md. In two terminals:

  . var/env && node docs/clients/node/webhooks.mjs     # python3 docs/clients/python/webhooks.py, php docs/clients/php/webhooks.php
  . var/env && node docs/clients/node/example.mjs      # ... example.py, ... example.php

  dashboard        https://127.0.0.1:$PORT/dashboard   (sign in with a key of var/ready.json: operator or finance)
  health, metrics  https://127.0.0.1:$OPS_PORT/readyz  https://127.0.0.1:$OPS_PORT/metrics
  API document     https://127.0.0.1:$PORT/openapi.json
  sandbox's books  https://127.0.0.1:$SANDBOX_PORT/books    its webhooks  https://127.0.0.1:$SANDBOX_PORT/hooks
  ledger           make psql (the gateway's owner)   make psql-finance (read-only views)
  trust the CA     curl: --cacert var/tls/ca.pem; browser: import var/tls/ca.pem as an authority;
                   Debian: sudo cp var/tls/ca.pem /usr/local/share/ca-certificates/turnpike-dev.crt &&
                   sudo update-ca-certificates
  keys, addresses  var/ready.json          logs  var/log/

TEXT
}

main() {
    trap 'stop_all; exit 130' INT
    trap 'stop_all; exit 143' TERM HUP
    check_options
    check_space
    take_lock
    stop_servers # what a killed run left behind
    check_ports
    say "certificates"
    config/dev/tls.sh var/tls || die "could not make the development certificates; is the disk full?"
    make_secrets
    say "database"
    start_database
    write_config
    migrate
    say "demo merchant"
    make_demo
    say "sandbox on port $SANDBOX_PORT"
    start_sandbox
    register_hooks
    say "gateway on port $PORT"
    start_gateway
    write_ready
    if [ "$DEMO" != 0 ]; then
        say "sample payments"
        config/dev/demo.sh || say "the sample payments did not all go through; the gateway serves all the same"
    fi
    print_how_to
    say "ready after $SECONDS s; serving until Ctrl-C"
    while kill -0 "$(cat var/run/gateway.pid)" 2>/dev/null; do
        wait "$(cat var/run/gateway.pid)"
    done
    say "the gateway ended; see var/log/gateway.log"
    stop_all
    exit 1
}

main
