#!/usr/bin/env bash
# Every test of the project. It brings what they need: PostgreSQL (a private
# cluster on the loopback interface), Chromium, npm packages, the Python SDK,
# ONNX Runtime.
# Called by `make test`, after a build.
set -euo pipefail
cd "$(dirname "$0")/.."

# As the build does, so that its packages are compiled once.
export GOFLAGS="${GOFLAGS:-} -trimpath"

scratch=$(mktemp -d)
declare -A jobs

step() { printf '\n== %s\n' "$*"; }

# begin starts a job beside the others; finish waits for it, prints what it said, and
# fails as it did.
begin() {
  local name=$1
  shift
  ("$@") >"$scratch/$name.log" 2>&1 &
  jobs[$name]=$!
}

finish() {
  local name=$1 status=0
  wait "${jobs[$name]}" || status=$?
  unset "jobs[$name]"
  step "$name"
  cat "$scratch/$name.log"
  if [ "$status" != 0 ]; then echo "FAIL: $name (exit status $status)"; fi
  return "$status"
}

finished() {
  local name
  for name in "${!jobs[@]}"; do
    kill "${jobs[$name]}" 2>/dev/null || true
    wait "${jobs[$name]}" 2>/dev/null || true
  done
  scripts/postgres.sh stop >/dev/null 2>&1 || true
  rm -rf "$scratch"
}
trap finished EXIT

# One after the other: apt-get knows no two at a time.
services() {
  scripts/postgres.sh start >"$scratch/postgres"
  scripts/install-chromium.sh | tail -n 1 >"$scratch/chromium"
  scripts/versitygw.sh path >/dev/null
  scripts/install-shells.sh || [ $? = 3 ] # 3: they cannot be had here; it says so, and their tests skip
  scripts/python-sdk.sh install >/dev/null || [ $? = 3 ] # 3: no Python new enough; it says so, and its test skips
}

suites() {
  local suite
  for suite in e2e/npm e2e/browser; do
    (cd "$suite" && npm ci --no-audit --no-fund --silent)
  done
}

page() { (cd web && npm run --silent check && npm run --silent test); }

# Downloads wait for the network while lint computes.
begin services services
begin "npm packages of the suites" suites

step "lint"
scripts/lint.sh

begin "web page" page
step "examples: programs in a module of their own"
(cd examples && go vet ./... && go test ./...)

finish "web page"
finish services
finish "npm packages of the suites"
HORDE_TEST_POSTGRES=$(cat "$scratch/postgres")
CHROMIUM=$(cat "$scratch/chromium")
export HORDE_TEST_POSTGRES CHROMIUM
export HORDE_ONNXRUNTIME=$PWD/bin/libonnxruntime.so

# Lint has vetted everything.
step "go test -race"
# The models are tested without the race detector: their work is in C, and the
# comparison with the golden images would take minutes.
packages=$(go list ./... | grep -v -e '/engine/pocket' -e '/e2e')
go test -vet=off -race -timeout 20m $packages

# Random cases of one goroutine: ten times as many without the race detector.
step "go test: every case of the matchers"
go test -vet=off -run HandedOutAsThePlainMatcherDoes ./internal/queue

step "go test: models and the whole program"
HORDE_E2E_BINARY=$PWD/bin/horde go test -vet=off -timeout 30m ./engine/pocket/... ./e2e

step "go test: strangers who mean harm"
# Alone: it measures how long others wait.
HORDE_E2E_BINARY=$PWD/bin/horde go test -vet=off -timeout 10m ./e2e/adversary
