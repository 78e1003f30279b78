#!/bin/bash
# `make pages [CASE=name]`: the operators' page in a real browser; pictures go to build/dashboard-*.png.
cd "$(dirname "$0")/../.." || exit 1
config/dev/packages.sh pages && exec node tests/e2e/pages.mjs "$@"
