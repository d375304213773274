#!/usr/bin/env bash
# The Python SDK of the AI Horde (horde_sdk) with its own tests, for the suite in
# e2e/python. Needs Python 3.12 or newer.
#
#   scripts/python-sdk.sh install    install it (half a minute, once); prints its folder
#   scripts/python-sdk.sh path       print its folder, or why it is not there
#
# The folder, under .cache of this repository, has a virtual environment (venv/)
# and the SDK's source distribution (source/). Exit status 3: there is no Python
# that could run it, and none to be had from apt-get.
set -euo pipefail

cd "$(dirname "$0")/.."
requirements=$PWD/e2e/python/requirements.txt
source_requirements=$PWD/e2e/python/source.txt
stamp=$(cat "$requirements" "$source_requirements" | sha256sum | cut -c1-12)
folder=$PWD/.cache/python-sdk-$stamp

say() { echo "python-sdk.sh: $*" >&2; }

# new_enough reports whether a program is a Python that can make the environment.
new_enough() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in python3.12 python3.13 python3 python3.14 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 /usr/local/bin/python3.1[2-9] /opt/python*/bin/python3; do
    if new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

# install_python tries what Debian may have, newest first; its python3 alone is
# too old before release 13.
install_python() {
  command -v apt-get >/dev/null || return 1
  local try
  for try in 1 2; do
    local version
    for version in 3.13 3.12; do
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        "python$version" "python$version-venv" >&2 && return
    done
    [ "$try" = 2 ] || as_root apt-get update -q >&2 || return 1
  done
  return 1
}

install() {
  [ ! -e "$folder/ready" ] || return 0
  local python
  python=$(find_python) || { install_python && python=$(find_python); } || {
    say "no Python 3.12 or newer here (python3 is $(python3 --version 2>&1 || echo missing)), and apt-get has none:" \
      "the Python SDK is not tested. Install one and run this again."
    exit 3
  }
  mkdir -p "$folder"
  exec 9>"$folder/.lock"
  flock 9
  [ ! -e "$folder/ready" ] || return 0
  say "installing the Python SDK with $("$python" --version) (half a minute, once)"
  rm -rf "$folder/venv" "$folder/source"
  "$python" -m venv "$folder/venv"
  local pip=("$folder/venv/bin/python" -m pip --disable-pip-version-check -q)
  "${pip[@]}" install --no-deps -r "$requirements" >&2
  # The SDK's tests are in its source distribution alone. They run from there and
  # are no part of this repository.
  "${pip[@]}" download --no-deps --no-binary :all: --require-hashes -r "$source_requirements" -d "$folder/download" >&2
  mkdir "$folder/source"
  tar xzf "$folder"/download/horde_sdk-*.tar.gz -C "$folder/source" --strip-components=1
  rm -rf "$folder/download"
  touch "$folder/ready"
}

case ${1:-} in
install) install && echo "$folder" ;;
path)
  if [ -e "$folder/ready" ]; then
    echo "$folder"
  elif find_python >/dev/null; then
    say "the Python SDK is not installed: \`make test\` brings it, or scripts/python-sdk.sh install"
    exit 3
  else
    say "no Python 3.12 or newer here: install one, then scripts/python-sdk.sh install"
    exit 3
  fi
  ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
