#!/bin/sh
# pack.sh: what the pages take from npm, by the lock file, into ../packed: `make web` when a version changes. The build
# itself needs neither npm nor the net. `pack.sh --check` compares instead, and fails when packed is not what npm gives.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent)
out=$work/packed
mkdir "$out"
# A script that makes one global becomes a module that exports it.
{ cat "$work/node_modules/uplot/dist/uPlot.iife.min.js"; echo; echo 'export default uPlot;'; } >"$out/uplot.js"
cp "$work/node_modules/uplot/dist/uPlot.min.css" "$out/uplot.css"
cp "$work/node_modules/uplot/LICENSE" "$out/uplot.LICENSE"
if [ "${1:-}" = --check ]; then
    diff -r "$out" ../packed >&2 || { echo "turnpike: gateway/dashboard/packed is not what package-lock.json says: run make web" >&2; exit 1; }
else
    mkdir -p ../packed
    cp "$out"/* ../packed/
fi
