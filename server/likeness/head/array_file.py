"""Reading the arrays of an .npz whose author we do not trust: no pickles, no bombs, no false sizes."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from likeness.errors import InputError, NotFoundError

Array = NDArray[Any]

MAX_ARRAY_BYTES = 1 << 30
MAX_FILE_BYTES = 1 << 30


def read_arrays(path: Path, keys: frozenset[str] | None = None) -> dict[str, Array]:
    """Read the arrays named `keys` (all if None) of an .npz file; keys the file lacks are left out.

    Raises:
        NotFoundError: there is no such file.
        InputError: not an .npz, damaged, an object array among the keys, or more than 1 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {e.filename[:-4]: e for e in archive.infolist() if e.filename.endswith(".npy")}
            wanted = {k: e for k, e in entries.items() if keys is None or k in keys}
            if sum(e.file_size for e in wanted.values()) > MAX_ARRAY_BYTES:
                raise InputError(
                    f"{path}: its arrays unpack to more than 1 GiB; this is not a head or a take of ours."
                )
            arrays: dict[str, Array] = {}
            for key, entry in wanted.items():
                with archive.open(entry) as stream:
                    arrays[key] = _read_array(stream, entry.file_size, f"{path}: {key}")
            return arrays
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give an .npz file.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise InputError(
            f"{path} is not an .npz file, or it is damaged. Make or download it again."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def numbers(arrays: Mapping[str, Array], key: str, where: str) -> NDArray[np.float64] | NDArray[np.float32]:
    """A required array of finite real numbers, in C order, float32 or float64 as in the file.

    Raises:
        InputError: it is missing, not numeric, or holds NaN or infinity.
    """
    if key not in arrays:
        raise InputError(
            f"{where}: the key {key!r} is missing; the file holds {', '.join(sorted(arrays)) or 'nothing'}."
        )
    value = arrays[key]
    if value.dtype.kind not in "fiub":
        raise InputError(f"{where}: {key} holds {value.dtype}, not numbers. Save it as a plain float array.")
    narrow = value.dtype in (np.dtype(np.float32), np.dtype(np.float16))
    out: NDArray[Any] = np.ascontiguousarray(value, np.float32 if narrow else np.float64)
    bad = int(out.size - np.count_nonzero(np.isfinite(out)))
    if bad:
        raise InputError(
            f"{where}: {key} holds {bad} values that are NaN or infinite. The file is damaged; get it again."
        )
    return out


def whole_numbers(arrays: Mapping[str, Array], key: str, where: str) -> NDArray[np.int64]:
    """A required array of integers; errors like `numbers`."""
    value = numbers(arrays, key, where)
    if value.size and (np.abs(value).max() >= 2**53 or not np.array_equal(value, np.round(value))):
        raise InputError(f"{where}: {key} should hold whole numbers.")
    return value.astype(np.int64)


def texts(arrays: Mapping[str, Array], key: str, where: str) -> tuple[str, ...]:
    """A required array [N] of strings; a single string gives one."""
    if key not in arrays:
        raise InputError(f"{where}: the key {key!r} is missing.")
    value = arrays[key]
    if value.dtype.kind not in "US" or value.ndim > 1 or value.size > 100_000:
        raise InputError(f"{where}: {key} should be a list of names, saved as a numpy string array.")
    return tuple(
        str(v, "utf-8", "replace") if isinstance(v, bytes) else str(v) for v in value.ravel().tolist()
    )


# numpy reads a header as Python text.
_NO_HEADER: Final = (ValueError, TypeError, SyntaxError, MemoryError, tokenize.TokenError)


def _read_array(stream: IO[bytes], size: int, where: str) -> Array:
    try:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read_header(stream)
    except _NO_HEADER:
        raise InputError(f"{where} is not a numpy array; the file is damaged.") from None
    if dtype.hasobject:
        raise InputError(
            f"{where} is an object array: it would have to be unpickled, which can run code. "
            "Save it again as plain numbers (np.savez with float arrays)."
        )
    # The declared shape must fit the bytes that are there before anything is allocated for it.
    count = math.prod(shape)
    if min(shape, default=0) < 0 or not dtype.itemsize or count * dtype.itemsize > size:
        raise InputError(f"{where} declares shape {shape} but the file holds fewer bytes; it is damaged.")
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise InputError(f"{where} is cut short; get the file again.")
    flat: Array = np.frombuffer(data, dtype, count)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
