import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, NotFoundError, SealError
from likeness.head.controls import CONTROLS
from likeness.performance.take import Take
from likeness.provenance import Report, ServerKey, read_sessions, seal_take, verify_ledger, verify_take
from likeness.provenance.take_file import open_take


def _take(frames: int = 45, vertices: bool = False) -> Take:
    random = np.random.default_rng(frames)

    def some(*shape: int) -> np.ndarray:
        return random.standard_normal((frames, *shape)).astype(np.float32)

    return Take(
        meta={
            "format": "likeness-take", "version": 1, "generated": True, "character": "einstein",
            "portrays": "Albert Einstein", "head": "open", "identity": [0.25, -1e-6], "driver": "text",
            "mark": "", "session": "", "software": "", "rights": "öffentlich", "components": ["a", "b", "c"],
            "controls": list(CONTROLS), "controls_only": False, "avatar_sha256": "", "seals": [],
        },
        sample=np.arange(frames, dtype=np.int64) * 800,
        expression=some(3), eyelids=some(2), jaw=some(3), neck=some(3), head_rotation=some(3),
        head_translation=some(3), eyes=some(2, 3), controls=some(52),
        voice=random.integers(-9999, 9999, frames * 800 + 345).astype(np.int16), lip_gap_mm=some(),
        vertices=some(11, 3) if vertices else None,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def sealed(tmp_path: Path, home: Path) -> Path:
    path = tmp_path / "take.npz"
    seal_take(_take(), data_dir=home).save(path)
    return path


def _check(path: Path, home: Path) -> Report:
    return verify_take(path, data_dir=home)


def _edited(path: Path, **changes: Any) -> Path:
    """The same file with other members; `meta` as a dict."""
    with np.load(path) as file:
        members = {name: file[name] for name in file.files}
    for name, value in changes.items():
        if value is None:
            del members[name]
        else:
            members[name] = np.array(json.dumps(value)) if name == "meta" else value
    out = path.with_name("edited.npz")
    np.savez(out, **members)
    return out


def _meta(path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        return json.loads(str(file["meta"]))


def _array(path: Path, name: str) -> np.ndarray:
    with np.load(path) as file:
        return file[name]


def test_a_sealed_take_verifies_and_says_what_it_is(sealed: Path, home: Path) -> None:
    report = _check(sealed, home)
    text = "\n".join(report.lines)
    assert report.ok
    assert report.lines[-1] == "VERIFIED."
    assert "generated, synthetic media" in text
    assert "portrays Albert Einstein" in text
    assert "Driven by: text. Made by likeness" in text
    assert "GEN - Albert Einstein - driven by: text" in text
    assert "this machine's own server key" in text
    assert "in this machine's ledger" in text
    assert "45 frames in 8 seals" in text


def test_sealing_is_logged_as_a_session(sealed: Path, home: Path) -> None:
    (session,) = read_sessions(home)
    assert (session.state, session.character, session.driven_by) == ("closed", "einstein", "text")
    assert session.id == _meta(sealed)["session"]
    assert verify_ledger(home / "ledger.sqlite").ok


def test_the_sealed_take_is_still_a_take(sealed: Path) -> None:
    take = Take.load(sealed)
    assert take.meta["tag"]["mark"] == take.meta["mark"] == "GEN - Albert Einstein - driven by: text"
    np.testing.assert_array_equal(take.jaw, _take().jaw)


def test_a_take_with_vertices_is_sealed_whole(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "mesh.npz"
    seal_take(_take(1000, vertices=True), data_dir=home).save(path)
    assert _check(path, home).ok
    mesh = _array(path, "vertices")
    mesh[777, 3, 1] += 1
    report = _check(_edited(path, vertices=mesh), home)
    assert "`vertices` in frame 777 (12.95 s)" in "\n".join(report.lines)


@pytest.mark.parametrize("frames", [1, 5, 6, 7, 480, 481])
def test_any_length_is_sealed(tmp_path: Path, home: Path, frames: int) -> None:
    path = tmp_path / "take.npz"
    seal_take(_take(frames), data_dir=home).save(path)
    assert _check(path, home).ok


@pytest.mark.parametrize(
    "name",
    ["sample", "expression", "eyelids", "jaw", "neck", "head_rotation", "head_translation", "eyes",
     "controls", "lip_gap_mm", "voice", "rate"],
)  # fmt: skip
def test_a_change_to_any_array_is_found_and_named(sealed: Path, home: Path, name: str) -> None:
    array = _array(sealed, name).copy()
    flat = array.reshape(-1)
    flat[len(flat) // 2] += 1
    report = _check(_edited(sealed, **{name: array}), home)
    assert not report.ok
    assert report.lines[-1].startswith("NOT VERIFIED")
    assert any(f"`{name}`" in line for line in report.lines)


def test_the_changed_frames_are_named(sealed: Path, home: Path) -> None:
    jaw = _array(sealed, "jaw")
    jaw[12:18] *= 1.1
    jaw[30] = 0
    report = _check(_edited(sealed, jaw=jaw), home)
    assert "Changed after sealing: `jaw` in frames 12-17 (0.20-0.30 s), frame 30 (0.50 s)." in report.lines


def test_a_cut_take_is_found(sealed: Path, home: Path) -> None:
    with np.load(sealed) as file:
        cut = {n: file[n][:30] for n in file.files if n not in ("meta", "rate", "voice")}
    assert not _check(_edited(sealed, **cut), home).ok
    assert not _check(_edited(sealed, voice=_array(sealed, "voice")[:20000]), home).ok


def test_members_that_come_or_go_are_found(sealed: Path, home: Path) -> None:
    added = _check(_edited(sealed, extra=np.zeros(45, np.float32)), home)
    assert any("`extra` was added" in line for line in added.lines)
    gone = _check(_edited(sealed, lip_gap_mm=None), home)
    assert any("`lip_gap_mm` was sealed and is missing" in line for line in gone.lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("portrays", "Somebody Else"), ("generated", False), ("mark", "GEN"), ("driver", "voice"),
        ("session", "other"), ("head", "flame"), ("components", ["a", "b", "x"]), ("identity", [0.25, 1e-6]),
        ("note", "new"),
    ],
)  # fmt: skip
def test_a_change_to_what_it_says_is_found(sealed: Path, home: Path, name: str, value: object) -> None:
    report = _check(_edited(sealed, meta={**_meta(sealed), name: value}), home)
    assert not report.ok
    assert any(f"`{name}` in the meta was changed" in line for line in report.lines)
    assert "portrays Albert Einstein" in "\n".join(
        report.lines
    )  # what was sealed, not what was written over it


def test_a_changed_statement_is_found(sealed: Path, home: Path) -> None:
    meta = _meta(sealed)
    meta["statement"] = meta["statement"].replace("Albert Einstein", "Niels Bohr")
    meta["portrays"] = "Niels Bohr"
    report = _check(_edited(sealed, meta=meta), home)
    assert not report.ok
    assert any("the tag was changed" in line for line in report.lines)


@pytest.mark.parametrize("name", ["certificate", "signature", "seals", "statement"])
def test_a_take_without_its_proof_is_not_verified(sealed: Path, home: Path, name: str) -> None:
    meta = _meta(sealed)
    meta[name] = {} if name == "certificate" else [] if name == "seals" else ""
    assert not _check(_edited(sealed, meta=meta), home).ok


def test_seals_cannot_be_swapped_dropped_or_forged(sealed: Path, home: Path) -> None:
    meta = _meta(sealed)
    seals = meta["seals"]
    forged = base64.b64encode(bytes(48 + 64)).decode()
    for changed in (
        seals[::-1],
        seals[:-1],
        [*seals, seals[0]],
        [forged, *seals[1:]],
        [5, *seals[1:]],
        ["?"] * 8,
    ):
        report = _check(_edited(sealed, meta={**meta, "seals": changed}), home)
        assert not report.ok
        assert any("eal" in line for line in report.lines[4:])


def test_an_unsealed_take_says_so(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "plain.npz"
    _take().save(path)
    report = _check(path, home)
    assert not report.ok
    assert any("carries no seal" in line for line in report.lines)


def test_a_take_of_another_machine_holds_but_is_not_ours(sealed: Path, tmp_path: Path, home: Path) -> None:
    other = tmp_path / "elsewhere"
    report = verify_take(sealed, data_dir=other)
    assert report.ok
    assert "not this machine's" in "\n".join(report.lines)
    assert not other.exists()
    own = ServerKey.load_or_create(other)
    expected = verify_take(sealed, server_key=own.public_bytes, data_dir=other)
    assert not expected.ok
    assert "another server" in "\n".join(expected.lines)
    assert verify_take(sealed, server_key=ServerKey.load_or_create(home).public_bytes, data_dir=other).ok


def test_sealing_fails_closed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SealError):
        seal_take(_take(), data_dir=tmp_path / "file")
    take = _take()
    nobody = replace(take, meta={**take.meta, "character": None})
    with pytest.raises(InputError, match="character"):
        seal_take(nobody, data_dir=tmp_path / "d")


def test_what_is_no_take_is_an_error_in_words(tmp_path: Path, sealed: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        verify_take(tmp_path / "nowhere.npz")
    with pytest.raises(InputError, match="folder"):
        verify_take(tmp_path)
    other = tmp_path / "other.npz"
    for content in (b"", b"PK", b"not a take" * 100, sealed.read_bytes()[:5000]):
        other.write_bytes(content)
        with pytest.raises(InputError, match="not a take"):
            verify_take(other)
    np.savez(other, x=np.zeros(3))
    with pytest.raises(InputError, match="not a take"):
        verify_take(other)
    np.savez(other, meta=np.array(json.dumps({"format": "other"})))
    with pytest.raises(InputError, match="not a take"):
        verify_take(other)


def test_a_pickle_in_a_take_is_not_opened(tmp_path: Path) -> None:
    @dataclass
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    path = tmp_path / "evil.npz"
    np.savez(path, meta=np.array(json.dumps({"format": "likeness-take"})), jaw=np.array([Evil()], object))
    with pytest.raises(InputError, match="takes do not use"):
        verify_take(path)
    assert not (tmp_path / "executed").exists()


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
@example(place=0.0015, value=1)  # a bracket of an array's header: numpy then tries to tokenize it
@settings(max_examples=120, deadline=None)
def test_any_changed_byte_of_the_file_is_found_or_means_nothing(
    place: float, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    original, home = _once(tmp_path_factory)
    data = bytearray(original.read_bytes())
    data[int(place * len(data))] ^= value
    path = original.with_name("flipped.npz")
    path.write_bytes(data)
    try:
        report = verify_take(path, data_dir=home)
    except LikenessError:
        return
    if report.ok:  # the byte was outside of what is read: then all that is read is the same
        with open_take(path) as ours, open_take(original) as theirs:
            assert ours.meta == theirs.meta
            assert ours.shapes == theirs.shapes
            for name, shape in ours.shapes.items():
                assert ours.read(name, 0, shape.rows) == theirs.read(name, 0, shape.rows)


_ONCE: list[tuple[Path, Path]] = []


def _once(factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not _ONCE:
        folder = factory.mktemp("take")
        seal_take(_take(20), data_dir=folder / "data").save(folder / "take.npz")
        _ONCE.append((folder / "take.npz", folder / "data"))
    return _ONCE[0]
