#!/bin/sh
# Times a 512 x 512 image of the pocket engine (Go, WebP included) beside
# model/reference.py (Python) on this machine, in alternating runs with both
# models loaded: same prompt, seeds, steps, sampler, guidance and threads.
#
#   scripts/compare-pocket.sh [ROUNDS [STEPS [THREADS]]]      default 8 24 2
#
# Prints every round and the means. Needs Go with cgo and Python 3.10 or newer;
# makes its own virtual environment in .cache/compare-pocket and puts ONNX
# Runtime, the same version for both, into .cache/onnxruntime. HORDE_ONNXRUNTIME
# names another library for the Go side.
set -eu

rounds=${1:-8} steps=${2:-24} threads=${3:-2}
cd "$(dirname "$0")/.."
cache=$PWD/.cache
mkdir -p "$cache"

venv=$cache/compare-pocket
if ! "$venv/bin/python" -c 'import onnxruntime, numpy' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check onnxruntime==1.32.0 numpy
fi
if [ -z "${HORDE_ONNXRUNTIME:-}" ]; then
  scripts/fetch-onnxruntime.sh "$cache/onnxruntime"
  HORDE_ONNXRUNTIME=$cache/onnxruntime/
  export HORDE_ONNXRUNTIME
fi
go build -o "$cache/pocket-generate" ./engine/pocket/generate

"$venv/bin/python" -B - "$cache/pocket-generate" "$rounds" "$steps" "$threads" <<'PY'
import os, statistics, subprocess, sys, time

program, rounds, steps, threads = sys.argv[1], *map(int, sys.argv[2:])
sys.path.insert(0, "engine/pocket/model")
import onnxruntime, reference

prompt = "a red fox in the snow"
pocket = reference.Pocket(threads=threads)
ours = subprocess.Popen([program, "-serve", "-threads", str(threads), "-steps", str(steps), prompt],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def theirs(seed):
    t = time.perf_counter()
    pocket.generate(prompt, seed=seed, steps=steps)
    return time.perf_counter() - t

def our(seed):
    """Seconds with WebP and without."""
    ours.stdin.write(f"{seed}\n")
    ours.stdin.flush()
    line = ours.stdout.readline()
    if not line:
        sys.exit("the Go program ended")
    return tuple(map(float, line.split()))

theirs(0), our(0)                          # warm both up
print(f"onnxruntime {onnxruntime.__version__}, {threads} threads, {steps} steps, 512x512, load {os.getloadavg()[0]:.2f}")
print("round  reference.py  engine/pocket+WebP  without WebP")
rows = []
for r in range(1, rounds + 1):
    a, b = (theirs(r), our(r)) if r % 2 else (lambda y: (theirs(r), y))(our(r))    # who goes first alternates
    rows.append((a, *b))
    print(f"{r:5}  {a:11.3f}s  {b[0]:17.3f}s  {b[1]:11.3f}s", flush=True)
ours.stdin.close()
ours.wait()
for name, f in (("mean", statistics.mean), ("median", statistics.median), ("best", min)):
    a, b, c = (f(col) for col in zip(*rows))
    print(f"{name:6} {a:11.3f}s  {b:17.3f}s  {c:11.3f}s   ratio {b / a:.3f}")
PY
