"""Arrays come out of an .npz only if their sizes are true and they hold no objects."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import InputError
from likeness.head.array_file import read_arrays


def member(shape: tuple[int, ...], dtype: str = "<f4", content: bytes = b"", order: str = "False") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    saved = {
        "a": rng.normal(size=(3, 4)),
        "b": np.asfortranarray(rng.normal(size=(3, 4, 2))),
        "c": rng.integers(0, 9, 5),
        "d": np.array("text"),
        "e": np.zeros((0, 3), np.float32),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", **saved)
        read = read_arrays(tmp_path / "x.npz")
        assert read.keys() == saved.keys()
        for key, value in saved.items():
            assert read[key].dtype == value.dtype
            assert np.array_equal(read[key], value)


def test_only_the_wanted_keys_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones(2), b=np.array([{}], object))
    assert list(read_arrays(tmp_path / "x.npz", frozenset({"a"}))) == ["a"]
    with pytest.raises(InputError, match="object array"):
        read_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "bad",
    [
        member((10**9, 10**9)),
        member((-1,)),
        member((5,), content=b"\0" * 8),
        member((10**12,), "<U0"),
        member((2,), "|O", b"\0" * 16),
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x01\x00\x10\x00__import__('os')",
    ],
)
def test_false_members_are_refused_and_allocate_nothing(tmp_path: Path, bad: bytes) -> None:
    path = archive(tmp_path / "x.npz", a=bad)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("a.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(member((1_200_000_000,), "|u1"))
        for _ in range(1200):
            entry.write(bytes(1_000_000))
    assert path.stat().st_size < 2_000_000
    with pytest.raises(InputError, match="1 GiB"):
        read_arrays(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.arange(1000.0))
    whole = bytearray(buffer.getvalue())
    whole[400] ^= 0xFF
    (tmp_path / "x.npz").write_bytes(bytes(whole))
    with pytest.raises(InputError, match="damaged"):
        read_arrays(tmp_path / "x.npz")
