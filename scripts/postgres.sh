#!/usr/bin/env bash
# A private PostgreSQL for tests, on a free port of the loopback interface.
#
#   scripts/postgres.sh start   start it unless it runs; prints its postgres:// URL
#   scripts/postgres.sh url     print the URL of the running one, exit 1 if none
#   scripts/postgres.sh stop    end the one that this script started; data stay
#
# The cluster lives in $HORDE_PG_DIR (default /tmp/horde-pg-$UID). Durability is
# as in production, which the figures of docs/performance.md rely on: fsync and
# synchronous_commit are on. With HORDE_PG_FSYNC=off it waits for no disk: what was
# committed outlives every process that is killed, but no power cut. That is enough
# for tests; such a cluster has a folder of its own (…-nofsync). When PostgreSQL is not
# installed, Debian's packages are (needs root or sudo). PostgreSQL refuses to run
# as root, so root runs it as the user "postgres".
set -euo pipefail

die() { echo "postgres.sh: $*" >&2; exit 1; }

fsync=${HORDE_PG_FSYNC:-on}
case $fsync in
on) dir=${HORDE_PG_DIR:-/tmp/horde-pg-$UID} ;;
off) dir=${HORDE_PG_DIR:-/tmp/horde-pg-$UID}-nofsync ;;
*) die "HORDE_PG_FSYNC is $fsync: on or off" ;;
esac
data=$dir/data
log=$dir/log
port_file=$dir/port
password_file=$dir/password
owner=$(id -un)
[ "$UID" = 0 ] && owner=postgres

# as runs a command as the cluster's owner, without the lock that this script holds.
as() {
  if [ "$UID" = 0 ]; then
    (cd / && exec runuser -u "$owner" -- "$@" 9>&-)
  else
    (cd / && exec "$@" 9>&-)
  fi
}

# bindir prints the folder of the newest installed server programs.
bindir() {
  local d
  d=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$d" ] && [ -x "$d/initdb" ]; then
    echo "$d"
  elif command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
    dirname "$(readlink -f "$(command -v initdb)")"
  else
    return 1
  fi
}

install_packages() {
  command -v apt-get >/dev/null || die "PostgreSQL is not installed and this is no Debian: install it, so that initdb and pg_ctl are on the PATH"
  local root=()
  if [ "$UID" != 0 ]; then
    command -v sudo >/dev/null || die "PostgreSQL is not installed: run 'apt-get install postgresql' as root"
    root=(sudo)
  fi
  echo "postgres.sh: installing Debian's postgresql packages" >&2
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  {
    "${apt[@]}" update
    "${apt[@]}" install -y --no-install-recommends postgresql-common
    # The package would create and start a cluster of its own, which nobody asked for.
    "${root[@]}" sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    "${apt[@]}" install -y --no-install-recommends postgresql
  } >&2 || die "apt-get could not install postgresql"
}

running() { [ -f "$port_file" ] && as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

url() {
  echo "postgres://horde:$(cat "$password_file")@127.0.0.1:$(cat "$port_file")/postgres?sslmode=disable"
}

# make creates the cluster; what an interrupted run left half made is removed.
make() {
  if [ ! -d "$dir" ]; then
    mkdir -m 700 "$dir" || die "cannot make $dir"
    [ "$UID" != 0 ] || chown "$owner" "$dir"
  fi
  [ "$(stat -c %U "$dir")" = "$owner" ] || die "$dir belongs to somebody else: set HORDE_PG_DIR to another folder"
  as test -w "$dir" || die "user $owner cannot write $dir: set HORDE_PG_DIR to a folder that it can reach"
  [ -f "$dir/made" ] && return
  rm -rf "$data"
  as sh -c 'umask 077; od -An -N16 -tx1 /dev/urandom | tr -d " \n" > "$1"' sh "$password_file"
  as "$bin/initdb" -D "$data" -U horde -E UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --pwfile="$password_file" >&2 ||
    die "initdb failed"
  as tee -a "$data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = $fsync
synchronous_commit = on
full_page_writes = $fsync
CONF
  as touch "$dir/made"
}

start() {
  running && { url; return; }
  make
  local port
  for _ in 1 2 3 4 5 6 7 8; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue # taken
    if as "$bin/pg_ctl" -D "$data" -l "$log" -w -t 60 -o "-p $port" start >/dev/null; then
      echo "$port" | as tee "$port_file" >/dev/null
      url
      return
    fi
  done
  tail -n 20 "$log" >&2
  die "PostgreSQL did not start; its log is $log"
}

stop() {
  running || { echo "postgres.sh: not running" >&2; return; }
  as "$bin/pg_ctl" -D "$data" -m fast -w stop >&2
  rm -f "$port_file"
}

command=${1:-}
case $command in start | stop | url) ;; *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
if ! bin=$(bindir); then
  [ "$command" = start ] || die "PostgreSQL is not installed"
  install_packages
  bin=$(bindir) || die "the packages hold no initdb"
fi

# One at a time: two test runs that start together share one cluster.
if [ "$command" != url ]; then
  exec 9>"$dir.lock"
  flock 9
fi
if [ "$command" = url ]; then
  running || exit 1
fi
"$command"
