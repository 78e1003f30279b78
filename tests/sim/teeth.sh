#!/bin/sh
# Each seeded bug must make the simulator fail, and the same program without a bug must pass.
sim=$1
failed=0
"$sim" --payments=20000 >/dev/null || {
    echo "sim-teeth: the core without a bug fails: $sim --payments=20000"
    exit 1
}
for bug in failover-on-timeout final-decline-on-replay commit-unknown-is-failure cancel-unconfirmed repeat-canceled continue-twice give-up-early; do
    if out=$("$sim" --payments=400000 --bug="$bug" 2>&1); then
        echo "sim-teeth: $bug was NOT caught"
        failed=1
    elif printf '%s\n' "$out" | grep -q '^sim: violation'; then
        printf '%s\n' "$out" | sed -n "s/^sim: violation/sim-teeth: $bug caught/p"
    else
        printf '%s\n' "$out"
        echo "sim-teeth: $bug made the simulator fail without a violation"
        failed=1
    fi
done
exit "$failed"
