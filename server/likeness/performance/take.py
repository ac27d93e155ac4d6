"""Take: a recorded performance, in memory and on disk (docs/take-format.md)."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, FlameFrame, Float32
from likeness.performance.new_file import new_file
from likeness.performance.npz import read_members, write_members

FORMAT: Final = "likeness-take"
VERSION: Final = 1
MAX_FRAMES: Final = 3 * 3600 * FRAME_RATE + 600
"""Three hours, the longest recording that is read, and the seconds in which the face comes to rest."""
MAX_COMPONENTS: Final = 100
MAX_VERTICES: Final = 200_000
MAX_META: Final = 1 << 26
"""Characters of `meta`."""


@dataclass(frozen=True, slots=True)
class Take:
    """T frames, one every 1/60 s, and the voice they belong to. Units as in FlameFrame.

    Large arrays may lie in a file and be read as they are used.
    """

    meta: Mapping[str, Any]
    """What it is: docs/take-format.md. Always holds `generated: true`."""
    sample: NDArray[np.int64]
    expression: Float32
    eyelids: Float32
    jaw: Float32
    neck: Float32
    head_rotation: Float32
    head_translation: Float32
    eyes: Float32
    controls: Float32
    voice: NDArray[np.int16]
    lip_gap_mm: Float32
    vertices: Float32 | None = None
    keep: object = field(default=None, repr=False, compare=False)
    """Whatever must live as long as the arrays: the folder they lie in."""

    @property
    def frame_count(self) -> int:
        """T"""
        return len(self.sample)

    @property
    def seconds(self) -> float:
        """Length of the performance."""
        return max(self.frame_count / FRAME_RATE, len(self.voice) / SAMPLE_RATE)

    def frame(self, t: int) -> FlameFrame:
        """Frame `t`, without hands and flags, which takes do not keep."""
        return FlameFrame(
            sample=int(self.sample[t]),
            expression=self.expression[t],
            eyelids=self.eyelids[t],
            jaw=self.jaw[t],
            neck=self.neck[t],
            eyes=self.eyes[t],
            head_rotation=self.head_rotation[t],
            head_translation=self.head_translation[t],
            controls=self.controls[t],
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The members of the file but `meta`, by name."""
        out: dict[str, NDArray[Any]] = {"rate": np.array(SAMPLE_RATE, np.int64)}
        for name in _ARRAYS:
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        return out

    def summary(self) -> str:
        """One line for people."""
        who = self.meta.get("portrays") or self.meta.get("character") or "nobody"
        parts = [
            f"{self.seconds:.1f} s",
            f"{self.frame_count} frames",
            f"{who} ({self.meta.get('head', '?')} head)",
            f"driven by: {self.meta.get('driver', '?')}",
            "generated",
        ]
        if self.meta.get("session"):
            parts.append(f"session {self.meta['session']}")
        if self.vertices is not None:
            parts.insert(2, f"{self.vertices.shape[1]} vertices")
        return ", ".join(parts)

    def save(self, path: str | Path) -> None:
        """Write the take; the file appears whole or not at all.

        Raises:
            InputError: the take is not in order, or `path` is no place for a file. MachineError: the disk is
            full or the like.
        """
        check_take(self, str(path))
        text = json.dumps(dict(self.meta), ensure_ascii=False, separators=(",", ":"))
        with new_file(Path(path)) as file:
            write_members(file, {"meta": np.array(text), **self.arrays()})

    def write_wav(self, path: str | Path) -> None:
        """Write the voice alone as a WAV, mono int16 at 48 kHz, with the generated mark in its INFO chunk."""
        mark = str(self.meta.get("mark") or "generated").encode("utf-8", "replace") + b"\0"
        software = str(self.meta.get("software") or "likeness").encode() + b"\0"
        chunks = b"".join(
            struct.pack("<4sI", name, len(text)) + text + b"\0" * (len(text) % 2)
            for name, text in ((b"ICMT", mark), (b"ISFT", software))
        )
        info = struct.pack("<4sI4s", b"LIST", 4 + len(chunks), b"INFO") + chunks
        size = 2 * len(self.voice)
        with new_file(Path(path)) as file:
            file.write(struct.pack("<4sI4s", b"RIFF", 4 + 24 + len(info) + 8 + size, b"WAVE"))
            file.write(struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16))
            file.write(info + struct.pack("<4sI", b"data", size))
            for start in range(0, len(self.voice), 1 << 20):
                file.write(self.voice[start : start + (1 << 20)].astype("<i2", copy=False).tobytes())

    @staticmethod
    def load(path: str | Path) -> "Take":
        """Read a take. Nothing in it is executed; `vertices` are read as they are used.

        Raises:
            InputError: it is not a take, or not in order: says what and where. NotFoundError: no such file.
        """
        where = str(path)
        members = read_members(Path(path), _LIMITS, lazy=frozenset({"vertices"}))
        missing = [name for name in ("meta", "rate", *_ARRAYS[:-1]) if name not in members]
        if missing:
            raise InputError(f"{where} is not a take: it lacks {', '.join(missing)}.")
        if (
            members["rate"].shape != ()
            or members["rate"].dtype.kind not in "iu"
            or members["rate"] != SAMPLE_RATE
        ):
            raise InputError(f"{where}: `rate` must be {SAMPLE_RATE}.")
        meta = _read_meta(members["meta"], where)
        take = Take(meta=meta, **{name: members[name] for name in _ARRAYS if name in members})
        check_take(take, where)
        return take


