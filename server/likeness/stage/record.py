"""Record: one session's tag, seals and log; Archive: where all of them are kept."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from likeness.errors import LikenessError, MachineError, SealError
from likeness.head import Character
from likeness.provenance import Sealer, SessionKey, SessionLog, SessionRecord, make_tag, new_session_id
from likeness.v1 import stream_pb2

_log = logging.getLogger(__name__)

CERTIFICATE_HOURS: Final = 24.0


class Record:
    """What must be true of one session for its stream to go on: tagged, sealed, logged.

    `on_failure` is called once, on the event loop, when logging fails: the stream has to stop then.
    """

    def __init__(
        self,
        entry: SessionRecord,
        character: Character | None,
        certificate: stream_pb2.SessionCertificate,
        key: SessionKey,
    ) -> None:
        self.certificate = certificate
        self.on_failure: Callable[[str], None] | None = None
        self._entry = entry
        self._character = character
        self._key = key
        self._sealer: Sealer | None = None
        self._notes: asyncio.Queue[tuple[str, Mapping[str, object]]] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write(), name=f"log of {entry.id}")

    @property
    def session(self) -> str:
        """The session's id."""
        return self._entry.id

    def seal_for(self, avatar: int) -> None:
        """Frames of this avatar are sealed from now on."""
        self._sealer = Sealer(self.session, avatar, self._key)

    def tag(self, driver: "stream_pb2.Driver") -> stream_pb2.GeneratedTag:
        """The statement that goes with the stream while `driver` drives it."""
        assert self._character is not None
        return make_tag(self._character, driver, self.session)

    def add(self, sequence: int, packet: bytes) -> stream_pb2.Seal | None:
        """Seal a frame's bytes; the seal when a chunk is full. Raises SealError."""
        if self._sealer is None:
            raise SealError(f"session {self.session} has no sealer; its frames may not go out.")
        return self._sealer.add(sequence, packet)

    def flush(self) -> stream_pb2.Seal | None:
        """The seal of what is left. Raises SealError."""
        return self._sealer.flush() if self._sealer is not None else None

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        """Log something that happened, in order, without waiting; a failure stops the stream."""
        self._notes.put_nowait((kind, data))

    async def close(self, reason: str) -> None:
        """Log the end, after everything noted before. Raises SealError."""
        await self._notes.join()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        await self._entry.close(reason)

    async def _write(self) -> None:
        failed = False
        while True:
            kind, data = await self._notes.get()
            try:
                if not failed:
                    await self._entry.event(kind, data)
            except LikenessError as error:
                failed = True
                _log.exception("session %s could not be logged", self.session)
                if self.on_failure is not None:
                    self.on_failure(str(error))
            finally:
                self._notes.task_done()


class Archive:
    """The server's key and ledger in its data folder. Made by `open_archive`."""

    def __init__(self, log: SessionLog) -> None:
        self._log = log

    @property
    def server_key(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self._log.key.public_bytes

    async def open(
        self,
        *,
        character: Character | None,
        driver: "stream_pb2.Driver",
        room: str,
        scene: str,
        role: str,
        peer: str,
    ) -> Record:
        """Log a new session and certify its key; the session exists from here on. Raises SealError.

        peer: an address; only a pseudonym of it is kept.
        """
        session, key = new_session_id(), SessionKey.generate()
        certificate = self._log.key.certify(session, key.public_bytes, CERTIFICATE_HOURS)
        entry = await self._log.open_session(
            character=character,
            driver=driver,
            room=room,
            scene=scene,
            role=role,
            peer=peer,
            public_key=key.public_bytes,
            session=session,
        )
        return Record(entry, character, certificate, key)

    def close(self) -> None:
        """Write what waits and close the ledger."""
        self._log.close()


def open_archive(data: Path) -> Archive:
    """Open the archive of a data folder, and mark sessions that a crash left open as interrupted.

    Raises SealError or MachineError when the folder cannot be used.
    """
    try:
        log = SessionLog.open(data)
        left = log.recover()
    except OSError as error:
        raise MachineError(
            f"the data folder {data} cannot be used: {error.strerror or error}. "
            "Choose another with --data or LIKENESS_DATA."
        ) from None
    if left:
        _log.warning("%d sessions of an earlier run were left open; they are marked interrupted", len(left))
    return Archive(log)
