#!/usr/bin/env bash
# Half of the load that this machine can carry, for a long time, and by the minute what
# the server holds: memory, goroutines, file descriptors. They should stay flat; it
# fails when the last third of the time holds a quarter more than the second.
#
#   SOAK_MINUTES   how long (20)
#   SOAK_SECONDS   between two lines (60)
#   SOAK_RATE      cycles a second (half of what 10 seconds at full load come to)
#   SOAK_DB        postgres://…; empty: SQLite
set -euo pipefail
cd "$(dirname "$0")/.."

horde=$PWD/bin/horde
minutes=${SOAK_MINUTES:-20}
every=${SOAK_SECONDS:-60}
address=127.0.0.1:7198
work=$(mktemp -d)
server= load=
stop() {
  for pid in $load $server; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
export HORDE_TEST_APIKEYS=1 HORDE_TEST_RATELIMIT_DISABLED=1

# figures prints resident memory in MiB, goroutines and open descriptors.
figures() {
  curl -fsS "http://$address/metrics" | awk '
    $1 == "process_resident_memory_bytes" { memory = $2 / 1048576 }
    $1 == "go_goroutines" { goroutines = $2 }
    $1 == "process_open_fds" { descriptors = $2 }
    END { printf "%.0f %d %d\n", memory, goroutines, descriptors }'
}

bench() { "$horde" bench cycle --horde "http://$address" "$@"; }

"$horde" serve --listen "$address" --data "$work/data" ${SOAK_DB:+--db "$SOAK_DB"} 2>"$work/log" &
server=$!
until curl -fsS -o /dev/null "http://$address/readyz" 2>/dev/null; do
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.05
done

rate=${SOAK_RATE:-}
if [ -z "$rate" ]; then
  full=$(bench --duration 10s --warmup 2s --json 2>/dev/null | sed -nE 's/.*"per_second": *([0-9]+).*/\1/p' | head -n 1)
  rate=$((full / 2))
  echo "full load: $full cycles a second"
fi
echo "$minutes minutes of $rate cycles a second"
echo "minute  memory/MiB  goroutines  descriptors"

bench --rate "$rate" --duration "$((minutes * 60))s" >"$work/bench" 2>"$work/progress" &
load=$!
begun=$SECONDS
while kill -0 "$load" 2>/dev/null; do
  sleep "$every" &
  wait -n "$load" $! || true
  kill -0 "$load" 2>/dev/null || break
  read -r memory goroutines descriptors < <(figures)
  printf '%6.1f  %10d  %10d  %11d\n' "$(awk "BEGIN { print ($SECONDS - $begun) / 60 }")" "$memory" "$goroutines" "$descriptors" |
    tee -a "$work/figures"
done
wait "$load" || { tail -n 20 "$work/progress" "$work/bench"; echo "FAIL: the load ended with an error"; exit 1; }
load=
cat "$work/bench"

# The middle third against the last one: what grows for ever grows there, too.
awk '{ for (i = 2; i <= 4; i++) v[NR, i] = $i }
  END {
    split("minute memory goroutines descriptors", name, " ")
    third = int(NR / 3)
    if (third == 0) { print "too short to say whether anything grows"; exit }
    for (i = 2; i <= 4; i++) {
      middle = last = 0
      for (n = third + 1; n <= 2 * third; n++) middle += v[n, i]
      for (n = NR - third + 1; n <= NR; n++) last += v[n, i]
      if (last > 1.25 * middle) { printf "FAIL: %s grows: %.0f, then %.0f\n", name[i], middle / third, last / third; bad = 1 }
    }
    if (!bad) print "PASS: nothing grows"
    exit bad
  }' "$work/figures"
