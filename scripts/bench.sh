#!/usr/bin/env bash
# The figures of docs/performance.md, measured again on this machine. Server and
# load share its cores, fsync is on. Needs bin/horde (`make build`); the
# comparison of images is scripts/compare-pocket.sh.
#
#   scripts/bench.sh [seconds]      default: 10 a run
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
horde=$PWD/bin/horde
work=$(mktemp -d)
server=
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; server=; }; }
trap 'stop; rm -rf "$work"' EXIT
export HORDE_TEST_APIKEYS=1 HORDE_TEST_RATELIMIT_DISABLED=1

# serve NAME [FLAGS]: a fresh server, and the time from start to its first answer
serve() {
  local name=$1 began
  shift
  began=$(date +%s%N)
  "$horde" serve --listen 127.0.0.1:7199 --data "$work/$name" "$@" 2>"$work/$name.log" &
  server=$!
  until curl -fsS -o /dev/null http://127.0.0.1:7199/api/v2/status/heartbeat 2>/dev/null; do sleep 0.005; done
  echo "$name: first answer after $((($(date +%s%N) - began) / 1000000)) ms"
}

bench() { "$horde" bench "$@" --horde http://127.0.0.1:7199 --duration "${seconds}s" --warmup 2s 2>/dev/null; }

echo "== SQLite"
serve sqlite
bench cycle
stop
echo "== SQLite, 300 cycles a second behind 3,000 requests that nobody serves, over 200 models"
serve sqlite-pop
bench pop --rate 300 --backlog 3000 --models 200
stop
echo "== PostgreSQL"
url=$(scripts/postgres.sh start)
psql "$url" -qc 'DROP DATABASE IF EXISTS horde_bench' -c 'CREATE DATABASE horde_bench' 2>/dev/null
serve postgres --db "${url%/*}/horde_bench?sslmode=disable"
bench cycle
stop
echo "== cost of a pop by the length of the queue"
HORDE_TEST_POSTGRES='' go test -run '^$' -bench 'Pop' -benchtime 2s ./internal/queue
