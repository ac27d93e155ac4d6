"""SessionLog: what happened in each session, in the ledger; and the readers of it."""

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from likeness.errors import NotFoundError, SealError
from likeness.head.character import Character
from likeness.provenance.keys import ServerKey, fingerprint, parse_timestamp
from likeness.provenance.ledger import (
    LEDGER_FILE,
    Ledger,
    LedgerEntry,
    open_read_only,
    read_entries,
    read_node,
)
from likeness.provenance.merkle import inclusion_proof, leaf_hash, range_hash, verify_inclusion
from likeness.provenance.tag import SOFTWARE, driver_name

OPEN, CLOSE, INTERRUPTED = "open", "close", "interrupted"
_LOCK_FILE: Final = "ledger.lock"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_session_id(now: datetime | None = None) -> str:
    """A ULID: 26 characters that sort by time and cannot be guessed."""
    milliseconds = int((now or datetime.now(UTC)).timestamp() * 1000)
    number = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(25, -1, -1))


class SessionLog:
    """The ledger as a log of sessions. Fails closed: whatever cannot be logged raises SealError."""

    def __init__(self, key: ServerKey, ledger: Ledger, lock: IO[bytes] | None) -> None:
        self.key: Final = key
        self.ledger: Final = ledger
        self._lock = lock

    @staticmethod
    def open(data_dir: Path, key: ServerKey | None = None) -> "SessionLog":
        """Open the log in a data folder, making what is missing. Raises SealError."""
        server_key = key or ServerKey.load_or_create(data_dir)
        ledger = Ledger.open(data_dir / LEDGER_FILE, server_key)
        try:
            lock = (data_dir / _LOCK_FILE).open("ab")
        except OSError as problem:
            ledger.close()
            raise SealError(f"{data_dir / _LOCK_FILE} cannot be made: {problem.strerror}.") from None
        log = SessionLog(server_key, ledger, lock)
        _hold(lock)
        return log

    def close(self) -> None:
        """Write what waits and close the ledger."""
        self.ledger.close()
        if self._lock is not None:
            self._lock.close()

    def recover(self) -> list[str]:
        """Mark sessions that a crash left open as interrupted; their ids.

        Does nothing while another process uses the same data folder: the open ones may be its own.
        """
        if self._lock is None or not _alone(self._lock):
            return []
        try:
            left = self.ledger.unfinished(OPEN, (CLOSE, INTERRUPTED))
            for session in left:
                self.ledger.append(
                    LedgerEntry(session, INTERRUPTED, {"reason": "the server stopped without closing it"})
                )
            return left
        finally:
            _hold(self._lock)

    async def open_session(
        self,
        *,
        character: Character | None,
        driver: int,
        room: str = "",
        scene: str = "",
        role: str = "",
        peer: str = "",
        public_key: bytes = b"",
        session: str = "",
    ) -> "SessionRecord":
        """Log the opening of a session; it exists from here on. Raises SealError.

        public_key: of the session's key, so that its seals can be tied to the log; peer: an address, kept
        as a pseudonym only; session: its id where it is known already (`new_session_id`).
        """
        session = session or new_session_id()
        data = self._opening(character, driver, room, scene, role, peer, public_key)
        await self.ledger.append_async(LedgerEntry(session, OPEN, data))
        return SessionRecord(session, self.ledger)

    def log_take(
        self,
        session: str,
        character: str,
        portrays: str,
        driven_by: str,
        public_key: bytes,
        data: Mapping[str, Any],
    ) -> None:
        """Log a session that made a take, from opening to end. Raises SealError."""
        opening = {
            "generated": True, "character": character, "portrays": portrays, "driver": driven_by,
            "scene": "take", "software": SOFTWARE, "public_key": public_key.hex(),
        }  # fmt: skip
        self.ledger.append(LedgerEntry(session, OPEN, opening))
        self.ledger.append(LedgerEntry(session, "take", dict(data)))
        self.ledger.append(LedgerEntry(session, CLOSE, {"reason": "finished"}))

    def _opening(
        self,
        character: Character | None,
        driver: int,
        room: str,
        scene: str,
        role: str,
        peer: str,
        public_key: bytes,
    ) -> dict[str, Any]:
        data = {
            "generated": True,
            "character": character.id if character else "",
            "portrays": character.name if character else "",
            "driver": driver_name(driver) if character else "observer",
            "room": room,
            "scene": scene,
            "role": role,
            "peer": self.key.blind(peer) if peer else "",
            "software": SOFTWARE,
            "public_key": public_key.hex(),
        }
        return {name: value for name, value in data.items() if value != ""}


