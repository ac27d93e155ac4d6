"""Ledger: an append-only log in SQLite, a Merkle tree over it, and signed checkpoints.

An entry is acknowledged only when it, its tree nodes and a checkpoint that covers it are on disk. Many
writers share one fsync: whatever waits when a commit begins goes into it together.
"""

import asyncio
import contextlib
import json
import queue
import shutil
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from likeness.errors import InputError, NotFoundError, SealError
from likeness.provenance.checkpoint import Checkpoint, sign_checkpoint
from likeness.provenance.keys import ServerKey, timestamp
from likeness.provenance.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    peaks,
    range_hash,
)

LEDGER_FILE: Final = "ledger.sqlite"
LONGEST_ENTRY: Final = 65_536
"""Bytes of one entry."""
SCHEMA_VERSION: Final = 1
_SOME_TIME, _LAST_INDEX = "2026-01-01T00:00:00.000Z", 1 << 53
_QUIET: Final = 0.5
"""Seconds without an append after which there is time to tidy."""
_FOLD_WHEN_QUIET, _FOLD_ANYWAY = 20, 1500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
  position INTEGER PRIMARY KEY, session TEXT NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_of_session ON entries (session, position);
CREATE INDEX IF NOT EXISTS entries_of_kind ON entries (kind, position);
CREATE TABLE IF NOT EXISTS nodes (
  level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY (level, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Something that happened in a session. `data` must be plain JSON values."""

    session: str
    kind: str
    data: Mapping[str, Any]
    time: str = ""
    """RFC 3339, UTC; set when it is appended."""
    index: int = -1
    """Place in the ledger; set when it is appended."""


def encode_entry(entry: LedgerEntry) -> bytes:
    """The entry as it is hashed and stored: JSON with sorted keys, no blanks, UTF-8."""
    whole = {
        "data": dict(entry.data), "index": entry.index, "kind": entry.kind,
        "session": entry.session, "time": entry.time,
    }  # fmt: skip
    try:
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        data = text.encode()
    except (TypeError, ValueError) as problem:
        raise InputError(f'A ledger entry "{entry.kind}" must hold plain JSON values: {problem}.') from None
    if len(data) > LONGEST_ENTRY:
        raise InputError(
            f'A ledger entry "{entry.kind}" has {len(data):,} bytes; at most {LONGEST_ENTRY:,} are kept.'
        )
    return data


def decode_entry(data: bytes) -> LedgerEntry:
    """Inverse of `encode_entry`; ValueError when the bytes are no entry."""
    whole = json.loads(data)
    if not isinstance(whole, dict) or not isinstance(whole.get("data"), dict):
        raise ValueError("not an entry")
    return LedgerEntry(
        session=str(whole["session"]),
        kind=str(whole["kind"]),
        data=whole["data"],
        time=str(whole["time"]),
        index=int(whole["index"]),
    )


class Ledger:
    """One ledger file, open for appending. Safe to use from several threads and processes.

    Use `Ledger.open` and `close`, or a with-statement.
    """

    def __init__(self, path: Path, key: ServerKey, connection: sqlite3.Connection) -> None:
        self.path: Final = path
        self._key = key
        self._connection = connection
        self._lock = threading.Lock()
        self._frontier = _load_frontier(connection)
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._unfolded = 0
        self._writer = threading.Thread(target=self._write, name=f"ledger {path.name}", daemon=True)
        self._writer.start()

    @staticmethod
    def open(path: Path, key: ServerKey) -> "Ledger":
        """Open or make a ledger that `key` signs. Raises SealError when it cannot be written, is no ledger,
        or belongs to another key."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA trusted_schema=OFF")
            # The log is folded into the file when nobody waits (`_fold`), not in the middle of an append.
            connection.execute("PRAGMA wal_autocheckpoint=0")
            with _transaction(connection):
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                about = dict(connection.execute("SELECT name, value FROM about").fetchall())
                if not about:
                    connection.executemany(
                        "INSERT INTO about VALUES (?, ?)",
                        [("version", str(SCHEMA_VERSION)), ("server_key", key.public_bytes.hex())],
                    )
        except (sqlite3.Error, OSError) as problem:
            raise _failure(path, problem) from None
        if about and about.get("server_key") != key.public_bytes.hex():
            connection.close()
            raise SealError(
                f"The ledger {path} is signed by another server key than the one beside it. "
                "Put the key that belongs to it back, or move the ledger away to begin a new one."
            )
        if about and about.get("version") != str(SCHEMA_VERSION):
            connection.close()
            raise SealError(
                f"The ledger {path} has version {about.get('version')}; update Likeness to use it."
            )
        return Ledger(path, key, connection)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, and close the file."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        self._writer.join()
        self._connection.close()

    @property
    def size(self) -> int:
        """Acknowledged entries."""
        with self._lock:
            return self._frontier.size

    def append(self, entry: LedgerEntry) -> int:
        """Append an entry; returns its index when it is on disk. Raises SealError; nothing was then kept."""
        return self._submit(entry).result()

    async def append_async(self, entry: LedgerEntry) -> int:
        """The same, without blocking the event loop."""
        return await asyncio.wrap_future(self._submit(entry))

    def _submit(self, entry: LedgerEntry) -> "Future[int]":
        # Refuse here what cannot be kept: in a commit it would take the other entries with it.
        encode_entry(replace(entry, time=entry.time or _SOME_TIME, index=_LAST_INDEX))
        if self._closed:
            raise SealError(f"The ledger {self.path} is closed; nothing can be logged any more.")
        waiting = _Waiting(entry, Future())
        self._waiting.put(waiting)
        return waiting.done

    def checkpoint(self) -> str:
        """The newest signed checkpoint (docs/provenance.md); of size 0 when there is no entry yet."""
        with self._lock, _reading(self.path):
            row = self._connection.execute(
                "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
            ).fetchone()
        return str(row[0]) if row else sign_checkpoint(Checkpoint(0, Frontier().root), self._key)

    def root(self, size: int | None = None) -> bytes:
        """The tree's hash over the first `size` entries (default: all)."""
        with self._lock, _reading(self.path):
            count = self._frontier.size if size is None else size
            _check_size(count, self._frontier.size)
            return range_hash(self._node, 0, count)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Audit path of an entry in the tree of `size` entries (default: all)."""
        with self._lock, _reading(self.path):
            count = self._frontier.size if size is None else size
            _check_size(count, self._frontier.size)
            if not 0 <= index < count:
                raise NotFoundError(f"The ledger has no entry {index}; it has {count}.")
            return inclusion_proof(self._node, index, count)

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """Proof that the first `old` entries are still the same in the tree of `new` (default: all)."""
        with self._lock, _reading(self.path):
            count = self._frontier.size if new is None else new
            _check_size(count, self._frontier.size)
            if not 0 < old <= count:
                raise InputError(
                    f"A consistency proof goes from 1..{count} to {count} entries, not from {old}."
                )
            return consistency_proof(self._node, old, count)

    def entries(
        self, session: str | None = None, kinds: Sequence[str] = (), newest_first: bool = False
    ) -> list[LedgerEntry]:
        """Entries of one session or of all, optionally of some kinds only."""
        with self._lock, _reading(self.path):
            return read_entries(self._connection, session, kinds, newest_first)

    def unfinished(self, begin: str, ends: Sequence[str]) -> list[str]:
        """Sessions with an entry of kind `begin` and none of the kinds `ends`, oldest first."""
        with self._lock, _reading(self.path):
            rows = self._connection.execute(
                "SELECT session FROM entries AS o WHERE kind = ? AND NOT EXISTS (SELECT 1 FROM entries AS e "
                f"WHERE e.session = o.session AND e.kind IN ({','.join('?' * len(ends))})) ORDER BY position",
                (begin, *ends),
            )
            return [str(session) for (session,) in rows]

    def _node(self, level: int, place: int) -> bytes:
        return read_node(self._connection, level, place)

    def _write(self) -> None:
        """The writer thread: one transaction, and so one fsync, for all that waits."""
        stop = False
        while not stop:
            try:
                first = self._waiting.get(timeout=_QUIET)
            except queue.Empty:
                self._fold(_FOLD_WHEN_QUIET)
                continue
            if first is None:
                break
            batch = [first]
            while len(batch) < 512:
                try:
                    more = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                batch.append(more)
            self._commit(batch)
            self._fold(_FOLD_ANYWAY)

    def _fold(self, at_least: int) -> None:
        """Write SQLite's log into the file after this many commits. What it holds is on disk already."""
        if self._unfolded < at_least:
            return
        with contextlib.suppress(sqlite3.Error), self._lock:  # tried again later; appending does not need it
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._unfolded = 0

    def _commit(self, batch: "list[_Waiting]") -> None:
        try:
            with self._lock:
                indices = self._append_all([waiting.entry for waiting in batch])
        except Exception as problem:
            failure = problem if isinstance(problem, SealError) else _failure(self.path, problem)
            for waiting in batch:
                waiting.fail(failure)
            return
        for waiting, index in zip(batch, indices, strict=True):
            waiting.succeed(index)

    def _append_all(self, entries: list[LedgerEntry]) -> list[int]:
        connection = self._connection
        indices: list[int] = []
        with _transaction(connection):
            # Another process may have appended since.
            frontier = self._frontier.copy() if self._is_current() else _load_frontier(connection)
            now = timestamp(datetime.now(UTC))
            for entry in entries:
                index = frontier.size
                data = encode_entry(
                    LedgerEntry(entry.session, entry.kind, entry.data, entry.time or now, index)
                )
                connection.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?)", (index, entry.session, entry.kind, data)
                )
                connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", frontier.append(leaf_hash(data)))
                indices.append(index)
            note = sign_checkpoint(Checkpoint(frontier.size, frontier.root), self._key)
            connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (frontier.size, note))
        self._frontier = frontier
        self._unfolded += 1
        return indices

    def _is_current(self) -> bool:
        (last,) = self._connection.execute("SELECT max(position) FROM entries").fetchone()
        return (last + 1 if last is not None else 0) == self._frontier.size


