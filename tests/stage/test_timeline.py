"""Sound that is placed is read back sample for sample; a cut silences the rest within 5 ms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from likeness.stage.timeline import FADE, VoiceTimeline, as_float, as_int16


def tone(count: int, value: int = 1000) -> np.ndarray:
    return np.full(count, value, np.int16)


def test_what_is_placed_is_read_at_its_place() -> None:
    timeline = VoiceTimeline()
    timeline.place(100, tone(50, 1))
    timeline.place(150, tone(50, 2))
    read = timeline.read(90, 120)
    assert read is not None
    assert read.tolist() == [0] * 10 + [1] * 50 + [2] * 50 + [0] * 10


def test_absence_is_told_from_silence() -> None:
    timeline = VoiceTimeline()
    assert timeline.read(0, 800) is None
    timeline.place(0, tone(800, 0))
    assert timeline.read(0, 800) is not None


def test_an_overlap_moves_the_later_piece_behind_the_earlier() -> None:
    timeline = VoiceTimeline()
    timeline.place(0, tone(100, 1))
    timeline.place(50, tone(100, 2))
    read = timeline.read(0, 200)
    assert read is not None
    assert read.tolist() == [1] * 100 + [2] * 100


def test_a_cut_fades_and_then_is_silent() -> None:
    timeline = VoiceTimeline()
    for k in range(20):
        timeline.place(k * 960, tone(960))
    timeline.cut(4800)
    before, after = timeline.read(0, 4800), timeline.read(4800, 9600)
    assert before is not None
    assert (before == 1000).all()
    assert after is not None
    assert after[0] > 900
    assert (np.diff(after[:FADE]) <= 0).all()
    assert not after[FADE:].any()
    assert timeline.end == 4800 + FADE


@given(
    pieces=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), max_size=12),
    first=st.integers(0, 3000),
    count=st.integers(1, 1500),
    past=st.integers(0, 3000),
)
def test_reading_is_the_same_as_from_one_long_array(
    pieces: list[tuple[int, int]], first: int, count: int, past: int
) -> None:
    timeline, whole, end = VoiceTimeline(), np.zeros(12_000, np.int16), 0
    for k, (gap, length) in enumerate(pieces):
        start = end + gap
        timeline.place(start, tone(length, k + 1))
        whole[start : start + length] = k + 1
        end = start + length if length else end
    timeline.forget(min(past, first))
    read = timeline.read(first, count)
    expected = whole[first : first + count]
    assert (np.zeros(count, np.int16) if read is None else read).tolist() == expected.tolist()


def test_both_forms_of_sound_mean_the_same() -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], np.int16)
    assert as_int16(as_float(pcm)).tolist() == pcm.tolist()
    assert as_int16(np.array([2.0, -2.0, np.nan], np.float32)).tolist() == [32767, -32768, 0]
