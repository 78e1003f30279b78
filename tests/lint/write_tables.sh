#!/bin/bash
# Write what is generated from the code's tables: config/turnpike.conf, the table in docs/config.md, the drawings in
# docs/payments.md, the accounts and events of docs/ledger.md, the manual pages below docs/man.
# write_tables.sh BUILD   (make docs-tables)
cd "$(dirname "$0")/../.." || exit 1
bin=$1/turnpike
"$bin" config >config/turnpike.conf || exit 1
{
    sed '/^| setting /,$d' docs/config.md
    echo '| setting | default | meaning |'
    echo '|---|---|---|'
    awk '/^# [a-z_]+ =/ { line = substr($0, 3); name = line; sub(/ =.*/, "", name); value = line
                          sub(/^[a-z_]+ = ?/, "", value)
                          printf "| `%s` | %s | %s |\n", name, value == "" ? "" : "`" value "`", help; next }
         /^# / { help = substr($0, 3) }' config/turnpike.conf
} >docs/config.md.new && mv docs/config.md.new docs/config.md
tests/lint/statuses.sh >docs/payments.md.new && mv docs/payments.md.new docs/payments.md
tests/lint/ledger_tables.sh "$1" >docs/ledger.md.new && mv docs/ledger.md.new docs/ledger.md
tests/lint/manual.sh 1 "$1" >docs/man/turnpike.1.scd.new && mv docs/man/turnpike.1.scd.new docs/man/turnpike.1.scd
tests/lint/manual.sh 5 "$1" >docs/man/turnpike.conf.5.scd.new && mv docs/man/turnpike.conf.5.scd.new docs/man/turnpike.conf.5.scd
