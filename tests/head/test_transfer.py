"""A rig derived for a stranger's head plays the shapes that are known to be true on it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.errors import InputError
from likeness.head import CONTROL_INDEX, CONTROLS, BakedHead, Head, HeadModel, load_character, load_head
from likeness.head.contact_sheet import COLUMNS, LABEL, PANEL
from likeness.head.guest import inspect_glb
from likeness.head.importer import HeadReport, import_head
from likeness.head.mesh import Surface, vertex_normals
from likeness.head.transfer import Derived, derive_rig, play
from tests.head.copy_of_open import Copy, copy_of, warp
from tests.head.synthetic import flame_arrays

SIDED = [
    c
    for c in CONTROLS
    if c.endswith(("Left", "Right")) and not c.startswith(("jaw", "mouthLeft", "mouthRight"))
]


@pytest.fixture(scope="module")
def open_head() -> Head:
    return load_head("open")


@pytest.fixture(scope="module")
def stranger(open_head: Head) -> Copy:
    return copy_of(open_head)


@pytest.fixture(scope="module")
def imported(stranger: Copy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadReport]:
    """The stranger, imported from its file as a person would."""
    folder = tmp_path_factory.mktemp("import")
    np.savez(folder / "Some Stranger.npz", **stranger.arrays)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_DATA", str(folder / "data"))
        shares: list[float] = []
        yield import_head(folder / "Some Stranger.npz", progress=shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1)


@pytest.fixture(scope="module")
def derived(imported: HeadReport) -> Derived:
    return imported.derived


@pytest.fixture(scope="module")
def played(stranger: Copy, derived: Derived) -> np.ndarray:
    return play(stranger.model, derived.rig, derived.eyelid_dirs)


def skin_lengths(stranger: Copy, shapes: np.ndarray) -> np.ndarray:
    """Displacement lengths [52,V] without the eyeballs, which turn rigidly by their joints."""
    return np.linalg.norm(shapes, axis=2) * (stranger.model.weights[:, 3:].sum(1) < 0.5)


def test_the_stranger_shares_no_vertex_triangle_or_component_with_the_open_head(
    open_head: Head, stranger: Copy
) -> None:
    assert stranger.model.vertex_count == 5023
    ours = warp(open_head.model.v_template.astype(np.float64))
    nearest = np.linalg.norm(stranger.model.v_template[::50, None] - ours[None], axis=2).min(1)
    assert np.median(nearest) > 2e-4
    assert stranger.model.expression_count == 100
    assert not set(stranger.model.expression_names) & set(open_head.model.expression_names)
    assert stranger.model.eyelid_dirs is None


def test_recovered_shapes_are_true_within_eight_percent(stranger: Copy, played: np.ndarray) -> None:
    """Mean vertex error over the vertices that a control moves, against its largest movement; and over all
    controls together the error is at most 8 % of the movement itself, too."""
    true, error = skin_lengths(stranger, stranger.truth), skin_lengths(stranger, played - stranger.truth)
    moving = [k for k in range(52) if true[k].max() > 3e-4]
    assert len(moving) >= 46
    for k in moving:
        moved = true[k] > 1e-5
        assert error[k][moved].mean() <= 0.08 * true[k].max(), CONTROLS[k]
    assert np.mean([error[k].sum() / true[k].sum() for k in moving]) <= 0.08


def test_left_does_not_leak_into_right(stranger: Copy, played: np.ndarray) -> None:
    """Where the true shape stands still on the other side, at most 2 % of the movement appears."""
    side = stranger.model.v_template[:, 0]
    true, out = skin_lengths(stranger, stranger.truth), skin_lengths(stranger, played)
    for name in SIDED:
        k = CONTROL_INDEX[name]
        if true[k].max() < 3e-4:
            continue
        other = (side < -0.005 if name.endswith("Left") else side > 0.005) & (true[k] < 1e-5)
        assert out[k][other].sum() <= 0.02 * out[k].sum(), name


def test_the_jaw_opens_by_its_joint(stranger: Copy, derived: Derived) -> None:
    assert 0.9 <= derived.jaw_share <= 1.1
    assert derived.rig.jaw[0, CONTROL_INDEX["jawOpen"]] > 0.15
    without = [k for k, c in enumerate(CONTROLS) if not c.startswith("jaw")]
    assert not derived.rig.jaw[:, without].any()


def test_eyes_turn_by_their_joints_as_on_the_open_head(open_head: Head, derived: Derived) -> None:
    assert np.array_equal(derived.rig.eyes, open_head.rig.eyes)


def test_the_lips_meet_where_the_open_heads_do(stranger: Copy, derived: Derived) -> None:
    upper, lower = derived.lip_pair
    v = stranger.model.v_template
    assert np.linalg.norm(v[upper] - v[lower]) < 0.004
    assert stranger.model.weights[upper, 2] < 0.5 < stranger.model.weights[lower, 2]


def test_the_reported_round_trip_is_what_playing_back_gives(
    stranger: Copy, derived: Derived, played: np.ndarray
) -> None:
    gap = skin_lengths(stranger, played - derived.shapes)
    size = skin_lengths(stranger, derived.shapes)
    for name in ("mouthPucker", "browInnerUp", "jawOpen"):
        k = CONTROL_INDEX[name]
        assert derived.error[k] == pytest.approx(gap[k].sum() / size[k].sum(), rel=0.05), name


def test_an_imported_head_is_installed_with_its_rig(imported: HeadReport, stranger: Copy) -> None:
    head = load_head("some-stranger")
    assert head.name == "some-stranger"
    assert np.array_equal(head.model.v_template, stranger.model.v_template)
    assert np.array_equal(head.model.shapedirs, stranger.model.shapedirs)
    assert np.array_equal(head.rig.expression, imported.derived.rig.expression)
    assert head.rig.error is not None
    half_open = head.rig.apply(0.5 * np.eye(52, dtype=np.float32)[[CONTROL_INDEX["jawOpen"]]])
    gap = BakedHead(head.model).lip_gap(half_open.expression, half_open.eyelids, half_open.jaw)
    assert 0.004 < gap[0] < 0.03
    blink = head.rig.apply(np.eye(52, dtype=np.float32)[:1])
    assert blink.eyelids[0].tolist() == [1, 0]


def test_an_imported_head_can_be_met_as_a_character(imported: HeadReport) -> None:
    character = load_character("some-stranger")
    assert character.head == "some-stranger"
    avatar = inspect_glb(character.avatar)
    assert avatar.likeness["generated"] is True
    assert {"neck", "jaw", "left_eye", "right_eye"} <= set(avatar.joints)
    assert {t.name for t in avatar.targets} >= {"eyelidLeft", "eyelidRight", "expression000"}
    with Image.open(character.portrait) as portrait:
        assert np.asarray(portrait).std() > 20


def test_the_contact_sheet_shows_a_face_that_differs_in_every_panel(imported: HeadReport) -> None:
    with Image.open(imported.sheet) as image:
        sheet = np.asarray(image.convert("RGB"), np.float64)
    width, height = PANEL
    panels = [
        sheet[r * (height + LABEL) : r * (height + LABEL) + height, c * width : (c + 1) * width]
        for r in range(6)
        for c in range(COLUMNS)
    ]
    neutral = panels[0]
    assert neutral.std() > 20
    for k, name in enumerate(CONTROLS):
        if name != "tongueOut":  # the stranger has no tongue
            assert np.abs(panels[k + 1] - neutral).max() > 20, name


def test_the_report_names_every_control_with_its_error(imported: HeadReport) -> None:
    text = "\n".join(imported.lines)
    for name in CONTROLS:
        if not name.startswith(("eyeLookIn", "eyeLookOut")):
            assert name in text
    assert "sha256" in text
    assert "licence: not stated" in text
    assert "without effect on this head: tongueOut" in text


def test_names_of_the_cast_and_malformed_names_are_refused(stranger: Copy, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **stranger.arrays)
    for name in ("open", "einstein", "../x", "", "A b"):
        with pytest.raises(InputError, match="name"):
            import_head(tmp_path / "x.npz", name=name)


def test_what_is_no_head_is_refused(open_head: Head) -> None:
    arrays = {k: v for k, v in flame_arrays(400, 10, 10).items() if isinstance(v, np.ndarray)}
    ball = arrays["v_template"] / np.linalg.norm(arrays["v_template"], axis=1, keepdims=True) * 0.5
    for change in ({"v_template": ball}, {"v_template": arrays["v_template"] * [-1, 1, 1]}):
        with pytest.raises(InputError):
            derive_rig(open_head, HeadModel.from_arrays({**arrays, **change}, "x", "x"))


def test_nearest_points_lie_on_the_surface_and_face_the_same_way(egg: Path) -> None:
    model = HeadModel.load(egg)
    vertices = model.v_template.astype(np.float64)
    surface = Surface(vertices, model.faces)
    rng = np.random.default_rng(0)
    bary = rng.dirichlet([1, 1, 1], 200)
    faces = rng.integers(0, len(model.faces), 200)
    on = np.einsum("nk,nkd->nd", bary, vertices[model.faces[faces]])
    normals = vertex_normals(vertices, model.faces)
    there = np.einsum("nk,nkd->nd", bary, normals[model.faces[faces]])
    found = surface.nearest(on + 0.003 * there, there)
    assert (found.distance < 0.0032).all()
    assert np.linalg.norm(found.at(vertices, model.faces) - on, axis=1).max() < 0.0015
