#!/bin/bash
# `make pages [CASE=name]`: the dashboard in a real browser; pictures go to build/pictures.
cd "$(dirname "$0")/../.." || exit 1
config/dev/packages.sh pages clients && gateway/dashboard/web/pack.sh --check && exec node tests/e2e/pages.mjs "$@"
