"""A real server in its own process and a real, headless Chromium that visits it.

Shared by the benchmarks that need a browser and by the end-to-end tests. The scenarios are the Node scripts
in tests/e2e, so this works in a source tree with the web client's node_modules.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import likeness
from likeness.errors import MachineError

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY_SECONDS: Final = 180.0
_LOG_TAIL: Final = 3000


def source_root() -> Path:
    """The source tree that this package runs from."""
    return Path(likeness.__file__).resolve().parents[2]


def missing_for_browser() -> str:
    """Why a browser cannot be used here, and how to get it; empty when it can."""
    client = source_root() / "webxr_client"
    if not any(map(shutil.which, CHROMIUM)):
        return "there is no Chromium (Debian, Ubuntu: apt install chromium)"
    if shutil.which("node") is None:
        return "there is no Node.js on PATH (20 or newer; `make test` brings one)"
    if not (client / "node_modules" / "playwright-core").is_dir():
        return f"{client}/node_modules is not there (run `make web` in the source tree)"
    if not (Path(likeness.__file__).parent / "web" / "index.html").is_file():
        return "the page is not built (run `make web` in the source tree)"
    return ""


@dataclass
class ServedProcess:
    """A running `likeness serve`: where it answers, where its data and its log lie."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    ready_seconds: float
    """From starting the process to a healthy answer."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def stop(self) -> int:
        """Interrupt it like Ctrl-C; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self.process.kill()
        self.process.wait()


def start_server(folder: Path, *, port: int = 0, settings: str = "") -> ServedProcess:
    """Start `likeness serve` with its data under `folder`; returns once it is healthy.

    port: 0 for any free one. settings: more lines of likeness.toml.

    Raises:
        MachineError: it did not get ready; the message ends with its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "likeness.toml", folder / "server.log"
    config.write_text(
        f'[server]\nport = {port}\ngrpc_port = 0\ndata = "{(folder / "data").as_posix()}"\n{settings}'
    )
    log.unlink(missing_ok=True)
    begun = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "likeness.cli.main", "serve", "--config", str(config)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    while time.monotonic() - begun < READY_SECONDS and process.poll() is None:
        url = _announced(log.read_text(errors="replace"))
        if url and _healthy(url):
            return ServedProcess(url, folder, process, time.monotonic() - begun)
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise MachineError(f"The server did not get ready:\n{log.read_text(errors='replace')[-_LOG_TAIL:]}")


@contextmanager
def a_server(settings: str = "") -> Generator[ServedProcess]:
    """A server with a data folder of its own, for as long as the block lasts."""
    with TemporaryDirectory(prefix="likeness-") as folder:
        server = start_server(Path(folder), settings=settings)
        try:
            yield server
        finally:
            server.stop()


def visit(scenario: str, server: ServedProcess, *, timeout: float = 400, **options: Any) -> dict[str, Any]:
    """Run tests/e2e/<scenario>.mjs against a server; returns what it measured.

    Pictures go to artifacts/e2e. `options` are the scenario's own; `query` (options of the page) and
    `flags` (more switches for Chromium) are known to all.

    Raises:
        MachineError: the browser is missing, or the scenario failed; the message holds its words.
    """
    reason = missing_for_browser()
    if reason:
        raise MachineError(f"This needs a browser: {reason}.")
    given = {
        "url": server.url,
        "executable": next(filter(None, map(shutil.which, CHROMIUM))),
        "artifacts": str(source_root() / "artifacts" / "e2e"),
        "query": {},
        "flags": [],
        "name": scenario,
        **options,
    }
    script = source_root() / "tests" / "e2e" / f"{scenario}.mjs"
    # Drawing without a GPU takes every core it gets; the server would usually be on another machine.
    polite = ["nice", "-n", "5"] if shutil.which("nice") else []
    command = [*polite, "node", str(script), json.dumps(given)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, words = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # Playwright ends its browser when it is asked to end; killed, it would leave it running.
            process.terminate()
            out, words = process.communicate(timeout=20)
            words = f"it did not finish within {timeout:g} s\n{words}"
    if process.returncode:
        raise MachineError(
            f"{scenario} failed in the browser: {words[-_LOG_TAIL:]}\nserver log:\n{server.log[-_LOG_TAIL:]}"
        )
    result: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return result


def _announced(log: str) -> str:
    for word in log.split():
        if word.startswith(("http://", "https://")):
            return word.rstrip("/.,")
    return ""


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
