#!/bin/bash
# `make privileges`: who may do what in the database, exactly, and whether a finance login sees rows of others.
#
#     tests/privileges/run.sh           judge; ends with "privileges: P passed, F failed"
#     tests/privileges/run.sh write     write matrix.txt as the database has it: look at the difference before you commit it
cd "$(dirname "$0")/../.." || exit 1
set -u
binary=${BUILD:-build}/turnpike
folder=$(mktemp -d "${TMPDIR:-/tmp}/turnpike-privileges-XXXXXX")
trap 'config/dev/pg.sh kill "$folder/pg" >/dev/null 2>&1; rm -rf "$folder"' EXIT
export PG_FAST=1 PGPORT=5432 PGUSER=postgres PGDATABASE=turnpike PGOPTIONS='-c client_min_messages=warning'
config/dev/pg.sh start "$folder/pg" $PGPORT >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
PGHOST=$(config/dev/pg.sh host "$folder/pg")
export PGHOST
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
ask -d postgres -c 'CREATE DATABASE turnpike' && "$binary" migrate --database "host=$PGHOST port=$PGPORT dbname=turnpike user=postgres" >"$folder/log" 2>&1 ||
    { cat "$folder/log"; echo "privileges: 0 passed, 1 failed"; exit 1; }
ask -c 'CREATE SCHEMA tap' -c 'CREATE EXTENSION pgtap SCHEMA tap' -c "CREATE ROLE nobody_at_all LOGIN" -c "CREATE ROLE ada LOGIN IN ROLE turnpike_finance" \
    -f tests/privileges/actual.sql || exit 1
if [ "${1:-}" = write ]; then
    ask -F ' ' -c 'SELECT line FROM tap.actual ORDER BY line COLLATE "C"' >tests/privileges/matrix.txt
    exit
fi
ask -c 'CREATE TABLE tap.expected (line text)' -c "\\copy tap.expected FROM tests/privileges/matrix.txt" -f tests/privileges/seed.sql >"$folder/log" || exit 1
pg_prove -v tests/privileges/matrix.sql tests/privileges/attempts.sql tests/privileges/merchants.sql >"$folder/out" 2>&1
status=$?
grep -E '^(not ok|# )|ERROR|Dubious|Bad plan' "$folder/out"
passed=$(grep -c '^ok' "$folder/out")
failed=$(grep -c '^not ok' "$folder/out")
[ $status -eq 0 ] || [ "$failed" -gt 0 ] || { failed=1; tail -20 "$folder/out"; }
[ "$failed" -eq 0 ] || echo "run it alone: make privileges; what changed on purpose: tests/privileges/run.sh write"
echo "privileges: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
