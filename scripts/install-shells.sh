#!/bin/sh
# Installs Debian's zsh and fish, for the tests of completion, besides bash. Needs
# root or sudo, and only when something has to be installed. Where it cannot, it
# says so, and those tests skip.
set -eu

missing=
for shell in zsh fish; do
	command -v "$shell" >/dev/null || missing="$missing $shell"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "install-shells: missing:$missing; install them as root" >&2; exit 3; }
	as_root="sudo -n"
fi
command -v apt-get >/dev/null || { echo "install-shells: missing:$missing, and there is no apt-get here" >&2; exit 3; }

install() {
	# shellcheck disable=SC2086 # names of packages
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}

# Package lists may be absent or stale: refresh them only when needed.
install || { $as_root apt-get update -q >&2 && install; } || exit 3
