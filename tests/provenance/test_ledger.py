import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, NotFoundError, SealError, VerificationError
from likeness.provenance.checkpoint import read_checkpoint
from likeness.provenance.keys import ServerKey
from likeness.provenance.ledger import Ledger, LedgerEntry, decode_entry, encode_entry
from likeness.provenance.ledger_check import verify_ledger
from likeness.provenance.merkle import leaf_hash, verify_consistency, verify_inclusion


def _entry(number: int, session: str = "S") -> LedgerEntry:
    return LedgerEntry(session, "said", {"number": number})


@pytest.fixture
def key(tmp_path: Path) -> ServerKey:
    return ServerKey.load_or_create(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def filled(path: Path, key: ServerKey) -> Path:
    with Ledger.open(path, key) as ledger:
        for number in range(21):
            ledger.append(_entry(number, f"S{number % 3}"))
    return path


def test_entries_come_back_in_order_with_proofs(filled: Path, key: ServerKey) -> None:
    with Ledger.open(filled, key) as ledger:
        entries = ledger.entries()
        assert [e.index for e in entries] == list(range(21))
        assert [e.data["number"] for e in ledger.entries("S1")] == list(range(1, 21, 3))
        checkpoint = read_checkpoint(ledger.checkpoint(), key.public_bytes)
        assert (checkpoint.size, checkpoint.root) == (21, ledger.root())
        for entry in entries:
            proof = ledger.inclusion_proof(entry.index)
            assert verify_inclusion(leaf_hash(encode_entry(entry)), entry.index, 21, proof, checkpoint.root)
        for old in range(1, 22):
            path = ledger.consistency_proof(old)
            assert verify_consistency(old, 21, ledger.root(old), ledger.root(), path)
    assert verify_ledger(filled).ok


def test_a_ledger_goes_on_after_it_was_closed(filled: Path, key: ServerKey) -> None:
    with Ledger.open(filled, key) as ledger:
        before = ledger.root()
        assert ledger.append(_entry(99)) == 21
        assert verify_consistency(21, 22, before, ledger.root(), ledger.consistency_proof(21))
    report = verify_ledger(filled, key.public_bytes)
    assert report.ok
    assert "22 entries" in report.lines[0]


async def test_many_writers_share_a_commit_and_lose_nothing(path: Path, key: ServerKey) -> None:
    with Ledger.open(path, key) as ledger:
        indices = await asyncio.gather(*(ledger.append_async(_entry(n)) for n in range(300)))
        assert sorted(indices) == list(range(300))
        assert {e.data["number"] for e in ledger.entries()} == set(range(300))
    connection = sqlite3.connect(path)
    (commits,) = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
    assert commits < 150
    assert verify_ledger(path).ok


def test_threads_and_other_handles_append_to_one_tree(path: Path, key: ServerKey) -> None:
    ledgers = [Ledger.open(path, key) for _ in range(3)]
    threads = [
        threading.Thread(target=lambda k=k: [ledgers[k].append(_entry(n, f"S{k}")) for n in range(20)])
        for k in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledgers[0].entries()) == 60
    for ledger in ledgers:
        ledger.close()
    assert verify_ledger(path).ok


_WRITER = """
import asyncio, sys
from pathlib import Path
from likeness.provenance import SessionLog
async def main():
    log = SessionLog.open(Path(sys.argv[1]))
    async def one():
        record = await log.open_session(character=None, driver=1)
        print("session", record.id, flush=True)
        number = 0
        while True:
            index = await record.event("said", {"number": number, "pad": "x" * 300})
            print("said", index, record.id, number, flush=True)
            number += 1
    await asyncio.gather(*(one() for _ in range(4)))
asyncio.run(main())
"""


def test_killed_while_writing_every_acknowledged_entry_is_there(tmp_path: Path) -> None:
    from likeness.provenance.session_log import SessionLog, read_sessions

    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    said: list[list[str]] = []
    assert child.stdout is not None
    for line in child.stdout:
        said.append(line.split())
        if len(said) == 120:
            os.kill(child.pid, signal.SIGKILL)
    child.wait()
    said = [words for words in said if len(words) == 4 or words[0] == "session"]
    sessions = {words[1] for words in said if words[0] == "session"}
    assert len(sessions) == 4

    log = SessionLog.open(tmp_path)
    try:
        entries = log.ledger.entries()
        for words in said:
            if words[0] == "said":
                entry = entries[int(words[1])]
                assert (entry.session, entry.data["number"]) == (words[2], int(words[3]))
        size, root = log.ledger.size, log.ledger.root()
        assert verify_ledger(tmp_path / "ledger.sqlite").ok
        assert set(log.recover()) == sessions
        assert log.recover() == []
        assert verify_consistency(size, size + 4, root, log.ledger.root(), log.ledger.consistency_proof(size))
    finally:
        log.close()
    assert {record.state for record in read_sessions(tmp_path)} == {"interrupted"}
    assert verify_ledger(tmp_path / "ledger.sqlite").ok


def _tampered(path: Path, sql: str, *values: object) -> list[str]:
    connection = sqlite3.connect(path)
    assert connection.execute(sql, values).rowcount >= 1
    connection.commit()
    connection.close()
    report = verify_ledger(path)
    assert not report.ok
    assert report.lines[-1].startswith("NOT VERIFIED")
    return list(report.lines[1:-1])


@pytest.mark.parametrize("position", [0, 7, 20])
def test_a_changed_byte_in_an_entry_is_found_and_named(filled: Path, position: int) -> None:
    connection = sqlite3.connect(filled)
    (data,) = connection.execute("SELECT data FROM entries WHERE position = ?", (position,)).fetchone()
    connection.close()
    for place in (len(data) // 3, len(data) - 2):
        changed = bytearray(data)
        changed[place] ^= 1
        lines = _tampered(filled, "UPDATE entries SET data = ? WHERE position = ?", bytes(changed), position)
        assert lines[0].startswith(f"Entry {position} ")
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE entries SET data = ? WHERE position = ?", (data, position))
    connection.commit()
    connection.close()
    assert verify_ledger(filled).ok


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        (
            "UPDATE entries SET session = 'S9' WHERE position = 4",
            "Entry 4 is listed under another session",
        ),
        ("UPDATE entries SET kind = 'open' WHERE position = 4", "Entry 4 is listed"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND place = 3", "Entry 3"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 2 AND place = 1", "tree node 2/1"),
        ("DELETE FROM nodes WHERE level = 1 AND place = 2", "lacks node 1/2"),
        ("INSERT INTO nodes VALUES (9, 9, zeroblob(32))", "nodes"),
        ("DELETE FROM entries WHERE position = 5", "Entry 5 is missing"),
        ("DELETE FROM entries WHERE position = 20", "missing at the end"),
        ("DELETE FROM checkpoints WHERE size = 21", "no checkpoint"),
        ("UPDATE entries SET data = 'text' WHERE position = 2", "Entry 2"),
        ("UPDATE about SET value = '00' WHERE name = 'server_key'", "another server key"),
    ],
)
def test_whatever_is_changed_is_found(filled: Path, sql: str, named: str) -> None:
    assert any(named in line for line in _tampered(filled, sql))


