#!/bin/bash
# What is written in docs and config is checked against the tables in the code: settings, metrics, problems,
# routes. tables.sh BUILD
cd "$(dirname "$0")/../.." || exit 1
bin=$1/turnpike
bad=0
complain() { echo "$*"; bad=1; }

if ! "$bin" config | cmp -s - config/turnpike.conf; then
    complain "config/turnpike.conf is not what the table prints; run: make docs-tables"
fi
while read -r name; do
    grep -q "\`$name\`" docs/config.md || complain "docs/config.md does not explain the setting $name"
done < <("$bin" config | sed -n 's/^# \([a-z_]*\) =.*/\1/p')
while read -r name; do
    grep -qE "\`$name\`" docs/limits.md docs/overload.md || complain "docs/limits.md and docs/overload.md do not say what happens beyond $name"
done < <("$bin" config | sed -n 's/^# \([a-z_]*_\(max\|min\|rate\|burst\|batch\)\) =.*/\1/p' | grep -v '^breaker_')
while read -r name; do
    "$bin" config | grep -q "^# $name =" || complain "docs/overload.md names $name, which is no setting"
done < <(grep -ohE '`[a-z]+_[a-z_]+(_max|_ms|_rate|_burst|_min)`' docs/overload.md | tr -d '\`' | sort -u)
while read -r code; do
    grep -q "\`$code\`" docs/api.md || complain "docs/api.md does not list the problem $code"
done < <(sed -n 's/^ *\[MESSAGE_[A-Z_]*\] *= {"\([a-z_]*\)".*/\1/p' gateway/base/message.c | grep -v '^none$')
while read -r code; do
    grep -q "\`$code\`" docs/declines.md || complain "docs/declines.md does not list $code"
done < <(sed -nE 's/^ *\{"([a-zA-Z0-9_]+)", +([0-9], )?(DECLINE_[A-Z_]+|SOFT|HARD|OUTCOME_DECLINED_[A-Z]+),? .*/\1/p; s/^ *\{"([a-z_]+)", +[0-9], DECLINE_.*/\1/p' providers/decline.c providers/paypal_codes.c providers/payoneer_judge.c | sort -u)
while read -r type; do
    grep -q "\`$type\`" docs/api.md || complain "docs/api.md does not list the event type $type"
done < <(sed -n 's/^ *{"\([a-z_.]*\)", .*/\1/p' gateway/base/event_type.c)
# Each metric has its row with its labels, and each row its metric.
metrics_of_code() { sed -n '/^ *\[METRIC_[A-Z_]*\] = {/,/},$/p' gateway/base/metrics_table.c | tr -d '\n' | sed 's/\[METRIC_/\n&/g' |
    sed -nE 's/^.*"([a-z]+_[a-z_]+)", "[a-z]+", *"[^"]*", *\{([^}]*)\}\},.*/| `\1` | \2 |/p' | sed 's/"//g; s/NULL//; s/|  |$/| |/'; }
differ=$(diff <(metrics_of_code | sort) <(grep -oE '^\| `[a-z]+_[a-z_]+` \| ([a-z, ]+ )?\|' docs/metrics.md | sort) | grep '^[<>]')
[ -z "$differ" ] || complain "docs/metrics.md does not list the metrics and labels of gateway/base/metrics_table.c: $differ"
[ "$(metrics_of_code | sort | wc -l)" -eq "$(grep -cE '"(turnpike|process)_[a-z_]+",' gateway/base/metrics_table.c)" ] || complain "tests/lint/tables.sh does not read all metrics"
while read -r route; do
    grep -qF "$route" docs/api.md || complain "docs/api.md does not list the route $route"
done < <("$bin" openapi | jq -r '.paths | keys[]')
while IFS='|' read -r bug what; do
    grep -qE "^\| \`$bug\` \| (core|around it) \| $what \| [A-Z0-9 ]+ \| [0-9]+ \|$" docs/teeth.md ||
        complain "docs/teeth.md does not list the bug $bug; run: make sim-teeth WRITE=1"
done < <(sed -n 's/^ *X([A-Z_]*, *"\([a-z_]*\)", *"\(.*\)").*/\1|\2/p' gateway/payment/orchestrate_bugs.h tests/sim/bugs.h)
while read -r row; do
    grep -qF "$row" docs/webhooks-out.md || complain "docs/webhooks-out.md does not have this row of the schedule: $row"
done < <("$bin" config | sed -n 's/^# delivery_schedule = //p' | awk '
    function text(s) { return s >= 3600 ? sprintf("%d h%s", s / 3600, s % 3600 >= 60 ? sprintf(" %d min", s % 3600 / 60) : "") \
                                        : s >= 60 ? sprintf("%d min", s / 60) : s " s" }
    { print "| 1 | | at once |"
      for (i = 1; i <= NF; i++) { n = $i + 0; n *= $i ~ /h$/ ? 3600 : $i ~ /m$/ ? 60 : 1; sum += n
                                  printf "| %d | %s | %s |\n", i + 1, text(n), text(sum) } }')
while read -r file; do
    [ -e "docs/$file" ] || complain "docs/$file is named in README.md or docs but absent"
done < <(grep -ohE '\]\((docs/)?[a-z-]+\.md' README.md docs/*.md | sed 's/^\](//; s/^docs\///' | sort -u)
tests/lint/statuses.sh | cmp -s - docs/payments.md ||
    complain "docs/payments.md does not draw the tables of gateway/payment/status.c; run: make docs-tables"
tests/lint/ledger_tables.sh "$1" | cmp -s - docs/ledger.md ||
    complain "docs/ledger.md does not show the tables of gateway/ledger/chart.c and posting.c; run: make docs-tables"
for page in 1:turnpike.1 5:turnpike.conf.5; do
    tests/lint/manual.sh "${page%%:*}" "$1" | cmp -s - "docs/man/${page#*:}.scd" ||
        complain "docs/man/${page#*:}.scd is not what the tables of commands and settings print; run: make docs-tables"
done
# What the code takes from a command line stands in some usage, and so in help, completion and the manual page.
while read -r option; do
    grep -qe "--$option\b" docs/man/turnpike.1.scd || complain "no usage of a command has --$option, which the code takes"
done < <(grep -ohE 'command_(option|flag)\([^"]*"[a-z-]+"' gateway/process/*.c | sed 's/.*"\(.*\)"/\1/' | sort -u)
[ $bad -eq 0 ] && echo "tables: ok"
exit $bad
