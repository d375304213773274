#!/usr/bin/env bash
# Every test of the project. It brings what they need: PostgreSQL (a private
# cluster on the loopback interface), Chromium, npm packages, the Python SDK,
# ONNX Runtime.
# Called by `make test`, after a build.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "lint"
scripts/lint.sh

step "examples: programs in a module of their own"
(cd examples && go vet ./... && go test ./...)

step "web page"
(cd web && npm run --silent check && npm run --silent test)

step "services"
HORDE_TEST_POSTGRES=$(scripts/postgres.sh start)
trap 'scripts/postgres.sh stop >/dev/null 2>&1 || true' EXIT
CHROMIUM=$(scripts/install-chromium.sh | tail -n 1)
scripts/versitygw.sh path >/dev/null
scripts/install-shells.sh || [ $? = 3 ] # 3: they cannot be had here; it says so, and their tests skip
scripts/python-sdk.sh install >/dev/null || [ $? = 3 ] # 3: no Python new enough; it says so, and its test skips
for suite in e2e/npm e2e/browser; do
  (cd "$suite" && npm ci --no-audit --no-fund --silent)
done
export HORDE_TEST_POSTGRES CHROMIUM
export HORDE_ONNXRUNTIME=$PWD/bin/libonnxruntime.so

step "go test -race"
# The models are tested without the race detector: their work is in C, and the
# comparison with the golden images would take minutes.
packages=$(go list ./... | grep -v -e '/engine/pocket' -e '/e2e$')
go test -race -timeout 20m $packages
step "go test: models and the whole program"
go test -timeout 30m ./engine/pocket/... ./e2e
