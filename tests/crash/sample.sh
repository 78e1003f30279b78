#!/bin/bash
# The crash sample of `make test`: every event, and points and faults in a drawn order, for three minutes; the whole
# matrix: make crash.
cd "$(dirname "$0")/../.." || exit 1
node tests/crash/judge_self.mjs || exit 1
make --no-print-directory crash-build >/dev/null || exit 1
BUILD=build/crash SEED=${SEED:-$((10#$(date +%j)))} SAMPLE=${SAMPLE:-100} GROUP=${GROUP:-12} exec node tests/crash/matrix.mjs
