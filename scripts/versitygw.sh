#!/usr/bin/env bash
# A real S3 server for tests: versitygw over a folder, on a free loopback port.
#
#   scripts/versitygw.sh path        build it once; prints the program's path
#   scripts/versitygw.sh run [DIR]   serve DIR (default: a new one, removed at the
#                                    end) until a signal comes; first prints
#                                    HORDE_S3_* lines for horde's environment
#
# The program is built by "go install" into .cache/bin of this repository.
set -euo pipefail

version=v1.8.0
cd "$(dirname "$0")/.."
bin=$PWD/.cache/bin
program=$bin/versitygw-$version

die() { echo "versitygw.sh: $*" >&2; exit 1; }

# build installs the pinned version; test packages that start together build once.
build() {
  [ -x "$program" ] && return
  mkdir -p "$bin"
  exec 9>"$bin/.versitygw.lock"
  flock 9
  if [ ! -x "$program" ]; then
    echo "versitygw.sh: building versitygw $version (a minute, once)" >&2
    local into
    into=$(mktemp -d "$bin/.build.XXXXXX")
    (cd / && GOBIN="$into" GOFLAGS=-buildvcs=false go install "github.com/versity/versitygw/cmd/versitygw@$version") >&2 ||
      { rm -rf "$into"; die "go install failed"; }
    mv "$into/versitygw" "$program"
    rmdir "$into"
  fi
  exec 9>&-
}

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  die "no free port found"
}

run() {
  local dir=${1:-} port key secret made=
  if [ -z "$dir" ]; then
    dir=$(mktemp -d "${TMPDIR:-/tmp}/versitygw.XXXXXX")
    made=$dir
  fi
  mkdir -p "$dir"
  port=$(free_port)
  key=horde-test
  secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  local server=
  # shellcheck disable=SC2064
  trap "[ -z \"\$server\" ] || kill \"\$server\" 2>/dev/null || true; wait || true; [ -z '$made' ] || rm -rf '$made'" EXIT
  trap 'exit 0' TERM INT
  # Metadata lie beside the objects, since not every file system has attributes.
  mkdir -p "$dir/objects" "$dir/meta"
  ROOT_ACCESS_KEY=$key ROOT_SECRET_KEY=$secret "$program" --port "127.0.0.1:$port" --quiet \
    posix --sidecar "$dir/meta" "$dir/objects" >&2 &
  server=$!
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || die "versitygw ended at once"
    sleep 0.1
  done
  echo "HORDE_S3_ENDPOINT=http://127.0.0.1:$port"
  echo "HORDE_S3_ACCESS_KEY=$key"
  echo "HORDE_S3_SECRET_KEY=$secret"
  wait "$server"
}

case ${1:-} in
path) build && echo "$program" ;;
run) build && run "${2:-}" ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
