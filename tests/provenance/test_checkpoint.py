from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import VerificationError
from likeness.provenance.checkpoint import Checkpoint, origin, read_checkpoint, sign_checkpoint
from likeness.provenance.keys import ServerKey


@pytest.fixture
def key(tmp_path: Path) -> ServerKey:
    return ServerKey.load_or_create(tmp_path)


def test_a_note_says_what_was_signed(key: ServerKey) -> None:
    note = sign_checkpoint(Checkpoint(42, bytes(range(32))), key)
    lines = note.split("\n")
    assert lines[0] == origin(key.public_bytes)
    assert lines[1] == "42"
    assert lines[3] == ""
    assert lines[4].startswith(f"— {lines[0]} ")
    assert read_checkpoint(note, key.public_bytes) == Checkpoint(42, bytes(range(32)))


@pytest.mark.parametrize(
    "change",
    [
        lambda n: n.replace("\n42\n", "\n43\n"),
        lambda n: n.replace("\n42\n", "\n042\n"),
        lambda n: n.replace("AAEC", "BBEC"),
        lambda n: n.replace("likeness-ledger", "likeness-letter", 1),
        lambda n: n[:-10] + "A" * 9 + "\n",
        lambda n: n + n,
        lambda n: n.split("\n\n")[0] + "\n",
        lambda n: "",
    ],
)
def test_a_changed_note_does_not_hold(key: ServerKey, change: object) -> None:
    note = sign_checkpoint(Checkpoint(42, bytes(range(32))), key)
    changed = change(note)  # type: ignore[operator]
    assert changed != note
    with pytest.raises(VerificationError):
        read_checkpoint(changed, key.public_bytes)


def test_a_note_of_another_key_does_not_hold(key: ServerKey, tmp_path: Path) -> None:
    other = ServerKey.load_or_create(tmp_path / "other")
    with pytest.raises(VerificationError, match="another ledger"):
        read_checkpoint(sign_checkpoint(Checkpoint(1, bytes(32)), other), key.public_bytes)


@given(st.text(max_size=300))
def test_random_text_is_no_note(text: str) -> None:
    with pytest.raises(VerificationError):
        read_checkpoint(text, bytes(32))
