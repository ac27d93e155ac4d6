"""Recorder: frames and voice of a performance, kept in files as they are made, then a Take of them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import MachineError
from likeness.head.controls import CONTROL_COUNT
from likeness.head.frame import Float32
from likeness.performance.frames import Frames
from likeness.performance.take import Take


class Recorder:
    """Takes one performer's frames one after another; memory stays bounded however long it goes on.

    An array's length is known only at the end, and an .npy states it at its beginning: so each array first
    grows in a temporary file of its own, and `finish` gives a Take over those files. Use as a context
    manager: what was not finished is removed.
    """

    def __init__(self, components: int, vertices: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="likeness-take-")
        self._shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "sample": ((), np.int64),
            "expression": ((components,), np.float32),
            "eyelids": ((2,), np.float32),
            "jaw": ((3,), np.float32),
            "neck": ((3,), np.float32),
            "head_rotation": ((3,), np.float32),
            "head_translation": ((3,), np.float32),
            "eyes": ((2, 3), np.float32),
            "controls": ((CONTROL_COUNT,), np.float32),
            "voice": ((), np.int16),
            "lip_gap_mm": ((), np.float32),
        }
        if vertices is not None:
            self._shapes["vertices"] = ((vertices, 3), np.float32)
        self._files: dict[str, BinaryIO] = {
            name: (Path(self._folder.name) / name).open("wb") for name in self._shapes
        }
        self._finished = False

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        if not self._finished:
            self._folder.cleanup()

    def add_frames(self, frames: Frames, lip_gap_mm: Float32, vertices: Float32 | None = None) -> None:
        """Frames in order (rows are instants), their lip gaps [T] and, where asked for, vertices [T, V, 3].

        Raises MachineError when the disk is full.
        """
        for name in _FROM_FRAMES:
            self._write(name, getattr(frames, name))
        self._write("lip_gap_mm", lip_gap_mm)
        if vertices is not None:
            self._write("vertices", vertices)

    def add_voice(self, pcm: NDArray[np.int16]) -> None:
        """The next piece of voice. Raises MachineError when the disk is full."""
        self._write("voice", pcm)

    def finish(self, meta: Mapping[str, Any]) -> Take:
        """The take. Its arrays lie in the temporary files, which go when it goes."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, (shape, dtype) in self._shapes.items():
            self._files[name].close()
            path = Path(self._folder.name) / name
            size = path.stat().st_size
            row = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
            whole = (size // row if row else 0, *shape)
            small = size <= _READ
            arrays[name] = (
                np.fromfile(path, dtype).reshape(whole) if small else np.memmap(path, dtype, "r", shape=whole)
            )
        self._finished = True
        return Take(meta=meta, **arrays, keep=self._folder)

    def _write(self, name: str, values: NDArray[Any]) -> None:
        shape, dtype = self._shapes[name]
        array = np.ascontiguousarray(values, dtype)
        assert array.shape[1:] == shape, f"{name} is {array.shape}"
        try:
            self._files[name].write(array.data if array.size else b"")
        except OSError as error:
            raise MachineError(
                f"The performance could not be kept in {self._folder.name}: {error.strerror or error}. "
                "Free some space, or set TMPDIR to a folder with more."
            ) from error


_READ: Final = 1 << 26
"""Arrays up to this size are read into memory."""
_FROM_FRAMES: Final = (
    "sample", "expression", "eyelids", "jaw", "neck", "head_rotation", "head_translation", "eyes", "controls",
)  # fmt: skip
