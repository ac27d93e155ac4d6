"""A .pkl is read as data: whatever asks for code is refused, and nothing of it runs."""

import builtins
import copyreg
import os
import pickle
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError
from likeness.head.pickle_file import MAX_OPCODES, read_pickled_arrays
from tests.head.synthetic import chumpy_stand_in, flame_arrays, published_pickle

KEYS = frozenset({"weights", "J_regressor"})


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def write(path: Path, value: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_a_shell_command_is_refused_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    proof = tmp_path / "ran"
    for k, function in enumerate((os.system, builtins.eval, builtins.exec, builtins.open, builtins.getattr)):
        argument = f"touch {proof}" if function is os.system else f"open({str(proof)!r}, 'w')"
        path = write(tmp_path / f"{k}.pkl", {"weights": Calls(function, argument)}, protocol)
        with pytest.raises(InputError, match="Nothing in it was run"):
            read_pickled_arrays(path, KEYS)
    assert not proof.exists()


def test_the_refusal_names_what_was_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "x.pkl", {"weights": Calls(os.system, "true")})
    with pytest.raises(InputError, match=r"posix\.system"):
        read_pickled_arrays(path, KEYS)


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'true'\no.",  # OBJ
        b"ccopy_reg\n_reconstructor\n(cos\nPathLike\nc__builtin__\nobject\nNtR.",
        b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
        b"ccopy_reg\n__newobj__\n(cnumpy\ndtype\ntR.",
        b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'__class__'\ntR.",
        b"cnumpy\nndarray\n(K\x01\x85tR.",  # the constructor itself
        b"cnumpy\ndtype\n\x93.",
        b"\x80\x02\x82\x01.",  # extension code
        b"Pabc\n.",  # persistent id
        b"\x80\x05\x97.",  # out-of-band buffer
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00\x85U\x01btR.",
        b"}(U\x07weightscnumpy.core.multiarray\n_reconstruct\nu.",
        b"cnumpy\ndtype\n(U\x02f8tR}(U\x09__class__cnumpy\nndarray\nub.",  # BUILD with attributes
        b"]}(U\x01aK\x01ub.",
        b"c__main__\n__builtins__\n.",
        b"clikeness.head.pickle_file\n_Machine\n.",
    ],
)
def test_hand_written_tricks_are_refused(tmp_path: Path, code: bytes) -> None:
    (tmp_path / "x.pkl").write_bytes(code)
    with pytest.raises(InputError):
        read_pickled_arrays(tmp_path / "x.pkl", KEYS)


def test_registered_reducers_and_nested_calls_are_refused(tmp_path: Path) -> None:
    nested = Calls(copyreg._reconstructor, Calls(eval, "int"), object, None)  # type: ignore[attr-defined]
    for k, value in enumerate((nested, [[{"a": (nested,)}]], {"weights": [nested]}, {nested: 1})):
        with pytest.raises(InputError):
            read_pickled_arrays(write(tmp_path / f"{k}.pkl", value), KEYS)


def test_calls_hidden_in_an_object_array_are_refused(tmp_path: Path) -> None:
    hidden = np.array([Calls(os.system, "true"), 1], object)
    with pytest.raises(InputError, match="Nothing in it was run"):
        read_pickled_arrays(write(tmp_path / "x.pkl", {"weights": hidden}), KEYS)
    plain = np.array([[1], {}], object)
    with pytest.raises(InputError, match="object array"):
        read_pickled_arrays(write(tmp_path / "y.pkl", {"weights": plain}), KEYS)


def test_keys_that_are_not_wanted_may_hold_any_data(tmp_path: Path) -> None:
    value = {"weights": np.eye(3), "bs_type": "lrotmin", "note": ["x", {1: 2.5}], 3: 4, "other": np.ones(2)}
    assert list(read_pickled_arrays(write(tmp_path / "x.pkl", value), KEYS)) == ["weights"]
    with pytest.raises(InputError, match="weights is or holds something that is not an array"):
        read_pickled_arrays(write(tmp_path / "y.pkl", {"weights": [1.0, 2.0]}), KEYS)


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_keep_type_order_and_values(tmp_path: Path, protocol: int) -> None:
    rng = np.random.default_rng(0)
    for k, array in enumerate(
        [
            rng.normal(size=(3, 4)),
            np.asfortranarray(rng.normal(size=(3, 4))),
            rng.normal(size=(2, 3)).astype(">f4"),
            rng.integers(-5, 5, (4, 2), np.int16),
            rng.random(5) < 0.5,
            np.array(["a", "öl"]),
            np.array(2.5),
        ]
    ):
        read = read_pickled_arrays(write(tmp_path / f"{k}.pkl", {"weights": array}, protocol), KEYS)[
            "weights"
        ]
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)


