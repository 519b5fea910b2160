#!/bin/sh
# One command for a machine with a GPU and no network: uses the wheels in .whl, if there are any, and calls
# gpu.py with the arguments. LRSHAPE_UNPACK: a script that is called with the folder LRSHAPE_DATA first.
set -eu
cd "$(dirname "$0")/.."
if ls .whl/*.whl >/dev/null 2>&1; then
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target /tmp/site .whl/*.whl
    PYTHONPATH=/tmp/site${PYTHONPATH:+:$PYTHONPATH}
fi
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}" XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONUNBUFFERED=1
if [ -n "${LRSHAPE_UNPACK:-}" ]; then
    python3 "$LRSHAPE_UNPACK" "$LRSHAPE_DATA"
fi
exec timeout 480 python3 benchmarks/gpu.py "$@"
