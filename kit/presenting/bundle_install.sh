#!/bin/sh
# Installs the kit from this folder alone, into .venv beside this file. It never asks the network.
set -eu
cd "$(dirname "$0")"
PYTHON="${PYTHON:-python3}"
version="$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
wheels="wheels/$(uname -m)-py$version"
if [ ! -d "$wheels" ]; then
    echo "This bundle has no wheels for $(uname -m) and Python $version. It has:" >&2
    ls wheels >&2
    echo "Name another Python with PYTHON=/path/to/python3 ./install.sh" >&2
    exit 1
fi
if command -v sha256sum >/dev/null; then
    sha256sum --quiet -c SHA256SUMS || { echo "Some files are not as they were made." >&2; exit 1; }
fi
"$PYTHON" -m venv .venv
# pip reads no setting of this machine, and has no index to ask.
PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 .venv/bin/python -m pip install --quiet \
    --disable-pip-version-check --no-index --no-deps \
    --find-links "$wheels" --find-links wheels/any -r requirements.lock
PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 .venv/bin/python -m pip install --quiet \
    --disable-pip-version-check --no-index --no-deps --find-links wheels/any runaway-train-kit
.venv/bin/kit --version
echo "Installed. Next: .venv/bin/kit demo"
