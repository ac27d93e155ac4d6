#!/usr/bin/env bash
# Makes the virtual environment and installs Likeness into it. Usage: tools/setup.sh VENV
set -euo pipefail
venv=$1
step() { printf '\033[1m==>\033[0m %s\n' "$*"; }
python=""
for candidate in python3.12 python3.11 python3.13 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate; break
  fi
done
[ -n "$python" ] || { echo "Likeness needs Python 3.11 or newer, and found none. Install it and run make again." >&2; exit 1; }
step "Virtual environment in $venv ($($python --version))"
if [ ! -x "$venv/bin/python" ]; then
  "$python" -m venv "$venv" || { echo "Python's venv module is missing: on Debian or Ubuntu, apt install python3-venv." >&2; exit 1; }
fi
step "Python packages (PyTorch first: some 200 MB)"
"$venv/bin/pip" install -q --disable-pip-version-check --upgrade pip
if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  # The CPU build: a plain requirement would bring gigabytes of CUDA. Where that exact build is
  # not to be had, take what the index offers.
  "$venv/bin/pip" install --disable-pip-version-check --progress-bar on torch==2.13.0 \
    || "$venv/bin/pip" install --disable-pip-version-check --progress-bar on torch
fi
"$venv/bin/pip" install -q --disable-pip-version-check --progress-bar on -e '.[dev]'
step "Python side ready"
