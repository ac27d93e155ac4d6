"""Takes on disk: whole or not at all, strict, bounded, nothing executed."""

import errno
import io
import json
import pickle
import wave
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness.errors import InputError, LikenessError, MachineError, NotFoundError
from likeness.head import CONTROLS, load_character, load_head
from likeness.performance import Frames, Take
from likeness.performance import new_file as new_file_module
from likeness.performance.perform import take_meta
from likeness.performance.recorder import Recorder

NAMES = tuple(f"c{i}" for i in range(7))


def some_take(frames: int = 30, vertices: int | None = None) -> Take:
    rng = np.random.default_rng(1)
    meta = take_meta(load_character("plain"), load_head("open"), NAMES, "text")
    with Recorder(len(NAMES), vertices) as recorder:
        batch = Frames.neutral(frames, len(NAMES))
        batch.sample[:] = 800 * np.arange(frames)
        for field in (batch.expression, batch.jaw, batch.neck, batch.eyes, batch.head_rotation):
            field[:] = rng.normal(size=field.shape)
        mesh = rng.normal(size=(frames, vertices, 3)).astype(np.float32) if vertices else None
        recorder.add_frames(batch, np.abs(rng.normal(size=frames)).astype(np.float32), mesh)
        recorder.add_voice(rng.integers(-3000, 3000, 800 * frames).astype(np.int16))
        return recorder.finish(meta)


def rewritten(path: Path, **members: Any) -> Path:
    """The take at `path` with members replaced (None: left out)."""
    with np.load(path) as old:
        arrays = {name: old[name] for name in old}
    arrays.update(members)
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "take.npz"
    some_take().save(path)
    return path


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    take = some_take(vertices=11)
    take.save(tmp_path / "take.npz")
    back = Take.load(tmp_path / "take.npz")
    assert back.meta == take.meta
    for name, array in take.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array, err_msg=name)
    assert isinstance(back.vertices, np.memmap)
    np.testing.assert_array_equal(back.frame(3).expression, take.expression[3])
    assert "30 frames" in take.summary()
    assert "11 vertices" in take.summary()
    assert [p.name for p in tmp_path.iterdir()] == ["take.npz"]


