"""A head written as .glb reads back as the same head; what is not a .glb is refused in words."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, NotFoundError
from likeness.head import CONTROLS, HeadModel
from likeness.head.glb import glb_bytes, parse_glb, read_glb
from likeness.head.gltf import avatar_glb
from likeness.head.guest import control_of, inspect, inspect_glb
from likeness.head.mesh import vertex_normals


@pytest.fixture(scope="module")
def model(egg: Path) -> HeadModel:
    return HeadModel.load(egg)


@pytest.fixture(scope="module")
def avatar(model: HeadModel) -> bytes:
    return avatar_glb(model)


def test_geometry_comes_back(model: HeadModel) -> None:
    identity = np.linspace(-1, 1, model.identity_count).astype(np.float32)
    glb = parse_glb(avatar_glb(model, identity), "x")
    place = 0
    for mesh in glb.list("meshes"):
        primitive = mesh["primitives"][0]
        position = glb.accessor(primitive["attributes"]["POSITION"])
        expected = model.shaped(identity)[place : place + len(position)]
        assert np.allclose(position, expected, atol=1e-6)
        for name, target in zip(mesh["extras"]["targetNames"], primitive["targets"], strict=True):
            if name.startswith("eyelid"):
                move = model.eyelid_dirs[:, :, int(name == "eyelidRight")]  # type: ignore[index]
            else:
                move = model.expression_dirs[:, :, model.expression_names.index(name)]
            got = glb.accessor(target["POSITION"])
            assert np.abs(got - move[place : place + len(position)]).max() <= 1.01e-5
        place += len(position)
    assert place == model.vertex_count


def test_joints_are_named_and_lie_where_the_regressor_puts_them(model: HeadModel, avatar: bytes) -> None:
    glb = parse_glb(avatar, "x")
    nodes = glb.list("nodes")
    expected = model.joint_regressor @ model.v_template
    world = {0: np.array(nodes[0]["translation"])}
    for parent in (0, 1):
        for child in nodes[parent]["children"]:
            world[child] = world[parent] + nodes[child]["translation"]
    assert [nodes[j]["name"] for j in range(5)] == ["root", "neck", "jaw", "left_eye", "right_eye"]
    assert np.allclose([world[j] for j in range(5)], expected, atol=1e-6)
    inverse = glb.accessor(glb.list("skins")[0]["inverseBindMatrices"]).reshape(5, 4, 4)
    assert np.allclose(inverse[:, 3, :3], -expected, atol=1e-6)


def test_weights_sum_to_one_and_the_tag_is_there(avatar: bytes) -> None:
    glb = parse_glb(avatar, "x")
    for mesh in glb.list("meshes"):
        weights = glb.accessor(mesh["primitives"][0]["attributes"]["WEIGHTS_0"])
        assert np.allclose(weights.sum(1), 1, atol=1e-6)
    assert inspect(glb, len(avatar)).likeness["generated"] is True
    assert glb.document["scenes"][0]["extras"]["likeness"]["head"] == "egg"
    assert glb.list("nodes")[0]["extras"]["likeness"]["components"][0] == "move0"


def test_another_reader_opens_it(avatar: bytes, tmp_path: Path, model: HeadModel) -> None:
    (tmp_path / "a.glb").write_bytes(avatar)
    scene: Any = trimesh.load(tmp_path / "a.glb")
    assert sum(len(g.vertices) for g in scene.geometry.values()) <= model.vertex_count
    assert len(scene.geometry) >= 1


def test_normals_point_outwards(model: HeadModel) -> None:
    v = model.v_template.astype(float)
    assert ((vertex_normals(v, model.faces) * v).sum(1) > 0).mean() > 0.99


def guest(names: list[str], **document: Any) -> bytes:
    """A triangle with morph targets of these names."""
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], np.float32)
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": 36}]
    accessors = [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}]
    primitive: dict[str, Any] = {"attributes": {"POSITION": 0}, "targets": [{"POSITION": 0} for _ in names]}
    if not names:
        del primitive["targets"]
    mesh = {"primitives": [primitive], "extras": {"targetNames": names}}
    nodes = [{"name": "mixamorig:Neck"}, {"name": "LeftEye"}, {"name": "Wolf", "mesh": 0}]
    base = {
        "asset": {"version": "2.0", "generator": "test", "copyright": "CC0"},
        "meshes": [mesh],
        "nodes": nodes,
    }
    whole = {
        **base,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": 36}],
        **document,
    }
    return glb_bytes(whole, vertices.tobytes())


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("eyeBlinkLeft", "eyeBlinkLeft"),
        ("EyeBlinkLeft", "eyeBlinkLeft"),
        ("eyeBlink_L", "eyeBlinkLeft"),
        ("eyeBlink.R", "eyeBlinkRight"),
        ("blendShape1.mouthSmile_R", "mouthSmileRight"),
        ("Wolf3D_Head.jawOpen", "jawOpen"),
        ("mouth_smile_left", "mouthSmileLeft"),
        ("BrowInnerUp", "browInnerUp"),
        ("Fcl_MTH_A", None),
        ("smile", None),
        ("", None),
    ],
)
def test_spellings_of_control_names(name: str, control: str | None) -> None:
    assert control_of(name) == control


def test_guests_with_no_few_and_many_morphs() -> None:
    none = inspect(parse_glb(guest([]), "x"), 0)
    assert none.controls == {}
    assert len(none.missing) == 52
    few = inspect(parse_glb(guest(["jawOpen", "Smile", "eyeBlink_L"]), "x"), 0)
    assert list(few.controls) == ["eyeBlinkLeft", "jawOpen"]
    assert len(few.missing) == 50
    many = inspect(parse_glb(guest([*CONTROLS, *(f"extra{i}" for i in range(148))]), "x"), 0)
    assert len(many.targets) == 200
    assert many.missing == ()
    assert many.joints == {"neck": "mixamorig:Neck", "left_eye": "LeftEye"}
    assert many.missing_joints == ("head", "jaw", "right_eye")
    assert "CC0" in many.rights
    assert any("head, jaw, right_eye" in line for line in many.lines())


def test_vrm_expressions_stand_for_targets_of_other_names() -> None:
    old = {
        "VRM": {
            "blendShapeMaster": {
                "blendShapeGroups": [{"name": "JawOpen", "binds": [{"mesh": 0, "index": 1}]}]
            }
        }
    }
    bind = [{"node": 2, "index": 0, "weight": 1}]
    new = {"VRMC_vrm": {"expressions": {"custom": {"JawOpen": {"morphTargetBinds": bind}}}}}
    for extension, index in ((old, 1), (new, 0)):
        report = inspect(parse_glb(guest(["a", "b"], extensions=extension), "x"), 0)
        assert [t.index for t in report.controls["jawOpen"]] == [index]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"glTF",
        b"not a glb, but long enough to look",
        struct.pack("<III", 0x46546C67, 1, 100) + b"\0" * 88,
        struct.pack("<III", 0x46546C67, 2, 1 << 30) + b"\0" * 88,
        struct.pack("<III", 0x46546C67, 2, 28) + struct.pack("<II", 8, 0x4E4F534A) + b"not json",
        struct.pack("<III", 0x46546C67, 2, 28) + struct.pack("<II", 80, 0x4E4F534A) + b"{}      ",
        glb_bytes({"asset": {"version": "1.0"}}, b""),
        glb_bytes({"asset": {"version": "2.0"}, "buffers": [{"uri": "../../etc/passwd"}]}, b""),
        glb_bytes({"asset": {"version": "2.0"}, "meshes": 3}, b""),
    ],
)
def test_what_is_no_glb_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.glb").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.glb"):
        inspect_glb(tmp_path / "x.glb")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        read_glb(tmp_path / "nowhere.glb")


def test_deeply_nested_json_is_refused() -> None:
    deep = b"[" * 200_000
    data = struct.pack("<IIIII", 0x46546C67, 2, 20 + len(deep), len(deep), 0x4E4F534A) + deep
    with pytest.raises(InputError):
        parse_glb(data, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}]},
        {"accessors": [{"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC3"}]},
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 10**9, "type": "VEC3"}]},
        {"accessors": [{"componentType": 5126, "count": 10**12, "type": "VEC3"}]},
        {"accessors": [{"bufferView": 0, "componentType": 9, "count": 3, "type": "VEC3"}]},
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": -3, "type": "VEC3"}]},
        {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC9"}]},
        {"accessors": [{"bufferView": True, "componentType": 5126, "count": 3, "type": "VEC3"}]},
        {"bufferViews": [{"buffer": 0, "byteLength": 37}]},
        {"bufferViews": [{"buffer": 0, "byteOffset": 8, "byteLength": 36}]},
        {"bufferViews": [{"buffer": 0, "byteLength": 36, "byteStride": 4}]},
        {"bufferViews": [{"buffer": 0, "byteLength": 36, "extensions": {"EXT_meshopt_compression": {}}}]},
        {
            "accessors": [
                {
                    "componentType": 5126,
                    "count": 3,
                    "type": "VEC3",
                    "sparse": {
                        "count": 1,
                        "indices": {"bufferView": 0, "componentType": 5125, "byteOffset": 12},
                        "values": {"bufferView": 0},
                    },
                }
            ]
        },
    ],
)
def test_sizes_that_lead_outside_the_file_are_refused(change: dict[str, Any]) -> None:
    glb = parse_glb(guest([], **change), "x")
    with pytest.raises(InputError):
        glb.accessor(0)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_end_in_a_sentence(data: st.DataObject) -> None:
    damaged = bytearray(guest(["jawOpen", "b"]))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        glb = parse_glb(bytes(damaged), "x")
        inspect(glb, len(damaged)).lines()
        glb.accessor(0)
    except LikenessError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    key=st.sampled_from(["meshes", "nodes", "asset", "accessors", "bufferViews", "extensions", "buffers"]),
    value=JSON,
)
def test_any_json_in_any_place_ends_in_a_sentence(key: str, value: Any) -> None:
    try:
        glb = parse_glb(guest(["jawOpen"], **{key: value}), "x")
        json.dumps(inspect(glb, 1).lines())
        glb.accessor(0)
    except LikenessError:
        pass
