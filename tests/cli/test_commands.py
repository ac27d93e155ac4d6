"""What a person at the command line is promised: help that teaches, and errors that are one sentence."""

import io
import sys
import wave
import zipfile
from pathlib import Path

import pytest

from likeness.cli.main import cli, run

COMMANDS = (
    "serve", "say", "animate", "play", "verify", "characters", "heads", "sessions", "ledger", "inputs",
    "track", "doctor", "bench",
)  # fmt: skip


def likeness(*arguments: str) -> int:
    return run(lambda: cli.main(args=list(arguments), prog_name="likeness", standalone_mode=False))


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys) -> None:
    assert likeness(command, "--help") == 0
    assert "Usage: likeness" in capsys.readouterr().out


def test_a_sentence_becomes_a_take_that_verifies_until_a_byte_is_changed(tmp_path: Path, capsys) -> None:
    take = tmp_path / "take.npz"
    assert likeness("say", "Good morning.", "--character", "einstein", "-o", str(take)) == 0
    assert likeness("verify", str(take)) == 0
    said = capsys.readouterr().out
    assert "It portrays Albert Einstein" in said
    assert "VERIFIED" in said
    assert likeness("sessions", "list") == 0
    assert likeness("ledger", "verify") == 0
    capsys.readouterr()

    with zipfile.ZipFile(take) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    jaw = bytearray(members["jaw.npy"])
    jaw[-2] ^= 1
    members["jaw.npy"] = bytes(jaw)
    with zipfile.ZipFile(take, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert likeness("verify", str(take)) == 1
    assert "VERIFIED." not in capsys.readouterr().out.replace("NOT VERIFIED.", "")


@pytest.fixture
def wrong_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with files that are not what their names say."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "empty.wav").touch()
    (folder / "not-a-wave.wav").write_text("no wave\n" * 50)
    (folder / "pickle.pkl").write_bytes(b"\x80\x02cposix\nsystem\nX\x0e\x00\x00\x00touch executed\x85R.")
    for name, sound in (("no-samples.wav", b""), ("silence.wav", bytes(96_000))):
        with wave.open(str(folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48_000)
            file.writeframes(sound)
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "Hello.", "-c", "nobody"], "no character 'nobody'"),
        (["say", ""], "empty"),
        (["say", "x" * 1_000_000], "characters"),
        (["say", "Hello.", "-o", "take.mp4"], ".npz"),
        (["say", "Hello.", "-o", "/no/such/folder/take.npz"], "does not exist"),
        (["animate", "/etc/passwd"], "audio"),
        (["animate", "/no/such/file.wav"], "/no/such/file.wav"),
        (["verify", "/etc/passwd"], "not a take"),
        (["play", "/etc/passwd", "--no-browser"], "not a take"),
        (["heads", "import", "/etc/passwd"], "/etc/passwd"),
        (["characters", "import", "/etc/passwd"], "/etc/passwd"),
        (["sessions", "show", "nothing"], "no ledger"),
        (["serve", "--host", "0.0.0.0"], "token secret"),
        (["serve", "--config", "/no/such.toml"], "/no/such.toml"),
        (["track"], "--camera 0"),
        (["animate", "/tmp"], "folder"),
        (["animate", "not-a-wave.wav"], "not an audio file"),
        (["animate", "empty.wav"], "empty"),
        (["animate", "no-samples.wav"], "no sound"),
        (["animate", "silence.wav", "--transcript", "/no/such.txt"], "no such transcript"),
        (["say", "Hello.", "--head", "nobodys"], "no head 'nobodys'"),
        (["say", "<speak/>"], "nothing that can be spoken"),
        (["say", "\x00\x07"], "nothing that can be spoken"),
        (["characters", "import", "not-a-wave.wav", "--name", "X", "--rights", "none"], "glTF"),
        (["heads", "import", "pickle.pkl"], "Nothing in it was run"),
    ],
)
def test_a_wrong_input_is_one_sentence_and_code_2(
    arguments: list[str], words: str, capsys, wrong_files: Path
) -> None:
    before = sorted(wrong_files.rglob("*"))
    assert likeness(*arguments) == 2
    assert sorted(wrong_files.rglob("*")) == before, "nothing is left half-written"
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_recording_that_was_cut_short_is_animated_and_said_to_be_short(tmp_path: Path, capsys) -> None:
    path = tmp_path / "cut.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(8_000)
        file.writeframes(bytes(6 * 8_000))
    path.write_bytes(path.read_bytes()[:30_000])
    assert likeness("animate", str(path)) == 0
    assert "cut short" in capsys.readouterr().err
    assert likeness("verify", str(path.with_suffix(".npz"))) == 0


def test_the_voice_alone_is_a_wave_file_however_its_name_is_written(tmp_path: Path) -> None:
    assert likeness("say", "Hello.", "-o", str(tmp_path / "voice.WAV")) == 0
    with wave.open(str(tmp_path / "voice.WAV")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
        assert file.getnframes() > 24_000


@pytest.mark.parametrize(("data", "words"), [(b"\xff\xfeh", "UTF-8"), (b"a" * (1 << 20), "characters")])
def test_what_comes_by_standard_input_is_checked_too(
    data: bytes, words: str, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert likeness("say", "-") == 2
    assert words in capsys.readouterr().err


def test_a_wrong_key_in_a_configuration_names_the_right_one(tmp_path: Path, capsys) -> None:
    config = tmp_path / "likeness.toml"
    config.write_text("[server]\nprot = 8080\n")
    assert likeness("serve", "--config", str(config)) == 2
    assert "port" in capsys.readouterr().err


def test_a_misspelt_command_is_guessed(capsys) -> None:
    assert likeness("sey") == 2
    assert "Did you mean 'say'?" in capsys.readouterr().err
