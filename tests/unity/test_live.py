"""The C# client lives in a real server's room: frames, voice, text, microphone, a cut, a resume."""

import json
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from likeness.cli.bench.browser import start_server
from likeness.provenance import read_sessions
from tests.unity.conftest import PROGRAMS, compile_sources

pytestmark = pytest.mark.mono


@pytest.fixture(scope="module")
def server(mono, tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    assert running.stop() == 0, running.log[-2000:]
    assert "Traceback" not in running.log, running.log[-4000:]


def run(build, program: str, *arguments: str) -> str:
    executable = build.folder / f"{program}.exe"
    compile_sources(executable, [PROGRAMS / f"{program}.cs"], build.core, target="exe")
    done = subprocess.run(
        ["mono", str(executable), *arguments], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_a_session_with_text_microphone_cut_and_resume(build, server) -> None:
    found = json.loads(run(build, "Live", server.url, "150"))
    assert found["received"] > 200, found
    # A machine too busy to send within 100 ms drops what is stale; `likeness bench unity` wants none lost.
    assert found["lost"] * 20 <= found["received"], found
    assert found["malformed"] == 0, found
    assert found["drawn"] > 200, found
    assert found["speechStarted"] == found["speechFinished"] == 1, found
    assert found["loudest"] > 0.05, found
    assert found["peakJaw"] > 0.05, found
    assert found["seals"] > 50, found
    assert found["sealProblem"] == "", found
    assert found["sealed"] > 100, found
    assert found["resumes"] == 1, found
    assert found["sameSession"], found
    assert found["mark"] == "GEN - Plain - driven by: voice", found
    assert "done" in closing_reason(server.data, found["session"])  # the goodbye arrived


def closing_reason(data: Path, session: str) -> str:
    """Why the log says that a session ended; waits until it says so."""
    for _ in range(600):
        logged = next((s for s in read_sessions(data) if s.id == session), None)
        if logged is not None and logged.state == "closed":
            return logged.reason
        time.sleep(0.1)
    return "not closed"


def test_a_server_that_is_away_is_named_found_when_it_comes_and_refuses_in_words(build, tmp_path) -> None:
    executable = build.folder / "Late.exe"
    compile_sources(executable, [PROGRAMS / "Late.cs"], build.core, target="exe")
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    client = subprocess.Popen(
        ["mono", str(executable), f"http://127.0.0.1:{port}", "plain", "not-a-token"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    try:
        away = client.stdout.readline()
        server = start_server(tmp_path, port=port, settings=f'[security]\ntoken_secret = "{"s" * 40}"\n')
        try:
            rest, _ = client.communicate(timeout=160)
        finally:
            server.stop()
    finally:
        client.kill()
        client.wait()
    assert away.startswith("Waiting: no Likeness server answers at 127.0.0.1"), away
    assert "likeness serve" in away
    last = rest.strip().splitlines()[-1]
    assert last.startswith("Ended: "), rest
    assert "token" in last.lower(), last
