#!/bin/sh
# Puts ONNX Runtime's shared library into a folder:
#
#   scripts/fetch-onnxruntime.sh DEST
#
# afterwards DEST/libonnxruntime.so (macOS: .dylib) is there, and a Horde binary
# in DEST (or beside DEST's parent, if DEST is called lib) finds it by itself.
# Source: the Python wheel through pip where a Python with pip is installed,
# else the Node package through npm. Nothing is installed, only unpacked.
# Run again it does nothing. For Linux (x64, arm64); macOS as far as the
# packages go.
set -eu

PYPI_VERSION=1.32.0
NPM_VERSION=1.30.0

[ $# -eq 1 ] || { echo "usage: $0 DEST" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)

case $(uname -s) in
Darwin) plain=libonnxruntime.dylib ;;
*) plain=libonnxruntime.so ;;
esac
# present: a readable library of a plausible size (the real one has >10 MB) under the plain name
present() { [ -r "$dest/$plain" ] && [ "$(wc -c <"$dest/$plain")" -gt 5000000 ]; }

if present; then
  echo "$dest/$plain is already there"
  exit 0
fi

tmp=$(mktemp -d "$dest/.fetch-onnxruntime.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# put FILE NAME: moves FILE to DEST/NAME in one step and links the plain name to it
put() {
  chmod 755 "$1"
  mv -f "$1" "$dest/$2"
  ln -sfn "$2" "$tmp/link"
  mv -f "$tmp/link" "$dest/$plain"
}

by_pip() {
  python=
  for p in python3 python; do
    if "$p" -m pip --version >/dev/null 2>&1; then python=$p; break; fi
  done
  [ -n "$python" ] || return 1
  # Any wheel of this machine's platform will do: the library in it does not
  # depend on the Python version, so ask for a version that surely has one
  # where this Python is too old or too new for the package.
  "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    -d "$tmp" "onnxruntime==$PYPI_VERSION" ||
    "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.11 --implementation cp -d "$tmp" "onnxruntime==$PYPI_VERSION" || return 1
  "$python" - "$tmp" "$tmp/library" <<'PY' || return 1
import glob, re, shutil, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/onnxruntime-*.whl")[0])
names = [n for n in wheel.namelist() if re.search(r"/libonnxruntime(\.so\.[0-9.]+|\.[0-9.]+\.dylib)$", n)]
if not names:
    sys.exit("the wheel holds no libonnxruntime")
with wheel.open(names[0]) as a, open(sys.argv[2], "wb") as b:
    shutil.copyfileobj(a, b)
PY
  case $plain in
  *.dylib) put "$tmp/library" "libonnxruntime.$PYPI_VERSION.dylib" ;;
  *) put "$tmp/library" "libonnxruntime.so.$PYPI_VERSION" ;;
  esac
}

by_npm() {
  command -v npm >/dev/null 2>&1 || return 1
  case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) echo "the Node package has no library for $(uname -m)" >&2; return 1 ;;
  esac
  case $plain in
  *.dylib) os=darwin ;;
  *) os=linux ;;
  esac
  (cd "$tmp" && npm pack --silent "onnxruntime-node@$NPM_VERSION" >/dev/null) || return 1
  tar -xzf "$tmp"/onnxruntime-node-*.tgz -C "$tmp" || return 1
  file=$(find "$tmp/package/bin" -type f -path "*/$os/$arch/*" -name 'libonnxruntime.*' ! -name '*providers*' | head -n 1)
  [ -n "$file" ] || { echo "the Node package holds no libonnxruntime for $os/$arch" >&2; return 1; }
  case $plain in
  *.dylib) put "$file" "libonnxruntime.$NPM_VERSION.dylib" ;;
  *) put "$file" "libonnxruntime.so.$NPM_VERSION" ;;
  esac
}

by_pip || by_npm || {
  echo "could not fetch ONNX Runtime: pip (Python 3.10 or newer) or npm with access to its registry is needed." >&2
  echo "By hand: put libonnxruntime of version 1.24 or newer at $dest/$plain" >&2
  exit 1
}
present || { echo "$dest/$plain is missing after the download" >&2; exit 1; }
echo "$dest/$plain -> $(readlink "$dest/$plain")"
