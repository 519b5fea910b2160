#!/bin/sh
# One command for a machine with a GPU and no network, 8 minutes at most: measures the engine beside PyTorch
# (gpu.py, which gets the arguments), then trains for the stored search on CIFAR-10 in the time that is left,
# if LRSHAPE_DATA names the data, into $LRSHAPE_OUT. Run again, it resumes that search. It uses the wheels in
# .whl, if there are any. LRSHAPE_UNPACK: a script that is called with the folder LRSHAPE_DATA first.
set -eu
cd "$(dirname "$0")/.."
began=$(date +%s)
if ls .whl/*.whl >/dev/null 2>&1; then
    site=$(mktemp -d)
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" .whl/*.whl
    PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
fi
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}" XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONUNBUFFERED=1
if [ -n "${LRSHAPE_UNPACK:-}" ]; then
    python3 "$LRSHAPE_UNPACK" "$LRSHAPE_DATA"
fi
timeout 300 python3 benchmarks/gpu.py "$@"
case " $* " in *" --dry "*) exit ;; esac
if [ -n "${LRSHAPE_DATA:-}" ]; then
    left=$((480 - $(date +%s) + began))
    [ "$left" -gt 20 ] || exit 0
    timeout "$left" python3 studies/run.py cifar10-cnn main --out "${LRSHAPE_OUT:-gpu-studies}" || [ $? = 124 ]
fi
