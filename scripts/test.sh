#!/usr/bin/env bash
# Every test of the project. It brings what they need: PostgreSQL (a private
# cluster on the loopback interface), Chromium, npm packages, the Python SDK,
# ONNX Runtime, llama.cpp's server with a small language model.
# Called by `make test`, after a build.
set -euo pipefail
cd "$(dirname "$0")/.."

# As the build does, so that its packages are compiled once.
export GOFLAGS="${GOFLAGS:-} -trimpath"

# What tests commit has to outlive processes that are killed, but no power cut.
export HORDE_PG_FSYNC=off

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
    pkill -P "${jobs[$name]}" 2>/dev/null || true
    kill "${jobs[$name]}" 2>/dev/null || true
    wait "${jobs[$name]}" 2>/dev/null || true
  done
  scripts/postgres.sh stop >/dev/null 2>&1 || true
  rm -rf "$scratch" "${memory:-$scratch}"
}
trap finished EXIT

# One after the other: apt-get knows no two at a time.
services() {
  scripts/postgres.sh start >"$scratch/postgres"
  scripts/install-chromium.sh | tail -n 1 >"$scratch/chromium"
  scripts/versitygw.sh path >/dev/null
  scripts/install-shells.sh || [ $? = 3 ] # 3: they cannot be had here; it says so, and their tests skip
  scripts/install-text-engine.sh bin/text || [ $? = 3 ] # 3: not on this platform; it says so, and its tests skip
  scripts/python-sdk.sh install >/dev/null || [ $? = 3 ] # 3: no Python new enough; it says so, and its test skips
}

suites() {
  local suite
  for suite in e2e/npm e2e/browser; do
    (cd "$suite" && npm ci --no-audit --no-fund --silent)
  done
}

# The models are tested without the race detector: their work is in C, and the
# comparison with the golden images would take minutes.
whole() { HORDE_E2E_BINARY=$PWD/bin/horde go test -vet=off -timeout 30m ./engine/pocket/... ./e2e; }

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
if [ -x bin/text/llama-server ]; then export HORDE_TEST_TEXT_ENGINE=$PWD/bin/text; fi

# The whole program waits more than it computes: for browsers, clocks and other programs.
# Lint has vetted everything.
begin "go test: models and the whole program" whole

step "go test -race"
# What takes longest begins first.
longest="./internal/queue ./internal/cli ./internal/store ./internal/alchemy ./internal/node"
packages=$(go list ./... | grep -v -e '/engine/pocket' -e '/e2e')

# SQLite is C that was turned into Go. Its memory is not Go's, so that the race detector
# sees nothing of it, but it takes two to three times as long under it: this package is
# built without.
plain=-gcflags=modernc.org/sqlite/lib=-race=false

# The data of tests lie in memory where there is enough of it, so that they wait for no
# disk. Three packages at a time: while one waits, the others compute.
folder=${TMPDIR:-/tmp}
room=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1 || true) # KiB
if [ "${room:-0}" -gt $((4 << 20)) ]; then
  memory=$(mktemp -d -p /dev/shm)
  folder=$memory
fi
status=0
GOTMPDIR=${GOTMPDIR:-$scratch} TMPDIR=$folder go test -vet=off -race "$plain" -p 3 -timeout 20m $longest $packages || status=1

# What computes for long in one goroutine, of which the run above has done less.
step "go test: every case of the matchers, memory of finished requests, training"
go test -vet=off -run 'HandedOutAsThePlainMatcherDoes|FinishedRequestsCostLittle' ./internal/queue ./internal/alchemy || status=1
go test -vet=off ./internal/kudos/training || status=1

finish "go test: models and the whole program" || status=1

step "go test: strangers who mean harm"
# Alone: it measures how long others wait.
HORDE_E2E_BINARY=$PWD/bin/horde go test -vet=off -timeout 10m ./e2e/adversary || status=1
exit "$status"
