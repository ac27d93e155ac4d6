"""Reading the arrays of a published model's .pkl without unpickling it.

Python's unpickler imports and calls whatever the file names. This reader is a pickle machine of its own that
knows data only: numbers, text, lists, dicts, and the few shapes in which numpy arrays, scipy.sparse
matrices and chumpy variables are written. Nothing in the file is imported, called or evaluated; whatever
else it asks for ends the reading with a sentence. Opcodes after CPython's Lib/pickletools.py.
"""

import codecs
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, NotFoundError

Array = NDArray[Any]

MAX_FILE_BYTES: Final = 1 << 29
MAX_OPCODES: Final = 300_000
"""A published FLAME file has a few thousand."""
MAX_DENSE_VALUES: Final = 1 << 21
"""Largest sparse matrix that is written out densely (a joint regressor has 5 x V values)."""


def read_pickled_arrays(path: Path, keys: frozenset[str]) -> dict[str, Array]:
    """Read the arrays named `keys` of a pickled dict: numpy, scipy.sparse (made dense) and chumpy values.

    Keys that the file lacks are left out.

    Raises:
        NotFoundError: there is no such file.
        InputError: not a pickle, damaged, larger than 512 MiB, or it asks for anything that is not data.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} is larger than 512 MiB; no published head model is.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        budget = _Budget(2 * len(data) + (1 << 26))
        root = _Machine(data, budget).run()
        if not isinstance(root, dict):
            raise _NotData("it holds no dict of named arrays")
        arrays: dict[str, Array] = {}
        for key, value in cast("dict[object, object]", root).items():
            name = key.decode("latin1") if isinstance(key, bytes) else key
            if isinstance(name, str) and name in keys:
                arrays[name] = _as_array(value, name, budget)
        return arrays
    except _NotData as error:
        raise InputError(
            f"{path} is refused: {error}. Nothing in it was run. A head model's .pkl holds arrays only "
            "(numpy, scipy.sparse, chumpy); get it from its publisher again, or convert it to .npz."
        ) from None
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        RecursionError,
        MemoryError,
    ):
        raise InputError(
            f"{path} is not a readable pickle: it is damaged or something else. Get it again."
        ) from None


class _NotData(Exception):
    """What the file asks for that is not data."""


class _Budget:
    """Bytes that may still be copied: contents once, not multiplied by naming them again and again."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _NotData("it multiplies its own contents")


@dataclass(slots=True, eq=False)
class _Global:
    """A name that the file refers to: one of `_KINDS`' values, never the thing itself."""

    kind: str


@dataclass(slots=True, eq=False)
class _Dtype:
    code: str
    order: str = "<"

    def resolve(self) -> np.dtype[Any]:
        if not re.fullmatch(r"[fiu][1248]|b1|[US]\d{1,4}", self.code):
            raise _NotData(f"an array of type {self.code[:20]!r} (object arrays can hide code)")
        return np.dtype(("|" if self.order == "|" else self.order) + self.code)


@dataclass(slots=True, eq=False)
class _Object:
    """An instance under construction: an ndarray, sparse matrix or chumpy variable and its state."""

    kind: str
    state: dict[object, object] = field(default_factory=dict[object, object])
    array: Array | None = None
    unusable: str = ""


_KINDS: Final = {
    **{(m, "_reconstruct"): "reconstruct" for m in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(m, "scalar"): "scalar" for m in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(m, "_frombuffer"): "frombuffer" for m in ("numpy.core.numeric", "numpy._core.numeric")},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    **{(m, "object"): "object" for m in ("__builtin__", "builtins")},
    **{(m, "bytes"): "bytes" for m in ("__builtin__", "builtins")},
    **{(m, "_reconstructor"): "reconstructor" for m in ("copy_reg", "copyreg")},
    **{
        (f"scipy.sparse.{m}{k}", f"{k}_{c}"): k
        for k in ("csc", "csr")
        for m in ("", "_")
        for c in ("matrix", "array")
    },
    ("chumpy.ch", "Ch"): "ch",
    ("chumpy", "Ch"): "ch",
    ("chumpy.reordering", "Select"): "select",
}
_INSTANCES: Final = frozenset({"csc", "csr", "ch", "select"})
_MARK: Final = object()


