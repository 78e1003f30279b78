#!/bin/bash
# The campaigns of make attack: run.sh [SUITE] [CASE]
cd "$(dirname "$0")/../.." || exit 1
failed=0
for suite in ${1:-attack attack_proxy attack_slow}; do
    # shellcheck disable=SC2086 # no case: no argument
    node "tests/e2e/$suite.mjs" $2 || failed=1
done
exit $failed
