"""A third-party .glb or VRM becomes a character that is fed controls, complete or not at all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.errors import InputError
from likeness.head import CONTROLS, HeadModel, load_character
from likeness.head.glb import glb_bytes, parse_glb
from likeness.head.gltf import avatar_glb
from likeness.head.guest import inspect_glb
from likeness.head.importer import import_character


def guest_file(path: Path, egg: Path, names: list[str], copyright: str = "") -> Path:
    """The egg as a .glb whose first morph targets have these names."""
    glb = parse_glb(avatar_glb(HeadModel.load(egg)), "x")
    mesh = glb.document["meshes"][0]
    names = names + [f"other{i}" for i in range(len(mesh["extras"]["targetNames"]) - len(names))]
    mesh["extras"]["targetNames"] = names
    glb.document["asset"] = {"version": "2.0", "copyright": copyright}
    path.write_bytes(glb_bytes(glb.document, glb.binary))
    return path


def test_a_guest_becomes_a_character(home: Path, tmp_path: Path, egg: Path) -> None:
    path = guest_file(
        tmp_path / "Grand Mother.glb", egg, ["Smile_Left", "jawOpen", "Blend.eyeBlink_R", "mouthSmile_L"]
    )
    report = import_character(path, name='Rosa "R" Weber', rights="her own consent, 2026-03-01")
    rosa = load_character("grand-mother")
    assert report.id == rosa.id
    assert (rosa.name, rosa.rights) == ('Rosa "R" Weber', "her own consent, 2026-03-01")
    assert rosa.controls_only
    avatar = inspect_glb(rosa.avatar)
    assert [t.name for t in avatar.targets][:4] == [
        "Smile_Left",
        "jawOpen",
        "eyeBlinkRight",
        "mouthSmileLeft",
    ]
    assert avatar.likeness["generated"] is True
    assert avatar.likeness["portrays"] == 'Rosa "R" Weber'
    assert avatar.likeness["controls"] == ["eyeBlinkRight", "jawOpen", "mouthSmileLeft"]
    assert set(avatar.missing) == set(CONTROLS) - set(avatar.likeness["controls"])
    text = "\n".join(report.lines)
    assert "3 of 52" in text
    assert "cheekPuff" in text
    with Image.open(rosa.portrait) as portrait:
        assert np.asarray(portrait).std() > 10


def test_geometry_survives_the_import(home: Path, tmp_path: Path, egg: Path) -> None:
    path = guest_file(tmp_path / "x.glb", egg, ["jawOpen"], "CC0, by nobody")
    import_character(path)
    before, after = parse_glb(path.read_bytes(), "b"), parse_glb(load_character("x").avatar.read_bytes(), "a")
    for i in range(len(before.list("accessors"))):
        assert np.array_equal(before.accessor(i), after.accessor(i))
    assert load_character("x").rights == "CC0, by nobody"


def test_a_file_without_rights_asks_for_them(home: Path, tmp_path: Path, egg: Path) -> None:
    path = guest_file(tmp_path / "x.glb", egg, ["jawOpen"])
    with pytest.raises(InputError, match="--rights"):
        import_character(path)
    assert not (home.parent / "LIKENESS_DATA" / "characters").exists()


def test_a_file_that_no_control_plays_is_refused(home: Path, tmp_path: Path, egg: Path) -> None:
    path = guest_file(tmp_path / "x.glb", egg, ["smile", "frown"], "CC0")
    with pytest.raises(InputError, match=r"no morph target .* frown"):
        import_character(path)


@pytest.mark.parametrize("identifier", ["", "A b", "../x", "x" * 80])
def test_malformed_ids_are_refused(home: Path, tmp_path: Path, egg: Path, identifier: str) -> None:
    path = guest_file(tmp_path / "x.glb", egg, ["jawOpen"], "CC0")
    with pytest.raises(InputError, match="cannot be an id"):
        import_character(path, identifier=identifier)


def test_a_taken_id_is_refused_and_the_first_stays(home: Path, tmp_path: Path, egg: Path) -> None:
    path = guest_file(tmp_path / "x.glb", egg, ["jawOpen"], "CC0")
    import_character(path, name="First")
    with pytest.raises(InputError, match="already"):
        import_character(path, name="Second")
    assert load_character("x").name == "First"


def test_what_is_no_glb_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.glb").write_bytes(b"not a glb at all, really")
    with pytest.raises(InputError, match="not a binary glTF"):
        import_character(tmp_path / "x.glb")
    assert not (home.parent / "LIKENESS_DATA" / "characters").exists()


def obj(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    rows = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    path.write_text("\n".join([*rows, *(f"f {a}/1 {b}/1 {c}/1" for a, b, c in faces + 1)]))


def shapes_folder(folder: Path, egg: Path, names: list[str]) -> np.ndarray:
    """A neutral mesh in centimetres and a shape per name; returns each shape's true move in metres."""
    model = HeadModel.load(egg)
    folder.mkdir()
    obj(folder / "generic_neutral_mesh.obj", 100 * model.v_template, model.faces)
    moves = model.expression_dirs.transpose(2, 0, 1)[: len(names)]
    for name, move in zip(names, moves, strict=True):
        obj(folder / f"{name}.obj", 100 * (model.v_template + move), model.faces)
    return moves


def test_a_folder_of_shapes_becomes_a_character(home: Path, tmp_path: Path, egg: Path) -> None:
    names = ["jawOpen", "eyeBlink_L", "browInnerUp_L", "browInnerUp_R", "identity000"]
    moves = shapes_folder(tmp_path / "FaceX Model", egg, names)
    import_character(tmp_path / "FaceX Model", rights="MIT")
    character = load_character("facex-model")
    glb = parse_glb(character.avatar.read_bytes(), "x")
    mesh = glb.list("meshes")[0]
    expected = {"jawOpen": moves[0], "eyeBlinkLeft": moves[1], "browInnerUp": moves[2] + moves[3]}
    assert set(mesh["extras"]["targetNames"]) == set(expected)
    for name, target in zip(mesh["extras"]["targetNames"], mesh["primitives"][0]["targets"], strict=True):
        assert np.abs(glb.accessor(target["POSITION"]) - expected[name]).max() < 2e-5
    assert character.portrait.exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("jawOpen", "v 1 2 3\n", "should match"),
        ("jawOpen", "not an obj", "no vertices"),
        ("jawOpen", "v a b c", "not a readable"),
        ("generic_neutral_mesh", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9", "does not hold"),
        ("generic_neutral_mesh", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
        ("generic_neutral_mesh", "v 0 0 0\nv 1e9 0 0\nv 0 1 0\nf 1 2 3", "measures"),
    ],
)
def test_wrong_files_in_a_folder_are_named(
    home: Path, tmp_path: Path, egg: Path, name: str, content: str, words: str
) -> None:
    shapes_folder(tmp_path / "f", egg, ["jawOpen"])
    (tmp_path / "f" / f"{name}.obj").write_text(content)
    with pytest.raises(InputError, match=words):
        import_character(tmp_path / "f", rights="MIT")


def test_folders_without_neutral_or_shapes_are_refused(home: Path, tmp_path: Path, egg: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no neutral mesh"):
        import_character(tmp_path / "empty", rights="MIT")
    shapes_folder(tmp_path / "bare", egg, ["identity000"])
    with pytest.raises(InputError, match="no shape named like a control"):
        import_character(tmp_path / "bare", rights="MIT")
