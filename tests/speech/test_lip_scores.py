"""The scores say what they should: on perfect, late, missing, doubled and idle closures."""

import numpy as np

from likeness.speech.articulation import RATE, TimedPhone
from likeness.speech.lip_scores import Score, closures_said, closures_shown, strict, tolerant


def phones(*spans: tuple[str, float, float]) -> list[TimedPhone]:
    return [TimedPhone(ipa, round(a * RATE), round(b * RATE)) for ipa, a, b in spans]


def test_closures_that_touch_are_one():
    said = closures_said(
        phones(("æ", 0, 0.2), ("m", 0.2, 0.3), ("p", 0.3, 0.4), ("ə", 0.4, 0.5), ("b", 0.5, 0.6))
    )
    assert len(said) == 2
    assert said[0][0] == 0.2
    assert 0.3 < said[0][1] < 0.4


def test_frames_stand_for_the_time_around_them():
    frames = np.zeros(60, bool)
    frames[[10, 11, 30]] = True
    a, b = closures_shown(frames)
    assert np.allclose(a, (9.5 / 60, 11.5 / 60))
    assert np.allclose(b, (29.5 / 60, 30.5 / 60))


def test_perfect_and_missing_closures():
    said = [(0.2, 0.28), (1.0, 1.05)]
    assert strict(said, said).f == 1.0
    missed = strict(said, said[:1])
    assert (missed.recall, missed.precision) == (0.5, 1.0)
    assert strict(said, []) == Score(2, 0, 0, 0)


def test_strict_allows_20_ms_and_one_each():
    said = [(0.20, 0.25)]
    assert strict(said, [(0.265, 0.3)]).said_hit == 1
    assert strict(said, [(0.275, 0.3)]).said_hit == 0
    doubled = strict(said, [(0.19, 0.21), (0.23, 0.26)])
    assert (doubled.recall, doubled.precision) == (1.0, 0.5)
    covering = strict([(0.2, 0.25), (0.3, 0.35)], [(0.1, 0.6)])
    assert (covering.recall, covering.precision) == (0.5, 1.0)


def test_tolerant_allows_40_ms_and_excuses_pauses():
    said = [(0.20, 0.25)]
    assert tolerant(said, [(0.285, 0.3)]).recall == 1.0
    idle = tolerant(said, [(0.2, 0.25), (0.7, 0.8)], pauses=[(0.6, 1.0)])
    assert idle.precision == 1.0
    assert tolerant(said, [(0.2, 0.25), (0.7, 0.8)]).precision == 0.5


def test_scores_add_up():
    total = Score(2, 1, 1, 1) + Score(2, 3, 1, 1)
    assert (total.recall, total.precision) == (0.5, 0.5)
