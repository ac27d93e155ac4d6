"""Long work at the command line that is stopped half-way leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

PATIENCE = 300.0
"""Seconds; only bounds what hangs."""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_animation_that_is_stopped_leaves_no_file_and_no_folder(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    hour = tmp_path / "hour.wav"
    with wave.open(str(hour), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 3600 * 8000)
    made, temporary = tmp_path / "made", tmp_path / "temporary"
    made.mkdir()
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "likeness.cli.main", "animate", str(hour), "-o", str(made / "take.npz")],
        env={**os.environ, "TMPDIR": str(temporary), "LIKENESS_DATA": str(tmp_path / "data")},
        # A shell that runs this in the background may have the signal ignored.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    try:
        give_up = time.monotonic() + PATIENCE
        while not any(voice.stat().st_size for voice in temporary.glob("likeness-take-*/voice")):
            assert process.poll() is None, "it ended before it was stopped"
            assert time.monotonic() < give_up, "it did not begin"
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
    finally:
        process.kill()
        process.wait()
    assert list(temporary.iterdir()) == []
    assert list(made.iterdir()) == []
