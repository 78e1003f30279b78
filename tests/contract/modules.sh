#!/bin/sh
# The npm modules of this folder (or of the one below it that is named), as its lock file says; nothing is done when
# they are there. Suites that begin at the same time wait for the first.
cd "$(dirname "$0")/${1:-.}" || exit 1
is_there() { [ node_modules/.package-lock.json -nt package-lock.json ]; }
is_there && exit 0
exec 9>.modules.lock
flock 9
is_there && exit 0
npm ci --silent --no-audit --no-fund || { echo "contract: npm ci failed in tests/contract; is npm there, and its registry reachable?" >&2; exit 1; }
# A lock file that was checked out a moment ago may be as new as what was made from it.
touch node_modules/.package-lock.json
