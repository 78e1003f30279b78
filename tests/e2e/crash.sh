#!/bin/bash
# The crash sample of `make test` (ROUNDS=3); the whole campaign: make crash (ROUNDS=20).
cd "$(dirname "$0")/../.." && exec node tests/e2e/crash.mjs "$@"