class _Waiting:
    """An entry on its way to the disk."""

    def __init__(self, entry: LedgerEntry, done: "Future[int]") -> None:
        self.entry = entry
        self.done = done

    def succeed(self, index: int) -> None:
        if self.done.set_running_or_notify_cancel():
            self.done.set_result(index)

    def fail(self, problem: Exception) -> None:
        if self.done.set_running_or_notify_cancel():
            self.done.set_exception(problem)


def read_entries(
    connection: sqlite3.Connection,
    session: str | None = None,
    kinds: Sequence[str] = (),
    newest_first: bool = False,
    limit: int = -1,
) -> list[LedgerEntry]:
    """Entries of a ledger's database; the module's readers share it. limit: -1 for all."""
    wanted: list[str] = []
    values: list[str] = []
    if session is not None:
        wanted.append("session = ?")
        values.append(session)
    if kinds:
        wanted.append(f"kind IN ({','.join('?' * len(kinds))})")
        values += kinds
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    order = "DESC" if newest_first else "ASC"
    query = f"SELECT data FROM entries {where} ORDER BY position {order} LIMIT ?"
    rows = connection.execute(query, (*values, limit))
    return [decode_entry(bytes(data)) for (data,) in rows]


def read_node(connection: sqlite3.Connection, level: int, place: int) -> bytes:
    """A complete subtree's hash. SealError when it is missing."""
    row = connection.execute(
        "SELECT hash FROM nodes WHERE level = ? AND place = ?", (level, place)
    ).fetchone()
    if row is None:
        raise SealError(
            f"The ledger's tree lacks node {level}/{place}: the file was changed or is damaged. "
            "Run `likeness ledger verify`."
        )
    return bytes(row[0])


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. NotFoundError, InputError when there is no ledger."""
    if not path.is_file():
        raise NotFoundError(f"There is no ledger {path}. It is made by the first session.")
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10.0)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA trusted_schema=OFF")
        return connection
    except sqlite3.Error as problem:
        raise InputError(f"{path} is not a ledger that can be read: {problem}.") from None


def _load_frontier(connection: sqlite3.Connection) -> Frontier:
    (last,) = connection.execute("SELECT max(position) FROM entries").fetchone()
    size = 0 if last is None else int(last) + 1
    return Frontier(size, [read_node(connection, level, place) for level, place in peaks(size)])


def _check_size(size: int, most: int) -> None:
    if not 0 <= size <= most:
        raise InputError(f"The ledger has {most} entries, not {size}.")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError, KeyError) as problem:
        raise _failure(path, problem) from None


def _is_full(folder: Path) -> bool:
    """SQLite often calls a full disk an I/O error."""
    try:
        return shutil.disk_usage(folder).free < 1 << 18
    except OSError:
        return False


def _failure(path: Path, problem: Exception) -> SealError:
    text = str(problem)
    if isinstance(problem, OSError):
        text = problem.strerror or text
    if "full" in text or _is_full(path.parent):
        advice = "Free some space; until then nothing can be generated."
    elif "readonly" in text or "read-only" in text.lower() or "ermission" in text or "unable to open" in text:
        advice = "Make the folder writable, or set LIKENESS_DATA to one that is."
    elif "locked" in text:
        advice = "Another process holds it; end that one."
    else:
        advice = "Look at the disk, then run `likeness ledger verify`."
    return SealError(f"The ledger {path} could not be written or read: {text}. {advice}")
