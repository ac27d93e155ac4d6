"""Glb: a binary glTF 2.0 file, read without trusting it, and written."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, NotFoundError

MAX_GLB_BYTES: Final = 256 << 20
MAX_ACCESSOR_VALUES: Final = 50_000_000
COMPONENTS: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Glb:
    """A file's JSON document and binary chunk; `where` names the file in messages."""

    document: Document
    binary: bytes
    where: str

    def list(self, key: str) -> list[Document]:
        """A top-level list of objects (nodes, meshes, ...), empty if there is none."""
        return _objects(self.document, key, self.where)

    def accessor(self, index: object) -> NDArray[Any]:
        """Values [count, width] of an accessor; normalised integers as float32 in 0..1 or -1..1.

        Raises:
            InputError: an index or a size leads outside the file, or the data are compressed.
        """
        accessor = at(self.list("accessors"), index, f"{self.where}: accessor")
        dtype = np.dtype(self._component(accessor))
        width = WIDTHS.get(str(accessor.get("type")))
        count = whole(accessor, "count", f"{self.where}: accessor")
        if width is None or count * width > MAX_ACCESSOR_VALUES:
            raise InputError(
                f"{self.where}: accessor {index} has type {accessor.get('type')!r} and count {count}."
            )
        values = np.zeros((count, width), dtype)
        if "bufferView" in accessor:
            values = self._strided(accessor, dtype, count, width)
        if "sparse" in accessor:
            values = self._with_sparse(accessor, values.copy())
        if accessor.get("normalized") and dtype.kind in "iu":
            # glTF 2.0, 3.6.2.2: the most negative signed value also means -1.
            return np.maximum(values.astype(np.float32) / np.iinfo(dtype).max, -1)
        return values

    def _component(self, accessor: Document) -> str:
        kind = accessor.get("componentType")
        if kind not in COMPONENTS:
            raise InputError(f"{self.where}: unknown componentType {kind!r}.")
        return COMPONENTS[cast(int, kind)]

    def _view(self, index: object) -> tuple[bytes, int]:
        view = at(self.list("bufferViews"), index, f"{self.where}: bufferView")
        if any("compression" in name for name in object_of(view.get("extensions"))):
            raise InputError(
                f"{self.where}: its geometry is compressed; export it without meshopt and Draco."
            )
        start = whole(view, "byteOffset", self.where, 0)
        size = whole(view, "byteLength", self.where)
        if whole(view, "buffer", self.where, 0) != 0 or start + size > len(self.binary):
            raise InputError(f"{self.where}: a bufferView lies outside the file's own binary part.")
        return self.binary[start : start + size], whole(view, "byteStride", self.where, 0)

    def _strided(self, accessor: Document, dtype: np.dtype[Any], count: int, width: int) -> NDArray[Any]:
        data, stride = self._view(accessor["bufferView"])
        offset = whole(accessor, "byteOffset", self.where, 0)
        row = width * dtype.itemsize
        stride = stride or row
        if stride < row or (count and offset + (count - 1) * stride + row > len(data)):
            raise InputError(f"{self.where}: an accessor reads past its bufferView.")
        if not count:
            return np.zeros((0, width), dtype)
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))

    def _with_sparse(self, accessor: Document, values: NDArray[Any]) -> NDArray[Any]:
        sparse = cast(Document, accessor["sparse"])
        count = whole(sparse, "count", f"{self.where}: sparse")
        parts: list[NDArray[Any]] = []
        for key, width, dtype in (("indices", 1, None), ("values", values.shape[1], values.dtype)):
            part = sparse.get(key)
            if not isinstance(part, dict) or count > len(values):
                raise InputError(f"{self.where}: a sparse accessor is incomplete.")
            part = cast(Document, part)
            kind = np.dtype(self._component(part)) if dtype is None else dtype
            parts.append(self._strided(part, kind, count, width))
        rows = parts[0][:, 0].astype(np.int64)
        if count and not 0 <= rows.min() <= rows.max() < len(values):
            raise InputError(f"{self.where}: a sparse accessor names elements that do not exist.")
        values[rows] = parts[1]
        return values


def read_glb(path: Path) -> Glb:
    """Read a .glb or .vrm file.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not binary glTF 2.0, damaged, larger than 256 MiB, or in several files.
    """
    try:
        if path.stat().st_size > MAX_GLB_BYTES:
            raise InputError(f"{path} is larger than 256 MiB; reduce its textures or geometry.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse_glb(data, str(path))


def parse_glb(data: bytes, where: str) -> Glb:
    """Read the bytes of a .glb; see `read_glb` for errors."""
    if len(data) < 20 or struct.unpack_from("<I", data)[0] != MAGIC:
        raise InputError(f"{where} is not a binary glTF file (.glb, .vrm). Export it as glTF 2.0 binary.")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise InputError(f"{where} is glTF {version}; only 2.0 can be read. Export it again as glTF 2.0.")
    if length > len(data):
        raise InputError(f"{where} is cut short: {length} bytes announced, {len(data)} there. Get it again.")
    chunks: dict[int, bytes] = {}
    place = 12
    while place + 8 <= length:
        size, kind = struct.unpack_from("<II", data, place)
        if place + 8 + size > length:
            raise InputError(f"{where} is damaged: a chunk reaches past the end.")
        chunks.setdefault(kind, data[place + 8 : place + 8 + size])
        place += 8 + size
    try:
        document = json.loads(chunks.get(JSON_CHUNK, b"").decode("utf-8"))
    except (ValueError, RecursionError):
        raise InputError(f"{where} is damaged: its JSON part cannot be read.") from None
    if not isinstance(document, dict):
        raise InputError(f"{where} is damaged: its JSON part is not an object.")
    glb = Glb(cast(Document, document), chunks.get(BINARY_CHUNK, b""), where)
    asset = glb.document.get("asset")
    if not isinstance(asset, dict) or not str(cast(Document, asset).get("version", "")).startswith("2."):
        raise InputError(f"{where} does not say that it is glTF 2.x; export it again as glTF 2.0.")
    if any("uri" in b for b in glb.list("buffers")):
        raise InputError(f"{where} keeps its geometry in other files; export it as one self-contained .glb.")
    return glb


def glb_bytes(document: Document, binary: bytes) -> bytes:
    """The bytes of a .glb from its document and binary chunk."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    head = struct.pack("<III", MAGIC, 2, 28 + len(text) + len(binary))
    parts = [
        struct.pack("<II", len(text), JSON_CHUNK),
        text,
        struct.pack("<II", len(binary), BINARY_CHUNK),
        binary,
    ]
    return head + b"".join(parts)


def at(items: list[Document], index: object, what: str) -> Document:
    """The item with a number from the file.

    Raises:
        InputError: there is no such item.
    """
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(items):
        raise InputError(f"{what} {str(index)[:20]} does not exist.")
    return items[index]


def whole(values: Document, key: str, what: str, default: int | None = None) -> int:
    """A whole number >= 0 of an object of the file; InputError otherwise."""
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{what}: {key} = {str(value)[:20]} should be a whole number from 0 on.")
    return value


def texts_of(value: object) -> list[str]:
    """The value as a list of texts, empty if it is anything else."""
    if not isinstance(value, list):
        return []
    return [str(v)[:200] for v in cast("list[object]", value)]


def object_of(value: object) -> Document:
    """The value as an object, empty if it is anything else."""
    return cast(Document, value) if isinstance(value, dict) else {}


def _objects(document: Document, key: str, where: str) -> list[Document]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in cast("list[object]", value)):
        raise InputError(f"{where} is damaged: {key} should be a list of objects.")
    return cast("list[Document]", value)
