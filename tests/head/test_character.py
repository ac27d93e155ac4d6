"""Characters are read strictly: a wrong key names the right one; assets are missed only when asked for."""

import hashlib
from pathlib import Path

import pytest

from likeness.errors import InputError, NotFoundError
from likeness.head import list_characters, load_character, load_head
from tests.head.synthetic import own_head

TOML = """
name = "Ada"
born = "1815"
died = "1852"
summary = "Wrote the first programme."
persona = "You are precise."
rights = "Built from code; Apache-2.0."
head = "egg"

[identity]
shape2 = 0.5
shape0 = -1

[voice]
language = "en-gb"
pitch = 60

[idle]
blink_rate = 0.3

[posture]
neck_pitch = 0.1
"""


def put(home: Path, toml: str, id: str = "ada") -> Path:
    if not (home / "heads" / "egg.npz").exists():
        own_head(home / "heads" / "egg.npz")
    folder = home / "characters" / id
    folder.mkdir(exist_ok=True)
    (folder / "character.toml").write_text(toml, encoding="utf-8")
    return folder


def test_a_character_is_read(home: Path) -> None:
    put(home, TOML)
    ada = load_character("ada")
    assert (ada.id, ada.name, ada.born, ada.head) == ("ada", "Ada", "1815", "egg")
    assert ada.identity.tolist() == [-1, 0, 0.5, 0, 0, 0]
    assert (ada.voice.language, ada.voice.pitch, ada.voice.rate) == ("en-gb", 60, 165)
    assert (ada.idle.blink_rate, ada.idle.gaze) == (0.3, 0.7)
    assert ada.posture.neck_pitch == 0.1
    assert [c.id for c in list_characters()] == ["ada"]


def test_the_avatar_is_missed_only_when_asked_for(home: Path) -> None:
    folder = put(home, TOML)
    ada = load_character("ada")
    with pytest.raises(NotFoundError, match="avatar"):
        _ = ada.avatar_sha256
    for content in (b"one", b"three"):
        (folder / "avatar.glb").write_bytes(content)
        assert ada.avatar_sha256 == hashlib.sha256(content).hexdigest()


def test_an_unknown_character_names_those_there_are(home: Path) -> None:
    put(home, TOML)
    put(home, TOML, "curie")
    for wrong in ("eda", "", "../ada", "a" * 5000):
        with pytest.raises(NotFoundError, match="ada, curie"):
            load_character(wrong)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("persona", "personna", "unknown key 'personna'; did you mean persona"),
        ("pitch", "ptich", r"\[voice\]: unknown key 'ptich'; did you mean pitch"),
        ("shape2", "shap2", r"\[identity\] of head 'egg': unknown key 'shap2'; did you mean shape2"),
        ("neck_pitch", "zzz", r"\[posture\]: unknown key 'zzz'; it can hold neck_pitch, head_pitch"),
        ("pitch = 60", "pitch = 600", "pitch = '600' should be a whole number from 0 to 99"),
        ("blink_rate = 0.3", "blink_rate = true", "should be a number from 0 to 2"),
        ('name = "Ada"', "name = 3", "should be a text in quotes"),
        ('name = "Ada"', "", "name is missing"),
        ('rights = "Built from code; Apache-2.0."', "", "rights is missing"),
        ('head = "egg"', "look = { hair = 3 }", "unknown key 'look'"),
        ("[voice]", "[voice", "not valid TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named(home: Path, before: str, after: str, words: str) -> None:
    put(home, TOML.replace(before, after))
    with pytest.raises(InputError, match=words):
        load_character("ada")


def test_a_value_where_a_table_belongs_is_named(home: Path) -> None:
    put(home, 'name = "Ada"\nrights = "x"\nvoice = 3\n')
    own_head(home / "heads" / "open.npz")
    with pytest.raises(InputError, match=r"voice = '3' should be a table, written \[voice\]"):
        load_character("ada")


def test_text_that_is_not_utf8_is_refused(home: Path) -> None:
    folder = put(home, TOML)
    (folder / "character.toml").write_bytes(b'name = "\xff\xfe"')
    with pytest.raises(InputError, match="UTF-8"):
        load_character("ada")


def test_a_missing_head_names_those_there_are(home: Path) -> None:
    put(home, TOML.replace('"egg"', '"flame2023"'))
    with pytest.raises(NotFoundError, match=r"no head 'flame2023'.*egg"):
        load_character("ada")


def test_a_guest_needs_no_head_model(home: Path) -> None:
    put(home, 'name = "Cat"\nrights = "CC0"\nhead = "arkit"\ncontrols_only = true')
    assert load_character("ada").controls_only
    assert load_character("ada").identity.size == 0


def test_imported_heads_come_before_shipped_ones_of_the_same_name(home: Path) -> None:
    own_head(home / "heads" / "egg.npz", vertices=600)
    (home.parent / "LIKENESS_DATA" / "heads").mkdir()
    own_head(home.parent / "LIKENESS_DATA" / "heads" / "egg.npz", vertices=300)
    assert load_head("egg").model.vertex_count == 300
