#!/bin/bash
# Sample payments against a running `make run`: currencies, a decline, a failover, a lost answer, a repeat.
cd "$(dirname "$0")/../.." || exit 1
read_ready() { jq -r "$1" var/ready.json; }
api=$(read_ready .api)
sandbox=$(read_ready .sandbox)
key=$(read_ready .keys.merchant)
run=$(date +%s)-$$
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"; curl -s --cacert var/tls/ca.pem -X DELETE "$sandbox/faults" >/dev/null' EXIT
status=0

pay() { # name amount currency tokens [more members]
    curl -s --cacert var/tls/ca.pem "$api/v1/payments" -o "$out/$1.json" -w '%{http_code}' \
        -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
        -H "Idempotency-Key: demo-$run-$1" -d "{\"amount\": $2, \"currency\": \"$3\",
          \"reference\": \"demo-$run-$1\", \"method\": {\"type\": \"card\", \"tokens\": $4}${5:-}}" \
        >"$out/$1.status" || status=1
}

fault() { # provider kind [more members]
    curl -sf --cacert var/tls/ca.pem "$sandbox/faults" -H 'Content-Type: application/json' \
        -d "{\"provider\": \"$1\", \"operation\": \"charge\", \"kind\": \"$2\"${3:-}}" >/dev/null || status=1
}

no_faults() {
    curl -s --cacert var/tls/ca.pem -X DELETE "$sandbox/faults" >/dev/null
}

row() { # name remark
    jq -r --arg remark "$2" '
        def minor: if . == "JPY" then 1 elif . == "KWD" then 1000 else 100 end;
        . as $p | (.decision.candidates // []) as $c
        | (($c | map(select(.provider == $p.provider)) | first) // {}) as $mine
        | [.id, ((.amount / (.currency | minor) | tostring) + " " + .currency), (.provider // "-"),
           (if .provider == null then "-" elif (.attempts | length) > 1 then "failover" else
              (.decision.rule + (if $mine.expected_fee != null then ", by expected fee" else "" end)) end),
           (.attempts | map(.provider + ":" + .status) | join(" > ")), .status,
           (((.attempts | last | (.fee // .expected_fee)) as $f
             | if $f == null or (.status | IN("succeeded", "authorized") | not) then "-"
               else (($f / (.currency | minor)) | tostring) end)), $remark] | @tsv' "$out/$1.json" ||
        { echo "$1: $(cat "$out/$1.status") $(head -c 200 "$out/$1.json")" >&2; status=1; }
}

settle() { # name: read again until it is no longer processing
    local id until=$((SECONDS + 15))
    id=$(jq -r .id "$out/$1.json")
    while :; do
        curl -s --cacert var/tls/ca.pem -H "Authorization: Bearer $key" "$api/v1/payments/$id" -o "$out/$1.json"
        [ "$(jq -r .status "$out/$1.json")" != processing ] && return
        [ "$SECONDS" -lt "$until" ] || { status=1; return; }
        read -rt 0.1 <> <(:) || :
    done
}

both='{"paypal": "tok_ok", "payoneer": "tok_ok"}'
pay eur 1099 EUR "$both" ', "customer": {"id": "c-7", "country": "DE"}'
pay usd 4200 USD "$both"
pay jpy 5000 JPY "$both"
pay kwd 12500 KWD "$both"
pay gbp 799 GBP "$both" ', "capture": "manual"'
pay declined 2500 EUR '{"paypal": "tok_hard", "payoneer": "tok_hard"}'
first=$(jq -r .provider "$out/eur.json")
fault "$first" refuse
pay failover 1599 EUR "$both"
no_faults
fault "$first" reset_after_effect ', "count": 1'
pay lost 3100 EUR "$both"
lost_at_first=$(cat "$out/lost.status")
no_faults
cp "$out/eur.json" "$out/eur.first"
pay eur 1099 EUR "$both" ', "customer": {"id": "c-7", "country": "DE"}'
repeat=$(cmp -s "$out/eur.json" "$out/eur.first" && echo "same bytes" || { status=1; echo DIFFERENT; })
settle lost
{
    printf 'payment\tamount\tprovider\twhy\tattempts\tstatus\tfee\tremark\n'
    row eur ""
    row usd ""
    row jpy ""
    row kwd "PayPal has no KWD"
    row gbp "held, to be captured"
    row declined "declined by the issuer"
    row failover "$first refused connections"
    row lost "answer lost ($lost_at_first), settled by asking"
    row eur "repeated under its key: $repeat"
} >"$out/table"
column -t -s "$(printf '\t')" "$out/table" 2>/dev/null || cat "$out/table"
exit $status
