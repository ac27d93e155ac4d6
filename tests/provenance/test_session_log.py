import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from likeness.errors import NotFoundError, SealError
from likeness.head import load_character
from likeness.provenance import SessionLog, new_session_id, read_session, read_sessions, verify_ledger
from likeness.v1 import stream_pb2


async def _session(log: SessionLog, **more: object) -> str:
    record = await log.open_session(
        character=load_character("einstein"), driver=stream_pb2.DRIVER_IDLE, scene="study", room="r1",
        role="visitor", peer="192.0.2.7", public_key=bytes(32), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    await record.event("driver", {"driver": "text"})
    await record.event("said", {"sha256": "00", "length": 5})
    await record.close("the visitor left")
    await record.close("again")
    with pytest.raises(SealError, match="closed"):
        await record.event("said", {})
    return record.id


async def test_a_session_is_told_from_opening_to_end(tmp_path: Path) -> None:
    log = SessionLog.open(tmp_path)
    session = await _session(log)
    log.close()
    (summary,) = read_sessions(tmp_path)
    assert (summary.id, summary.character, summary.driven_by, summary.state) == (
        session,
        "einstein",
        "text",
        "closed",
    )
    assert summary.reason == "the visitor left"
    history = read_session(tmp_path, session[:12])
    assert [e.kind for e in history.entries] == ["open", "driver", "said", "close"]
    assert all(history.proven)
    assert "portrays Albert Einstein, driven by: text" in history.lines()[1]
    assert "each entry is proven" in history.lines()[-1]


async def test_no_address_is_kept(tmp_path: Path) -> None:
    log = SessionLog.open(tmp_path)
    await _session(log)
    log.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("ledger"))
    assert b"192.0.2.7" not in kept
    assert b'"peer":"' in kept


async def test_sessions_are_listed_newest_first_and_limited(tmp_path: Path) -> None:
    log = SessionLog.open(tmp_path)
    ids = [await _session(log) for _ in range(4)]
    log.close()
    assert [record.id for record in read_sessions(tmp_path, limit=3)] == ids[:0:-1]
    assert read_sessions(tmp_path)[0].to_json()["id"] == ids[-1]


def test_nothing_made_yet_is_no_error(tmp_path: Path) -> None:
    assert read_sessions(tmp_path) == []
    with pytest.raises(NotFoundError, match="no ledger"):
        read_session(tmp_path, "01")


async def test_an_unknown_or_ambiguous_id_is_named(tmp_path: Path) -> None:
    log = SessionLog.open(tmp_path)
    for name in ("AAA1", "AAA2"):
        await _session(log, session=name)
    log.close()
    with pytest.raises(NotFoundError, match="AAA1, AAA2"):
        read_session(tmp_path, "AAA")
    with pytest.raises(NotFoundError, match="sessions list"):
        read_session(tmp_path, "ZZZ")
    assert read_session(tmp_path, "AAA1").summary.id == "AAA1"


async def test_open_sessions_are_marked_when_the_server_comes_back(tmp_path: Path) -> None:
    log = SessionLog.open(tmp_path)
    await log.open_session(character=None, driver=0, session="LEFT")
    await _session(log)
    log.close()
    again = SessionLog.open(tmp_path)
    assert again.recover() == ["LEFT"]
    assert again.recover() == []
    again.close()
    assert {r.id: r.state for r in read_sessions(tmp_path)}["LEFT"] == "interrupted"
    assert verify_ledger(tmp_path / "ledger.sqlite").ok


async def test_sessions_of_another_living_process_are_left_alone(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from likeness.provenance import SessionLog\n"
        "log = SessionLog.open(Path(sys.argv[1]))\n"
        "asyncio.run(log.open_session(character=None, driver=0, session='OTHER'))\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        log = SessionLog.open(tmp_path)
        assert log.recover() == []
        child.communicate("")
        assert log.recover() == ["OTHER"]
        log.close()
    finally:
        child.kill()
        child.wait()


def test_ids_sort_by_time_and_never_repeat() -> None:
    early, late = (new_session_id(datetime(year, 1, 1, tzinfo=UTC)) for year in (2026, 2027))
    assert early < late
    assert len({new_session_id() for _ in range(1000)}) == 1000
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", new_session_id())
