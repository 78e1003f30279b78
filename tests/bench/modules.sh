#!/bin/sh
# The comparison service's npm modules, as the lock file says; nothing is done when they are there.
cd "$(dirname "$0")/service" || exit 1
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0
npm ci --silent --no-audit --no-fund || { echo "bench: npm ci failed; is the npm registry reachable?" >&2; exit 1; }