class SessionRecord:
    """One open session in the log."""

    def __init__(self, session: str, ledger: Ledger) -> None:
        self.id: Final = session
        self._ledger = ledger
        self._closed = False

    async def event(self, kind: str, data: Mapping[str, Any]) -> int:
        """Log something that happened; its index when it is on disk. Raises SealError."""
        if self._closed or kind in (OPEN, CLOSE, INTERRUPTED):
            raise SealError(f"Session {self.id} cannot log {kind!r}: it is closed, or that is no event.")
        return await self._ledger.append_async(LedgerEntry(self.id, kind, dict(data)))

    async def close(self, reason: str) -> None:
        """Log the end; closing twice does nothing. Raises SealError."""
        if self._closed:
            return
        self._closed = True
        await self._ledger.append_async(LedgerEntry(self.id, CLOSE, {"reason": reason}))


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session as the log tells it. state: "open", "closed" or "interrupted"."""

    id: str
    opened: str
    character: str
    portrays: str
    driven_by: str
    state: str
    seconds: float
    """From its opening to its last entry."""
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class SessionHistory:
    """One session's entries, each proven to be in the ledger."""

    summary: SessionSummary
    entries: tuple[LedgerEntry, ...]
    proven: tuple[bool, ...]
    size: int
    root: bytes
    server_key: bytes

    def lines(self) -> list[str]:
        """For people: the summary, the entries, the proof."""
        s = self.summary
        out = [
            f"Session {s.id}: {s.state}" + (f" ({s.reason})" if s.reason else ""),
            f"  portrays {s.portrays or 'nobody'}, driven by: {s.driven_by}",
            f"  opened {s.opened}, {s.seconds:.0f} s",
        ]
        for entry, proven in zip(self.entries, self.proven, strict=True):
            data = json.dumps(entry.data, ensure_ascii=False, sort_keys=True)
            out.append(
                f"  {entry.index:>6}  {entry.time}  {entry.kind:<12} {data}{'' if proven else '  NOT PROVEN'}"
            )
        verdict = "each entry is proven to be" if all(self.proven) else "NOT every entry is"
        out.append(
            f"  {verdict} in the ledger of {self.size} entries, root {self.root.hex()[:16]}..., "
            f"server key {fingerprint(self.server_key)}"
        )
        return out


def read_sessions(data_dir: Path, limit: int = 50) -> list[SessionSummary]:
    """The newest sessions of a data folder; none when nothing was made there yet."""
    path = data_dir / LEDGER_FILE
    if not path.is_file():
        return []
    with contextlib.closing(open_read_only(path)) as connection:
        opened = read_entries(connection, None, (OPEN,), newest_first=True, limit=limit)
        return [_summary(read_entries(connection, entry.session)) for entry in opened]


def read_session(data_dir: Path, session: str) -> SessionHistory:
    """One session, by its id or an unambiguous beginning of it, with proofs. Raises NotFoundError."""
    with contextlib.closing(open_read_only(data_dir / LEDGER_FILE)) as connection:
        connection.execute("BEGIN")
        rows = connection.execute(
            "SELECT DISTINCT session FROM entries WHERE session >= ? AND session < ? AND kind = ?",
            (session, session + "\U0010ffff", OPEN),
        ).fetchmany(5)
        if len(rows) != 1 and (session,) not in rows:
            near = (
                f" Did you mean {', '.join(r[0] for r in rows)}?"
                if rows
                else " See `likeness sessions list`."
            )
            raise NotFoundError(f'There is no session "{session}" in the log.{near}')
        name = session if (session,) in rows else str(rows[0][0])
        entries = tuple(read_entries(connection, name))
        (size,) = connection.execute("SELECT count(*) FROM entries").fetchone()

        def node(level: int, place: int) -> bytes:
            return read_node(connection, level, place)

        root = range_hash(node, 0, size)
        proven: list[bool] = []
        for entry in entries:
            (data,) = connection.execute(
                "SELECT data FROM entries WHERE position = ?", (entry.index,)
            ).fetchone()
            path = inclusion_proof(node, entry.index, size)
            proven.append(verify_inclusion(leaf_hash(bytes(data)), entry.index, size, path, root))
        (key,) = connection.execute("SELECT value FROM about WHERE name = 'server_key'").fetchone()
        return SessionHistory(_summary(list(entries)), entries, tuple(proven), size, root, bytes.fromhex(key))


def _summary(entries: list[LedgerEntry]) -> SessionSummary:
    first, last = entries[0], entries[-1]
    driver = str(first.data.get("driver", ""))
    for entry in entries:
        if entry.kind == "driver" and entry.data.get("driver") not in ("idle", None):
            driver = str(entry.data["driver"])
    ends = [entry for entry in entries if entry.kind in (CLOSE, INTERRUPTED)]
    state = "open" if not ends else "closed" if ends[0].kind == CLOSE else "interrupted"
    try:
        seconds = (parse_timestamp(last.time) - parse_timestamp(first.time)).total_seconds()
    except ValueError:
        seconds = 0.0
    return SessionSummary(
        id=first.session,
        opened=first.time,
        character=str(first.data.get("character", "")),
        portrays=str(first.data.get("portrays", "")),
        driven_by=driver,
        state=state,
        seconds=seconds,
        reason=str(ends[0].data.get("reason", "")) if ends else "",
    )


def _hold(lock: IO[bytes]) -> None:
    """Let others know that sessions of this process may be open. Released when the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks; recovery then trusts that there is one server
        return
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_SH)


def _alone(lock: IO[bytes]) -> bool:
    """Whether no other process holds the lock; if so, it is held exclusively now."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
