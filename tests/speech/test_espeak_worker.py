import subprocess
import sys
from pathlib import Path

import espeakng_loader
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from likeness.speech import espeak_worker as wire
from likeness.speech.espeak_worker import PhoneTimer


@given(st.binary(max_size=400))
def test_random_bytes_are_never_a_crash_in_the_block_decoder(data: bytes) -> None:
    try:
        _, _, phones, pcm = wire.decode_block(data)
    except ValueError:
        return
    assert pcm.dtype == np.int16
    assert all(isinstance(ipa, str) for ipa, _, _ in phones)


@given(
    st.integers(0, 2**63),
    st.booleans(),
    st.lists(st.tuples(st.text(max_size=20), st.integers(0, 2**40), st.integers(0, 2**40)), max_size=30),
    st.lists(st.integers(-32768, 32767), max_size=200),
)
def test_a_block_decodes_to_what_was_encoded(
    first: int, final: bool, phones: list[tuple[str, int, int]], pcm: list[int]
) -> None:
    phones = [(ipa.encode("utf-8", "ignore").decode(), start, end) for ipa, start, end in phones]
    back = wire.decode_block(wire.encode_block(first, final, phones, np.array(pcm, np.int16)))
    assert (*back[:3], back[3].tolist()) == (first, final, phones, pcm)


def test_the_library_finds_its_data_behind_a_long_path(tmp_path: Path) -> None:
    """espeak-ng cuts paths at 160 characters."""
    deep = tmp_path / ("x" * 120) / ("y" * 120)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
    code = (
        "import sys; from likeness.speech.espeak_worker import Library; "
        "print(len(Library(*sys.argv[1:]).languages()))"
    )
    arguments = [sys.executable, "-c", code, espeakng_loader.get_library_path(), deep / "espeak-ng-data"]
    assert int(subprocess.run(arguments, capture_output=True, check=True).stdout) > 100


def _burst(length: int, quiet: tuple[int, int]) -> np.ndarray:
    sound = (np.sin(np.arange(length) / 5) * 8000).astype(np.int16)
    sound[quiet[0] : quiet[1]] = 0
    return sound


def test_the_silence_before_a_burst_belongs_to_the_stop() -> None:
    timer = PhoneTimer(22050)
    sound = _burst(22050, (9000, 10500))
    phones = timer.push(sound, [("a", 0), ("p", 10500), ("a", 11500)])
    phones += timer.push(sound[:0], [], final=len(sound))
    assert [p for p, _, _ in phones] == ["a", "p", "a"]
    assert abs(phones[1][1] - 9000) < 120
    assert phones[0][2] == phones[1][1]


def test_an_event_without_a_phoneme_is_a_pause_only_in_silence() -> None:
    timer = PhoneTimer(22050)
    sound = _burst(22050, (15000, 20000))
    phones = timer.push(sound, [("a", 0), ("", 5000), ("s", 8000), ("", 15000), ("a", 20000)])
    phones += timer.push(sound[:0], [], final=len(sound))
    assert phones == [("a", 0, 8000), ("s", 8000, 15000), ("", 15000, 20000), ("a", 20000, 22050)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "p", "", "(en)", "t", "ˈiː"]), st.integers(0, 30000)), max_size=30
    )
)
def test_phones_never_overlap_whatever_the_events_say(events: list[tuple[str, int]]) -> None:
    timer = PhoneTimer(22050)
    sound = _burst(30000, (4000, 6000))
    phones: list[tuple[str, int, int]] = []
    for start in range(0, 30000, 1500):
        here = [event for event in events if start <= event[1] < start + 1500]
        phones += timer.push(sound[start : start + 1500], sorted(here, key=lambda e: e[1]))
    phones += timer.push(sound[:0], [], final=30000)
    edges = [edge for _, start, end in phones for edge in (start, end)]
    assert edges == sorted(edges)
    assert edges[0] == 0
    assert edges[-1] == 30000
