#!/bin/sh
# Installs Debian's chromium when no Chromium is there and prints its path.
# Needs root or sudo, and only when something has to be installed.
# Tests find the browser by this path; CHROMIUM=/path/to/browser overrides it.
set -eu

find_chromium() {
	if [ -n "${CHROMIUM:-}" ]; then
		command -v "$CHROMIUM" && return 0
		echo "install-chromium: CHROMIUM=$CHROMIUM is not a program" >&2
		exit 1
	fi
	for name in chromium chromium-browser google-chrome; do
		command -v "$name" && return 0
	done
	return 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@"
	else
		echo "install-chromium: chromium is missing; run this as root, or install it yourself: apt-get install chromium" >&2
		exit 1
	fi
}

find_chromium && exit 0

command -v apt-get >/dev/null || {
	echo "install-chromium: no apt-get here; install Chromium and set CHROMIUM=/path/to/it" >&2
	exit 1
}

install_chromium() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core >&2
}

# Package lists may be absent or stale: refresh them only when needed.
install_chromium || { as_root apt-get update -q >&2 && install_chromium; }

find_chromium || {
	echo "install-chromium: chromium was installed but is not in PATH" >&2
	exit 1
}