def test_a_checkpoint_changed_in_any_character_is_found(filled: Path, key: ServerKey) -> None:
    connection = sqlite3.connect(filled)
    (note,) = connection.execute("SELECT note FROM checkpoints WHERE size = 9").fetchone()
    connection.close()
    for place, character in enumerate(note):
        changed = note[:place] + ("B" if character != "B" else "C") + note[place + 1 :]
        with pytest.raises(VerificationError):
            read_checkpoint(changed, key.public_bytes)
    assert any(
        "checkpoint" in line
        for line in _tampered(
            filled, "UPDATE checkpoints SET note = ? WHERE size = 9", note.replace("likeness", "Likeness", 1)
        )
    )


def test_a_rewritten_history_does_not_fit_its_checkpoints(
    filled: Path, key: ServerKey, tmp_path: Path
) -> None:
    """Who can write the file but lacks the key may rebuild entries and tree: the signatures give it away."""
    forger = ServerKey.load_or_create(tmp_path / "forger")
    forged = tmp_path / "forged.sqlite"
    with Ledger.open(forged, forger) as ledger:
        for number in range(21):
            ledger.append(_entry(number + (number == 4), f"S{number % 3}"))
    assert verify_ledger(forged).ok is False  # the key beside it is another
    report = verify_ledger(forged, key.public_bytes)
    assert not report.ok
    assert verify_ledger(forged, forger.public_bytes).ok


def test_a_damaged_file_is_a_sentence(filled: Path) -> None:
    data = bytearray(filled.read_bytes())
    for place in range(4096, len(data), 997):
        data[place] ^= 0x55
    filled.write_bytes(data)
    report = verify_ledger(filled)
    assert not report.ok


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look at" * 50])
def test_what_is_no_ledger_is_an_error_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    try:
        ok = verify_ledger(path).ok
    except InputError:
        ok = False
    assert not ok
    with pytest.raises(NotFoundError, match="no ledger"):
        verify_ledger(tmp_path / "nowhere")


