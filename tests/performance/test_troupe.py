"""Performers: idle life, gaze, and the blend of speech, tracking, overrides and poses, on the real head."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import InputError
from likeness.head import CONTROL_INDEX, CONTROLS, BakedHead, Character, Hand, Head, load_character, load_head
from likeness.performance import Frames, Troupe, encode_frames
from likeness.tracking.face import REGIONS

JAW, CLOSE = CONTROL_INDEX["jawOpen"], CONTROL_INDEX["mouthClose"]
SMILE, BROW = CONTROL_INDEX["mouthSmileLeft"], CONTROL_INDEX["browInnerUp"]
BLINK = CONTROL_INDEX["eyeBlinkLeft"]
PEOPLE, SECONDS = 12, 60


@cache
def the_head() -> Head:
    return load_head("open")


@cache
def plain() -> Character:
    return load_character("plain")


def cast(count: int, character: Character | None = None) -> tuple[Troupe, list[int]]:
    troupe = Troupe()
    return troupe, [troupe.add(character or plain(), the_head(), seed) for seed in range(count)]


def play(
    troupe: Troupe,
    rows: list[int],
    seconds: float,
    each: Callable[[int], None] = lambda _: None,
    start: int = 0,
) -> Frames:
    """Ticks joined: [T * N], tick-major."""
    ticks: list[Frames] = []
    for k in range(round(seconds * 60)):
        each(k)
        ticks.append(troupe.step(rows, start + 800 * k))
    return Frames.joined(ticks)


def face(**controls: float) -> np.ndarray:
    out = np.zeros(52, np.float32)
    for name, value in controls.items():
        out[CONTROL_INDEX[name]] = value
    return out


@pytest.fixture(scope="module")
def idle() -> Frames:
    """A minute of twelve people with nobody to look at."""
    troupe, rows = cast(PEOPLE)
    return play(troupe, rows, SECONDS)


def of(row: int) -> slice:
    return slice(row, None, PEOPLE)


def test_people_blink_at_human_rates_quickly_down_and_slowly_up(idle: Frames) -> None:
    rates: list[float] = []
    gaps: list[np.ndarray] = []
    for row in range(PEOPLE):
        lid = idle.eyelids[of(row), 0]
        starts = np.nonzero((lid[1:] > 0.02) & (lid[:-1] <= 0.02))[0]
        rates.append(len(starts) / SECONDS)
        gaps.append(np.diff(starts) / 60)
        whole = [k for k in starts if lid[k : k + 12].max() > 0.95 and k + 60 < len(lid)]
        assert len(whole) > 0.6 * len(starts)
        top = [int(lid[k : k + 12].argmax()) for k in whole]
        open_again = [int(np.argmax(lid[k + 12 :] < 0.02)) + 12 for k in whole]
        assert 3 <= np.median(top) <= 7, "closing takes some 80 ms"
        assert np.median(open_again) > 2 * np.median(top), "opening takes longer than closing"
    assert 0.2 < np.mean(rates) < 0.4
    assert min(rates) > 0.1
    between = np.concatenate(gaps)
    assert between.std() / between.mean() > 0.4, "blinks come at irregular intervals"


def test_nothing_in_idle_life_is_periodic(idle: Frames) -> None:
    for row in range(PEOPLE):
        at = of(row)
        for signal in (idle.eyelids[at, 0], idle.head_translation[at, 1], idle.neck[at, 1]):
            x = signal - signal.mean()
            power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
            correlation = np.fft.irfft(power)[: len(x)]
            correlation /= correlation[0]
            crossed = int(np.argmax(correlation < 0.05))
            assert crossed > 0
            assert correlation[crossed:1500].max() < 0.65, "what repeats itself would come back to 1"


def test_nobody_is_ever_quite_still(idle: Frames) -> None:
    for row in range(PEOPLE):
        at = of(row)
        moved = np.abs(np.diff(idle.neck[at], axis=0)).max(1) + np.abs(
            np.diff(idle.head_translation[at], axis=0)
        ).max(1)
        assert (moved > 1e-6).mean() > 0.99
        assert np.abs(idle.neck[at]).max() < 0.5
        assert idle.neck[at].std(0).max() > 0.005


def test_rest_has_a_closed_mouth_and_small_expressions(idle: Frames) -> None:
    assert idle.controls[:, JAW].max() == 0
    mouth = [i for i, name in enumerate(CONTROLS) if name.startswith(("mouth", "jaw", "cheek", "nose"))]
    assert idle.controls[:, mouth].max() < 0.3
    assert idle.controls[:, mouth].max() > 0.05, "but not a mask"


def test_the_same_seed_is_the_same_person_whoever_else_is_there() -> None:
    troupe, rows = cast(5)
    crowd = play(troupe, rows, 8)
    lone = Troupe()
    row = lone.add(plain(), the_head(), 3)
    alone = play(lone, [row], 8)
    np.testing.assert_allclose(crowd.expression[3::5], alone.expression, atol=1e-5)
    np.testing.assert_allclose(crowd.neck[3::5], alone.neck, atol=1e-5)
    assert np.abs(crowd.neck[2::5] - alone.neck).max() > 0.01


def test_rows_come_and_go() -> None:
    troupe, rows = cast(20)
    troupe.step(rows, 0)
    troupe.remove(rows[3])
    troupe.remove(rows[11])
    rest = [r for r in rows if r not in (rows[3], rows[11])]
    assert len(troupe.step(rest, 800)) == 18
    assert troupe.add(plain(), the_head(), 99) in (rows[3], rows[11])
    assert len(troupe) == 19
    with pytest.raises(InputError, match="no performer"):
        troupe.step([77], 0)
    with pytest.raises(InputError):
        troupe.set_driver(1000, 1)
    assert len(troupe.step([], [])) == 0


def test_a_performer_looks_at_the_listener_most_of_the_time_with_both_eyes() -> None:
    troupe, rows = cast(8)
    eyes = troupe.eye_point(rows[0])
    listener = eyes + np.array([0.5, 0.05, 1.0], np.float32)  # to the performer's left, a little higher
    for row in rows:
        troupe.set_listener(row, listener)
    frames = play(troupe, rows, 15)
    yaw = frames.neck[:, 1] + frames.eyes[:, :, 1].mean(1)
    pitch = frames.neck[:, 0] + frames.eyes[:, :, 0].mean(1)
    off = np.degrees(np.hypot(yaw - np.arctan2(0.5, 1.0), pitch + np.arctan2(0.05, np.hypot(0.5, 1.0))))[240:]
    assert 0.55 < (off < 6).mean() < 0.97
    assert off.max() > 8, "nobody stares without a break"
    # The eyes converge: the left one turns further to the right than the right one.
    inward = np.degrees(frames.eyes[:, 1, 1] - frames.eyes[:, 0, 1])[240:]
    assert 2.0 < np.median(inward) < 4.5


def test_eyes_lead_and_the_head_follows() -> None:
    troupe, rows = cast(1)
    play(troupe, rows, 3)
    troupe.set_listener(rows[0], troupe.eye_point(rows[0]) + np.array([-0.45, 0, 1.0], np.float32))
    frames = play(troupe, rows, 1.0, start=3 * 48_000)
    wanted = np.arctan2(-0.45, 1.0)
    gaze = frames.neck[:, 1] + frames.eyes[:, :, 1].mean(1)
    assert np.argmax(gaze < 0.8 * wanted) <= 8, "the gaze is there within 0.13 s"
    assert frames.neck[6, 1] > 0.4 * wanted, "the head is not"
    assert frames.neck[-1, 1] < 0.6 * wanted, "but it comes"


def test_who_stands_behind_is_not_stared_at_over_the_shoulder() -> None:
    troupe, rows = cast(3)
    for row in rows:
        troupe.set_listener(row, troupe.eye_point(row) + np.array([0.2, 0, -1.0], np.float32))
    frames = play(troupe, rows, 8)
    assert np.degrees(np.abs(frames.neck[:, 1])).max() < 30
    assert np.degrees(np.abs(frames.eyes)).max() < 30


def test_speech_owns_the_mouth() -> None:
    troupe, rows = cast(2)
    spoken = np.stack([face(jawOpen=0.5, mouthFunnel=0.3), face(jawOpen=0.4, mouthClose=0.4)])
    frames = play(troupe, rows, 1, lambda _: troupe.set_speech(rows, spoken, [True, True]))
    last = frames.controls[-2:]
    np.testing.assert_allclose(last[:, [JAW, CLOSE]], spoken[:, [JAW, CLOSE]], atol=1e-3)
    assert frames.voiced[-2:].all()
    baked = BakedHead(the_head().model)
    gap = 1000 * baked.lip_gap(frames.expression[-2:], frames.eyelids[-2:], frames.jaw[-2:])
    assert gap[0] > 5
    assert gap[1] < 0.5


@pytest.mark.parametrize("silent", ["nothing set", "rest set"])
def test_when_speech_is_cut_the_mouth_eases_shut(silent: str) -> None:
    troupe, rows = cast(1)
    spoken = face(jawOpen=0.6, mouthLowerDownLeft=0.3)[None]
    play(troupe, rows, 0.5, lambda _: troupe.set_speech(rows, spoken, [True]))

    def after(_: int) -> None:
        if silent == "rest set":
            troupe.set_speech(rows, np.zeros((1, 52), np.float32), [False])

    jaw = play(troupe, rows, 0.6, after, start=24_000).controls[:, JAW]
    assert 0.3 < jaw[1] < 0.6, "it does not snap"
    assert (np.diff(jaw) <= 1e-6).all()
    assert jaw[20] < 0.02, "within a third of a second"
    assert jaw[-1] < 1e-3


def test_an_emotion_stays_under_speech_without_opening_a_closure() -> None:
    troupe, rows = cast(1)
    troupe.set_emotion(rows[0], face(mouthSmileLeft=0.5, mouthSmileRight=0.5, jawOpen=0.3, browInnerUp=0.4))
    before = play(troupe, rows, 2).controls[-1]
    assert before[SMILE] > 0.45
    assert before[JAW] > 0.25
    closed = face(jawOpen=0.2, mouthClose=0.2, mouthPressLeft=0.3, mouthPressRight=0.3)[None]
    frames = play(troupe, rows, 1, lambda _: troupe.set_speech(rows, closed, [True]), start=96_000)
    during = frames.controls[-1]
    assert during[SMILE] > 0.4, "the smile survives"
    assert during[BROW] > 0.35
    baked = BakedHead(the_head().model)
    assert 1000 * baked.lip_gap(frames.expression[-1:], frames.eyelids[-1:], frames.jaw[-1:])[0] < 0.5
    troupe.set_emotion(rows[0], None)
    assert play(troupe, rows, 2, start=144_000).controls[-1][JAW] < 0.01


def test_each_region_belongs_to_whoever_is_sure_of_it() -> None:
    troupe, rows = cast(2)
    spoken = np.stack([face(jawOpen=0.5)] * 2)
    tracked = face(jawOpen=0.1, mouthSmileLeft=0.7, browInnerUp=0.9, eyeBlinkLeft=0.5, eyeLookUpLeft=0.3)
    unseen = np.array([0.0 if region == "mouth" else 1.0 for region in REGIONS], np.float32)

    def each(_: int) -> None:
        troupe.set_speech(rows, spoken, [True, True])
        troupe.set_tracked(rows[0], tracked)  # all of the face is seen
        troupe.set_tracked(rows[1], tracked, unseen)  # a hand or a headset hides the lips

    seen, hidden = play(troupe, rows, 1, each).controls[-2:]
    assert seen[JAW] == pytest.approx(0.1, abs=1e-3), "the person's own lips"
    assert hidden[JAW] == pytest.approx(0.5, abs=1e-3), "the voice moves lips that nobody sees"
    for controls in (seen, hidden):
        assert controls[SMILE] == pytest.approx(0.7, abs=0.02)
        assert controls[BROW] == pytest.approx(0.9, abs=0.02)
        assert controls[BLINK] == pytest.approx(0.5, abs=0.02)
        assert controls[CONTROL_INDEX["eyeLookUpLeft"]] == pytest.approx(0.3, abs=0.02)


def test_a_slow_tracker_keeps_the_face_between_its_pictures_and_a_quick_one_that_is_silent_loses_it() -> None:
    troupe, rows = cast(2)
    tracked = face(browInnerUp=1.0, jawOpen=0.8)

    def each(k: int) -> None:
        if k <= 600 and k % 60 == 0:
            troupe.set_tracked(rows[0], tracked)
        if k <= 600 and k % 4 == 0:
            troupe.set_tracked(rows[1], tracked)

    frames = play(troupe, rows, 14, each)
    slow, quick = frames.controls[0::2, JAW], frames.controls[1::2, JAW]
    assert slow[240:600].min() > 0.79, "a picture a second: it does not fall back to idle life in between"
    assert slow[-1] < 0.01, "and has lost the face when nothing comes for long"
    assert quick[600:615].min() > 0.79
    assert quick[640:].max() < 0.01


def test_a_tracked_face_fades_in_and_out_without_a_jump() -> None:
    troupe, rows = cast(1)
    tracked = face(browInnerUp=1.0, jawOpen=0.8)

    def each(k: int) -> None:
        if 30 <= k < 90 and k % 2 == 0:
            troupe.set_tracked(rows[0], tracked, head=np.array([0, 0.4, 0], np.float32))

    frames = play(troupe, rows, 3, each)
    brow, yaw = frames.controls[:, BROW], frames.neck[:, 1]
    assert np.abs(np.diff(brow)).max() < 0.2
    assert np.abs(np.diff(yaw)).max() < np.radians(4)
    assert brow[80] > 0.97
    assert yaw[80] > 0.35
    assert frames.tracked[80]
    assert brow[-1] < 0.25, "a tracker that went silent lets go"
    assert abs(yaw[-1]) < 0.2
    assert not frames.tracked[-1]


def test_a_slow_camera_moves_the_face_smoothly() -> None:
    troupe, rows = cast(1)

    def each(k: int) -> None:
        if k % 6 == 0:  # 10 pictures a second
            troupe.set_tracked(rows[0], face(browInnerUp=min(k / 60, 1.0)))

    brow = play(troupe, rows, 1.5, each).controls[10:66, BROW]
    assert np.abs(np.diff(brow)).max() < 0.06, "rather than in steps of 0.1"


def test_overrides_are_on_top_and_can_be_taken_back() -> None:
    troupe, rows = cast(1)
    only_jaw = np.full(52, np.nan, np.float32)
    only_jaw[JAW] = 0.9
    psi = np.zeros(the_head().model.expression_count, np.float32)
    psi[2] = 1.5

    def speak(_: int) -> None:
        troupe.set_speech(rows, face(jawOpen=0.2, mouthFunnel=0.5)[None], [True])

    before = play(troupe, rows, 0.5, speak)
    troupe.set_override(rows[0], only_jaw, psi)
    during = play(troupe, rows, 1, speak, start=24_000)
    assert during.controls[-1, JAW] == pytest.approx(0.9, abs=1e-3)
    assert during.controls[-1, CONTROL_INDEX["mouthFunnel"]] == pytest.approx(0.5, abs=1e-3)
    assert during.expression[-1, 2] - before.expression[-1, 2] == pytest.approx(1.5, abs=0.3)
    troupe.set_override(rows[0], None)
    after = play(troupe, rows, 1, speak, start=72_000)
    assert after.controls[-1, JAW] == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("turn", [[0, 0, 0], [0.3, 0, 0], [0, 2.9, 0], [0.4, -1.2, 0.3], [-0.5, 0.7, -0.2]])
def test_the_avatars_eyes_are_where_the_persons_are(turn: list[float]) -> None:
    troupe, rows = cast(1)
    place = np.array([0.4, 1.55, -1.0], np.float32)
    turned = np.array(turn, np.float32)
    frames = play(troupe, rows, 3, lambda _: troupe.set_pose(rows[0], turned, place))
    frame = frames.frame(len(frames) - 1)
    head, model = BakedHead(the_head().model), the_head().model
    mesh = head.vertices(
        frame.expression,
        frame.eyelids,
        frame.jaw,
        frame.neck,
        frame.eyes,
        frame.head_rotation,
        frame.head_translation,
    )
    eyes = (model.joint_regressor @ mesh)[3:5].mean(0)
    np.testing.assert_allclose(eyes, place, atol=0.012)  # breath and nods stay
    # The shoulders stay upright: the root only turns about the vertical.
    np.testing.assert_allclose(frame.head_rotation[[0, 2]], 0, atol=0.02)
    assert frame.tracked


def test_hands_stay_where_they_are_in_the_scene() -> None:
    troupe, rows = cast(1)
    place = np.array([0.1, 1.5, 0.2], np.float32)
    turn = np.array([0, 0, 0, 1], np.float32)
    hands = tuple(Hand(np.array([x, -0.4, 0.3], np.float32), turn, 0.5, 1.0) for x in (0.2, -0.2))
    frames = play(
        troupe, rows, 1, lambda _: troupe.set_pose(rows[0], np.array([0.3, 0.5, 0], np.float32), place, hands)
    )
    assert frames.has_hands[-1]
    scene = frames.head_translation[-1] + frames.hand_position[-1]
    np.testing.assert_allclose(scene, place + np.array([[0.2, -0.4, 0.3], [-0.2, -0.4, 0.3]]), atol=0.012)
    troupe.set_pose(rows[0], None, None)
    assert not play(troupe, rows, 0.1, start=48_000).has_hands[-1]


def test_a_person_who_leaves_glides_back_to_the_seat() -> None:
    troupe, rows = cast(1)
    seat = np.array([1.0, 1.2, 0.0], np.float32)
    troupe.set_seat(rows[0], np.array([0, 0.5, 0], np.float32), seat)
    first = play(troupe, rows, 0.2)
    place = np.array([1.4, 1.6, 0.3], np.float32)
    play(
        troupe,
        rows,
        1,
        lambda _: troupe.set_pose(rows[0], np.array([0.3, 1.4, 0], np.float32), place),
        start=48_000,
    )
    troupe.set_pose(rows[0], None, None)
    back = play(troupe, rows, 4, start=96_000)
    assert np.abs(np.diff(back.head_translation, axis=0)).max() < 0.05
    np.testing.assert_allclose(back.head_translation[-1], first.head_translation[-1], atol=0.05)
    np.testing.assert_allclose(back.head_rotation[-1], [0, 0.5, 0], atol=0.02)


def test_a_guest_model_is_fed_the_controls() -> None:
    guest = replace(plain(), controls_only=True, identity=np.zeros(0, np.float32), folder=Path("nowhere"))
    troupe = Troupe()
    rows = [troupe.add(guest, the_head(), 1), troupe.add(plain(), the_head(), 2)]
    assert troupe.components(rows[0]) == CONTROLS
    assert len(troupe.components(rows[1])) == the_head().model.expression_count
    spoken = np.stack([face(jawOpen=0.5)] * 2)
    frames = play(troupe, rows, 0.5, lambda _: troupe.set_speech(rows, spoken, [True, True]))
    np.testing.assert_allclose(frames.expression[-2, :52], frames.controls[-2])
    scales = troupe.scales(rows)
    assert scales.shape == (2, 52)
    sizes = [len(data) for data in encode_frames(troupe.step(rows, 48_000), rows, [0, 0], scales)]
    assert sizes == [52 + 2 * 52, 52 + 2 * the_head().model.expression_count]


def test_epoch_driver_and_end_ride_in_every_frame() -> None:
    troupe, rows = cast(2)
    troupe.set_epoch(rows[1], 7)
    troupe.set_driver(rows[1], 3)
    troupe.set_ended(rows[0])
    frames = troupe.step(rows, [1600, 2400])
    assert frames.epoch.tolist() == [0, 7]
    assert frames.driver.tolist() == [6, 3]
    assert frames.ended.tolist() == [True, False]
    assert frames.sample.tolist() == [1600, 2400]


def test_numbers_that_are_none_are_refused_or_harmless() -> None:
    troupe, rows = cast(1)
    bad = np.full(52, np.nan, np.float32)
    nan3 = np.full(3, np.nan, np.float32)
    for attempt in (
        lambda: troupe.set_tracked(rows[0], bad),
        lambda: troupe.set_tracked(rows[0], np.zeros(51, np.float32)),
        lambda: troupe.set_tracked(rows[0], np.zeros(52, np.float32), np.ones(5, np.float32)),
        lambda: troupe.set_tracked(rows[0], np.zeros(52, np.float32), head=nan3),
        lambda: troupe.set_emotion(rows[0], bad),
        lambda: troupe.set_listener(rows[0], nan3),
        lambda: troupe.set_pose(rows[0], nan3, np.zeros(3, np.float32)),
        lambda: troupe.set_override(rows[0], np.zeros(3, np.float32)),
        lambda: troupe.set_override(rows[0], None, np.zeros(99, np.float32)),
        lambda: troupe.set_override(rows[0], None, np.full(3, np.inf, np.float32)),
    ):
        with pytest.raises(InputError):
            attempt()
    troupe.set_speech(rows, bad[None], [True])
    frames = play(troupe, rows, 0.1)
    for field in (frames.expression, frames.neck, frames.eyes, frames.controls, frames.head_translation):
        assert np.isfinite(field).all()


def test_whatever_is_set_in_whatever_order_every_frame_is_sound() -> None:
    """Performers come, go, speak, are tracked, posed, overridden and left, with extreme numbers."""
    rng = np.random.default_rng(12)
    troupe, rows = cast(3)
    guest = replace(plain(), controls_only=True, identity=np.zeros(0, np.float32), folder=Path("nowhere"))

    def extreme(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) * 10.0 ** rng.integers(-6, 4)).astype(np.float32)

    def act(row: int) -> None:
        match int(rng.integers(11)):
            case 0 if len(rows) > 1:
                troupe.remove(row)
                rows.remove(row)
            case 1 if len(rows) < 9:
                rows.append(
                    troupe.add(guest if rng.random() < 0.3 else plain(), the_head(), int(rng.integers(99)))
                )
            case 2:
                troupe.set_speech([row], np.abs(extreme(1, 52)), [rng.random() < 0.5])
            case 3:
                troupe.set_tracked(row, extreme(52), extreme(6), extreme(3))
            case 4:
                troupe.set_tracked(row, None)
            case 5:
                troupe.set_pose(row, extreme(3), extreme(3))
            case 6:
                troupe.set_pose(row, None, None)
            case 7:
                troupe.set_listener(row, extreme(3) if rng.random() < 0.8 else None)
            case 8:
                troupe.set_override(row, extreme(52), extreme(5))
            case 9:
                troupe.set_override(row, None)
            case _:
                troupe.set_emotion(row, extreme(52) if rng.random() < 0.5 else None)

    sample = 0
    for tick in range(900):
        for _ in range(int(rng.integers(3))):
            act(rows[int(rng.integers(len(rows)))])
        sample += int(rng.choice([800, 800, 800, 0, 1600, 480_000]))
        picked = [r for r in rows if rng.random() < 0.8]
        frames = troupe.step(picked, sample)
        for data in encode_frames(frames, picked, [tick] * len(picked), troupe.scales(picked)):
            assert 52 <= len(data) <= 276
        for field in (frames.expression, frames.jaw, frames.neck, frames.eyes, frames.head_rotation):
            assert np.isfinite(field).all()
        assert np.isfinite(frames.head_translation).all()
        for weights in (frames.controls, frames.eyelids):
            assert ((weights >= 0) & (weights <= 1)).all()
        assert (np.abs(frames.eyes) < np.radians(35)).all()