def test_a_chumpy_selection_is_resolved(tmp_path: Path) -> None:
    with chumpy_stand_in() as chumpy:
        inner = chumpy.Ch(np.arange(12.0))
        select = type("Select", (chumpy.Ch,), {"__module__": "chumpy.reordering"})
        chumpy.Select = select
        outer = select(np.zeros(0))
        outer.__dict__.clear()
        outer.__dict__.update(a=inner, idxs=np.array([1, 3, 5, 7]), preferred_shape=(2, 2))
        sys.modules["chumpy.reordering"] = chumpy
        data = pickle.dumps({"weights": outer}, 2)
        del sys.modules["chumpy.reordering"]
    (tmp_path / "x.pkl").write_bytes(data)
    assert read_pickled_arrays(tmp_path / "x.pkl", KEYS)["weights"].tolist() == [[1, 3], [5, 7]]


# Memory stays in proportion to the file, whatever it declares.


def peak_memory(path: Path) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(LikenessError):
            read_pickled_arrays(path, KEYS)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "code",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b".",  # bytes of a tebibyte
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".",  # a bytearray of a tebibyte
        b"\x80\x02K\x01r" + struct.pack("<I", 0xFFFFFFFF) + b"0",  # a memo place far out
        b"\x80\x02\x8b" + struct.pack("<i", 1 << 30) + b".",
        b"I" + b"9" * 100_000 + b"\n.",
        b"}" * (MAX_OPCODES + 1),
        b"(" * (MAX_OPCODES + 1),
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nI99999999999\n\x85U\x01btR.",
    ],
)
def test_declared_giants_allocate_nothing(tmp_path: Path, code: bytes) -> None:
    (tmp_path / "x.pkl").write_bytes(code)
    assert peak_memory(tmp_path / "x.pkl") < 96 << 20


def test_text_cannot_be_multiplied(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
    encode = b"c_codecs\nencode\nh\x00U\x06latin1\x86R"
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02(" + text + encode * 2000 + b"t.")
    assert peak_memory(tmp_path / "x.pkl") < 160 << 20


def test_a_giant_sparse_matrix_is_refused(tmp_path: Path) -> None:
    import scipy.sparse as sp

    path = write(tmp_path / "x.pkl", {"J_regressor": sp.csc_matrix((1 << 16, 1 << 16))})
    assert peak_memory(path) < 96 << 20


@pytest.mark.parametrize("damage", ["indices", "indptr", "data"])
def test_a_sparse_matrix_with_false_indices_is_refused(tmp_path: Path, damage: str) -> None:
    import scipy.sparse as sp

    matrix = sp.csc_matrix(np.eye(5))
    setattr(matrix, damage, np.full(7, 10**6) if damage != "data" else np.ones(3))
    with pytest.raises(InputError, match="damaged sparse matrix"):
        read_pickled_arrays(write(tmp_path / "x.pkl", {"J_regressor": matrix}), KEYS)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return published_pickle(tmp_path_factory.mktemp("p") / "m.pkl", flame_arrays(20, 2, 1)).read_bytes()


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damaged_files_end_in_a_sentence(
    published: bytes, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    damaged = bytearray(published)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]))
    try:
        arrays = read_pickled_arrays(path, KEYS)
    except InputError:
        return
    assert all(isinstance(a, np.ndarray) and not a.dtype.hasobject for a in arrays.values())


@settings(max_examples=600, deadline=None)
@given(code=st.binary(max_size=200))
def test_random_bytes_end_in_a_sentence(code: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random.pkl"
    path.write_bytes(code)
    with pytest.raises(InputError):
        read_pickled_arrays(path, KEYS)
