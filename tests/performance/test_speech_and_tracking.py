"""A camera that loses sight of the lips hands them to the voice and takes them back, without a jump."""

import numpy as np

from likeness.head import CONTROL_INDEX, load_character, load_head
from likeness.performance.troupe import Troupe
from likeness.tracking.face import REGIONS

JAW, SMILE, BROW = (CONTROL_INDEX[n] for n in ("jawOpen", "mouthSmileLeft", "browInnerUp"))
SPOKEN, OWN = 0.5, 0.05


def test_a_hand_before_the_mouth_gives_the_lips_to_the_voice_and_keeps_the_smile() -> None:
    troupe = Troupe()
    row = troupe.add(load_character("plain"), load_head("open"), 3)
    person, voice = np.zeros(52, np.float32), np.zeros((1, 52), np.float32)
    person[JAW], person[SMILE], person[BROW] = OWN, 0.8, 0.6
    voice[0, JAW] = SPOKEN
    covered = np.array([0.0 if region == "mouth" else 1.0 for region in REGIONS], np.float32)
    shown = []
    for tick in range(240):
        troupe.set_speech([row], voice, [True])
        if tick % 2 == 0:  # 30 pictures a second; the hand is there in the second and third of four seconds
            troupe.set_tracked(row, person, covered if 60 <= tick < 180 else None)
        shown.append(troupe.step([row], [800 * tick]).controls[0])
    jaw, smile, brow = np.array(shown).T[[JAW, SMILE, BROW]]
    assert abs(jaw[55] - OWN) < 0.02, "the lips are the person's own while the camera sees them"
    assert abs(jaw[170] - SPOKEN) < 0.02, "the voice moves lips that are hidden"
    assert abs(jaw[-1] - OWN) < 0.02, "and gives them back"
    assert np.abs(np.diff(jaw[30:])).max() < 0.1, "in short fades"
    assert smile[30:].min() > 0.75, "a smile survives speech and the hand"
    assert brow[30:].min() > 0.55


def test_a_camera_that_sees_nothing_leaves_the_whole_face_to_voice_and_idle_life() -> None:
    troupe = Troupe()
    row = troupe.add(load_character("plain"), load_head("open"), 3)
    person, voice = np.zeros(52, np.float32), np.zeros((1, 52), np.float32)
    person[SMILE], voice[0, JAW] = 0.9, SPOKEN
    lean = np.array([0.08, 0, 0], np.float32)
    places = []
    for tick in range(180):
        troupe.set_speech([row], voice, [True])
        if tick < 60:
            troupe.set_tracked(row, person, None, np.zeros(3, np.float32), lean)
        frames = troupe.step([row], [800 * tick])
        places.append(frames.head_translation[0])
        if tick == 59:
            assert frames.controls[0, SMILE] > 0.85
    assert frames.controls[0, SMILE] < 0.05
    assert abs(frames.controls[0, JAW] - SPOKEN) < 0.02
    x = np.array(places)[:, 0]
    assert x[59] - x[-1] > 0.06, "the head leaned, and is back in its seat"
    assert np.abs(np.diff(x)[5:]).max() < 0.02


def test_a_mouth_that_keeps_still_while_the_voice_sounds_is_the_voices_and_a_laugh_is_not() -> None:
    troupe = Troupe()
    row = troupe.add(load_character("plain"), load_head("open"), 3)
    person, voice = np.zeros(52, np.float32), np.zeros((1, 52), np.float32)
    person[SMILE], person[BROW] = 0.8, 0.6
    rng = np.random.default_rng(4)
    shown, spoken, own = [], [], []
    for tick in range(600):
        seconds = tick / 60
        # Nine syllables in two seconds, from the first second on. A covered mouth is seen shut, with some
        # noise; from the sixth second the person laughs.
        voice[0, JAW] = 0.22 + 0.2 * np.sin(2 * np.pi * 4.5 * seconds) if seconds > 1 else 0.0
        laughing = seconds >= 6
        person[JAW] = 0.3 + 0.25 * np.sin(2 * np.pi * 5.2 * seconds) if laughing else 0.01 * rng.random()
        troupe.set_speech([row], voice, [seconds > 1])
        if tick % 2 == 0:
            troupe.set_tracked(row, person)
        shown.append(troupe.step([row], [800 * tick]).controls[0])
        spoken.append(voice[0, JAW])
        own.append(person[JAW])
    jaw, smile, brow = np.array(shown).T[[JAW, SMILE, BROW]]
    spoken, own = np.array(spoken), np.array(own)
    assert jaw[30:60].max() < 0.03, "a silent person's own mouth"
    assert np.abs(jaw - spoken)[110:360].max() < 0.03, "the voice moves lips that keep still under it"
    assert np.corrcoef(jaw[400:], own[400:])[0, 1] > 0.7, "a laugh is the person's own"
    assert abs(np.corrcoef(jaw[400:], spoken[400:])[0, 1]) < 0.3
    assert np.abs(np.diff(jaw[30:140])).max() < 0.12, "in a short fade"
    assert smile[30:].min() > 0.75
    assert brow[30:].min() > 0.55, "smile and brows stay throughout"
