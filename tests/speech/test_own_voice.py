"""A voice of one's own, as docs/voices.md shows it, is found, speaks, and moves the mouth."""

import re
from pathlib import Path

import numpy as np
import pytest

from likeness.cli.main import cli, run
from likeness.errors import InputError, NotFoundError
from likeness.head.character import VoiceSettings
from likeness.head.controls import CONTROL_INDEX
from likeness.performance.take import Take
from likeness.speech.voice import load_voice

DOCUMENT = (Path(__file__).parents[2] / "docs" / "voices.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document's example, laid out as pip would install it."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (name, target) = re.findall(r"^(\w+) = \"(\w+:\w+)\"", DOCUMENT, re.MULTILINE)[0]
    site, about = tmp_path / "site", tmp_path / "site" / "likeness_hum-1.0.dist-info"
    about.mkdir(parents=True)
    (site / f"{target.partition(':')[0]}.py").write_text(code)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: likeness-hum\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[likeness.voices]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(str(site))


async def test_it_is_found_by_its_name_and_keeps_what_a_voice_promises() -> None:
    voice = load_voice("hum")
    await voice.start()
    chunks = [chunk async for chunk in voice.speak("Three humming words", VoiceSettings())]
    await voice.aclose()
    ends = np.cumsum([len(chunk.pcm) for chunk in chunks])
    assert [chunk.first for chunk in chunks] == [0, *ends[:-1]]
    assert [chunk.final for chunk in chunks] == [False, False, True]
    assert all(chunk.pcm.dtype == np.int16 for chunk in chunks)
    assert "".join(phone.phone for chunk in chunks for phone in chunk.phones) == "mamama"
    with pytest.raises(InputError):
        voice.speak("", VoiceSettings())


def test_a_character_speaks_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "data"))
    path = tmp_path / "take.npz"
    arguments = ["say", "Three humming words", "--voice", "hum", "-o", str(path)]
    assert run(lambda: cli.main(args=arguments, standalone_mode=False)) == 0
    take = Take.load(path)
    jaw = take.controls[:, CONTROL_INDEX["jawOpen"]]
    assert jaw.max() > 0.2
    assert np.abs(take.voice).max() > 5000
    assert take.lip_gap_mm[jaw > 0.2].mean() > 3


def test_a_name_that_nobody_offers_is_told_the_names_that_are() -> None:
    with pytest.raises(NotFoundError, match=r'espeak, hum\. Did you mean "hum"'):
        load_voice("humm")