class _Machine:
    """Runs the opcodes over a stack of plain data."""

    def __init__(self, data: bytes, budget: _Budget) -> None:
        self._data = data
        self._budget = budget
        self._at = 0
        self._stack: list[Any] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        for _ in range(MAX_OPCODES):
            opcode = self._take(1)
            if opcode == b".":
                return self._pop()
            act = _OPCODES.get(opcode)
            if act is None:
                raise _NotData(f"it uses the pickle operation {opcode!r}, which data does not need")
            act(self)
        raise _NotData(f"it has more than {MAX_OPCODES} operations")

    # reading

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ValueError("cut short")
        self._at += count
        return self._data[self._at - count : self._at]

    def _number(self, layout: str) -> int:
        return int(struct.unpack(layout, self._take(struct.calcsize(layout)))[0])

    def _line(self) -> bytes:
        end = self._data.index(b"\n", self._at)
        line = self._data[self._at : end]
        self._at = end + 1
        return line

    # the stack

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("mark")
        return value

    def _above_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items

    # operations

    def skip(self, layout: str) -> None:
        self._number(layout)

    def const(self, value: object) -> None:
        self._push(value)

    def fresh_list(self) -> None:
        self._push([])

    def fresh_dict(self) -> None:
        self._push({})

    def number(self, layout: str) -> None:
        self._push(struct.unpack(layout, self._take(struct.calcsize(layout)))[0])

    def long(self, layout: str) -> None:
        size = self._number(layout)
        if size > 16:
            raise _NotData(f"a whole number of {size} bytes")
        self._push(int.from_bytes(self._take(size), "little", signed=True))

    def text_number(self) -> None:
        line = self._line().rstrip(b"L")
        if len(line) > 40:
            raise _NotData("a whole number of more than 40 digits")
        self._push({b"00": False, b"01": True}.get(line) if line in (b"00", b"01") else int(line))

    def text_float(self) -> None:
        self._push(float(self._line()))

    def text_string(self) -> None:
        line = self._line()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b"'\"":
            raise ValueError("quotes")
        raw = codecs.escape_decode(line[1:-1])[0]  # pyright: ignore[reportAttributeAccessIssue]
        self._push(raw.decode("latin1"))

    def text_unicode(self) -> None:
        self._push(self._line().decode("raw-unicode-escape"))

    def blob(self, layout: str, encoding: str | None) -> None:
        raw = self._take(self._number(layout))
        self._push(
            raw
            if encoding is None
            else raw.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
        )

    def mark(self) -> None:
        self._push(_MARK)

    def pop(self) -> None:
        self._stack.pop()

    def pop_mark(self) -> None:
        self._above_mark()

    def dup(self) -> None:
        self._push(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        self._push(tuple([self._pop() for _ in range(count)][::-1]))

    def tuple_mark(self) -> None:
        self._push(tuple(self._above_mark()))

    def list_mark(self) -> None:
        self._push(self._above_mark())

    def dict_mark(self) -> None:
        items = self._above_mark()
        self._push(dict(zip(items[::2], items[1::2], strict=True)))

    def append(self) -> None:
        value = self._pop()
        self._target(list).append(value)

    def appends(self) -> None:
        items = self._above_mark()
        self._target(list).extend(items)

    def set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._target(dict)[key] = value

    def set_items(self) -> None:
        items = self._above_mark()
        self._target(dict).update(zip(items[::2], items[1::2], strict=True))

    def _target(self, kind: type[Any]) -> Any:
        if not isinstance(self._stack[-1], kind):
            raise ValueError("target")
        return self._stack[-1]

    def put(self, layout: str | None) -> None:
        self._memo[int(self._line()) if layout is None else self._number(layout)] = self._stack[-1]

    def memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, layout: str | None) -> None:
        self._push(self._memo[int(self._line()) if layout is None else self._number(layout)])

    def global_lines(self) -> None:
        self._name(self._line().decode("latin1"), self._line().decode("latin1"))

    def stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._name(str(module), str(name))

    def _name(self, module: str, name: str) -> None:
        kind = _KINDS.get((module, name))
        if kind is None:
            raise _NotData(f"it asks for {module[:80]}.{name[:80]}, which is not an array")
        self._push(_Global(kind))

    def new_object(self) -> None:
        arguments, what = self._pop(), self._pop()
        if not isinstance(what, _Global) or what.kind not in _INSTANCES or arguments != ():
            raise _NotData("it builds an object that is not an array")
        self._push(_Object(what.kind))

    def reduce(self) -> None:
        arguments, what = self._pop(), self._pop()
        if not isinstance(what, _Global) or not isinstance(arguments, tuple):
            raise _NotData("it calls something that is not an array's constructor")
        self._push(self._construct(what.kind, cast("tuple[Any, ...]", arguments)))

    def _construct(self, kind: str, arguments: tuple[Any, ...]) -> object:
        if kind == "reconstruct" and len(arguments) == 3 and _is(arguments[0], "ndarray"):
            return _Object("ndarray")
        if kind == "dtype" and 1 <= len(arguments) <= 3 and isinstance(arguments[0], str):
            code = arguments[0]
            return (
                _Dtype(code[1:], code[0])
                if code[:1] in "<>=|"
                else _Dtype(code, "|" if code.endswith("1") else "<")
            )
        if (
            kind == "encode"
            and len(arguments) == 2
            and isinstance(arguments[0], str)
            and arguments[1] == "latin1"
        ):
            self._budget.spend(len(arguments[0]))
            return arguments[0].encode("latin1")
        if kind == "scalar" and len(arguments) == 2 and isinstance(arguments[0], _Dtype):
            raw = _as_bytes(arguments[1], self._budget)
            return _Object("ndarray", array=np.frombuffer(raw, arguments[0].resolve(), 1).reshape(()))
        if kind == "frombuffer" and len(arguments) == 4 and isinstance(arguments[1], _Dtype):
            raw, dtype, shape, order = arguments
            return _Object(
                "ndarray", array=_shaped(_as_bytes(raw, self._budget), dtype.resolve(), shape, order == "F")
            )
        if (
            kind == "reconstructor"
            and len(arguments) == 3
            and _is(arguments[1], "object")
            and arguments[2] is None
        ):
            what = arguments[0]
            if isinstance(what, _Global) and what.kind in _INSTANCES:
                return _Object(what.kind)
        if kind == "bytes" and arguments == ():
            return b""
        if kind in _INSTANCES and arguments == ():
            return _Object(kind)
        raise _NotData(f"it calls {kind} in a way that arrays are not written")

    def build(self) -> None:
        state, target = self._pop(), self._stack[-1]
        if (
            isinstance(target, _Dtype)
            and isinstance(state, tuple)
            and len(cast("tuple[Any, ...]", state)) >= 2
        ):
            order = cast("tuple[Any, ...]", state)[1]
            if order not in ("<", ">", "=", "|"):
                raise _NotData("a type of unknown byte order")
            target.order = order
        elif isinstance(target, _Object) and target.kind == "ndarray" and isinstance(state, tuple):
            _fill(target, cast("tuple[Any, ...]", state), self._budget)
        elif isinstance(target, _Object) and target.kind != "ndarray" and isinstance(state, dict):
            target.state = cast("dict[object, object]", state)
        else:
            raise _NotData("it sets the state of something that is not an array")