def test_a_read_only_ledger_fails_closed(path: Path, key: ServerKey) -> None:
    with Ledger.open(path, key) as ledger:
        ledger.append(_entry(0))
        ledger._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(SealError, match="Make the folder writable"):
            ledger.append(_entry(1))
        ledger._connection.execute("PRAGMA query_only = OFF")
        assert ledger.append(_entry(2)) == 1
    assert verify_ledger(path).ok


def _append_until_full(ledger: Ledger) -> int:
    for number in range(500):
        try:
            ledger.append(LedgerEntry("S", "said", {"number": number, "pad": "x" * 2000}))
        except SealError as problem:
            if "Free some space" in str(problem):
                return number
            raise
    return 500


def test_a_full_disk_fails_closed_and_keeps_what_was_acknowledged(path: Path, key: ServerKey) -> None:
    with Ledger.open(path, key) as ledger:
        ledger._connection.execute("PRAGMA max_page_count = 40")
        kept = _append_until_full(ledger)
        assert 5 < kept < 500
        assert ledger.size == kept
    assert f"{kept} entries" in verify_ledger(path).lines[0]
    assert verify_ledger(path).ok
    with Ledger.open(path, key) as ledger:
        assert ledger.append(_entry(1)) == kept


def test_a_place_that_cannot_be_written_is_a_seal_error(tmp_path: Path, key: ServerKey) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SealError, match="could not be written"):
        Ledger.open(tmp_path / "file" / "ledger.sqlite", key)
    (tmp_path / "noise").write_bytes(b"x" * 5000)
    with pytest.raises(SealError):
        Ledger.open(tmp_path / "noise", key)


def test_another_key_may_not_go_on_with_a_ledger(filled: Path, tmp_path: Path) -> None:
    with pytest.raises(SealError, match="another server key"):
        Ledger.open(filled, ServerKey.load_or_create(tmp_path / "other"))
    assert verify_ledger(filled).ok


@pytest.mark.parametrize("data", [{"x": object()}, {"x": float("nan")}, {"x": "y" * 70_000}, {"x": b"bytes"}])
def test_what_cannot_be_kept_is_refused_and_harms_nothing(
    path: Path, key: ServerKey, data: dict[str, object]
) -> None:
    with Ledger.open(path, key) as ledger:
        with pytest.raises(InputError):
            ledger.append(LedgerEntry("S", "said", data))
        assert ledger.append(_entry(0)) == 0


async def test_an_entry_that_is_too_long_takes_no_other_with_it(path: Path, key: ServerKey) -> None:
    with Ledger.open(path, key) as ledger:
        for length in range(65_380, 65_540):
            long = LedgerEntry("S", "said", {"x": "y" * length})
            results = await asyncio.gather(
                ledger.append_async(_entry(0)), _tried(ledger, long), ledger.append_async(_entry(1))
            )
            assert isinstance(results[0], int)
            assert isinstance(results[2], int)
        assert isinstance(results[1], InputError)


async def _tried(ledger: Ledger, entry: LedgerEntry) -> int | LikenessError:
    try:
        return await ledger.append_async(entry)
    except LikenessError as problem:
        return problem


def test_a_closed_ledger_says_so(path: Path, key: ServerKey) -> None:
    ledger = Ledger.open(path, key)
    ledger.close()
    ledger.close()
    with pytest.raises(SealError, match="closed"):
        ledger.append(_entry(0))


def test_questions_beyond_the_end_are_answered_in_words(filled: Path, key: ServerKey) -> None:
    with Ledger.open(filled, key) as ledger:
        with pytest.raises(NotFoundError, match="has no entry 21"):
            ledger.inclusion_proof(21)
        with pytest.raises(InputError):
            ledger.consistency_proof(22)
        with pytest.raises(InputError):
            ledger.root(99)


@given(st.binary(max_size=200))
def test_random_bytes_are_no_entry_or_a_plain_one(data: bytes) -> None:
    try:
        entry = decode_entry(data)
    except (ValueError, KeyError, TypeError):
        return
    assert isinstance(entry.session, str)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=5), st.text(max_size=30), st.integers(0, 2**40))
def test_any_entry_comes_back_as_it_was(data: dict[str, object], session: str, index: int) -> None:
    entry = LedgerEntry(session, "said", data, "2026-01-01T00:00:00.000Z", index)
    try:
        encoded = encode_entry(entry)
    except LikenessError:
        assert any(0xD800 <= ord(c) < 0xE000 for c in repr((data, session)).encode().decode("unicode_escape"))
        return
    assert decode_entry(encoded) == entry
    assert encode_entry(decode_entry(encoded)) == encoded
