"""FaceRecording: what a person's own face did, kept with their session because they allowed it."""

import contextlib
import json
import os
import struct
from collections.abc import Generator
from pathlib import Path
from typing import IO, Final

from likeness.errors import InputError, MachineError

FOLDER: Final = "faces"
LONGEST: Final = 512 << 20
"""Bytes of one recording at most: some five hours of landmarks."""
_MAGIC: Final = b"likeness-face-1\n"
_RECORD: Final = struct.Struct("<dI")


class FaceRecording:
    """One session's landmark and weight datagrams (docs/protocol.md) as they came, each with its time.

    A file of its own, readable by the server's user alone, in the folder `faces` of the data folder: a header
    line, then for each datagram its time (f64, s since 1970) and length (u32) and its bytes.
    """

    def __init__(self, data: Path, session: str) -> None:
        """Raises MachineError when the file cannot be made."""
        self.path = data / FOLDER / f"{session}.face"
        self._size = 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file: IO[bytes] | None = os.fdopen(handle, "ab", 1 << 16)
            if self._file.tell() == 0:
                self._file.write(_MAGIC + json.dumps({"session": session}).encode() + b"\n")
        except OSError as error:
            raise _broken(self.path, error) from None

    def add(self, wall: float, datagram: bytes) -> None:
        """Keep a datagram that came at `wall` seconds since 1970. Raises MachineError."""
        if self._file is None:
            return
        self._size += _RECORD.size + len(datagram)
        try:
            if self._size > LONGEST:
                self.close()
                raise MachineError(f"your face was recorded up to {LONGEST >> 20} MiB; no more is kept.")
            self._file.write(_RECORD.pack(wall, len(datagram)) + datagram)
        except OSError as error:
            self._file = None
            raise _broken(self.path, error) from None

    def close(self) -> None:
        """Finish the file; it stays."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def delete(self) -> None:
        """The person took their permission back: nothing of it is left. Raises MachineError."""
        with contextlib.suppress(OSError):  # what could not be written need not be
            self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise _broken(self.path, error) from None


def read_face_recording(path: Path) -> Generator[tuple[float, bytes]]:
    """Time and bytes of each datagram; a last one that a crash cut off is left out.

    Raises:
        InputError: the file is none of ours.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise InputError(f"{path} is no recording of a face.")
    at = data.index(b"\n", len(_MAGIC)) + 1
    while at + _RECORD.size <= len(data):
        wall, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if at + length > len(data):
            return
        yield wall, data[at : at + length]
        at += length


def _broken(path: Path, error: OSError) -> MachineError:
    return MachineError(f"your face cannot be recorded in {path.parent}: {error.strerror or error}.")