def _operations() -> dict[bytes, Callable[[_Machine], None]]:
    """Pickle's opcodes for data, protocols 0 to 5. Not among them: persistent ids, extension codes,
    instances by INST, OBJ and NEWOBJ_EX, sets, out-of-band buffers."""
    m = _Machine
    table: dict[bytes, Callable[[_Machine], None]] = {
        b"I": m.text_number, b"L": m.text_number, b"F": m.text_float, b"S": m.text_string,
        b"V": m.text_unicode, b"(": m.mark, b"0": m.pop, b"1": m.pop_mark, b"2": m.dup, b"]": m.fresh_list,
        b"}": m.fresh_dict, b"t": m.tuple_mark, b"l": m.list_mark, b"d": m.dict_mark, b"a": m.append,
        b"e": m.appends, b"s": m.set_item, b"u": m.set_items, b"\x94": m.memoize, b"c": m.global_lines,
        b"\x93": m.stack_global, b"R": m.reduce, b"\x81": m.new_object, b"b": m.build,
    }  # fmt: skip
    layouts: list[tuple[Callable[..., None], dict[bytes, tuple[object, ...]]]] = [
        (m.skip, {b"\x80": ("<B",), b"\x95": ("<Q",)}),
        (m.const, {b"N": (None,), b"\x88": (True,), b"\x89": (False,), b")": ((),)}),
        (m.number, {b"J": ("<i",), b"K": ("<B",), b"M": ("<H",), b"G": (">d",)}),
        (m.long, {b"\x8a": ("<B",), b"\x8b": ("<i",)}),
        (m.blob, {b"U": ("<B", "latin1"), b"T": ("<i", "latin1")}),
        (m.blob, {b"\x8c": ("<B", "utf-8"), b"X": ("<I", "utf-8"), b"\x8d": ("<Q", "utf-8")}),
        (m.blob, {b"C": ("<B", None), b"B": ("<I", None), b"\x8e": ("<Q", None), b"\x96": ("<Q", None)}),
        (m.tuple_of, {b"\x85": (1,), b"\x86": (2,), b"\x87": (3,)}),
        (m.put, {b"p": (None,), b"q": ("<B",), b"r": ("<I",)}),
        (m.get, {b"g": (None,), b"h": ("<B",), b"j": ("<I",)}),
    ]
    for act, opcodes in layouts:
        for opcode, arguments in opcodes.items():
            table[opcode] = partial(_with, act, arguments)
    return table


