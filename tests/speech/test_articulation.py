"""Phones become a mouth: p, b and m seal the lips, vowels open them in order, silence is exactly rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.head.controls import CONTROLS
from likeness.speech.articulation import (
    CLOSE,
    FUNNEL,
    JAW,
    PUCKER,
    RATE,
    ROLL,
    STRETCH,
    STYLES,
    Articulator,
    TimedPhone,
    arpabet_classes,
    articulate,
    curves_to_controls,
    ipa_classes,
)

JAW_OPEN, MOUTH_CLOSE = CONTROLS.index("jawOpen"), CONTROLS.index("mouthClose")


def said(*phones: tuple[str, int], start: int = RATE // 2) -> list[TimedPhone]:
    """Phones of so many milliseconds, one after another."""
    out = []
    for ipa, milliseconds in phones:
        out.append(TimedPhone(ipa, start, start + milliseconds * 48))
        start = out[-1].end
    return out


def frame_in(phone: TimedPhone) -> int:
    return round((phone.start + phone.end) / 2 / 800)


@pytest.mark.parametrize(
    ("ipa", "classes"),
    [
        ("b", ["b"]), ("ˈɑː", ["A"]), ("aɪ", ["a", "I"]), ("tʃ", ["t", "sh"]), ("ʧ", ["t", "sh"]),
        ("oʊ", ["O", "u"]), ("ç", ["h"]),
        ("ɑ̃", ["A"]), ("t̪", ["t"]), ("pʰ", ["p"]), ("", ["sil"]), ("_", ["sil"]), ("ʙ", ["b"]), ("?", []),
    ],
)  # fmt: skip
def test_ipa_is_read_with_its_marks(ipa, classes):
    assert ipa_classes(ipa) == classes


def test_arpabet_is_read_with_stress_digits():
    assert arpabet_classes("AY1") == ["a", "I"]
    assert arpabet_classes("M") == ["m"]
    assert arpabet_classes("+NSN+") == ["sil"]


@pytest.mark.parametrize("bilabial", ["p", "b", "m"])
@pytest.mark.parametrize("length", [25, 60, 120])
def test_bilabials_seal_the_lips_for_two_frames_at_least(bilabial, length):
    phones = said(("æ", 150), (bilabial, length), ("æ", 150))
    curves = articulate(phones, 0, 90)
    sealed = np.flatnonzero(curves[:, CLOSE] == 1.0)
    assert len(sealed) >= 2
    assert np.all(np.diff(sealed) == 1)
    assert abs(sealed[0] * 800 - phones[1].start) <= 1600
    controls = curves_to_controls(curves[sealed])
    np.testing.assert_array_equal(controls[:, MOUTH_CLOSE], controls[:, JAW_OPEN])
    for name in ("mouthFunnel", "mouthLowerDownLeft", "mouthUpperUpRight", "tongueOut"):
        assert not controls[:, CONTROLS.index(name)].any(), name
    assert (controls[:, CONTROLS.index("mouthPressLeft")] > 0.2).all()


def test_lips_part_again_after_a_closure():
    curves = articulate(said(("ɑ", 200), ("b", 70), ("ɑ", 200)), 0, 90)
    assert curves[frame_in(said(("ɑ", 200), ("b", 70), ("ɑ", 200))[2]), CLOSE] == 0.0


def test_vowels_open_in_order_and_round_or_spread():
    at = {}
    for vowel in ("i", "ɪ", "ɛ", "æ", "u", "ɔ"):
        phones = said(("t", 60), (vowel, 220), ("t", 60))
        at[vowel] = articulate(phones, 0, 90)[frame_in(phones[1])]
    assert at["i"][JAW] < at["ɪ"][JAW] < at["ɛ"][JAW] < at["æ"][JAW]
    assert at["u"][PUCKER] > 0.7
    assert at["i"][PUCKER] < 0.1
    assert at["i"][STRETCH] > 0.7
    assert at["u"][STRETCH] < 0.1
    assert at["ɔ"][FUNNEL] > 0.5


def test_teeth_meet_the_lip_on_f_and_v_only():
    for consonant, wanted in (("f", True), ("v", True), ("s", False), ("k", False)):
        phones = said(("ə", 120), (consonant, 100), ("ə", 120))
        roll = articulate(phones, 0, 90)[frame_in(phones[1]), ROLL]
        assert (roll > 0.6) == wanted, consonant


def test_lips_round_before_the_rounded_vowel_comes():
    phones = said(("t", 80), ("s", 100), ("u", 200))
    curves = articulate(phones, 0, 90)
    early = (phones[2].start - 30 * 48) // 800
    assert curves[early, PUCKER] > 0.25


def test_silence_is_exactly_rest():
    curves = articulate(said(("ɑ", 200)), 0, 120)
    assert not curves[:20].any()
    assert not curves[80:].any()
    assert not curves_to_controls(curves[80:]).any()
    assert not articulate([], 0, 10).any()


def test_a_stream_of_phones_gives_the_same_curves_as_all_at_once():
    phones = said(
        ("b", 70), ("ɑː", 150), ("", 120), ("m", 60), ("uː", 140), ("v", 60), ("aɪ", 180), ("dʒ", 90)
    )
    whole = articulate(phones, 0, 100)
    articulator, given_out, rows = Articulator(), 0, []
    for frame in range(100):
        while given_out < len(phones) and phones[given_out].start <= frame * 800 + RATE // 3:
            articulator.push(phones[given_out : given_out + 1])
            given_out += 1
        rows.append(articulator.curves(frame * 800))
    np.testing.assert_allclose(np.stack(rows), whole, atol=1e-5)


def test_a_barge_in_cuts_what_was_not_said():
    phones = said(("ɑ", 200), ("ɑ", 200), ("ɑ", 200))
    articulator = Articulator()
    articulator.push(phones)
    articulator.clear(from_sample=phones[1].start)
    assert articulator.known_until == phones[0].end
    assert not articulator.curves(phones[2].end).any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=4), st.integers(0, 20_000), st.integers(0, 20_000)), max_size=12),
    st.integers(0, len(STYLES) - 1),
)
def test_any_phones_at_all_give_finite_controls_in_range(phones, style):
    start, timed = 0, []
    for ipa, gap, length in phones:
        timed.append(TimedPhone(ipa, start + gap, start + gap + length))
        start = timed[-1].end
    controls = curves_to_controls(articulate(timed, 0, 40), STYLES[style])
    assert np.isfinite(controls).all()
    assert controls.min() >= 0
    assert controls.max() <= 1


def test_styles_change_how_far_the_mouth_moves_and_never_unseal_it():
    phones = said(("ɑ", 200), ("m", 90), ("ɑ", 200))
    curves = articulate(phones, 0, 90)
    openings = {s.name: curves_to_controls(curves, s)[:, JAW_OPEN].max() for s in STYLES}
    assert openings["relaxed"] < openings["neutral"] < openings["clear"] < openings["broad"]
    for style in STYLES:
        middle = curves_to_controls(curves[frame_in(phones[1])], style)
        assert middle[MOUTH_CLOSE] == middle[JAW_OPEN] > 0
        assert not curves_to_controls(np.zeros(8, np.float32), style).any()
