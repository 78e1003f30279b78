#!/bin/bash
# Rules, alerts, their runbooks and the Grafana dashboard below config/observability: by promtool, and against each other
# and the table of metrics in the code.
cd "$(dirname "$0")/../.." || exit 1
rules=config/observability/turnpike.rules.yml
tests=config/observability/turnpike.tests.yml
board=config/observability/turnpike-dashboard.json
bad=0
complain() { echo "$*"; bad=1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

command -v promtool >/dev/null || { echo "rules: promtool is missing: config/dev/packages.sh test"; exit 1; }
promtool check rules "$rules" >"$scratch/out" 2>&1 || complain "$(cat "$scratch/out")"
promtool test rules "$tests" >"$scratch/out" 2>&1 || complain "$(cat "$scratch/out")"

# Each alert has its page and its case, each page its alert.
while read -r alert url; do
    page=docs/runbooks/${url#https://turnpike.dev/runbooks/}.md
    [ "$(head -1 "$page" 2>/dev/null)" = "# $alert" ] || complain "$rules: alert $alert has no runbook page $page that begins with its name"
    grep -qF "| \`$alert\` |" docs/runbooks/README.md || complain "docs/runbooks/README.md does not list $alert"
    grep -qF "alertname=\"$alert\"" "$tests" || complain "$tests has no case in which $alert fires"
    echo "$page" >>"$scratch/pages"
done < <(awk '$1 == "-" && $2 == "alert:" { if (name) print name, "none"; name = $3 } $1 == "runbook_url:" { print name, $2; name = "" }
              END { if (name) print name, "none" }' "$rules")
for page in docs/runbooks/*.md; do
    [ "$page" = docs/runbooks/README.md ] || grep -qxF "$page" "$scratch/pages" || complain "$page is of no alert"
    while read -r file; do
        [ -e "docs/runbooks/$file" ] || complain "$page names $file, which is absent"
    done < <(grep -oE '\]\([^)#]+' "$page" | sed 's/^](//' | grep -v '^https')
done

# What the dashboard asks is well-formed, and names what is recorded.
if jq -r '.panels[].targets[].expr' "$board" >"$scratch/asked"; then
    {
        echo 'groups: [{name: asked, rules: ['
        sed "s/'/''/g; s/\$job/turnpike/g; s/.*/{record: asked, expr: '&', labels: {line: \"&\"}},/" "$scratch/asked" |
            awk '{ sub(/labels: \{line: ".*"\}/, "labels: {line: \"" NR "\"}"); print }'
        echo ']}]'
    } >"$scratch/asked.yml"
    promtool check rules "$scratch/asked.yml" >"$scratch/out" 2>&1 || complain "$board: $(cat "$scratch/out")"
else
    complain "$board is no JSON of a dashboard"
fi
while read -r record; do
    grep -qE "^ *- record: $record\$" "$rules" || complain "$record is asked for and not recorded"
done < <(cat "$rules" "$board" | grep -v 'record:' | grep -oE 'job[a-z_]*:turnpike_[a-z_]+:[a-z0-9_]+' | sort -u)

# Each metric that is named exists.
grep -oE '"(turnpike|process)_[a-z_]+", "[a-z]+"' gateway/base/metrics_table.c | tr -d '",' | while read -r name type; do
    [ "$type" = histogram ] && printf '%s_bucket\n%s_sum\n%s_count\n' "$name" "$name" "$name" || echo "$name"
done | sort >"$scratch/there"
while read -r metric; do
    grep -qx "$metric" "$scratch/there" || complain "$metric is named in config/observability or docs/runbooks and no metric of the gateway"
done < <(cat "$rules" "$tests" "$board" | sed -E 's/job[a-z_]*:turnpike_[a-z_]+:[a-z0-9_]+//g' | grep -oE '\b(turnpike|process)_[a-z_]+\{' | tr -d '{' | sort -u; cat "$rules" "$tests" "$board" | sed -E 's/job[a-z_]*:turnpike_[a-z_]+:[a-z0-9_]+//g' | grep -oE '\bturnpike_[a-z_]+' | sort -u)
while read -r metric; do
    grep -qxE "${metric}(_bucket)?" "$scratch/there" || complain "docs/runbooks name $metric, which is no metric of the gateway"
done < <(grep -ohE '\bturnpike_[a-z_]+' docs/runbooks/*.md | sort -u)
[ $bad -eq 0 ] && echo "rules: ok"
exit $bad
