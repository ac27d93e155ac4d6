#!/usr/bin/env bash
# Every check of the project, in one run; ends with pytest's summary line. Usage: tools/test.sh VENV
# What a machine lacks (Chromium, Mono) is named and left out, unless LIKENESS_REQUIRE_BROWSER=1 or
# LIKENESS_REQUIRE_MONO=1 makes that a failure.
set -euo pipefail
venv=$1
step() { printf '\n\033[1m==>\033[0m %s\n' "$*"; }
. tools/node.sh "$venv"

step "Ruff"
"$venv/bin/ruff" check server tools tests examples
"$venv/bin/ruff" format --check server tools tests examples
step "Pyright (strict)"
"$venv/bin/pyright" --pythonpath "$venv/bin/python"
step "Import contract"
"$venv/bin/lint-imports"
step "Web client: types, lint, unit tests"
(cd webxr_client && npm run --silent check && npm run --silent test)

missing=()
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  missing+=("browser tests left out: no Chromium (Debian, Ubuntu: apt install chromium)")
  [ "${LIKENESS_REQUIRE_BROWSER:-0}" = 1 ] && { echo "${missing[-1]}; they are required here" >&2; exit 1; }
fi
if ! command -v mcs >/dev/null || ! command -v mono >/dev/null; then
  missing+=("Unity client tests left out: no Mono (Debian, Ubuntu: apt install mono-mcs mono-runtime libnunit-cil-dev nunit-console)")
  [ "${LIKENESS_REQUIRE_MONO:-0}" = 1 ] && { echo "${missing[-1]}; they are required here" >&2; exit 1; }
fi
step "Tests"
for line in "${missing[@]:-}"; do [ -n "$line" ] && echo "note: $line"; done
exec "$venv/bin/python" -m pytest