def test_anybodys_numpy_reads_it(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as members:
        meta = json.loads(str(members["meta"]))
        assert meta["generated"] is True
        assert tuple(meta["controls"]) == CONTROLS
        assert int(members["rate"]) == 48_000
        assert members["expression"].shape == (30, 7)
        assert set(members) == {
            "meta", "rate", "sample", "expression", "eyelids", "jaw", "neck", "head_rotation",
            "head_translation", "eyes", "controls", "voice", "lip_gap_mm",
        }  # fmt: skip


def test_the_same_take_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        some_take().save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_full_disk_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(new_file_module.os, "fsync", full)
    with pytest.raises(MachineError, match="No space left"):
        some_take(40).save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["take.npz"]


def test_a_full_device_is_a_sentence() -> None:
    """On Linux /dev/full refuses every byte."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    recorder = Recorder(3)
    recorder._files["voice"] = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115
    with recorder, pytest.raises(MachineError, match="TMPDIR"):
        recorder.add_voice(np.zeros(1000, np.int16))


@pytest.mark.parametrize("place", ["missing/take.npz", "."])
def test_a_place_for_no_file_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError):
        some_take().save(tmp_path / place)


def test_what_is_not_in_order_is_not_saved(tmp_path: Path) -> None:
    take = some_take()
    with pytest.raises(InputError, match="generated"):
        replace(take, meta={**take.meta, "generated": False}).save(tmp_path / "take.npz")
    with pytest.raises(InputError, match="eyelids"):
        replace(take, eyelids=take.eyelids[:5]).save(tmp_path / "take.npz")
    assert not list(tmp_path.iterdir())


META = take_meta(load_character("plain"), load_head("open"), NAMES, "text")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"jaw": None}, "lacks jaw"),
        ({"rate": np.array(44_100)}, "48000"),
        ({"rate": np.array([48_000, 1])}, "48000"),
        ({"jaw": np.zeros((30, 4), np.float32)}, r"jaw.*float32\[30, 3\]"),
        ({"jaw": np.zeros((30, 3))}, "float64"),
        ({"neck": np.full((30, 3), np.nan, np.float32)}, "not finite"),
        ({"sample": np.zeros(30, np.int64)}, "ascend"),
        ({"sample": np.zeros(0, np.int64)}, r"\[0"),
        ({"voice": np.zeros((3, 2), np.int16)}, "voice"),
        ({"expression": np.zeros((30, 101), np.float32)}, "E <= 100"),
        ({"expression": np.zeros((30, 6), np.float32)}, "names 7 components"),
        ({"vertices": np.zeros((30, 3), np.float32)}, "vertices"),
        ({"extra": np.zeros(3)}, "unknown member"),
        ({"meta": np.array("{")}, "not JSON"),
        ({"meta": np.array("[" * 100_000)}, "not JSON"),
        ({"meta": np.array("[]")}, "JSON object"),
        ({"meta": np.array(7)}, "one text"),
        ({"meta": np.array(json.dumps({**META, "format": "other"}))}, "format"),
        ({"meta": np.array(json.dumps({**META, "version": 2}))}, "version 2"),
        ({"meta": np.array(json.dumps({**META, "generated": False}))}, "generated"),
        ({"meta": np.array(json.dumps({**META, "character": 5}))}, "character"),
        ({"meta": np.array(json.dumps({**META, "controls": ["a"]}))}, "52 controls"),
        ({"meta": np.array(json.dumps({**META, "seals": None}))}, "seals"),
    ],
    ids=lambda value: str(value)[:40].replace("\n", " "),
)
def test_a_take_that_is_not_in_order_is_refused_with_words(
    saved: Path, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        Take.load(rewritten(saved, **members))


class _Evil:
    ran = False

    def __reduce__(self) -> tuple[Any, ...]:
        return (setattr, (_Evil, "ran", True))


def test_a_pickle_in_a_take_is_not_run(saved: Path) -> None:
    pickle.loads(pickle.dumps(_Evil()))
    assert _Evil.ran, "the pickle does run where it is loaded"
    _Evil.ran = False
    objects = np.empty(30, object)
    objects[0] = _Evil()
    with pytest.raises(InputError, match=r"object|not an array"):
        Take.load(rewritten(saved, jaw=objects))
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("jaw.npy", pickle.dumps(_Evil()))
    saved.write_bytes(raw.getvalue())
    with pytest.raises(InputError):
        Take.load(saved)
    assert not _Evil.ran


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("rate.npy", "w") as member:
        for _ in range(64):
            member.write(bytes(1 << 20))
    with pytest.raises(InputError, match="at most"):
        Take.load(path)


def test_a_member_that_claims_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "liar.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i2", "fortran_order": False, "shape": (1 << 50,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("voice.npy", header.getvalue() + b"abcd")
    with pytest.raises(InputError, match="as many numbers"):
        Take.load(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + bytes(100), bytes(range(256)) * 50])
def test_what_is_no_take_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a take"):
        Take.load(path)


def test_a_missing_take_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        Take.load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="folder"):
        Take.load(tmp_path)


def test_damaged_takes_are_refused_or_read_but_never_crash(saved: Path) -> None:
    rng = np.random.default_rng(8)
    whole = saved.read_bytes()
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 5)):
            data[at] = rng.integers(256)
        if rng.random() < 0.3:
            del data[int(rng.integers(len(data))) :]
        if rng.random() < 0.5:  # most of the structure lies at the end and in the first member
            at = int(rng.integers(1, 900))
            data[-at : len(data) - at + 1] = bytes([int(rng.integers(256))])
        saved.write_bytes(data)
        try:
            Take.load(saved)
        except LikenessError:
            refused += 1
    assert refused > 200


def test_the_voice_alone_is_a_wav_that_says_what_it_is(tmp_path: Path) -> None:
    take = some_take()
    take.write_wav(tmp_path / "voice.wav")
    with wave.open(str(tmp_path / "voice.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 48_000)
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    np.testing.assert_array_equal(pcm, take.voice)
    assert take.meta["mark"].encode() in (tmp_path / "voice.wav").read_bytes()


def test_an_unfinished_recording_leaves_nothing() -> None:
    with Recorder(3) as recorder:
        folder = Path(recorder._folder.name)
        recorder.add_voice(np.zeros(10, np.int16))
        assert folder.exists()
    assert not folder.exists()
