"""The C# client lives in a real server's room: frames, voice, text, microphone, a cut, a resume."""

import json
import subprocess

import pytest

from likeness.cli.bench.browser import start_server
from tests.unity.conftest import ROOT, compile_sources

pytestmark = pytest.mark.mono
PROGRAMS = ROOT / "tests/unity/programs"


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
        ["mono", str(executable), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_a_session_with_text_microphone_cut_and_resume(build, server) -> None:
    found = json.loads(run(build, "Live", server.url, "16"))
    assert found["received"] > 500, found
    assert found["lost"] == 0, found
    assert found["malformed"] == 0, found
    assert found["drawn"] > 500, found
    assert found["speechStarted"] == found["speechFinished"] == 1, found
    assert found["loudest"] > 0.05, found
    assert found["peakJaw"] > 0.05, found
    assert found["seals"] > 50, found
    assert found["resumes"] == 1, found
    assert found["resumedAfter"] <= 2, found
    assert found["sameSession"], found
    assert found["mark"].startswith("GEN - Plain - driven by: "), found


def test_a_server_that_is_away_is_named_in_words(build, mono) -> None:
    words = run(build, "Refused", "http://127.0.0.1:9")
    assert "likeness serve" in words