def check_take(take: Take, where: str) -> None:
    """Raise InputError unless the meta and all arrays are as docs/take-format.md says."""
    _check_meta(take.meta, where)
    frames = take.frame_count
    if take.expression.ndim != 2 or take.expression.shape[1] > MAX_COMPONENTS:
        raise InputError(f"{where}: `expression` must be [T, E] with E <= {MAX_COMPONENTS}.")
    shapes: dict[str, tuple[int, ...]] = {
        "sample": (frames,),
        "expression": (frames, take.expression.shape[1]),
        "eyelids": (frames, 2),
        "jaw": (frames, 3),
        "neck": (frames, 3),
        "head_rotation": (frames, 3),
        "head_translation": (frames, 3),
        "eyes": (frames, 2, 3),
        "controls": (frames, CONTROL_COUNT),
        "lip_gap_mm": (frames,),
    }
    for name, shape in shapes.items():
        array = getattr(take, name)
        _check_array(array, name, np.int64 if name == "sample" else np.float32, shape, where)
    if not 1 <= frames <= MAX_FRAMES:
        raise InputError(f"{where}: {frames} frames; a take has 1 to {MAX_FRAMES}.")
    if take.sample[0] < 0 or (np.diff(take.sample) <= 0).any():
        raise InputError(f"{where}: `sample` must ascend from 0 or later.")
    _check_array(take.voice, "voice", np.int16, (len(take.voice),), where)
    if take.vertices is not None:
        v = take.vertices.shape[1] if take.vertices.ndim == 3 else 0
        if not 1 <= v <= MAX_VERTICES:
            raise InputError(f"{where}: `vertices` must be [T, V, 3] with V up to {MAX_VERTICES}.")
        _check_array(take.vertices, "vertices", np.float32, (frames, v, 3), where, finite=False)
    names = take.meta["components"]
    if len(names) != take.expression.shape[1]:
        raise InputError(
            f"{where}: `meta` names {len(names)} components; `expression` has {take.expression.shape[1]}."
        )


_ARRAYS: Final = tuple(
    f.name for f in fields(Take) if f.name not in ("meta", "keep")
)  # `vertices` is the last: all before it are required
_LIMITS: Final[dict[str, int]] = {
    "meta": 4 * MAX_META,
    "rate": 64,
    "sample": 8 * MAX_FRAMES,
    "expression": 4 * MAX_COMPONENTS * MAX_FRAMES,
    "eyelids": 8 * MAX_FRAMES,
    "jaw": 12 * MAX_FRAMES,
    "neck": 12 * MAX_FRAMES,
    "head_rotation": 12 * MAX_FRAMES,
    "head_translation": 12 * MAX_FRAMES,
    "eyes": 24 * MAX_FRAMES,
    "controls": 4 * CONTROL_COUNT * MAX_FRAMES,
    "voice": 2 * 800 * MAX_FRAMES,
    "lip_gap_mm": 4 * MAX_FRAMES,
    "vertices": 1 << 42,
}
"""Largest size of each member, bytes."""


def _read_meta(member: NDArray[Any], where: str) -> dict[str, Any]:
    if member.shape != () or member.dtype.kind != "U":
        raise InputError(f"{where}: `meta` must be one text.")
    try:
        meta = json.loads(str(member[()]))
    except (ValueError, RecursionError):
        raise InputError(f"{where}: `meta` is not JSON.") from None
    if not isinstance(meta, dict):
        raise InputError(f"{where}: `meta` must be a JSON object.")
    return meta  # pyright: ignore[reportUnknownVariableType]


def _check_meta(meta: Mapping[str, Any], where: str) -> None:
    if meta.get("format") != FORMAT:
        raise InputError(f'{where}: `meta` must say "format": "{FORMAT}".')
    if meta.get("version") != VERSION:
        raise InputError(f"{where}: version {meta.get('version')!r}; this software reads version {VERSION}.")
    if meta.get("generated") is not True:
        raise InputError(f'{where}: `meta` must say "generated": true; every take is synthetic media.')
    for name in ("character", "head", "driver", "software", "session"):
        if not isinstance(meta.get(name), str):
            raise InputError(f'{where}: `meta` must have the text "{name}".')
    for name in ("components", "controls"):
        names = meta.get(name)
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):  # pyright: ignore[reportUnknownVariableType]
            raise InputError(f'{where}: `meta` must have the list of names "{name}".')
    if len(meta["controls"]) != CONTROL_COUNT:
        raise InputError(f"{where}: `meta` must name {CONTROL_COUNT} controls.")
    if not isinstance(meta.get("seals"), list):
        raise InputError(f'{where}: `meta` must have the list "seals" (it may be empty).')


def _check_array(
    array: NDArray[Any], name: str, dtype: Any, shape: tuple[int, ...], where: str, finite: bool = True
) -> None:
    if array.dtype != dtype or array.shape != shape:
        want = f"{np.dtype(dtype).name}{list(shape)}"
        raise InputError(f"{where}: `{name}` is {array.dtype.name}{list(array.shape)}; it must be {want}.")
    if finite and array.dtype.kind == "f":
        for start in range(0, len(array), 1 << 16):
            if not np.isfinite(array[start : start + (1 << 16)]).all():
                raise InputError(f"{where}: `{name}` holds numbers that are not finite.")
