"""Every shipped avatar is a sound glTF that any client can drive with the open head's parameters."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likeness.head import load_character
from likeness.head.controls import CONTROLS

ROOT = Path(__file__).resolve().parents[3]
CHARACTERS = sorted(p.parent for p in (ROOT / "avatars" / "characters").glob("*/look.toml"))
FILES = [p / name for p in CHARACTERS for name in ("avatar.glb", "avatar.lod1.glb")]
COMPONENT = {
    5120: np.int8,
    5121: np.uint8,
    5122: np.int16,
    5123: np.uint16,
    5125: np.uint32,
    5126: np.float32,
}
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """Just enough of a reader to check what we ship."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<III", data)
        assert (magic, version, length) == (0x46546C67, 2, len(data))
        size, kind = struct.unpack_from("<II", data, 12)
        assert kind == 0x4E4F534A
        self.json: dict[str, Any] = json.loads(data[20 : 20 + size])
        size_bin, kind = struct.unpack_from("<II", data, 20 + size)
        assert kind == 0x004E4942
        self.blob = data[28 + size : 28 + size + size_bin]

    def view(self, index: int, offset: int, kind: type, count: int) -> np.ndarray:
        view = self.json["bufferViews"][index]
        return np.frombuffer(self.blob, kind, count, view["byteOffset"] + offset)

    def accessor(self, index: int) -> np.ndarray:
        a = self.json["accessors"][index]
        kind, width = COMPONENT[a["componentType"]], WIDTH[a["type"]]
        out = np.zeros((a["count"], width), kind)
        if "bufferView" in a:
            out[:] = self.view(a["bufferView"], a.get("byteOffset", 0), kind, a["count"] * width).reshape(
                -1, width
            )
        if "sparse" in a:
            s = a["sparse"]
            rows = self.view(
                s["indices"]["bufferView"], 0, COMPONENT[s["indices"]["componentType"]], s["count"]
            )
            assert (np.diff(rows.astype(np.int64)) > 0).all()
            out[rows] = self.view(s["values"]["bufferView"], 0, kind, s["count"] * width).reshape(-1, width)
        return out