def _with(act: Callable[..., None], arguments: tuple[object, ...], machine: _Machine) -> None:
    act(machine, *arguments)


_OPCODES: Final = _operations()


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _Global) and value.kind == kind


def _as_bytes(value: object, budget: _Budget) -> bytes:
    if isinstance(value, str):
        budget.spend(len(value))
        return value.encode("latin1")  # Python 2 wrote array contents as its 8-bit strings
    if isinstance(value, bytes):
        return value
    raise _NotData("an array whose contents are not bytes")


def _fill(target: _Object, state: tuple[Any, ...], budget: _Budget) -> None:
    """numpy's ndarray state: (version, shape, dtype, is_fortran, contents); the oldest lack the version."""
    if len(state) not in (4, 5):
        raise _NotData("an array in an unknown layout")
    shape, dtype, fortran, raw = state[-4:]
    if not isinstance(dtype, _Dtype):
        raise _NotData("an array without a type")
    if isinstance(raw, list):
        target.unusable = "an object array"  # its items are plain data by now; only its use is refused
        return
    target.array = _shaped(_as_bytes(raw, budget), dtype.resolve(), shape, bool(fortran))


def _shaped(raw: bytes, dtype: np.dtype[Any], shape: object, fortran: bool) -> Array:
    if not isinstance(shape, tuple) or not all(
        isinstance(n, int) and n >= 0 for n in cast("tuple[Any, ...]", shape)
    ):
        raise _NotData("an array without a shape")
    sizes = cast("tuple[int, ...]", shape)
    if math.prod(sizes) * dtype.itemsize != len(raw):
        raise ValueError("size")
    flat: Array = np.frombuffer(raw, dtype)
    return flat.reshape(sizes[::-1]).T if fortran else flat.reshape(sizes)


def _as_array(value: object, name: str, budget: _Budget, depth: int = 0) -> Array:
    """The array that a value stands for."""
    if not isinstance(value, _Object):
        raise _NotData(f"{name} is or holds something that is not an array")
    if value.unusable:
        raise _NotData(f"{name} is {value.unusable}")
    if value.kind == "ndarray":
        if value.array is None:
            raise _NotData(f"{name} is an array without contents")
        return value.array
    if depth > 4:
        raise _NotData(f"{name} is nested too deeply")
    inner = {str(k): v for k, v in value.state.items()}
    if value.kind in ("csc", "csr"):
        return _dense(inner, value.kind, name, budget)
    if value.kind == "ch":
        return _as_array(inner.get("x"), name, budget, depth + 1)
    source, index = (
        _as_array(inner.get("a"), name, budget, depth + 1),
        _as_array(inner.get("idxs"), name, budget, depth + 1),
    )
    shape = inner.get("preferred_shape")
    if index.dtype.kind not in "iu":
        raise _NotData(f"{name} is a chumpy selection without values")
    budget.spend(index.size * source.itemsize)
    picked: Array = source.ravel()[index.ravel()]
    return picked.reshape(cast("tuple[int, ...]", shape)) if isinstance(shape, tuple) else picked


def _dense(state: dict[str, object], kind: str, name: str, budget: _Budget) -> Array:
    shape = state.get("_shape", state.get("shape"))
    data, indices, starts = (_as_array(state.get(k), name, budget) for k in ("data", "indices", "indptr"))
    if not isinstance(shape, tuple):
        raise _NotData(f"{name} is an incomplete sparse matrix")
    rows, columns = (int(n) for n in cast("tuple[Any, ...]", shape))
    major = columns if kind == "csc" else rows
    if min(rows, columns) < 0 or rows * columns > MAX_DENSE_VALUES:
        raise _NotData(f"{name} is a sparse matrix of {rows} x {columns}")
    budget.spend(rows * columns * data.itemsize)
    counts = np.diff(starts.astype(np.int64))
    minor = rows if kind == "csc" else columns
    ok = len(starts) == major + 1 and (counts >= 0).all() and counts.sum() == len(indices) == len(data)
    if not ok or (len(indices) and not 0 <= indices.min() <= indices.max() < minor):
        raise _NotData(f"{name} is a damaged sparse matrix")
    out = np.zeros((major, minor), data.dtype)
    np.add.at(out, (np.repeat(np.arange(major), counts), indices.astype(np.int64)), data)
    return out.T if kind == "csc" else out
