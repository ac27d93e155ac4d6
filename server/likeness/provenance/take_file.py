"""Reading a take's file for verification: in pieces, without pickles, whatever its arrays are."""

import contextlib
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, Final

from numpy.lib import format as npy

from likeness.errors import InputError, NotFoundError
from likeness.provenance.take_digest import ArrayShape

_MOST_META: Final = 1 << 28
_MOST_ROW: Final = 1 << 25
_MOST_MEMBERS: Final = 64
_DAMAGED: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError,
    NotImplementedError, RuntimeError, ValueError, TypeError, SyntaxError, OverflowError, KeyError,
    MemoryError, tokenize.TokenError,
)  # fmt: skip


class TakeFile:
    """A take's meta, the shapes of its arrays, and their rows, read once and in order."""

    def __init__(
        self, path: Path, meta: dict[str, Any], shapes: dict[str, ArrayShape], members: dict[str, IO[bytes]]
    ) -> None:
        self.meta: Final = meta
        self.shapes: Final = shapes
        self._path = path
        self._members = members

    def read(self, name: str, start: int, stop: int) -> bytes:
        """The bytes of the next rows of an array. InputError when the file ends before."""
        size = (stop - start) * self.shapes[name].row_bytes
        try:
            data = self._members[name].read(size)
        except _DAMAGED as problem:
            raise InputError(f"{self._path}: `{name}` is damaged from row {start} on: {problem}.") from None
        if len(data) != size:
            raise InputError(f"{self._path}: `{name}` is cut short at row {start}.")
        return data


@contextlib.contextmanager
def open_take(path: Path) -> Generator[TakeFile]:
    """Open a take. Raises NotFoundError or InputError when it is none."""
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            names = archive.namelist()
            if len(names) > _MOST_MEMBERS or len(set(names)) != len(names) or "meta.npy" not in names:
                raise InputError(f"{path} is not a take: it holds {', '.join(names[:12]) or 'nothing'}.")
            members: dict[str, IO[bytes]] = {}
            shapes: dict[str, ArrayShape] = {}
            for name in names:
                member = stack.enter_context(archive.open(name))
                label = name.removesuffix(".npy")
                shapes[label] = _header(path, label, member)
                if label != "meta":
                    _check_size(path, label, shapes[label])
                members[label] = member
            meta = _meta(path, shapes.pop("meta"), members.pop("meta"))
        except FileNotFoundError:
            raise NotFoundError(f"There is no file {path}.") from None
        except IsADirectoryError:
            raise InputError(f"{path} is a folder; give the path of a take.") from None
        except _DAMAGED as problem:
            text = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise InputError(f"{path} is not a take (.npz), or it is damaged: {str(text)[:200]}.") from None
        yield TakeFile(path, meta, shapes, members)


def _header(path: Path, name: str, member: IO[bytes]) -> ArrayShape:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(member, max_header_size=4096)
    if dtype.hasobject or dtype.kind not in "iufbU" or (fortran and len(shape) > 1) or len(shape) > 8:
        raise InputError(f"{path}: `{name}` is stored in a way that takes do not use ({dtype}).")
    return ArrayShape(dtype.str, dtype.itemsize, tuple(int(n) for n in shape))


def _check_size(path: Path, name: str, shape: ArrayShape) -> None:
    if any(n < 0 for n in shape.shape) or shape.row_bytes > _MOST_ROW or shape.rows > 1 << 40:
        raise InputError(f"{path}: `{name}` has the impossible shape {list(shape.shape)}.")


def _meta(path: Path, shape: ArrayShape, member: IO[bytes]) -> dict[str, Any]:
    if shape.shape or shape.dtype[:2] != "<U" or shape.itemsize > _MOST_META:
        raise InputError(f"{path}: `meta` must be one text.")
    meta = json.loads(member.read(shape.itemsize).decode("utf-32-le").rstrip("\0"))
    if not isinstance(meta, dict) or meta.get("format") != "likeness-take":
        raise InputError(f'{path} is not a take: its meta does not say "format": "likeness-take".')
    return meta  # pyright: ignore[reportUnknownVariableType]
