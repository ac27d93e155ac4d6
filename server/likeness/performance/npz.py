"""Reading and writing the members of an .npz in pieces, without pickles."""

import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from likeness.errors import InputError, NotFoundError

_PIECE: Final = 1 << 22
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Members carry no time of writing: the same take gives the same bytes."""
# What zipfile and zlib raise for files that are not as they should be.
_DAMAGED: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error,
    NotImplementedError, EOFError, RuntimeError, OSError, ValueError, OverflowError,
)  # fmt: skip


def write_members(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an uncompressed .npz. Arrays that lie in files are copied in pieces: memory stays bounded."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=array.nbytes > 1 << 31) as member:
                _write_array(member, array)


def _write_array(member: IO[bytes], array: NDArray[Any]) -> None:
    header = npy.header_data_from_array_1_0(array)
    header["fortran_order"] = False
    npy.write_array_header_1_0(member, header)
    if array.ndim == 0:
        member.write(array.tobytes())
        return
    rows = max(1, _PIECE // max(1, array[:1].nbytes)) if len(array) else 1
    for start in range(0, len(array), rows):
        member.write(np.ascontiguousarray(array[start : start + rows]).tobytes())


def read_members(
    path: Path, limits: Mapping[str, int], lazy: frozenset[str] = frozenset()
) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz by name. Only members in `limits` are allowed, each up to that many bytes.

    Members named in `lazy` are mapped rather than read, if they lie uncompressed in the file.

    Raises:
        NotFoundError: no such file. InputError: not an .npz, an unknown or too large member, a pickle.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return {
                name: _read_member(path, archive, info, name in lazy)
                for name, info in _allowed(path, archive, limits).items()
            }
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a take.") from None
    except PermissionError:
        raise InputError(f"{path} cannot be read: no permission.") from None
    except _DAMAGED as error:
        raise InputError(f"{path} is not a take (.npz), or it is damaged: {error}.") from None


def _allowed(path: Path, archive: zipfile.ZipFile, limits: Mapping[str, int]) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name not in limits or not info.filename.endswith(".npy"):
            raise InputError(f"{path}: unknown member {info.filename[:80]!r}; it holds {', '.join(limits)}.")
        if name in found:
            raise InputError(f"{path}: `{name}` is there twice.")
        if info.file_size > limits[name] + 4096:
            raise InputError(f"{path}: `{name}` has {info.file_size} bytes; {limits[name]} at most.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path}: `{name}` is compressed in a way that takes do not use.")
        found[name] = info
    return found


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, lazy: bool) -> NDArray[Any]:
    with archive.open(info) as member:
        try:
            version = npy.read_magic(member)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(member, max_header_size=4096)
        except (ValueError, TypeError, SyntaxError, MemoryError, tokenize.TokenError) as error:
            raise InputError(f"{path}: {info.filename} is not an array: {str(error)[:200]}.") from None
        if dtype.hasobject or fortran or dtype.kind not in "iufU":
            raise InputError(f"{path}: {info.filename} holds {dtype}, which takes do not use.")
        count = 1
        for length in shape:
            count *= length
        header = member.tell()
        if any(n < 0 for n in shape) or header + count * dtype.itemsize != info.file_size:
            raise InputError(f"{path}: {info.filename} does not hold as many numbers as it says.")
        if lazy and info.compress_type == zipfile.ZIP_STORED and count:
            start = _data_start(path, info) + header
            return np.memmap(path, dtype, "r", offset=start, shape=shape)
        out = np.empty(shape, dtype)
        view = out.reshape(-1).view(np.uint8).data if out.nbytes else memoryview(b"")
        filled = 0
        while filled < len(view):
            piece = member.read(min(_PIECE, len(view) - filled))
            if not piece:
                raise InputError(f"{path}: {info.filename} is cut short.")
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        member.read(1)  # at the end zipfile compares the checksum
        return out


def _data_start(path: Path, info: zipfile.ZipInfo) -> int:
    """Where a stored member's bytes begin: behind its local header, whose name and extra field vary."""
    with path.open("rb") as file:
        file.seek(info.header_offset, io.SEEK_SET)
        local = file.read(30)
        if local[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("a member's header is missing")
        return (
            info.header_offset
            + 30
            + int.from_bytes(local[26:28], "little")
            + int.from_bytes(local[28:30], "little")
        )
