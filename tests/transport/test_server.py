"""A server starts or says in one sentence why not, stops cleanly, and survives being killed."""

import contextlib
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from likeness.provenance import read_sessions, verify_ledger
from likeness.v1 import likeness_pb2_grpc
from likeness.v1.room_pb2 import ClientMessage, Consent, Hello, Say, ServerMessage

COMMAND = (sys.executable, "-m", "likeness.cli.main", "serve")


@contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own and where its gRPC listens."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--grpc-port", "0", "--data", str(data), *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            found = re.search(r"^gRPC: (\S+)", said, re.MULTILINE)
            if found:
                yield process, found.group(1)
                return
        raise AssertionError(f"the server did not start: {said}")
    finally:
        process.kill()
        process.wait()


def refused(*options: str, before: Callable[[], None] | None = None) -> str:
    """What a server that cannot start says; its exit code is not 0 and there is no traceback."""
    done = subprocess.run(
        [*COMMAND, "--port", "0", "--grpc-port", "0", *options],
        capture_output=True, text=True, timeout=300, check=False, preexec_fn=before,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr.strip()


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for option in ("--port", "--grpc-port"):
            said = refused(option, port, "--data", str(tmp_path))
            assert "in use" in said
            assert port in said
            assert "--" in said, "it says what to do"


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path) in refused("--data", str(tmp_path / "file"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that even root cannot write to")
def test_a_read_only_data_folder_is_one_sentence() -> None:
    assert "/proc/likeness" in refused("--data", "/proc/likeness")


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def no_more() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    assert str(tmp_path) in refused("--data", str(tmp_path / "data"), before=no_more)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


def test_a_disk_that_is_full_at_the_start_is_one_sentence(tiny_disk: Path) -> None:
    fill(tiny_disk)
    assert str(tiny_disk) in refused("--data", str(tiny_disk / "data"))


def test_a_disk_that_fills_up_ends_the_stream_in_words_and_keeps_what_was_logged(tiny_disk: Path) -> None:
    full = threading.Event()

    def send() -> Iterator[ClientMessage]:
        yield ClientMessage(hello=Hello(character="einstein"))
        full.wait(120)
        for k in range(400):  # each is an entry of the ledger
            yield ClientMessage(consent=Consent(face_capture=k % 2 == 0))
            time.sleep(0.02)
        time.sleep(3600)

    with serving(tiny_disk / "data") as (process, address), grpc.insecure_channel(address) as channel:
        call = likeness_pb2_grpc.LikenessStub(channel).Join(send())
        assert next(call).HasField("welcome")
        ballast = fill(tiny_disk)
        full.set()
        notices = [m.notice for m in _rest(call) if m.HasField("notice")]
        assert notices[-1].fatal
        assert "space" in notices[-1].text
        assert process.poll() is None, "the others' server lives on"
        ballast.unlink()
        again = _joined(channel)
        again.cancel()
        process.terminate()
        assert process.wait(60) == 0
    assert verify_ledger(tiny_disk / "data" / "ledger.sqlite").ok


def test_an_open_bind_without_a_secret_is_refused_and_names_tls(tmp_path: Path) -> None:
    said = refused("--host", "0.0.0.0", "--data", str(tmp_path))
    assert "token secret" in said
    assert "[tls]" in said


def test_an_interrupt_ends_sessions_tells_people_and_logs_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address):
        with grpc.insecure_channel(address) as channel:
            call = _joined(channel)
            process.send_signal(signal.SIGINT)
            notices = [m.notice.text for m in _rest(call) if m.HasField("notice")]
        assert notices == ["the server stops"]
        assert process.wait(120) == 0
    (summary,) = read_sessions(tmp_path)
    assert (summary.state, summary.reason) == ("closed", "the server stops")


def test_a_killed_server_keeps_what_it_acknowledged_and_marks_the_session_interrupted(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address), grpc.insecure_channel(address) as channel:
        call = _joined(channel)
        while not next(call).HasField("mark"):
            pass
        time.sleep(0.3)
        process.kill()
        process.wait()
    before = verify_ledger(tmp_path / "ledger.sqlite")
    assert before.ok, before.lines
    with serving(tmp_path) as (process, _):
        (summary,) = read_sessions(tmp_path)
        assert summary.state == "interrupted"
        assert summary.driven_by == "text"
        process.terminate()
        assert process.wait(120) == 0
    assert verify_ledger(tmp_path / "ledger.sqlite").ok


def _joined(channel: grpc.Channel) -> "grpc.CallIterator[ServerMessage]":
    requests = [ClientMessage(hello=Hello(character="einstein")), ClientMessage(say=Say(text="Hello there."))]

    def send() -> Iterator[ClientMessage]:
        yield from requests
        time.sleep(3600)

    call = likeness_pb2_grpc.LikenessStub(channel).Join(send())
    assert next(call).HasField("welcome")
    return call


def _rest(call: "grpc.CallIterator[ServerMessage]") -> Iterator[ServerMessage]:
    try:
        yield from call
    except grpc.RpcError:
        return