@pytest.fixture(scope="module", params=FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def avatar(request: pytest.FixtureRequest) -> tuple[Path, Glb]:
    return request.param, Glb(request.param)


@pytest.fixture(scope="module")
def names() -> set[str]:
    with np.load(ROOT / "avatars" / "heads" / "open.npz") as head:
        return {str(n) for n in head["expression_names"]} | {"eyelidLeft", "eyelidRight"}


def test_there_is_a_cast() -> None:
    assert {"plain", "einstein", "curie"} <= {p.name for p in CHARACTERS}


def test_says_that_it_is_generated(avatar: tuple[Path, Glb], names: set[str]) -> None:
    path, glb = avatar
    for place in (
        glb.json["asset"],
        glb.json["scenes"][0],
        next(n for n in glb.json["nodes"] if n.get("name") == "root"),
    ):
        tag = place["extras"]["likeness"]
        assert tag["generated"] is True
        assert tag["head"] == "open"
        assert tag["character"] == path.parent.name
        assert tag["rights"]
        assert set(tag["components"]) | {"eyelidLeft", "eyelidRight"} == names


def test_joints_are_the_heads(avatar: tuple[Path, Glb]) -> None:
    _, glb = avatar
    joints = [glb.json["nodes"][i]["name"] for i in glb.json["skins"][0]["joints"]]
    assert joints == ["root", "neck", "jaw", "left_eye", "right_eye"]


def test_budget(avatar: tuple[Path, Glb]) -> None:
    path, glb = avatar
    triangles = sum(
        glb.json["accessors"][m["primitives"][0]["indices"]]["count"] // 3 for m in glb.json["meshes"]
    )
    far = path.name == "avatar.lod1.glb"
    assert triangles <= (15_000 if far else 70_000)
    assert path.stat().st_size <= (2e6 if far else 8e6)
    assert len(glb.json["meshes"]) <= 10


def test_meshes_are_sound(avatar: tuple[Path, Glb], names: set[str]) -> None:
    _, glb = avatar
    seen: set[str] = set()
    for mesh in glb.json["meshes"]:
        primitive = mesh["primitives"][0]
        at = primitive["attributes"]
        position = glb.accessor(at["POSITION"])
        assert np.isfinite(position).all()
        assert np.abs(position).max() < 1.0
        index = glb.accessor(primitive["indices"])
        assert index.max() == len(position) - 1
        assert np.linalg.norm(glb.accessor(at["NORMAL"]), axis=1) == pytest.approx(1, abs=0.02)
        assert (glb.accessor(at["WEIGHTS_0"]).astype(int).sum(1) == 255).all()
        assert glb.accessor(at["JOINTS_0"]).max() <= 4
        targets = primitive.get("targets", [])
        labels = mesh.get("extras", {}).get("targetNames", [])
        assert len(labels) == len(targets) == len(set(labels))
        assert set(labels) <= names
        for label, target in zip(labels, targets, strict=True):
            move = glb.accessor(target["POSITION"])
            assert len(move) == len(position)
            assert 1e-5 < np.abs(move).max() < 0.08, f"{mesh['name']} {label}"
        seen |= set(labels)
    assert seen == names


def test_skin_moves_as_the_head_file_says(avatar: tuple[Path, Glb]) -> None:
    """Morphs of the skin are the head's components, vertex by vertex, but for lids and lips, which fit each
    face."""
    path, glb = avatar
    with np.load(ROOT / "avatars" / "heads" / "open.npz") as head:
        largest = {
            str(n): float(
                np.abs(head["shapedirs"][:5843, :, len(head["identity_names"]) + k].astype(float)).max()
            )
            for k, n in enumerate(head["expression_names"])
        }
    skin = next(m for m in glb.json["meshes"] if m["name"] == "skin")
    for label, target in zip(skin["extras"]["targetNames"], skin["primitives"][0]["targets"], strict=True):
        if label.startswith(("eyelid", "mouthClose")):
            continue
        move = np.abs(glb.accessor(target["POSITION"])).max()
        share = 0.8 if path.name == "avatar.lod1.glb" else 0.999
        assert share * largest[label] - 2e-5 <= move <= 1.001 * largest[label] + 2e-5, label


@pytest.mark.parametrize("folder", CHARACTERS, ids=lambda p: p.name)
def test_character_is_complete(folder: Path) -> None:
    character = load_character(folder.name)
    assert character.name
    assert character.rights
    assert len(character.persona) > 40
    png = character.portrait.read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert max(width, height) <= 512


@pytest.mark.parametrize("folder", CHARACTERS, ids=lambda p: p.name)
def test_lips_of_every_character_meet_under_any_jaw(folder: Path) -> None:
    """In the shipped file itself, over the whole width of the mouth: jawOpen with as much mouthClose."""
    glb = Glb(folder / "avatar.glb")
    mesh = next(m for m in glb.json["meshes"] if m["name"] == "skin")
    primitive = mesh["primitives"][0]
    at = primitive["attributes"]
    rest = glb.accessor(at["POSITION"]).astype(float) * 1000
    joints, weights = glb.accessor(at["JOINTS_0"]), glb.accessor(at["WEIGHTS_0"]) / 255.0
    jaw = (weights * (joints == 2)).sum(1)
    targets = dict(zip(mesh["extras"]["targetNames"], primitive["targets"], strict=True))
    close, bend = (glb.accessor(targets[n]["POSITION"]) * 1000.0 for n in ("mouthClose", "mouthCloseJawOpen"))
    nodes = {n.get("name"): n for n in glb.json["nodes"]}
    hinge = 1000 * sum(np.array(nodes[n]["translation"]) for n in ("root", "neck", "jaw"))
    with np.load(ROOT / "avatars" / "heads" / "open.npz") as head:
        turn = float(head["rig_jaw"][0, list(CONTROLS).index("jawOpen")])
    moving = np.flatnonzero(np.abs(close).max(1) > 0.2)
    low, high = moving[jaw[moving] > 0.6], moving[jaw[moving] < 0.4]
    gap = np.linalg.norm(rest[low][:, None] - rest[high][None], axis=2)
    i, j = np.nonzero(gap < 1e-3)
    assert np.ptp(rest[low[i], 0]) > 30
    for opening in (0.1, 0.2, 0.5, 0.8, 1.0):
        p = rest + opening * close + opening**2 * bend
        c, s = np.cos(turn * opening), np.sin(turn * opening)
        open_jaw = (p - hinge) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T + hinge
        p = p + jaw[:, None] * (open_jaw - p)
        assert np.linalg.norm(p[low[i]] - p[high[j]], axis=1).max() < 0.3


@pytest.mark.parametrize("folder", CHARACTERS, ids=lambda p: p.name)
def test_skin_carries_its_wrinkles_unless_it_is_drawn(folder: Path) -> None:
    glb = Glb(folder / "avatar.glb")
    material = next(m for m in glb.json["materials"] if m["name"] == "skin")
    told = material["extras"]["likeness"]
    if told.get("style") == "toon":
        assert "wrinkles" not in told
        assert "normalTexture" not in material
        return
    image = glb.json["images"][glb.json["textures"][told["wrinkles"]]["source"]]
    view = glb.json["bufferViews"][image["bufferView"]]
    picture = Image.open(io.BytesIO(glb.blob[view["byteOffset"] :][: view["byteLength"]]))
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int) - 128
    assert (np.abs(pixels) < 6).mean() > 0.7  # level almost everywhere
    assert (pixels.min(0) < -25).all()  # and folded somewhere in each of the three
