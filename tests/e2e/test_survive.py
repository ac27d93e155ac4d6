"""A server that dies, or that cannot start, loses nothing that it acknowledged and says what is wrong."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.transport.clients import SocketClient, until

from likeness.cli.bench.browser import ServedProcess, start_server


def likeness(*args: str, data: Path) -> subprocess.CompletedProcess[str]:
    """A command of likeness on one data folder."""
    return subprocess.run(
        [sys.executable, "-m", "likeness.cli.main", *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "LIKENESS_DATA": str(data)},
    )


async def talk_once(server: ServedProcess) -> str:
    """Say something, and leave the connection open; the session's id."""
    client = await SocketClient(server.url).connect(character="plain")
    await client.say("This was said before the end.")
    await until(lambda: "STARTED" in client.phases(), 30)
    server.kill()
    await client.close()
    return client.session


def test_a_killed_server_keeps_its_ledger_and_marks_the_session_as_interrupted(tmp_path: Path):
    server = start_server(tmp_path)
    session = asyncio.run(talk_once(server))
    again = start_server(tmp_path)
    try:
        records: list[dict[str, Any]] = json.loads(
            likeness("sessions", "list", "--json", data=server.data).stdout
        )
        [record] = [r for r in records if r["id"] == session]
        assert record["state"] == "interrupted"
    finally:
        assert again.stop() == 0
    checked = likeness("ledger", "verify", data=server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Traceback" not in again.log


def test_a_taken_port_is_one_sentence_and_an_exit_code(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = likeness("serve", "--port", str(port), "--grpc-port", "0", data=tmp_path)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_data_folder_that_cannot_be_is_one_sentence_and_an_exit_code(tmp_path: Path):
    file = tmp_path / "data"
    file.write_text("not a folder")
    done = likeness("serve", "--port", "0", "--grpc-port", "0", "--data", str(file), data=tmp_path)
    assert done.returncode in (1, 2)
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
