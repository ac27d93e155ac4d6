#!/usr/bin/env bash
# Every check of the project, in one run; ends with pytest's summary line. Usage: tools/test.sh VENV
# What a machine lacks (Chromium, Mono, the desktop tracker) is named and left out, unless
# LIKENESS_REQUIRE_BROWSER=1, LIKENESS_REQUIRE_MONO=1 or LIKENESS_REQUIRE_TRACKER=1 makes that a failure. The last
# also fetches the tracker (100 MB), into VENV-tracking, where it stays.
set -euo pipefail
venv=$1
step() { printf '\n\033[1m==>\033[0m %s\n' "$*"; }
. tools/node.sh "$venv"

tracker_home=$(cd "$venv" && pwd)-tracking
tracker() { "$venv/bin/python" -c 'from likeness.tracking.media_pipe import tracking_python as p; print(p())' 2>/dev/null; }
tracker=$(tracker || LIKENESS_DATA=$tracker_home tracker || true)
fetching=""
if [ -z "$tracker" ] && [ "${LIKENESS_REQUIRE_TRACKER:-0}" = 1 ]; then
  step "Desktop tracker into $tracker_home, while the other checks run"
  mkdir -p "$tracker_home"
  LIKENESS_DATA=$tracker_home "$venv/bin/likeness" track --setup >"$tracker_home/log" 2>&1 &
  fetching=$!
fi

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
  missing+=("Unity client tests left out: no Mono (Debian, Ubuntu: apt install mono-mcs mono-runtime libnunit-cil-dev nunit-console libmono-system-net-http4.0-cil)")
  [ "${LIKENESS_REQUIRE_MONO:-0}" = 1 ] && { echo "${missing[-1]}; they are required here" >&2; exit 1; }
fi
if [ -n "$fetching" ]; then
  wait "$fetching" || { cat "$tracker_home/log" >&2; echo "the desktop tracker is required here" >&2; exit 1; }
  tracker=$(LIKENESS_DATA=$tracker_home tracker || true)
fi
if [ -n "$tracker" ]; then
  export LIKENESS_TRACKING_PYTHON=$tracker
else
  missing+=("desktop tracker tests left out: no MediaPipe ($venv/bin/likeness track --setup fetches it, 100 MB)")
  [ "${LIKENESS_REQUIRE_TRACKER:-0}" = 1 ] && { echo "${missing[-1]}; they are required here" >&2; exit 1; }
fi
step "Tests"
for line in "${missing[@]:-}"; do [ -n "$line" ] && echo "note: $line"; done
exec "$venv/bin/python" -m pytest
