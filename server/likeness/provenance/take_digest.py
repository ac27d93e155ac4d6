"""What of a take is hashed: every array whole, and every frame on its own (docs/provenance.md)."""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from likeness.provenance.canonical import DIGEST_SIZE, text

VOICE_PER_FRAME: Final = 800
BLOCK: Final = 480
"""Frames that are read and hashed at once."""
_WHOLE: Final = frozenset({"rate", "voice"})

ReadRows = Callable[[str, int, int], bytes]
"""(array, start, stop) -> the bytes of its rows [start, stop), C order, little-endian; each row is asked for
once and in order. An array without rows (a number) has the one row 0."""


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """dtype in numpy's words ("<f4"); shape."""

    dtype: str
    itemsize: int
    shape: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows along the first axis; 1 for a number."""
        return self.shape[0] if self.shape else 1

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        size = self.itemsize
        for length in self.shape[1:]:
            size *= length
        return size

    def header(self, name: str) -> bytes:
        """What is hashed before the numbers: name, dtype, u8 count of axes, u64 each."""
        return b"".join(
            (
                text(name),
                text(self.dtype),
                bytes((len(self.shape),)),
                struct.pack(f"<{len(self.shape)}Q", *self.shape),
            )
        )


def frame_count(shapes: Mapping[str, ArrayShape]) -> int:
    """T: the length of `sample`."""
    return shapes["sample"].rows if "sample" in shapes else 0


def digest_take(
    shapes: Mapping[str, ArrayShape], read: ReadRows, progress: Callable[[float], None] | None = None
) -> tuple[dict[str, str], Iterator[bytes]]:
    """SHA-256 (hex) of each array, filled as the iterator runs, and the digest (8 bytes) of each frame.

    A frame's digest covers its row of every array that has one row a frame, in the order of their names,
    and then its 800 samples of voice; the last frame's covers the rest of the voice.
    """
    whole: dict[str, str] = {}
    return whole, _digests(shapes, read, whole, progress)


def _digests(
    shapes: Mapping[str, ArrayShape],
    read: ReadRows,
    whole: dict[str, str],
    progress: Callable[[float], None] | None,
) -> Iterator[bytes]:
    frames = frame_count(shapes)
    hashes = {name: hashlib.sha256(shape.header(name)) for name, shape in shapes.items()}
    of_frames = [
        n for n in sorted(shapes) if n not in _WHOLE and shapes[n].shape and shapes[n].rows == frames
    ]
    voice_rows = shapes["voice"].rows if "voice" in shapes and shapes["voice"].shape else 0
    for start in range(0, frames, BLOCK):
        stop = min(start + BLOCK, frames)
        rows = [(read(name, start, stop), shapes[name].row_bytes) for name in of_frames]
        for name, (data, _) in zip(of_frames, rows, strict=True):
            hashes[name].update(data)
        first = min(start * VOICE_PER_FRAME, voice_rows)
        last = voice_rows if stop == frames else min(stop * VOICE_PER_FRAME, voice_rows)
        voice = read("voice", first, last) if last > first else b""
        if voice:
            hashes["voice"].update(voice)
        step = VOICE_PER_FRAME * (shapes["voice"].itemsize if voice else 0)
        for k in range(stop - start):
            digest = hashlib.sha256()
            for data, size in rows:
                digest.update(data[k * size : (k + 1) * size])
            final = start + k + 1 == frames
            digest.update(voice[k * step :] if final else voice[k * step : (k + 1) * step])
            yield digest.digest()[:DIGEST_SIZE]
        if progress is not None:
            progress(stop / frames)
    for name in sorted(set(shapes) - set(of_frames)):
        if name == "voice" and frames:
            continue
        for start in range(0, shapes[name].rows, 1 << 16):
            hashes[name].update(read(name, start, min(start + (1 << 16), shapes[name].rows)))
    whole.update({name: digest.hexdigest() for name, digest in hashes.items()})
